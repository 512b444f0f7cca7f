"""Doubts about how many rows a day has: doubled, halved, one shop of several, another kind of file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.findings import Doubt, Finding
from retrain.plausible.judged import dates
from retrain.plausible.level import jump_of
from retrain.plausible.robust import NORMAL, middle, shown, sizes, times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.data.landed import FileContent
    from retrain.plausible.judged import Judged

    type Vector = NDArray[np.float64]
    type Mask = NDArray[np.bool_]
    type Ordinals = NDArray[np.int64]

PAST_DAYS, NEXT_DAYS = 731, 366
COPIES = (2, 3, 4)
ALL, NOT_ALL = 0.95, 0.8  # of the days have a multiple of so many rows
FEWEST_DAYS, FEWEST_RUN = 7, 14
AS_COPIED = 0.35  # logarithm: how near the ratio has to be to the number of copies
WHOLE_YEAR, YEAR_DAYS, COMPARED_DAYS, WEEK = 250, 364, 56, 7
HALF, THIRD = math.log(0.65), math.log(0.42)  # of the rows, with and without the season being known
APART, DEVIATIONS, SMALLEST_SPREAD, FEWEST_WEEKS, LASTING_WEEKS = math.log(1.1), 5.0, 0.02, 4, 8
CHANCE = 1e-5


def kind(judged: Judged, landed: FileContent) -> Finding | None:
    """A file of transactions in a store of one row a day, or one row a day in a store of transactions."""
    if np.isnan(judged.before).all() or not (judged.in_file & ~judged.is_added).any():
        return None
    new = set(dates(judged.days[judged.in_file & ~judged.is_added]))
    own = np.array([total.rows for day, total in landed.totals.items() if day in new])
    if judged.is_daily:
        several = int((own > 1).sum())
        if not several:
            return None
        found = f"{several:,} of its {len(own):,} days have several rows, up to {own.max():,}"
        return Finding(
            Doubt.ROWS, (), found, "one row a day, as all files before; land the file in a store of its own"
        )
    before = judged.rows_before[~np.isnan(judged.rows_before)]
    single = max(float((before == 1).mean()), 1 / (len(before) + 1))
    if (own > 1).any() or single ** len(own) >= CHANCE:
        return None
    found = f"each of its {len(own):,} days has one row; it may hold one amount a day instead of transactions"
    return Finding(Doubt.ROWS, (), found, f"about {shown(middle(before))} rows a day, as in the history")


def copied(judged: Judged, landed: FileContent) -> Finding | None:
    """Days on which every row is there twice, or three or four times.

    Their numbers of rows are multiples of 2 and twice those of other days. A business that doubles has odd numbers.
    """
    if judged.is_daily:
        return None
    around = judged.near(PAST_DAYS, NEXT_DAYS)
    rows = {day.toordinal(): total.rows for day, total in landed.totals.items()}
    own = np.array([rows.get(int(day), 0) for day in around.days]) * around.is_judged
    for copies in COPIES:
        held = _copied(around, own, copies)
        if held.any():
            ratio = _ratio(around, held)
            all_of_it = held.sum() >= ALL * around.is_judged.sum()
            few = dates(around.days[held])
            found = (
                f"{held.sum():,} days, the first is {few[0]}, have {math.exp(ratio):.2f} times the rows of the "
                f"days around, each a multiple of {copies}: each row seems to be there {copies} times"
            )
            held_days = () if all_of_it else few
            return Finding(
                Doubt.ROWS, held_days, found, f"each row once, about {shown(_typical(around, held))} rows a day"
            )
    return None


def _copied(around: Judged, own: NDArray[np.int_], copies: int) -> Mask:
    """The days of the file whose rows seem to be copies; none if that may be chance."""
    is_judged = around.is_judged & (own > 0)
    multiple = is_judged & (own % copies == 0)
    settled = around.rows[~around.is_judged]
    usual_share = float((settled % copies == 0).mean()) if len(settled) else 1.0
    is_fixed = len(settled) > 0 and np.ptp(settled) == 0
    nothing = np.zeros(len(own), dtype=bool)
    if is_judged.sum() >= FEWEST_DAYS and multiple.sum() >= ALL * is_judged.sum():
        if len(settled) < FEWEST_DAYS or (usual_share > NOT_ALL and not is_fixed):
            return nothing
        # Numbers that are the same say it once, and a level that has changed says nothing against it.
        is_sure = max(usual_share, 1 / copies) ** len(np.unique(own[is_judged])) < CHANCE
        return is_judged if is_sure or _is_ratio(around, is_judged, copies) else nothing
    for run in _runs(multiple, is_judged):
        part = nothing.copy()
        part[run] = True
        if _is_ratio(around, part, copies):
            return part
    return nothing


def _runs(multiple: Mask, is_judged: Mask) -> list[NDArray[np.intp]]:
    """Runs of at least two weeks of judged days, between days that are not multiples."""
    at = np.flatnonzero(is_judged)
    groups = np.split(at, np.flatnonzero(np.diff(multiple[at].astype(int))) + 1)
    return [run for run in groups if len(run) >= FEWEST_RUN and multiple[run].all()]


def _is_ratio(around: Judged, part: Mask, copies: int) -> bool:
    return abs(_ratio(around, part) - math.log(copies)) <= AS_COPIED


def _ratio(around: Judged, part: Mask) -> float:
    """Logarithm of the rows a day of the part to those of the eight weeks on either side of it; NaN without any."""
    return middle(np.log(around.rows[part])) - math.log(_typical(around, part))


def _typical(around: Judged, part: Mask) -> float:
    own = around.days[part]
    near = (around.days >= own[0] - 56) & (around.days <= own[-1] + 56) & ~part
    return middle(around.rows[near if near.any() else ~part])


def level(judged: Judged) -> Finding | None:
    """Far more or far fewer rows a day than before, down to half of them where the history knows the season."""
    if judged.is_daily:
        return None
    around = judged.near(PAST_DAYS, NEXT_DAYS)
    logs = sizes(around.rows)
    jump = jump_of(around, logs)
    if jump is not None:
        found = (
            f"{shown(jump.level)} rows a day, {times(jump.size)} the {shown(jump.other)} of the days next to them"
        )
        return Finding(Doubt.ROWS, (), found, "a number of rows that follows that of the days before and after")
    fall = _fall(around, logs)
    if fall is None:
        return None
    share, typical = math.exp(fall), middle(around.rows[around.is_new])
    return Finding(
        Doubt.ROWS,
        (),
        f"about {shown(typical)} rows a day, {share:.0%} of what the days before let expect; some may be missing",
        f"about {shown(typical / share)} rows a day; a business that loses trade does so from one week to the next",
    )


def _fall(around: Judged, logs: Vector) -> float | None:
    """Logarithm of the ratio of the rows to those before, where a file follows the history with a fall; else None.

    A file that comes before the history is read backwards.

    With more than a year of history each day is compared with the same weekday a year before, without it with the
    same weekdays of the eight weeks before. The fall must be there from the first week on and in nearly all weeks,
    and larger than what the weeks before differ among each other.
    """
    new = around.is_new
    if new.sum() < FEWEST_DAYS or np.isnan(around.before).all() or new[0] == new[-1]:
        return None
    days = around.days
    past = ~around.is_judged
    is_backwards = bool(new[0])
    if is_backwards:
        days, logs, new, past = -days[::-1], logs[::-1], new[::-1], past[::-1]
    first = int(days[new][0])
    past = past & (days < first)
    has_year = past.sum() >= WHOLE_YEAR and first - days[past][0] > YEAR_DAYS + COMPARED_DAYS
    expected = _a_year_before(days, logs) if has_year else _weekdays_before(days, logs, past, first)
    recent = past & (days >= first - COMPARED_DAYS)
    now, before = _weekly(days, logs - expected, new), _weekly(days, logs - expected, recent)
    if not len(now) or len(before) < FEWEST_WEEKS:
        return None
    fall = float(np.median(now[:4])) - float(np.median(before))
    spread = max(NORMAL * middle(np.abs(before - np.median(before))), SMALLEST_SPREAD)
    # Read backwards, a business that begins falls from one week to the next.
    is_sudden = not is_backwards and _beyond_the_trend(now, before) < HALF
    least = HALF if has_year or is_sudden else THIRD
    lowest = float(before.min())
    is_lasting = float(np.quantile(now[:LASTING_WEEKS], 0.9)) < lowest - APART
    noise = spread * math.sqrt(1 / len(now[:4]) + 1 / len(before))
    return fall if is_lasting and fall < min(least, -DEVIATIONS * noise) else None


def _beyond_the_trend(now: Vector, before: Vector) -> float:
    """The fall from the last weeks before to the first ones of the file, beyond that which was under way; or 0.

    A season that ends falls from week to week, a part of the rows is missing at once.
    """
    if len(before) < LASTING_WEEKS:
        return 0.0
    half = len(before) // 2
    earlier, later = float(np.median(before[:half])), float(np.median(before[half:]))
    under_way = min(later - earlier, 0.0) / half * (half + len(now[:4])) / 2
    return max(float(np.median(now[:4])) - later - under_way, float(now[0] - before[-2:].min()))


def _a_year_before(days: Ordinals, logs: Vector) -> Vector:
    """The rows of the same weekday 52 weeks before, NaN without that day."""
    place = np.minimum(np.searchsorted(days, days - YEAR_DAYS), len(days) - 1)
    return np.where(days[place] == days - YEAR_DAYS, logs[place], np.nan)


def _weekdays_before(days: Ordinals, logs: Vector, past: Mask, first: int) -> Vector:
    """The median of the same weekday in the eight weeks before the file."""
    near = past & (days >= first - COMPARED_DAYS)
    typical = np.array([middle(logs[near & (days % WEEK == weekday)]) for weekday in range(WEEK)])
    return typical[days % WEEK]


def _weekly(days: Ordinals, values: Vector, part: Mask) -> Vector:
    """The median of each week of the part; weeks of fewer than three days are left out."""
    own, known = days[part], values[part]
    if not len(own):
        return own.astype(np.float64)
    groups = [known[(own - own[0]) // WEEK == week] for week in range(int(own[-1] - own[0]) // WEEK + 1)]
    return np.array([middle(group) for group in groups if (~np.isnan(group)).sum() >= 3])

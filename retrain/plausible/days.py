"""Doubts about single days: an absurd amount, a last day that is cut short, one amount that repeats."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.findings import Doubt, Finding
from retrain.plausible.judged import dates
from retrain.plausible.robust import FEWEST, Tail, shown, sizes, times, usual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.plausible.judged import Judged

    type Vector = NDArray[np.float64]

PAST_DAYS, NEXT_DAYS = 731, 366  # of the history around a file that tell what is usual
LEAST_ABSURD = math.log(20)  # a Black Friday of 8 times, on a good weekday, with noise
UNKNOWN_ABSURD = math.log(1000)  # where too few days are known to tell how they vary
ALONE = 2.0  # an absurd day is at least so many times as large as any other
TWINS = 2  # of it in the same file
CONSTANT_DAYS = 28  # a shorter run of equal amounts may be real
RARE = 1e-4  # chance of a run of equal amounts, where the same amount is common on other days
SHORT_ROWS, SHORT_UNKNOWN, SHORT_TODAY, SHORT_AMOUNT = (math.log(share) for share in (0.5, 0.15, 0.5, 0.1))
YEAR_DAYS, MOVING_DAYS, WEEK = 365.25, 35, 7
SLACK = 1.2  # on the largest drop of the same season before
CUT_ROWS, CUT_AMOUNT = math.log(0.8), math.log(0.5)  # where the file itself seems to be cut


def absurd_days(judged: Judged) -> list[Finding]:
    """Days on which no honest amount, or number of rows, could be so large; one finding for each of the two.

    A day is absurd that is beyond the tail of what days differ from what is usual for them, at least 20 times it,
    and twice as large as any day before: a yearly event, monthly invoices and heavy tails are not.
    """
    around = judged.near(PAST_DAYS, NEXT_DAYS)
    found = _absurd(judged, around, around.amounts, judged.amounts, Doubt.ABSURD_DAY, "")
    if judged.is_daily or np.array_equal(around.amounts, around.rows):
        return found
    return found + _absurd(judged, around, around.rows, judged.rows, Doubt.ROWS, " rows")


def _absurd(
    judged: Judged, around: Judged, values: Vector, everything: Vector, doubt: Doubt, unit: str
) -> list[Finding]:
    logs = sizes(values)
    expected = usual(around.days, logs)
    distance = logs - expected
    has_size = ~np.isnan(logs)
    tail = Tail.of(distance[has_size])
    limit = tail.limit(int(around.is_judged.sum())) if tail.is_known else UNKNOWN_ABSURD
    limit = max(limit, LEAST_ABSURD)
    far = np.flatnonzero(around.is_judged & has_size & (np.nan_to_num(distance) > limit))
    if not len(far) or has_size.sum() <= 1:
        return []
    settled = np.abs(everything[~judged.is_judged])
    largest_before = float(settled.max(initial=0.0))
    own = np.abs(values[around.is_judged])
    held = []
    for at in far.tolist():
        size = abs(float(values[at]))
        if largest_before < size / ALONE and int((own >= size / ALONE).sum()) - 1 <= TWINS:
            held.append(at)
    if not held:
        return []
    worst = max(held, key=lambda at: float(distance[at]))
    typical, day = math.exp(float(expected[worst])), date.fromordinal(int(around.days[worst]))
    value, most = float(values[worst]), math.exp(min(limit, 700.0)) * typical
    return [
        Finding(
            doubt,
            dates(around.days[held]),
            f"{day} has {shown(value)}{unit}, {times(float(distance[worst]))} the {shown(typical)} of the same "
            "weekday in the weeks around it",
            f"at most {shown(most)}{unit} on that day, by how much the days differ",
        )
    ]


def cut_short(judged: Judged, today: date, why: str) -> Finding | None:
    """The last day of the file, if it has far fewer rows, or in daily files far less, than such a day has.

    Args: why: the reason for which the file itself seems to be cut; empty if it does not.
    """
    last = int(np.flatnonzero(judged.in_file)[-1])
    if not judged.is_judged[last]:
        return None
    around = judged.near(PAST_DAYS, NEXT_DAYS)
    at = int(np.searchsorted(around.days, judged.days[last]))
    values, unit = (around.amounts, "") if judged.is_daily else (around.rows, " rows")
    logs = sizes(values)
    expected = float(usual(around.days, logs)[at])
    day, value = date.fromordinal(int(judged.days[last])), float(values[at])
    if why:
        enough = CUT_AMOUNT if judged.is_daily else CUT_ROWS
        if not math.isnan(expected) and value and math.log(abs(value)) - expected >= enough:
            return None
        return _short(day, f"{why}; {day} has {shown(value)}{unit}", expected, unit)
    if not value or (~np.isnan(logs) & (around.days < around.days[at])).sum() < FEWEST:
        return None
    lately = float(np.median(logs[~np.isnan(logs) & (around.days < around.days[at])][-WEEK:]))
    distance = min(0.0, max(float(logs[at]) - expected, float(logs[at]) - lately))
    if -distance <= _honest_drop(around, logs, at, today):
        return None
    found = f"{day}, the last day of the file, has {shown(value)}{unit}, {times(distance)} what is usual"
    return _short(day, found, expected, unit)


def _honest_drop(around: Judged, logs: Vector, at: int, today: date) -> float:
    """By how much an honest day may fall short of what is usual, as a logarithm.

    In the first year nobody knows the holidays. After it those of the season tell: a holiday moves by five weeks.
    """
    drops = usual(around.days, logs) - logs
    others = (np.arange(len(logs)) != at) & ~np.isnan(logs)
    age = around.days[at] - around.days
    same_season = others & (np.abs(age % YEAR_DAYS - YEAR_DAYS / 2) >= YEAR_DAYS / 2 - MOVING_DAYS)
    known = same_season & (age > MOVING_DAYS) & ~around.is_judged
    is_first_year = not known.any()
    if around.days[at] >= today.toordinal():
        least = SHORT_TODAY
    elif around.is_daily:
        least = SHORT_AMOUNT
    else:
        least = SHORT_UNKNOWN if is_first_year else SHORT_ROWS
    seen = float(drops[same_season].max(initial=0.0))
    return max(Tail.of(drops[others]).limit(1), -least, SLACK * seen)


def _short(day: date, found: str, expected: float, unit: str) -> Finding:
    known = "the whole day" if math.isnan(expected) else f"about {shown(math.exp(expected))}{unit}"
    return Finding(Doubt.CUT_SHORT, (day,), found, f"{known}; land the file again when the day is complete")


def constant(judged: Judged) -> Finding | None:
    """Days on which one amount repeats for the 28th time and more, zeros excepted, which are a closure.

    The run is that of the days with rows, before and after the landing: it does not matter in how many files they
    land, nor whether some of them are held. A run of 28 days that was accepted may go on.
    """
    amounts = judged.amounts
    same = np.isclose(amounts[1:], amounts[:-1], rtol=1e-9, atol=0) & (amounts[1:] != 0)
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    ends = np.append(starts[1:], len(amounts))
    held: list[int] = []
    is_judged = judged.is_judged
    is_long = ends - starts >= CONSTANT_DAYS
    for start, end in zip(starts[is_long].tolist(), ends[is_long].tolist(), strict=True):
        if (~is_judged[start:end]).sum() >= CONSTANT_DAYS or _is_common(amounts, start, end):
            continue
        late = np.arange(start + CONSTANT_DAYS - 1, end)
        held.extend(late[is_judged[late]].tolist())
    if not held:
        return None
    value, length = float(amounts[held[0]]), int(max(ends - starts))
    return Finding(
        Doubt.CONSTANT,
        dates(judged.days[held]),
        f"{length} days in a row have the amount {shown(value)}; days from the {CONSTANT_DAYS}th on are held",
        f"fewer than {CONSTANT_DAYS} equal amounts in a row; the source seems to repeat one value",
    )


def _is_common(amounts: Vector, start: int, end: int) -> bool:
    """Whether the other days have this amount so often that a run of it may be chance."""
    others = np.concatenate([amounts[:start], amounts[end:]])
    if len(others) < CONSTANT_DAYS:
        return False
    share = float(np.isclose(others, amounts[start], rtol=1e-9, atol=0).mean())
    return share**CONSTANT_DAYS > RARE

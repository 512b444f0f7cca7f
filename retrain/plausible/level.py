"""Doubts about a whole file: the level of its amounts, how they vary, and how many rows a day it has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.findings import Doubt, Finding
from retrain.plausible.judged import dates
from retrain.plausible.robust import ENOUGH, NORMAL, factor, middle, shown, sizes, spread_of, times, usual

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from retrain.plausible.judged import Judged

    type Vector = NDArray[np.float64]
    type Mask = NDArray[np.bool_]
    type Ordinals = NDArray[np.int64]

WEEK = 7
PAST_DAYS, NEXT_DAYS = 731, 366  # of the history around a file that it is compared with
EDGE_DAYS = 14  # on either side of the first day of the file, where honest levels meet
FEWEST_PART, FEWEST_REST, FEWEST_INNER, FEWEST_FALL = 3, 7, 28, 56  # days with an amount
JUMP = math.log(5)  # a shop that opens a second, third, fourth one at once; not cents
SMALL_SAMPLE, DEVIATIONS = 1.2, 4.0
GROWTH_A_YEAR = math.log(3)
APART = math.log(3)  # between the levels of nearly all weeks before and nearly all weeks of the file
QUANTILE = 0.1
UNITS = {100.0: "cents", 0.01: "an amount in cents before", 1000.0: "units before that were thousands"}
UNITS |= {0.001: "thousands", 1e6: "units before that were millions", 1e-6: "millions"}
SAME_UNIT = math.log(1.35)
FEWEST_SPREAD, WIDER, LEAST_SPREAD, REPEATED = 14, math.log(5), 0.5, 1 / 20
NEGATIVE, NEVER_NEGATIVE = 0.9, 0.02


@dataclass(frozen=True, slots=True)
class Jump:
    """A part of the days whose level is apart from that of the rest.

    Attributes:
        size: logarithm of the ratio of the levels where the part meets the rest.
        level, other: medians there, currency or rows.
        first, last: ordinals of the part.
    """

    size: float
    level: float
    other: float
    first: int
    last: int


def scale(judged: Judged) -> Finding | None:
    """The file, or its beginning or end, on another scale: cents, thousands, another currency."""
    around = judged.near(PAST_DAYS, NEXT_DAYS)
    jump = jump_of(around, sizes(around.amounts))
    if jump is None:
        return None
    units = [unit for factor, unit in UNITS.items() if abs(jump.size - math.log(factor)) < SAME_UNIT]
    guess = f"; it may be {units[0]}" if units else ""
    found = (
        f"the median day is {shown(jump.level)}, {times(jump.size)} the {shown(jump.other)} of the days next to "
        f"them ({_period(jump.first, jump.last)}){guess}"
    )
    return Finding(Doubt.SCALE, (), found, "a level that follows that of the days before and after, the same unit")


def jump_of(judged: Judged, logs: Vector) -> Jump | None:
    """The jump where the new days meet the others, if it is beyond what honest levels do.

    It has to be a jump, of the 14 days on either side, so that growth and seasons are none; and the weeks have to
    lie apart from nearly all others of two years, so that what returns to an earlier level is none.
    """
    if (~np.isnan(logs[judged.is_new])).sum() < FEWEST_PART:
        return None
    for part, inner in _parts(judged, logs):
        rest = ~part & ~judged.is_changed & ~np.isnan(logs)
        has_size = part & ~np.isnan(logs)
        if rest.sum() < FEWEST_REST or not _is_apart(judged.days, logs, has_size, rest):
            continue
        jump = _edge(judged.days, logs, has_size, rest)
        if jump is None or abs(jump[0]) <= JUMP + jump[3]:
            continue
        if inner and jump[0] < 0 and has_size.sum() < FEWEST_FALL:
            continue
        own = judged.days[part]
        return Jump(jump[0], math.exp(jump[1]), math.exp(jump[2]), int(own[0]), int(own[-1]))
    return None


def _parts(judged: Judged, logs: Vector) -> Iterator[tuple[Mask, bool]]:
    """The new days; then, week by week, those from a day of the file on, and those before it."""
    new, known = judged.is_new, ~np.isnan(logs)
    if not new.all():
        yield new, False
    for start in _inner_jumps(judged.days[new], logs[new]):
        for part in (new & (judged.days >= start), new & (judged.days < start)):
            if min((part & known).sum(), (~part & known).sum()) >= FEWEST_INNER:
                yield part, True


def _inner_jumps(days: Ordinals, logs: Vector) -> list[int]:
    """The first days of those weeks of the file at which its level jumps; the others need no closer look."""
    known = ~np.isnan(logs)
    if not known.any():
        return []
    week, medians = _weeks((days[known] - days[0]) // WEEK, logs[known])
    size = EDGE_DAYS // WEEK
    if len(medians) < 2 * size:
        return []
    levels = np.convolve(medians, np.ones(size) / size, "valid")
    jumps = np.abs(levels[size:] - levels[:-size]) > JUMP / 2
    return [int(days[0]) + WEEK * int(each) for each in week[size : size + len(jumps)][jumps]]


def _is_apart(days: Ordinals, logs: Vector, part: Mask, rest: Mask) -> bool:
    """Whether nearly all weeks of the part are above, or below, nearly all of the rest."""
    one, other = _weeks(days[part] // WEEK, logs[part])[1], _weeks(days[rest] // WEEK, logs[rest])[1]
    above = np.quantile(one, QUANTILE) - np.quantile(other, 1 - QUANTILE)
    below = np.quantile(other, QUANTILE) - np.quantile(one, 1 - QUANTILE)
    return bool(max(above, below) >= APART)


def _weeks(week: Ordinals, values: Vector) -> tuple[Ordinals, Vector]:
    """The weeks that there are, and the median of each."""
    order = np.lexsort((values, week))
    names, starts, counts = np.unique(week, return_index=True, return_counts=True)
    ordered = values[order]
    return names, (ordered[starts + (counts - 1) // 2] + ordered[starts + counts // 2]) / 2


def _edge(days: Ordinals, logs: Vector, part: Mask, rest: Mask) -> tuple[float, float, float, float] | None:
    """The smaller of the jumps at the two ends of the part: its size, the two levels, and the allowance."""
    found = []
    for inside, outside in _ends(days, part, rest):
        noise = max(_deviation(days[side], logs[side]) for side in (inside, outside))
        smaller = min(inside.sum(), outside.sum())
        distance = int(np.abs(days[inside][:, None] - days[outside][None, :]).min())
        allowed = (SMALL_SAMPLE + DEVIATIONS * noise) / math.sqrt(smaller) + GROWTH_A_YEAR * distance / 365
        level, other = middle(logs[inside]), middle(logs[outside])
        found.append((level - other, level, other, allowed))
    if not found or len({jump[0] > 0 for jump in found}) > 1:
        return None
    return min(found, key=lambda jump: abs(jump[0]) - jump[3])


def _ends(days: Ordinals, part: Mask, rest: Mask) -> Iterator[tuple[Mask, Mask]]:
    """Where the part meets the rest: the 14 days inside and the 14 outside, at its beginning and at its end."""
    own, others = days[part], days[rest]
    earlier, later = others[others < own[0]], others[others > own[-1]]
    if len(earlier):
        before = rest & (days <= earlier[-1]) & (days > earlier[-1] - EDGE_DAYS)
        yield part & (days < own[0] + EDGE_DAYS), before
    if len(later):
        yield part & (days > own[-1] - EDGE_DAYS), rest & (days >= later[0]) & (days < later[0] + EDGE_DAYS)


def _deviation(days: Ordinals, logs: Vector) -> float:
    """Robust standard deviation beside the pattern of the week, or of all days where there are no two weeks."""
    pairs = np.intersect1d(days, days + WEEK, assume_unique=True)
    if len(pairs) < ENOUGH:
        return spread_of(logs)
    steps = logs[np.searchsorted(days, pairs)] - logs[np.searchsorted(days, pairs - WEEK)]
    return float(NORMAL * np.median(np.abs(steps)) / math.sqrt(2))


def sign(judged: Judged) -> Finding | None:
    """Amounts with the other sign: a file of costs, or of an export that books sales as negative."""
    new = judged.amounts[judged.is_new & (judged.amounts != 0)]
    others = judged.amounts[~judged.is_judged & (judged.amounts != 0)]
    if len(new) < FEWEST_PART or len(others) < FEWEST_REST:
        return None
    share, before = float((new < 0).mean()), float((others < 0).mean())
    flipped = share >= NEGATIVE and before <= NEVER_NEGATIVE
    if not flipped and not (share <= NEVER_NEGATIVE and before >= NEGATIVE):
        return None
    return Finding(
        Doubt.SCALE,
        (),
        f"{share:.0%} of the amounts are negative",
        f"the sign of the days before, of which {before:.0%} are negative; look at the sign of the column",
    )


def spread(judged: Judged) -> Finding | None:
    """Amounts that vary far more beside the pattern of the week than before, or, as in a plan, hardly at all."""
    around = judged.near(PAST_DAYS, NEXT_DAYS)
    logs = sizes(around.amounts)
    known = ~np.isnan(logs)
    distance = (logs - usual(around.days, logs))[known]
    new, others = _steps(distance, around.is_new[known]), _steps(distance, ~around.is_judged[known])
    if len(new) < FEWEST_SPREAD or len(others) < 2 * FEWEST_SPREAD:
        return None
    now, before = float(np.mean(new)), float(np.mean(others))
    is_wider = now > LEAST_SPREAD and now > before * math.exp(WIDER + 2 / math.sqrt(len(new)))
    is_constant = np.ptp(around.amounts[around.is_new]) == 0
    is_repeated = (
        not is_constant
        and len(new) >= 2 * FEWEST_SPREAD
        and np.quantile(new, 1 - QUANTILE) < REPEATED * middle(others)
    )
    if not is_wider and not is_repeated:
        return None
    hint = "another unit on some of its days" if is_wider else "a plan, or amounts that were filled in"
    return Finding(
        Doubt.SPREAD,
        (),
        f"beside the pattern of the week the amounts change by a factor of {factor(now)} a day; it may be {hint}",
        f"a factor of about {factor(before)}, as in the history",
    )


def _steps(distance: Vector, part: Mask) -> Vector:
    """By how much the distances from what is usual change from one day of the part to the next."""
    return np.abs(np.diff(distance))[part[1:] & part[:-1]]


def _period(first: int, last: int) -> str:
    start, end = dates((first, last))
    return f"{start}" if start == end else f"{start} to {end}"

"""Doubts about when: days in the future, weekly or monthly data, and gaps."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.findings import Doubt, Finding
from retrain.data.series import MAX_GAP_DAYS, GapPolicy, missing_days
from retrain.plausible.judged import dates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.plausible.judged import Judged

    type Ordinals = NDArray[np.int64]

CLOCK_DAYS = 1  # clocks and time zones differ
CADENCES = {
    "weekly": (7, 7),
    "of every second week": (14, 14),
    "of twice a month": (13, 18),
    "monthly": (28, 31),
    "quarterly": (89, 92),
    "yearly": (365, 366),
}
"""Distances in days from one row to the next. A shop that opens on two or three days a week has several."""
REGULAR, FEWEST_STEPS = 0.9, 4
ZERO_GAP_DAYS = 366  # a season that is closed; the zeros of a longer one would be a wrong date's
LONGER = 1.5  # than every gap that was accepted before


def in_future(judged: Judged, today: date) -> Finding | None:
    """Days that have not been yet."""
    last = today + timedelta(days=CLOCK_DAYS)
    ahead = dates(judged.days[judged.is_judged & (judged.days > last.toordinal())])
    if not ahead:
        return None
    found = f"{_days(len(ahead))} in the future, the last is {ahead[-1]}"
    held = () if len(ahead) == judged.in_file.sum() else ahead
    return Finding(Doubt.FUTURE, held, found, f"no day after {last}; look at the year and at RETRAIN_DATE_COLUMN")


def not_daily(judged: Judged) -> Finding | None:
    """Rows that follow each other at one distance that is longer than a day.

    A file of few rows is looked at with the days around it, so that a year of months is the same as twelve files.
    Closed weekends, a shop that opens on three days a week and irregular demand have no such distance.
    """
    own = judged.days[judged.in_file]
    if len(own) <= FEWEST_STEPS:
        own = judged.days[(judged.days >= own[0] - 366) & (judged.days <= own[-1] + 366)]
    steps = np.diff(own)
    if len(steps) < FEWEST_STEPS:
        return None
    span = int(own[-1] - own[0]) + 1
    for name, (shortest, longest) in CADENCES.items():
        if np.mean((steps >= shortest) & (steps <= longest)) >= REGULAR:
            found = (
                f"{span - len(own):,} of the {span:,} days from {date.fromordinal(int(own[0]))} to "
                f"{date.fromordinal(int(own[-1]))} have no row; the data looks {name}"
            )
            return Finding(Doubt.CADENCE, (), found, "one amount or more for most days; land daily data")
    return None


def gap(judged: Judged, policy: GapPolicy, country: str = "") -> Finding | None:
    """Days that would leave a gap that is too long to be filled: those beyond it are held.

    It is the same gap whether it lies in the file or between the file and the history. The days on the side of the
    history, or in an empty store on the side with more days, land. A gap that was there before is no doubt, nor
    is a file that makes it smaller.
    """
    before = judged.days[~np.isnan(judged.before)]
    if policy is GapPolicy.REFUSE:
        return _any_gap(judged, before, country)
    own = judged.days[judged.is_new]
    if not len(own):
        return None
    longest = _longest_allowed(before, policy)
    stray, landing = _apart(judged.days, own, before, longest)
    if not len(stray):
        return None
    zero_helps = policy is GapPolicy.INTERPOLATE and len(
        _apart(judged.days, own, before, _longest_allowed(before, GapPolicy.ZERO))[0]
    ) < len(stray)
    distance, first, last = min(_distances(stray, landing))
    found = (
        f"{_days(len(stray))} ({_span(stray)}) with {distance:,} days without rows from "
        f"{date.fromordinal(first)} to {date.fromordinal(last)} between them and the other days"
    )
    held = () if len(stray) == judged.in_file.sum() else dates(stray)
    return Finding(Doubt.GAP, held, found, _advice(longest, policy, zero_helps=zero_helps))


def _apart(days: Ordinals, own: Ordinals, before: Ordinals, longest: int) -> tuple[Ordinals, Ordinals]:
    """The new days beyond a gap of more than `longest` days, and all days on the side that lands."""
    parts = np.split(days, np.flatnonzero(np.diff(days) - 1 > longest) + 1)
    landing = [part for part in parts if np.isin(part, before, assume_unique=True).any()]
    landing = landing or [max(parts, key=len)]
    return np.setdiff1d(own, np.concatenate(landing), assume_unique=True), np.concatenate(landing)


def _any_gap(judged: Judged, before: Ordinals, country: str) -> Finding | None:
    """With RETRAIN_GAPS=refuse: the days that would be missing; none where the landing fills an older gap."""
    amounts = dict(zip(dates(judged.days), judged.amounts.tolist(), strict=True))
    missing = missing_days(amounts, country)
    if len(before):
        first, last = date.fromordinal(int(before[0])), date.fromordinal(int(before[-1]))
        missing = [day for day in missing if not first <= day <= last]
    if not missing:
        return None
    return Finding(
        Doubt.GAP,
        (),
        f"{_days(len(missing))} would be missing, the first of them {missing[0]}",
        "no missing day, for RETRAIN_GAPS=refuse; land them first, or set RETRAIN_GAPS to interpolate or zero",
    )


def _longest_allowed(before: Ordinals, policy: GapPolicy) -> int:
    """Days without rows that are filled; a history that has longer gaps, a closed season, may have them again."""
    most = MAX_GAP_DAYS if policy is GapPolicy.INTERPOLATE else ZERO_GAP_DAYS
    known = int(np.diff(before).max(initial=1)) - 1
    return max(most, int(LONGER * known) if known > most else 0)


def _distances(stray: Ordinals, landing: Ordinals) -> list[tuple[int, int, int]]:
    """The gap on either side of the days that land, and between which days it is."""
    found = []
    earlier, later = stray[stray < landing[0]], stray[stray > landing[-1]]
    if len(earlier):
        found.append((int(landing[0] - earlier[-1]) - 1, int(earlier[-1]) + 1, int(landing[0]) - 1))
    if len(later):
        found.append((int(later[0] - landing[-1]) - 1, int(landing[-1]) + 1, int(later[0]) - 1))
    if not found:
        after = int(landing[landing > stray[-1]][0])
        found.append((after - int(stray[-1]) - 1, int(stray[-1]) + 1, after - 1))
    return found


def _advice(longest: int, policy: GapPolicy, *, zero_helps: bool) -> str:
    filled = "" if policy is GapPolicy.ZERO else ", which are interpolated"
    advice = f"at most {longest} days without rows{filled}; land the days between first, or correct the dates"
    return (
        f"{advice}; or set RETRAIN_GAPS=zero if a day without rows means an amount of zero"
        if zero_helps
        else advice
    )


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"


def _span(days: Ordinals) -> str:
    first, last = date.fromordinal(int(days[0])), date.fromordinal(int(days[-1]))
    return f"{first}" if first == last else f"{first} to {last}"

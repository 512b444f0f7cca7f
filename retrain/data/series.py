"""Merges the days of a file into the history, and makes the gapless daily series that models are fitted to."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np

from retrain.data.closures import ClosedDays, closed_days_of
from retrain.errors import DataError, SeriesTooShort

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

type Days = Mapping[date, float]
"""Observed days only, currency per day; a day without transactions is absent."""

# Sums of the same transactions in another order differ in the last bits; that is not a changed amount.
SAME_AMOUNT = 1e-9
# Longer gaps are not interpolated; files that land out of order leave such gaps for some time.
MAX_GAP_DAYS = 31


class GapPolicy(StrEnum):
    """What to do with a day without transactions."""

    INTERPOLATE = "interpolate"
    ZERO = "zero"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Restatement:
    """The history after a landed file, and what the file changes."""

    days: dict[date, float]
    new_days: tuple[date, ...]
    changed_days: tuple[date, ...]
    equal_days: int

    @property
    def changes_nothing(self) -> bool:
        """True if the history already has every day of the file with an equal amount."""
        return not self.new_days and not self.changed_days


def restate(history: Days, landed: Days) -> Restatement:
    """Merge a later file into the history; its amounts replace earlier ones.

    Amounts that are equal to a relative 1e-9 count as equal, and the earlier one is kept, so that the same
    transactions in another format or order give the same series.
    """
    changed = tuple(
        day
        for day, amount in sorted(landed.items())
        if day in history and not math.isclose(history[day], amount, rel_tol=SAME_AMOUNT, abs_tol=1e-12)
    )
    new = tuple(sorted(landed.keys() - history.keys()))
    merged = {**history, **{day: landed[day] for day in (*new, *changed)}}
    return Restatement(
        days=dict(sorted(merged.items())),
        new_days=new,
        changed_days=changed,
        equal_days=len(landed) - len(new) - len(changed),
    )


@dataclass(frozen=True, slots=True, eq=False)
class DailySeries:
    """One amount for every day from `first_day` on, without gaps.

    Attributes:
        first_day: the day of `values[0]`.
        values: shape (n,), currency per day, finite, read-only.
        interpolated: days whose amount is not known. No forecast is scored on them, no model observes them, and no
            fit depends on the amounts that they have here.
        closed: days without rows that follow a calendar: their amount is zero, and no model observes them.
        country: whose public holidays may be closed; empty for none.
    """

    first_day: date
    values: NDArray[np.float64]
    interpolated: tuple[date, ...] = ()
    closed: tuple[date, ...] = ()
    country: str = ""

    def __post_init__(self) -> None:
        if not len(self.values):
            raise SeriesTooShort("the series has no days; land a file of transactions first")
        if not np.isfinite(self.values).all():
            raise DataError(
                "the series has an amount that is not a finite number; correct the file and land it again"
            )
        self.values.setflags(write=False)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def last_day(self) -> date:
        """The day of the last amount."""
        return self.first_day + timedelta(days=len(self) - 1)

    @property
    def sha256(self) -> str:
        """The identity of the data: a digest of the first day, the amounts (IEEE 754), and the unobserved days."""
        digest = hashlib.sha256(self.first_day.isoformat().encode())
        digest.update(self.values.astype("<f8").tobytes())
        for days in (self.interpolated, self.closed):
            digest.update("".join(f"/{day}" for day in days).encode())
        return digest.hexdigest()

    @property
    def is_flat(self) -> bool:
        """True if the observed amounts differ only by rounding, in any currency."""
        return is_flat(self.values[self.observed])

    @property
    def observed(self) -> NDArray[np.bool_]:
        """True for days whose amount was observed, shape (n,)."""
        return ~(self._on(self.interpolated) | self._on(self.closed))

    @property
    def closures(self) -> ClosedDays:
        """The closed days as they follow from these days alone."""
        return closed_days_of(
            self.first_day, self.observed, np.where(self.observed, self.values, 0.0), self.country
        )

    def _on(self, days: tuple[date, ...]) -> NDArray[np.bool_]:
        mask = np.zeros(len(self), dtype=bool)
        mask[[self.position(day) for day in days]] = True
        return mask

    @property
    def longest_gap(self) -> int:
        """The most interpolated days in a row, those that are closed left out; 0 for none."""
        longest = length = 0
        closed, before = set(self.closed), None
        for day in self.interpolated:
            while before is not None and before + timedelta(days=1) in closed:
                before += timedelta(days=1)
            length = length + 1 if before is not None and day - before == timedelta(days=1) else 1
            longest, before = max(longest, length), day
        return longest

    def position(self, day: date) -> int:
        """The index of `day` in `values`; negative or beyond the end if the day is outside."""
        return (day - self.first_day).days

    def through(self, day: date) -> Self:
        """The series up to and including `day`.

        Raises: SeriesTooShort if `day` lies before the first day.
        """
        end = max(self.position(day) + 1, 0)
        interpolated, closed = (tuple(each for each in days if each <= day) for days in self._unobserved)
        return replace(self, values=self.values[:end].copy(), interpolated=interpolated, closed=closed)

    def last(self, days: int) -> Self:
        """The series of its last `days`, or all of them if there are fewer."""
        first_day = max(self.first_day, self.last_day - timedelta(days=days - 1))
        interpolated, closed = (tuple(each for each in of if each >= first_day) for of in self._unobserved)
        values = self.values[self.position(first_day) :].copy()
        return replace(self, first_day=first_day, values=values, interpolated=interpolated, closed=closed)

    @property
    def _unobserved(self) -> tuple[tuple[date, ...], tuple[date, ...]]:
        return self.interpolated, self.closed

    def observed_through(self, day: date) -> Self:
        """The series up to the last observed day that is not after `day`: what was known at the end of that day.

        An interpolated amount depends on the day after its gap, which was not known yet. That a day is closed may
        depend on later days too.
        """
        unobserved = {*self.interpolated, *self.closed}
        while day in unobserved:
            day -= timedelta(days=1)
        return self.through(day)

    def after(self, day: date) -> NDArray[np.float64]:
        """The observed amounts of the days after `day`, shape (k,), k >= 0; NaN for all other days."""
        return np.where(self.observed, self.values, np.nan)[max(self.position(day) + 1, 0) :]

    def closed_after(self, day: date) -> NDArray[np.bool_]:
        """Which days after `day` are closed, shape (k,), k >= 0."""
        return self._on(self.closed)[max(self.position(day) + 1, 0) :]


def is_flat(values: NDArray[np.float64]) -> bool:
    """True if the amounts differ only by rounding, in any currency, or if there are none."""
    return not len(values) or bool(np.ptp(values) <= SAME_AMOUNT * np.abs(values).max())


def gaps(days: Days) -> list[tuple[date, date]]:
    """The first and last missing day of every gap."""
    return [
        (before + timedelta(days=1), after - timedelta(days=1))
        for before, after in pairwise(sorted(days))
        if (after - before).days > 1
    ]


def longest_gap(days: Days) -> int:
    """The largest number of consecutive missing days; 0 for none."""
    return max(((last - first).days + 1 for first, last in gaps(days)), default=0)


def missing_days(days: Days, country: str = "") -> list[date]:
    """The days without rows between the first and the last that are not closed, ascending."""
    if not days:
        return []
    first, observed = _calendar(days)
    closed = closed_days_of(first, observed, _amounts(days, first, observed), country).past
    return _days(first, ~observed & ~closed)


def daily_series(days: Days, policy: GapPolicy, held: Collection[date] = (), country: str = "") -> DailySeries:
    """Make the gapless series; the policy says how to fill missing days.

    Closed days are zero and not missing, unless the policy is `zero`: then every missing day is an observed zero.

    Args:
        held: days that are not known, whatever `days` has and whatever the policy is.
        country: whose public holidays may be closed; empty for none.
    Raises: SeriesTooShort if there are no days; DataError if the policy is `refuse` and a day is missing.
    """
    known = {day: amount for day, amount in days.items() if day not in held}
    if not known:
        raise SeriesTooShort("the history has no days; land a file of transactions first")
    first, observed = _calendar(known)
    is_held = np.array([first + timedelta(days=at) in held for at in range(len(observed))], dtype=bool)
    values = _amounts(known, first, observed)
    if policy is GapPolicy.ZERO:
        observed = ~is_held
        closed = np.zeros_like(observed)
    else:
        closed = closed_days_of(first, observed, values, country).past & ~observed & ~is_held
    missing = ~observed & ~closed
    if policy is GapPolicy.REFUSE and (missing & ~is_held).any():
        lost = _days(first, missing & ~is_held)
        last = next(day for day in lost if day + timedelta(days=1) not in lost)
        raise DataError(
            f"{len(lost)} day(s) are missing, the first from {lost[0]} to {last}, and RETRAIN_GAPS=refuse; "
            "land the missing days or set RETRAIN_GAPS to interpolate or zero"
        )
    at = np.arange(len(values))
    values[missing] = np.interp(at[missing], at[observed], values[observed])
    return DailySeries(first, values, tuple(_days(first, missing)), tuple(_days(first, closed)), country)


def _calendar(days: Days) -> tuple[date, NDArray[np.bool_]]:
    """The first day, and which days from it to the last one are there, shape (n,)."""
    first = min(days)
    observed = np.zeros((max(days) - first).days + 1, dtype=bool)
    observed[[(day - first).days for day in days]] = True
    return first, observed


def _amounts(days: Days, first: date, observed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Shape (n,); zero for a day that is not there."""
    values = np.zeros(len(observed))
    values[[(day - first).days for day in days]] = list(days.values())
    return values


def _days(first: date, chosen: NDArray[np.bool_]) -> list[date]:
    return [first + timedelta(days=int(at)) for at in np.flatnonzero(chosen)]

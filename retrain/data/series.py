"""Merges the days of a file into the history, and makes the gapless daily series that models are fitted to."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np

from retrain.errors import DataError, SeriesTooShort

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        interpolated: days whose amount was not observed. They are part of the series that is fitted, but no
            forecast is scored on them and no model observes them.
    """

    first_day: date
    values: NDArray[np.float64]
    interpolated: tuple[date, ...] = ()

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
        """The identity of the data: a digest of the first day and the amounts, as IEEE 754 doubles."""
        digest = hashlib.sha256(self.first_day.isoformat().encode())
        digest.update(self.values.astype("<f8").tobytes())
        return digest.hexdigest()

    @property
    def is_flat(self) -> bool:
        """True if the amounts differ only by rounding, in any currency."""
        return bool(np.ptp(self.values) <= SAME_AMOUNT * np.abs(self.values).max())

    def position(self, day: date) -> int:
        """The index of `day` in `values`; negative or beyond the end if the day is outside."""
        return (day - self.first_day).days

    def through(self, day: date) -> Self:
        """The series up to and including `day`.

        Raises: SeriesTooShort if `day` lies before the first day.
        """
        end = max(self.position(day) + 1, 0)
        kept = tuple(filled for filled in self.interpolated if filled <= day)
        return type(self)(self.first_day, self.values[:end].copy(), kept)

    def last(self, days: int) -> Self:
        """The series of its last `days`, or all of them if there are fewer."""
        first_day = max(self.first_day, self.last_day - timedelta(days=days - 1))
        kept = tuple(filled for filled in self.interpolated if filled >= first_day)
        return type(self)(first_day, self.values[self.position(first_day) :].copy(), kept)

    def observed_through(self, day: date) -> Self:
        """The series up to the last observed day that is not after `day`: what was known at the end of that day.

        An interpolated amount depends on the day after its gap, which was not known yet.
        """
        unobserved = set(self.interpolated)
        while day in unobserved:
            day -= timedelta(days=1)
        return self.through(day)

    def after(self, day: date) -> NDArray[np.float64]:
        """The observed amounts of the days after `day`, shape (k,), k >= 0; NaN for interpolated days."""
        values = self.values.copy()
        values[[self.position(filled) for filled in self.interpolated]] = np.nan
        return values[max(self.position(day) + 1, 0) :]


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


def daily_series(days: Days, policy: GapPolicy) -> DailySeries:
    """Make the gapless series; the policy says how to fill missing days.

    Raises: SeriesTooShort if there are no days; DataError if the policy is `refuse` and a day is missing.
    """
    if not days:
        raise SeriesTooShort("the history has no days; land a file of transactions first")
    missing = gaps(days)
    if missing and policy is GapPolicy.REFUSE:
        first, last = missing[0]
        raise DataError(
            f"the days have {len(missing)} gap(s), the first from {first} to {last}, and RETRAIN_GAPS=refuse; "
            "land the missing days or set RETRAIN_GAPS to interpolate or zero"
        )

    import pandas as pd

    observed = pd.Series(days, dtype="float64")
    observed.index = pd.DatetimeIndex(observed.index)
    calendar = observed.sort_index().asfreq("D")
    if policy is GapPolicy.ZERO:
        calendar = calendar.fillna(0.0)
    filled = calendar.interpolate("linear")
    return DailySeries(
        first_day=calendar.index[0].date(),
        values=np.array(filled, dtype=np.float64),
        interpolated=tuple(stamp.date() for stamp in calendar.index[calendar.isna()]),
    )

"""Days and amounts: what one file restates of the history, and the gapless daily series a model is fitted on."""

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

# Two sums of the same transactions in another order differ in the last bits: that is no restatement.
SAME_AMOUNT = 1e-9
# A straight line over more than a month is an invention; files that land out of order leave such gaps for a while.
MAX_GAP_DAYS = 31


class GapPolicy(StrEnum):
    """What a day without transactions becomes."""

    INTERPOLATE = "interpolate"
    ZERO = "zero"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Restatement:
    """What a landed file does to the history."""

    days: dict[date, float]
    new_days: tuple[date, ...]
    changed_days: tuple[date, ...]
    equal_days: int

    @property
    def changes_nothing(self) -> bool:
        """True when the history already held every day of the file with an equal amount."""
        return not self.new_days and not self.changed_days


def restate(history: Days, landed: Days) -> Restatement:
    """Lay a later file over the history: its days win.

    Amounts equal to a relative 1e-9 count as equal and the older one stays, so that landing the same
    transactions in another form or order does not make another series.
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
        interpolated: the days whose amount was never observed. They keep the calendar whole and are fitted over,
            but no forecast is scored on one, and no state takes one in.
    """

    first_day: date
    values: NDArray[np.float64]
    interpolated: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.values):
            raise SeriesTooShort("the series has no days; land a file of transactions first")
        if not np.isfinite(self.values).all():
            raise DataError("the series holds an amount that is not a finite number")
        self.values.setflags(write=False)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def last_day(self) -> date:
        """The day of the last amount."""
        return self.first_day + timedelta(days=len(self) - 1)

    @property
    def sha256(self) -> str:
        """The identity of the data: first day and amounts, as IEEE 754 doubles."""
        digest = hashlib.sha256(self.first_day.isoformat().encode())
        digest.update(self.values.astype("<f8").tobytes())
        return digest.hexdigest()

    @property
    def is_flat(self) -> bool:
        """True when the days differ by no more than rounding, whatever the currency."""
        return bool(np.ptp(self.values) <= SAME_AMOUNT * np.abs(self.values).max())

    def position(self, day: date) -> int:
        """The index of `day` in `values`; negative or beyond the end when it lies outside."""
        return (day - self.first_day).days

    def through(self, day: date) -> Self:
        """The series up to and with `day`.

        Raises: SeriesTooShort if `day` lies before the first day.
        """
        end = max(self.position(day) + 1, 0)
        kept = tuple(filled for filled in self.interpolated if filled <= day)
        return type(self)(self.first_day, self.values[:end].copy(), kept)

    def observed_through(self, day: date) -> Self:
        """The series up to the last observed day that is not after `day`: what was known when that day ended.

        An interpolated amount knows the observation behind its gap.
        """
        unobserved = set(self.interpolated)
        while day in unobserved:
            day -= timedelta(days=1)
        return self.through(day)

    def after(self, day: date) -> NDArray[np.float64]:
        """What was observed on the days after `day`, shape (k,), k >= 0; NaN on those that were not."""
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
    """The most days in a row that are missing; 0 for none."""
    return max(((last - first).days + 1 for first, last in gaps(days)), default=0)


def daily_series(days: Days, policy: GapPolicy) -> DailySeries:
    """Make the gapless series, filling missing days as the policy says.

    Raises: SeriesTooShort for no days at all; DataError if the policy is `refuse` and a day is missing.
    """
    if not days:
        raise SeriesTooShort("the history has no days; land a file of transactions first")
    missing = gaps(days)
    if missing and policy is GapPolicy.REFUSE:
        first, last = missing[0]
        raise DataError(
            f"{len(missing)} gap(s) in the days, the first from {first} to {last}, and RETRAIN_GAPS=refuse; "
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

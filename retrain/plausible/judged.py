"""The days of a landing beside those that were there before, as arrays: what every doubt is decided on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Self

import numpy as np

from retrain.data.landed import Aggregate, DayTotal
from retrain.data.series import SAME_AMOUNT, GapPolicy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from numpy.typing import NDArray

    from retrain.data.landed import FileContent

    type Vector = NDArray[np.float64]
    type Mask = NDArray[np.bool_]
    type Ordinals = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """What was there before a landing.

    Attributes:
        totals: the history in force without what this landing replaces.
        replaced: what the file of the same name brought before; empty if none.
        aggregate: how the rows of a day become its amount; a store of one row a day has the amount itself.
        is_daily: whether the store has one row a day without ids; None for an empty store.
        trained_from, trained_through: first and last day that the champion was trained on; None without one.
        merged: where rows add up, what days that other files have too become together with theirs; None where a
            later file replaces the amount of a day. Days that are not in it become what the file says.
        country: whose public holidays may be closed; empty for none.
    """

    totals: Mapping[date, DayTotal]
    replaced: Mapping[date, DayTotal]
    aggregate: Aggregate
    is_daily: bool | None
    trained_through: date | None
    trained_from: date | None
    gaps: GapPolicy
    merged: Mapping[date, DayTotal] | None = None
    country: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Every day before or after a landing, ascending; all arrays have the shape (n,).

    Attributes:
        days: proleptic Gregorian ordinals.
        amounts, rows: after the landing, currency and number.
        before, rows_before: the same before it; NaN for days that are new.
        in_file: whether the file has the day.
        is_added: whether its rows add up with those of other files, and replace none.
        is_daily: whether a day has one row.
    """

    days: Ordinals
    amounts: Vector
    rows: Vector
    before: Vector
    rows_before: Vector
    in_file: Mask
    is_added: Mask
    is_daily: bool

    @classmethod
    def of(cls, landed: FileContent, known: Known) -> Self:
        """Lay the landing over what was known."""
        is_daily = known.is_daily
        if is_daily is None:
            is_daily = not landed.has_ids and all(total.rows == 1 for total in landed.totals.values())
        aggregate = Aggregate.SUM if is_daily else known.aggregate
        before = _in_force(known)
        after = {day: (known.merged or {}).get(day, total) for day, total in landed.totals.items()}
        days = sorted({**before, **after})
        old, new = _totals(days, before), _totals(days, after)
        in_file = ~np.isnan(new[1])
        rows = np.where(in_file, new[1], old[1])
        amounts = np.where(in_file, _amounts(*new, aggregate), _amounts(*old, aggregate))
        ordinals = np.array([day.toordinal() for day in days], dtype=np.int64)
        added = (known.merged or {}).keys() & known.totals.keys() - known.replaced.keys()
        is_added = in_file & np.array([day in added for day in days], dtype=bool)
        return cls(ordinals, amounts, rows, _amounts(*old, aggregate), old[1], in_file, is_added, is_daily)

    @property
    def is_new(self) -> Mask:
        """Days that only the file has."""
        return self.in_file & np.isnan(self.before)

    @property
    def is_changed(self) -> Mask:
        """Days of the file whose amount or number of rows was another one before."""
        with np.errstate(invalid="ignore", over="ignore"):
            limit = SAME_AMOUNT * np.maximum(np.abs(self.before), np.abs(self.amounts))
            differs = (np.abs(self.amounts - self.before) > limit) | (self.rows != self.rows_before)
        changed: Mask = self.in_file & ~np.isnan(self.before) & differs
        return changed

    @property
    def is_judged(self) -> Mask:
        """Days that the landing would make or change: only they can be held."""
        return self.is_new | self.is_changed

    def without(self, dropped: Collection[date]) -> Self:
        """As if the file did not have these days."""
        if not dropped:
            return self
        ordinals = np.array([day.toordinal() for day in dropped])
        hit = np.isin(self.days, ordinals) & self.in_file
        keep = ~(hit & np.isnan(self.before))
        back = replace(
            self,
            amounts=np.where(hit, self.before, self.amounts),
            rows=np.where(hit, self.rows_before, self.rows),
            in_file=self.in_file & ~hit,
            is_added=self.is_added & ~hit,
        )
        return back.only(keep)

    def only(self, keep: Mask) -> Self:
        """These days alone."""
        return replace(
            self,
            days=self.days[keep],
            amounts=self.amounts[keep],
            rows=self.rows[keep],
            before=self.before[keep],
            rows_before=self.rows_before[keep],
            in_file=self.in_file[keep],
            is_added=self.is_added[keep],
        )

    def near(self, before_days: int, after_days: int) -> Self:
        """The days of the file, and those within so many days before its first and after its last."""
        own = self.days[self.is_judged]
        if not len(own):
            return self.only(self.in_file)
        return self.only((self.days >= own[0] - before_days) & (self.days <= own[-1] + after_days))


def dates(ordinals: Iterable[int]) -> tuple[date, ...]:
    """Ordinals as dates."""
    return tuple(date.fromordinal(int(ordinal)) for ordinal in ordinals)


def _in_force(known: Known) -> dict[date, DayTotal]:
    """The days as they were before the landing; where rows add up, those of the file of the same name too."""
    if known.merged is None:
        return {**known.replaced, **known.totals}
    both = {
        day: DayTotal(known.totals[day].amount + total.amount, known.totals[day].rows + total.rows)
        for day, total in known.replaced.items()
        if day in known.totals
    }
    return {**known.replaced, **known.totals, **both}


def _totals(days: list[date], totals: Mapping[date, DayTotal]) -> tuple[Vector, Vector]:
    """Sums and rows of these days, NaN where there is none."""
    missing = (np.nan, np.nan)
    pairs = [missing if (total := totals.get(day)) is None else (total.amount, total.rows) for day in days]
    table = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _amounts(sums: Vector, rows: Vector, aggregate: Aggregate) -> Vector:
    if aggregate is Aggregate.COUNT:
        return rows
    return sums / np.maximum(rows, 1) if aggregate is Aggregate.MEAN else sums

"""What orders are searched on and fitted to: the days on which a business is open, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np

from retrain.data.series import is_flat
from scoring.calendar import WEEK, Closures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.data.closures import ClosedDays
    from retrain.data.series import DailySeries

    type Vector = NDArray[np.float64]
    type Mask = NDArray[np.bool_]

FEW_ZEROS = 0.05  # share of other days; where zeros are more frequent, a week of them is no vacation


@dataclass(frozen=True, slots=True, eq=False)
class OpenDays:
    """Days in their order, without those of closed weekdays.

    Attributes:
        days: ascending, of the same number as `values`.
        values: shape (n,), currency per day; of unknown days as they are usual for their day of the cycle.
        unknown: shape (n,); True for days whose amount says nothing about the next ones: not observed, closed
            holidays, vacations.
        season_days: days per cycle, of these days; 1 for none.
        closures: the closed days that are known after the last day.
    """

    days: tuple[date, ...]
    values: Vector
    unknown: Mask
    season_days: int = 1
    closures: Closures = field(default_factory=Closures)

    @classmethod
    def of(cls, series: DailySeries, season_days: int) -> Self:
        """The open days of a series. Args: season_days: days per cycle of all days; 1 for none."""
        closed = series.closures
        found = cls._without(closed, series, season_days)
        if found.is_flat and closed.coming.weekdays:  # then zeros on closed weekdays are all there is to learn
            return cls._without(replace(closed, coming=Closures()), series, season_days)
        return found

    @classmethod
    def _without(cls, closed: ClosedDays, series: DailySeries, season_days: int) -> Self:
        closures = closed.coming
        days = [series.first_day + timedelta(days=at) for at in range(len(series))]
        kept = np.flatnonzero([day.weekday() not in closures.weekdays for day in days])
        values, season = series.values[kept], closures.season(season_days)
        unknown = ~series.observed[kept] | (closed.past[kept] & bool(closures.weekdays or closures.days))
        unknown |= _vacations(values, unknown, WEEK - len(closures.weekdays))
        return cls(tuple(days[at] for at in kept), _filled(values, unknown, season), unknown, season, closures)

    def __len__(self) -> int:
        return len(self.days)

    @property
    def week(self) -> int:
        """The number of open weekdays."""
        return WEEK - len(self.closures.weekdays)

    @property
    def is_flat(self) -> bool:
        """True if the known amounts differ only by rounding, in any currency."""
        return is_flat(self.values[~self.unknown])


def _filled(values: Vector, unknown: Mask, season_days: int) -> Vector:
    """The values, unknown ones interpolated between the same days of the nearest cycles where they are known."""
    if not unknown.any() or unknown.all():
        return values
    filled, at = values.copy(), np.arange(len(values))
    filled[unknown] = np.interp(at[unknown], at[~unknown], values[~unknown])
    for first in range(season_days):
        same = at[first::season_days]
        lost, known = same[unknown[same]], same[~unknown[same]]
        if len(known):
            filled[lost] = np.interp(lost, known, values[known])
    return filled


def _vacations(values: Vector, unknown: Mask, week: int) -> Mask:
    """Zeros of a week or longer between days with trade, where zeros are rare otherwise, shape (n,)."""
    found = np.zeros(len(values), dtype=bool)
    traded = np.flatnonzero((values != 0) & ~unknown)
    for before, after in pairwise(traded.tolist()):
        if after - before > week and not unknown[before + 1 : after].all():
            found[before + 1 : after] = True
    others = (values == 0) & ~unknown & ~found
    few = others.sum() <= FEW_ZEROS * (~unknown & ~found).sum()
    return found if few else np.zeros_like(found)

"""What the calendar says about a day: the effects of a model's regressors, and whether the day is closed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]

WEEK = 7
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTH_END = "month_end"
HOLIDAY = "holiday"
EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Calendar:
    """Effects by the name of the regressor, in the unit of the model.

    Attributes:
        holidays: all public holidays. They are part of the artifact, so that the service needs no list and a
            holiday that is announced later does not change an existing model.
    """

    effects: dict[str, float] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()

    def effect(self, day: date) -> float:
        """The sum of the effects on `day`."""
        if not self.effects:
            return 0.0
        return sum(effect for name, effect in self.effects.items() if holds(name, day, self.holidays))

    def effects_of(self, days: NDArray[np.int64]) -> Vector:
        """`effect` of each day, shape (n,), from their ordinals."""
        total = np.zeros(len(days))
        for name, effect in self.effects.items():
            if name == HOLIDAY:
                found = np.isin(days, [day.toordinal() for day in self.holidays])
            elif name == MONTH_END:
                found = _months(days + 1) != _months(days)
            else:
                found = weekdays_of(days) == WEEKDAYS.index(name)
            total += np.where(found, effect, 0.0)
        return total

    def as_json(self) -> dict[str, Any]:
        """As in the artifact."""
        return {"effects": self.effects, "holidays": sorted(day.isoformat() for day in self.holidays)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The inverse of `as_json`. Raises: KeyError, TypeError or ValueError for any other document."""
        effects = {str(name): float(effect) for name, effect in document["effects"].items()}
        unknown = effects.keys() - {*WEEKDAYS, MONTH_END, HOLIDAY}
        if unknown:
            raise ValueError(f"unknown regressors: {', '.join(sorted(unknown))}")
        if not all(math.isfinite(effect) for effect in effects.values()):
            raise ValueError("an effect is not a finite number")
        return cls(effects, frozenset(date.fromisoformat(day) for day in document["holidays"]))


@dataclass(frozen=True, slots=True)
class Closures:
    """When a business is closed: the amount of such a day is zero, and a model need not forecast it.

    Attributes:
        weekdays: from 0, Monday, to 6. They are no days of the model: its day after a Friday may be the Monday.
        days: single days, such as public holidays. For the model they are days whose amounts are missing.
    """

    weekdays: frozenset[int] = frozenset()
    days: frozenset[date] = frozenset()

    def include(self, day: date) -> bool:
        """True if `day` is closed."""
        return day.weekday() in self.weekdays or day in self.days

    def season(self, season_days: int) -> int:
        """The length of a cycle of `season_days` in days of the model; exact for whole weeks."""
        if season_days <= 1 or not self.weekdays:
            return season_days
        return max(round(season_days * (WEEK - len(self.weekdays)) / WEEK), 2)

    def as_json(self) -> dict[str, Any]:
        """As in the artifact."""
        return {
            "weekdays": [WEEKDAYS[weekday] for weekday in sorted(self.weekdays)],
            "days": sorted(day.isoformat() for day in self.days),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The inverse of `as_json`. Raises: KeyError, TypeError or ValueError for any other document."""
        weekdays = frozenset(WEEKDAYS.index(name) for name in document["weekdays"])
        if len(weekdays) == WEEK:
            raise ValueError("every weekday is closed")
        return cls(weekdays, frozenset(date.fromisoformat(day) for day in document["days"]))


@dataclass(frozen=True, slots=True, eq=False)
class Agenda:
    """Some days in a row.

    Attributes:
        passes: the days on which the members move on, shape (h,): all but closed weekdays.
        closed: the days whose forecast is zero, shape (h,).
        has_closed: whether there are any.
    """

    days: tuple[date, ...]
    passes: NDArray[np.bool_]
    closed: NDArray[np.bool_]
    has_closed: bool

    @classmethod
    def of(cls, days: tuple[date, ...], closures: Closures) -> Self:
        """The agenda of these days."""
        passes = np.array([day.weekday() not in closures.weekdays for day in days], dtype=bool)
        closed = np.array([closures.include(day) for day in days], dtype=bool)
        return cls(days, passes, closed, bool(closed.any()))

    @property
    def passing(self) -> NDArray[np.int64]:
        """The ordinals of the days that pass."""
        return ordinals(self.days)[self.passes]

    def part(self, start: int, count: int) -> Self:
        """`count` of the days."""
        of = slice(start, start + count)
        closed = self.closed[of]
        return type(self)(self.days[of], self.passes[of], closed, self.has_closed and bool(closed.any()))

    def spread(self, moments: tuple[Vector, Vector]) -> tuple[Vector, Vector]:
        """Centers and variances of all days, zero on closed ones, from those of the days that pass."""
        if not self.has_closed:
            return moments
        placed = np.zeros((2, len(self.days)))
        placed[:, self.passes] = moments
        placed[:, self.closed] = 0.0
        return placed[0], placed[1]


def consecutive(amounts: Mapping[date, float], first: date) -> NDArray[np.float64]:
    """One amount a day, from `first` to the last day that there is; NaN for a missing one. Shape (n,).

    Args: amounts: none of a day before `first`.
    """
    every = np.full((max(amounts) - first).days + 1 if amounts else 0, np.nan)
    every[[(day - first).days for day in amounts]] = list(amounts.values())
    return every


def ordinals(days: Sequence[date]) -> NDArray[np.int64]:
    """The ordinal of each day, shape (n,)."""
    return np.array([day.toordinal() for day in days], dtype=np.int64)


def holds(regressor: str, day: date, holidays: frozenset[date]) -> bool:
    """True if a regressor is 1 on `day`, False if it is 0."""
    if regressor == MONTH_END:
        return (day + timedelta(days=1)).day == 1
    if regressor == HOLIDAY:
        return day in holidays
    return WEEKDAYS[day.weekday()] == regressor


def weekdays_of(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """From 0, Monday, to 6; of ordinals."""
    return (days - 1) % WEEK


def _months(days: NDArray[np.int64]) -> NDArray[np.datetime64]:
    return (days - EPOCH).astype("datetime64[D]").astype("datetime64[M]")

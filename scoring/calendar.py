"""Calendar effects on a day: those of the regressors that the model was fitted with."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Self

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTH_END = "month_end"
HOLIDAY = "holiday"


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


def holds(regressor: str, day: date, holidays: frozenset[date]) -> bool:
    """True if a regressor is 1 on `day`, False if it is 0."""
    if regressor == MONTH_END:
        return (day + timedelta(days=1)).day == 1
    if regressor == HOLIDAY:
        return day in holidays
    return WEEKDAYS[day.weekday()] == regressor

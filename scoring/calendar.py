"""What the calendar adds to a day: the effects of the regressors that a model was fitted with."""

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
    """Effects by the name of their regressor, in the model's own unit.

    Attributes:
        holidays: every day that counts as one. They travel with the artifact, so that the service needs no list of
            its own and a holiday that is decreed later changes no model that is out already.
    """

    effects: dict[str, float] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()

    def effect(self, day: date) -> float:
        """What is added on `day`."""
        if not self.effects:
            return 0.0
        return sum(effect for name, effect in self.effects.items() if holds(name, day, self.holidays))

    def as_json(self) -> dict[str, Any]:
        """As it stands in the artifact."""
        return {"effects": self.effects, "holidays": sorted(day.isoformat() for day in self.holidays)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Read it back. Raises: KeyError, TypeError, ValueError for anything else."""
        effects = {str(name): float(effect) for name, effect in document["effects"].items()}
        unknown = effects.keys() - {*WEEKDAYS, MONTH_END, HOLIDAY}
        if unknown:
            raise ValueError(f"unknown regressors: {', '.join(sorted(unknown))}")
        if not all(math.isfinite(effect) for effect in effects.values()):
            raise ValueError("an effect is not a finite number")
        return cls(effects, frozenset(date.fromisoformat(day) for day in document["holidays"]))


def holds(regressor: str, day: date, holidays: frozenset[date]) -> bool:
    """Whether a regressor is 1 on `day`; else it is 0."""
    if regressor == MONTH_END:
        return (day + timedelta(days=1)).day == 1
    if regressor == HOLIDAY:
        return day in holidays
    return WEEKDAYS[day.weekday()] == regressor

"""A forecast of one day, taken apart into parts that add up to it. Pure.

Of the members that the forecast is the median of, the one in the middle on that day is explained; of an even
number, the mean of the two in the middle. A member is a linear state space, so its forecast is a sum:

    level       what the forecasts of a week around the day are on average
    season      how the day differs from that week
    weekday     the effect of the day's weekday, less that of an average open day, which belongs to the level
    month_end, holiday
                the effects of the calendar
    last_days   what the observed amounts of the last days have changed

The last part is a sum too. Before each day the member has a forecast; afterwards it has another, and the difference
is the pull of that day: its surprise, as far as it was taken in, times its weight. The other parts are what the
member expected before the last days. For a model of logarithms the parts are logarithms, so in amounts they are
factors; one more part, `spread`, leads from the median to the mean, which is what is forecast.

Sources: revisions of a forecast by the news of each day, Banbura & Modugno (2014), J. Applied Econometrics 29,
133-160, section 2.3; the forecast as a linear filter, Durbin & Koopman (2012), Time Series Analysis by State Space
Methods, 2nd ed., section 4.8; the mean of logarithms, Hyndman & Athanasopoulos (2021), Forecasting: principles and
practice, section 5.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from scoring.calendar import HOLIDAY, MONTH_END, WEEK, WEEKDAYS, Agenda, holds
from scoring.state_space import CHANGE_DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scoring.model import ForecastModel
    from scoring.state_space import StateSpace

    type Vector = NDArray[np.float64]

LEVEL, SEASON, WEEKDAY, LAST_DAYS, SPREAD = "level", "season", "weekday", "last_days", "spread"
PARTS = (LEVEL, SEASON, WEEKDAY, MONTH_END, HOLIDAY, LAST_DAYS)
BEFORE = 3  # days of the week around a day that are before it


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """One observed day, and what it has changed in each member.

    Attributes:
        amount: as it was observed, currency per day.
        changes: of each member's state of the next day, shape (k,) each.
        expected: what each member had forecast, currency per day, or its logarithm.
        bounded: whether each member has taken in a part of the surprise only.
    """

    day: date
    amount: float
    changes: tuple[Vector, ...]
    expected: tuple[float, ...]
    bounded: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Pull:
    """What one observed day has changed in the forecast.

    Attributes:
        amount, expected: what was observed, and what had been forecast a day ahead; currency per day, of a model of
            logarithms the median.
        adds: in the unit of the parts.
        is_bounded: whether its surprise was too large to be taken in whole.
    """

    day: date
    amount: float
    expected: float
    adds: float
    is_bounded: bool


@dataclass(frozen=True, slots=True)
class TakenApart:
    """The forecast of one day.

    Attributes:
        forecast: the mean, currency per day; 0 on a closed day, which has no parts.
        log: True if the parts are logarithms, so that their exponentials are factors of the forecast.
        members: positions of the members that are explained.
        parts: by name, in the order in which they are read; they add up to the forecast or its logarithm.
        pulls: the days that the part `last_days` is the sum of, in their order.
    """

    day: date
    forecast: float
    log: bool
    is_closed: bool
    members: tuple[int, ...]
    parts: dict[str, float]
    pulls: tuple[Pull, ...]


def observed_one_by_one(model: ForecastModel, amounts: Vector) -> list[Observed]:
    """What each of the days after its origin changes in a model; those that change nothing are left out.

    Args: amounts: shape (n,), currency per day; NaN for a missing day.
    """
    found = []
    for amount in amounts.tolist():
        known, unknown = model.observe([amount]), model.observe([math.nan])
        pairs = list(zip(known.members, unknown.members, strict=True))
        changes = tuple(one.state - other.state for one, other in pairs)
        if any(change.any() for change in changes):
            bounded = tuple(0 < abs(one.surprises) < CHANGE_DAYS for one, _ in pairs)
            day = known.origin
            expected = tuple(_day_ahead(member, day) for member in model.members)
            found.append(Observed(day, amount, changes, expected, bounded))
        model = known
    return found


def _day_ahead(member: StateSpace, day: date) -> float:
    effects = member.effects(np.array([day.toordinal()]))
    return float(effects[0] + member.design @ member.state)


def taken_apart(model: ForecastModel, day: date, last: Sequence[Observed]) -> TakenApart:
    """The parts of the forecast of `day`, which add up to it.

    Args:
        model: as it forecasts.
        day: after its origin.
        last: days up to the origin, ascending.
    """
    made = model.forecast((day - model.origin).days)
    forecast = float(made.mean[-1])
    if model.closures.include(day):
        return TakenApart(day, forecast, model.log, True, (), {}, ())
    views = [_View.of(model, at, day, last) for at in range(len(model.members))]
    chosen = _middle([view.center for view in views])
    middle = [views[at] for at in chosen]
    parts = {name: float(np.mean([view.parts[name] for view in middle])) for name in PARTS}
    if model.log:
        parts[SPREAD] = float(made.variance[-1]) / 2
    adds = np.mean([view.pulls for view in middle], axis=0)
    pulls = tuple(_pull(each, float(add), chosen, log=model.log) for each, add in zip(last, adds, strict=True))
    return TakenApart(day, forecast, model.log, False, chosen, parts, pulls)


def _middle(centers: Sequence[float]) -> tuple[int, ...]:
    """The positions of those whose mean is the median: one, or of an even number two."""
    ascending = np.argsort(centers, kind="stable").tolist()
    return tuple(ascending[(len(centers) - 1) // 2 : len(centers) // 2 + 1])


def _pull(observed: Observed, adds: float, chosen: Sequence[int], *, log: bool) -> Pull:
    expected = float(np.mean([observed.expected[at] for at in chosen]))
    is_bounded = any(observed.bounded[at] for at in chosen)
    return Pull(observed.day, observed.amount, math.exp(expected) if log else expected, adds, is_bounded)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """The forecast of one member: its parts by name, and the pull of each of the last days, shape (n,)."""

    parts: dict[str, float]
    pulls: Vector

    @property
    def center(self) -> float:
        return math.fsum(self.parts.values())

    @classmethod
    def of(cls, model: ForecastModel, at: int, day: date, last: Sequence[Observed]) -> _View:
        member, week = model.members[at], _week_around(day, model.origin)
        days = tuple(model.origin + timedelta(days=1 + ahead) for ahead in range((week[-1] - model.origin).days))
        passing = [
            each for each, passes in zip(days, Agenda.of(days, model.closures).passes, strict=True) if passes
        ]
        steps = member.ahead(len(passing)).steps
        changes = np.array([_at_origin(model, at, each) for each in last]).reshape(len(last), len(member.state))
        expected = steps @ (member.state - changes.sum(axis=0))
        usual = float(np.mean([expected[passing.index(each)] for each in week if each in passing]))
        place = passing.index(day)
        pulls = changes @ steps[place]
        effect, average = _weekday(member, model, day)
        parts = {
            LEVEL: member.intercept + usual + average,
            SEASON: float(expected[place]) - usual,
            WEEKDAY: effect - average,
            **{name: _effect(member, name, day) for name in (MONTH_END, HOLIDAY)},
            LAST_DAYS: float(pulls.sum()),
        }
        return cls(parts, pulls)


def _week_around(day: date, origin: date) -> list[date]:
    """Seven days with `day` in the middle; for the first days after the origin, those of the first week."""
    first = max(day - timedelta(days=BEFORE), origin + timedelta(days=1))
    return [first + timedelta(days=at) for at in range(WEEK)]


def _at_origin(model: ForecastModel, at: int, observed: Observed) -> Vector:
    """The change of the state of the day after the origin, shape (k,)."""
    later = tuple(observed.day + timedelta(days=1 + number) for number in range((model.origin - observed.day).days))
    passed = int(Agenda.of(later, model.closures).passes.sum())
    change: Vector = np.linalg.matrix_power(model.members[at].transition, passed) @ observed.changes[at]
    return change


def _weekday(member: StateSpace, model: ForecastModel, day: date) -> tuple[float, float]:
    """The effect of the day's weekday, and the mean effect of the open weekdays."""
    names = [name for weekday, name in enumerate(WEEKDAYS) if weekday not in model.closures.weekdays]
    effects = member.calendar.effects
    return effects.get(WEEKDAYS[day.weekday()], 0.0), math.fsum(effects.get(name, 0.0) for name in names) / len(
        names
    )


def _effect(member: StateSpace, name: str, day: date) -> float:
    calendar = member.calendar
    return calendar.effects.get(name, 0.0) if holds(name, day, calendar.holidays) else 0.0

"""A fitted ARIMA as a linear Gaussian state space, run with NumPy alone.

    a[t+1] = T a[t] + noise,  noise ~ N(0, Q)         state
    y[t]   = c + x[t] + Z a[t]                        amount of day t, or its logarithm

A forecast iterates the first equation; observing a day is one Kalman update. A surprise is bounded (Huber), so that
one absurd day cannot pull the forecasts away. Several in a row on one side are a change, and for a week from the
last of them on every surprise is taken in whole.
Sources: Durbin & Koopman (2012), Time Series Analysis by State Space Methods, 2nd ed., sections 4.3 and 4.11;
bounded surprises: Gelper, Fried & Croux (2010), J. Forecasting 29, 285-300, section 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from scoring.calendar import Calendar

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

BOUND = 3.0  # standard deviations of a day's surprise that are taken in
CHANGE_DAYS = 3  # larger surprises in a row on one side are a change
SETTLING_DAYS = 7  # for which surprises are then taken in whole: the first days of a change come round again
DIFFUSE = 1e6  # times the squared size of the amounts: an initial variance that a few days make forgotten
TINY = 1e-6
FIRST_STEPS = 32  # of a forecast, one by one
ARRAYS = ("design", "transition", "noise", "state", "covariance")


@dataclass(frozen=True, slots=True, eq=False)
class StateSpace:
    """One member of a model, and its state after the days that it has observed.

    Attributes:
        intercept: c, currency per day; of the logarithm for a model of logarithms, as are all values below.
        design: Z, shape (k,). transition: T, shape (k, k). noise: Q, shape (k, k).
        state: shape (k,), mean of the state of the day after the last observed one.
        covariance: shape (k, k), of that state.
        calendar: x, by day.
        least_deviation: surprises are bounded by no smaller standard deviation; days without any noise do not tell
            what an absurd day is.
        surprises: how many of the last days in a row were beyond the bound, and from a change on, of all days until
            it has settled; negative if they were below it.
    """

    intercept: float
    design: Vector
    transition: Matrix
    noise: Matrix
    state: Vector
    covariance: Matrix
    calendar: Calendar = field(default_factory=Calendar)
    least_deviation: float = 0.0
    surprises: int = 0

    def observe(self, value: float, day: date) -> Self:
        """The member after one more day.

        Args: value: the amount or its logarithm; NaN for a missing day.
        """
        state, covariance, surprises = self.state, self.covariance, self.surprises
        gain = covariance @ self.design
        variance = float(self.design @ gain)
        if math.isfinite(value) and variance > 0:
            surprise = value - self.intercept - self.calendar.effect(day) - float(self.design @ state)
            deviation = max(math.sqrt(variance), self.least_deviation)
            surprise, surprises = bounded(surprise, deviation, surprises)
            state = state + gain * (surprise / variance)
            covariance = covariance - np.outer(gain, gain) / variance
        covariance = self.transition @ covariance @ self.transition.T + self.noise
        return replace(
            self, state=self.transition @ state, covariance=(covariance + covariance.T) / 2, surprises=surprises
        )

    def before_any_day(self, size: float) -> Self:
        """The member before its first day: its state may be anything of amounts of this size.

        Source: approximate diffuse initialisation, Durbin & Koopman (2012), section 5.1.
        """
        unknown = DIFFUSE * max(size, self.least_deviation, TINY) ** 2
        count = len(self.state)
        return replace(self, state=np.zeros(count), covariance=unknown * np.eye(count), surprises=0)

    def ahead(self, days: int) -> Ahead:
        """How the state of any day becomes forecasts of the next `days`."""
        steps, noise = np.empty((days, len(self.state))), np.zeros(days)
        row = self.design
        for step in range(min(days, FIRST_STEPS)):
            steps[step] = row
            row = row @ self.transition
        known, power = FIRST_STEPS, None
        while known < days:  # as many again, by one product
            power = np.linalg.matrix_power(self.transition, known) if power is None else power @ power
            steps[known : 2 * known] = steps[: min(known, days - known)] @ power
            known *= 2
        noise[1:] = np.cumsum(_quadratic(steps, self.noise))[:-1]
        return Ahead(steps, noise)

    def effects(self, days: NDArray[np.int64]) -> Vector:
        """The intercept and the calendar's effects, shape (n,), of days by their ordinals."""
        return self.intercept + self.calendar.effects_of(days)

    def as_json(self) -> dict[str, Any]:
        """As in the artifact."""
        arrays = {name: getattr(self, name).tolist() for name in ARRAYS}
        return {
            "intercept": self.intercept,
            **arrays,
            "calendar": self.calendar.as_json(),
            "least_deviation": self.least_deviation,
            "surprises": self.surprises,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The inverse of `as_json`. Raises: KeyError, TypeError or ValueError for any other document."""
        arrays = {name: np.array(document[name], dtype=np.float64) for name in ARRAYS}
        calendar = Calendar.from_json(document["calendar"])
        return cls(
            float(document["intercept"]),
            **arrays,
            calendar=calendar,
            least_deviation=float(document["least_deviation"]),
            surprises=int(document["surprises"]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """Z T^step, shape (h, k), and the accumulated noise variance, shape (h,); the same from every day."""

    steps: Matrix
    noise: Vector

    def of(self, member: StateSpace, effects: Vector) -> tuple[Vector, Vector]:
        """Centers and variances of as many of the next days as there are effects, shape (h,) each."""
        steps, noise = self.steps[: len(effects)], self.noise[: len(effects)]
        variance = _quadratic(steps, member.covariance) + noise
        return effects + steps @ member.state, np.maximum(variance, 0.0)


def _quadratic(rows: Matrix, matrix: Matrix) -> Vector:
    """r M r' of each row, shape (h,)."""
    return np.asarray(((rows @ matrix) * rows).sum(axis=1))


def bounded(surprise: float, deviation: float, before: int) -> tuple[float, int]:
    """What is taken in of a surprise, and `surprises` after it.

    Args:
        deviation: the standard deviation of the surprise.
        before: `surprises` on the day before.
    """
    if abs(before) >= CHANGE_DAYS:
        settled = abs(before) >= CHANGE_DAYS + SETTLING_DAYS
        return surprise, 0 if settled else before + (1 if before > 0 else -1)
    limit = BOUND * deviation
    if abs(surprise) <= limit:
        return surprise, 0
    side = 1 if surprise > 0 else -1
    run = before + side if before * side > 0 else side
    return (surprise if abs(run) >= CHANGE_DAYS else side * limit), run

"""A fitted ARIMA as a linear Gaussian state space, read from JSON, run with NumPy alone.

    a[t+1] = T a[t] + noise,  noise ~ N(0, Q)         state
    y[t]   = c + x[t] + Z a[t]                        amount of day t, or its logarithm

The artifact holds T, Q, Z, c, what the calendar adds (x), and what the filter knew at the end of training: mean
and covariance of the state of the following day. Forecasting iterates the first line; observing a day is one
Kalman update.
Source: Durbin & Koopman (2012), Time Series Analysis by State Space Methods, 2nd ed., sections 4.3 and 4.11.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from scoring.calendar import Calendar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

FORMAT = 2
READABLE = (1, 2)  # 1 knew neither logarithms nor a calendar
GOLDEN_DAYS = 14
GOLDEN_TOLERANCE = 1e-9  # relative; another processor's BLAS differs in the last bits only


class BadArtifact(ValueError):
    """The artifact is not one of ours, or does not reproduce its own golden forecasts: do not serve it."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Normal distributions of amounts, or of their logarithms.

    Attributes:
        center: shape (h,) for one origin, (origins, h) for many; currency per day, or its logarithm.
        variance: the same shape; of the amount or of its logarithm, not of their means.
        log: which of the two.
    """

    center: Vector
    variance: Vector
    log: bool

    @property
    def mean(self) -> Vector:
        """The expected amounts, currency per day.

        Source for logarithms: Hyndman & Athanasopoulos (2021), Forecasting: principles and practice, section 5.6.
        """
        return np.exp(self.center + self.variance / 2) if self.log else self.center

    def where(self, chosen: NDArray[np.bool_]) -> Prediction:
        """The chosen origins alone."""
        return Prediction(self.center[chosen], self.variance[chosen], self.log)

    @staticmethod
    def joined(parts: Sequence[Prediction]) -> Prediction:
        """One below the other; all of one model's kind."""
        centers, variances = ([getattr(part, name) for part in parts] for name in ("center", "variance"))
        return Prediction(np.vstack(centers), np.vstack(variances), parts[0].log)

    def interval(self, level: float) -> tuple[Vector, Vector]:
        """Lower and upper bounds that hold an amount with `level` percent, each of the same shape.

        Raises: ValueError unless 0 < level < 100.
        """
        if not 0 < level < 100:
            raise ValueError(f"level is {level}; it must lie between 0 and 100 percent")
        half = NormalDist().inv_cdf(0.5 + level / 200) * np.sqrt(self.variance)
        low, high = self.center - half, self.center + half
        return (np.exp(low), np.exp(high)) if self.log else (low, high)


@dataclass(frozen=True, slots=True, eq=False)
class Forecast(Prediction):
    """What the model expects of the days after its origin.

    Attributes:
        days: the dates, shape (h,).
    """

    days: tuple[date, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ForecastModel:
    """One model version and what it has seen.

    Attributes:
        origin: the last day the state has taken in.
        intercept: c, currency per day; where `log`, of its logarithm, as everything below.
        design: Z, shape (k,). transition: T, shape (k, k). noise: Q, shape (k, k).
        state: shape (k,), expected state of the day after the origin.
        covariance: shape (k, k), of that state.
        log: the state space is one of the logarithms of the amounts.
        calendar: x, by day.
        facts: what else the artifact says: order, parameters, lineage; carried, never computed with.
    """

    origin: date
    intercept: float
    design: Vector
    transition: Matrix
    noise: Matrix
    state: Vector
    covariance: Matrix
    log: bool = False
    calendar: Calendar = field(default_factory=Calendar)
    facts: dict[str, Any] = field(default_factory=dict)

    def forecast(self, horizon_days: int) -> Forecast:
        """Means and variances of the `horizon_days` days after the origin."""
        days = tuple(self.origin + timedelta(days=step + 1) for step in range(horizon_days))
        steps, noise = self._ahead(horizon_days)
        return Forecast(*self._moments(steps, noise, self._effects(days)), self.log, days)

    def observe(self, amounts: Sequence[float] | Vector) -> Self:
        """The same model after it has seen the days that follow its origin, parameters unchanged.

        A day without an amount above zero has no logarithm: to a model of logarithms it is a missing one.

        Args:
            amounts: shape (n,), currency per day, consecutive from the day after the origin; NaN where a
                day is missing.
        """
        state, covariance, day = self.state, self.covariance, self.origin
        for amount in amounts:
            day += timedelta(days=1)
            if math.isfinite(amount) and (amount > 0 or not self.log):
                observed = math.log(amount) if self.log else float(amount)
                gain = covariance @ self.design
                spread = float(self.design @ gain)
                if spread > 0:
                    surprise = observed - self.intercept - self.calendar.effect(day) - float(self.design @ state)
                    state = state + gain * (surprise / spread)
                    covariance = covariance - np.outer(gain, gain) / spread
            state = self.transition @ state
            covariance = self.transition @ covariance @ self.transition.T + self.noise
            covariance = (covariance + covariance.T) / 2
        return replace(self, origin=day, state=state, covariance=covariance)

    def rolling(self, amounts: Vector, horizon_days: int) -> Prediction:
        """Forecast before every day of `amounts` for which a whole horizon lies within them.

        Args:
            amounts: shape (n,), the days after the origin.
        Returns: shape (n - horizon_days + 1, horizon_days); row i is made after i days were observed.
        """
        origins = len(amounts) - horizon_days + 1
        steps, noise = self._ahead(horizon_days)
        days = [self.origin + timedelta(days=day + 1) for day in range(len(amounts))]
        effects = self._effects(days)
        model, centers, variances = self, [], []
        for day in range(origins):
            center, variance = model._moments(steps, noise, effects[day : day + horizon_days])
            centers.append(center)
            variances.append(variance)
            model = model.observe(amounts[day : day + 1])
        all_centers, all_variances = (np.array(rows).reshape(-1, horizon_days) for rows in (centers, variances))
        return Prediction(all_centers, all_variances, self.log)

    def _ahead(self, horizon_days: int) -> tuple[Matrix, Vector]:
        """What no origin changes: Z T^step, shape (h, k), and the variance of the noise by then, shape (h,)."""
        steps, noise = np.empty((horizon_days, len(self.state))), np.zeros(horizon_days)
        row = self.design
        for step in range(horizon_days):
            steps[step] = row
            row = row @ self.transition
        each = np.einsum("hi,ij,hj->h", steps, self.noise, steps)
        noise[1:] = np.cumsum(each)[:-1]
        return steps, noise

    def _moments(self, steps: Matrix, noise: Vector, effects: Vector) -> tuple[Vector, Vector]:
        """Centers and variances of the days that the steps lead to, shape (h,) each."""
        variance = np.einsum("hi,ij,hj->h", steps, self.covariance, steps) + noise
        return self.intercept + effects + steps @ self.state, np.maximum(variance, 0.0)

    def _effects(self, days: Sequence[date]) -> Vector:
        return np.array([self.calendar.effect(day) for day in days])

    def to_json(self) -> bytes:
        """The artifact: canonical JSON, so that the same model has the same sha256."""
        golden = self.forecast(GOLDEN_DAYS)
        document = {
            **self.facts,
            "format": FORMAT,
            "frequency": "D",
            "trained_through": self.origin.isoformat(),
            "log": self.log,
            "calendar": self.calendar.as_json(),
            "state_space": {
                "intercept": self.intercept,
                "design": self.design.tolist(),
                "transition": self.transition.tolist(),
                "noise": self.noise.tolist(),
                "state": self.state.tolist(),
                "covariance": self.covariance.tolist(),
            },
            "golden": {"mean": golden.mean.tolist(), "variance": golden.variance.tolist()},
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read an artifact and make it reproduce its golden forecasts.

        Raises: BadArtifact if it is unreadable, of another format, or forecasts anything else.
        """
        try:
            document = json.loads(data)
            if document.get("format") not in READABLE:
                raise BadArtifact(
                    f"the artifact has format {document.get('format')!r}; this service reads {READABLE}"
                )
            space = document.pop("state_space")
            golden = document.pop("golden")
            model = cls(
                origin=date.fromisoformat(document.pop("trained_through")),
                intercept=float(space["intercept"]),
                log=bool(document.pop("log", False)),
                calendar=Calendar.from_json(document.pop("calendar", {"effects": {}, "holidays": []})),
                facts={key: value for key, value in document.items() if key not in {"format", "frequency"}},
                **{
                    name: np.array(space[name], dtype=np.float64)
                    for name in ("design", "transition", "noise", "state", "covariance")
                },
            )
            again = model.forecast(len(golden["mean"]))
            expected = np.array([golden["mean"], golden["variance"]], dtype=np.float64)
        except BadArtifact:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as exc:
            raise BadArtifact(f"the artifact cannot be read: {type(exc).__name__}: {exc}") from exc
        if not np.allclose([again.mean, again.variance], expected, rtol=GOLDEN_TOLERANCE, atol=0.0):
            raise BadArtifact("the artifact does not reproduce its golden forecasts; do not serve it")
        return model

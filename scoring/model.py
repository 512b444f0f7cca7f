"""A fitted ARIMA as a linear Gaussian state space, read from JSON, run with NumPy alone.

    a[t+1] = T a[t] + noise,  noise ~ N(0, Q)         state
    y[t]   = c + x[t] + Z a[t]                        amount of day t, or its logarithm

The artifact has T, Q, Z, c, the calendar effects x, and the filter's mean and covariance of the state of the day
after training. A forecast iterates the first equation; observing a day is one Kalman update.
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
READABLE = (1, 2)  # format 1 has neither logarithms nor a calendar
GOLDEN_DAYS = 14
GOLDEN_TOLERANCE = 1e-9  # relative; BLAS on other processors differs in the last bits only


class BadArtifact(ValueError):
    """The artifact cannot be read, or does not reproduce its golden forecasts; it must not be served."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Normal distributions of the amounts, or of their logarithms.

    Attributes:
        center: shape (h,) for one origin, (origins, h) for many; currency per day, or its logarithm.
        variance: the same shape; of the amount or of its logarithm, not of the mean.
        log: True for logarithms.
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
        """Only the chosen origins."""
        return Prediction(self.center[chosen], self.variance[chosen], self.log)

    @staticmethod
    def joined(parts: Sequence[Prediction]) -> Prediction:
        """The rows of all parts; all must have the same `log`."""
        centers, variances = ([getattr(part, name) for part in parts] for name in ("center", "variance"))
        return Prediction(np.vstack(centers), np.vstack(variances), parts[0].log)

    def interval(self, level: float) -> tuple[Vector, Vector]:
        """Lower and upper bounds of the interval of `level` percent, each of the same shape.

        Raises: ValueError unless 0 < level < 100.
        """
        if not 0 < level < 100:
            raise ValueError(f"level is {level}; it must be between 0 and 100 percent")
        half = NormalDist().inv_cdf(0.5 + level / 200) * np.sqrt(self.variance)
        low, high = self.center - half, self.center + half
        return (np.exp(low), np.exp(high)) if self.log else (low, high)


@dataclass(frozen=True, slots=True, eq=False)
class Forecast(Prediction):
    """The prediction for the days after the origin.

    Attributes:
        days: the dates, shape (h,).
    """

    days: tuple[date, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ForecastModel:
    """One model version, and its state after the days that it has observed.

    Attributes:
        origin: the last observed day.
        intercept: c, currency per day; if `log`, of the logarithm, as are all values below.
        design: Z, shape (k,). transition: T, shape (k, k). noise: Q, shape (k, k).
        state: shape (k,), mean of the state of the day after the origin.
        covariance: shape (k, k), of that state.
        log: True if the state space describes the logarithms of the amounts.
        calendar: x, by day.
        facts: the other content of the artifact: order, parameters, lineage; not used in computations.
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
        """The model after it has observed the days after its origin; its parameters do not change.

        For a model of logarithms, a day whose amount is not above zero counts as missing.

        Args:
            amounts: shape (n,), currency per day, consecutive from the day after the origin; NaN for a
                missing day.
        """
        state, covariance, day = self.state, self.covariance, self.origin
        for amount in amounts:
            day += timedelta(days=1)
            if math.isfinite(amount) and (amount > 0 or not self.log):
                observed = math.log(amount) if self.log else float(amount)
                gain = covariance @ self.design
                variance = float(self.design @ gain)
                if variance > 0:
                    innovation = observed - self.intercept - self.calendar.effect(day) - float(self.design @ state)
                    state = state + gain * (innovation / variance)
                    covariance = covariance - np.outer(gain, gain) / variance
            state = self.transition @ state
            covariance = self.transition @ covariance @ self.transition.T + self.noise
            covariance = (covariance + covariance.T) / 2
        return replace(self, origin=day, state=state, covariance=covariance)

    def rolling(self, amounts: Vector, horizon_days: int) -> Prediction:
        """A forecast before each day of `amounts`, as long as a whole horizon of `amounts` follows.

        Args:
            amounts: shape (n,), the days after the origin.
        Returns: shape (n - horizon_days + 1, horizon_days); row i is made after i observed days.
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
        """Independent of the origin: Z T^step, shape (h, k), and the accumulated noise variance, shape (h,)."""
        steps, noise = np.empty((horizon_days, len(self.state))), np.zeros(horizon_days)
        row = self.design
        for step in range(horizon_days):
            steps[step] = row
            row = row @ self.transition
        each = np.einsum("hi,ij,hj->h", steps, self.noise, steps)
        noise[1:] = np.cumsum(each)[:-1]
        return steps, noise

    def _moments(self, steps: Matrix, noise: Vector, effects: Vector) -> tuple[Vector, Vector]:
        """Centers and variances of the forecast days, shape (h,) each."""
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
        """Read an artifact and verify that it reproduces its golden forecasts.

        Raises: BadArtifact if it cannot be read, has another format, or does not reproduce them.
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

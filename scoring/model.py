"""A fitted ARIMA as a linear Gaussian state space, read from JSON, run with NumPy alone.

    a[t+1] = T a[t] + noise,  noise ~ N(0, Q)         state
    y[t]   = c + Z a[t]                               amount of day t

The artifact holds T, Q, Z, c and what the filter knew at the end of training: mean and covariance of the
state of the following day. Forecasting iterates the first line; observing a day is one Kalman update.
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

FORMAT = 1
GOLDEN_DAYS = 14
GOLDEN_TOLERANCE = 1e-9  # relative; another processor's BLAS differs in the last bits only


class BadArtifact(ValueError):
    """The artifact is not one of ours, or does not reproduce its own golden forecasts: do not serve it."""


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What the model expects of the days after its origin.

    Attributes:
        days: the dates, shape (h,).
        mean: shape (h,), currency per day.
        variance: shape (h,), currency squared; of the amount, not of its mean.
    """

    days: tuple[date, ...]
    mean: Vector
    variance: Vector

    def interval(self, level: float) -> tuple[Vector, Vector]:
        """Lower and upper bounds, shape (h,) each, that hold an amount with `level` percent.

        Raises: ValueError unless 0 < level < 100.
        """
        if not 0 < level < 100:
            raise ValueError(f"level is {level}; it must lie between 0 and 100 percent")
        half = NormalDist().inv_cdf(0.5 + level / 200) * np.sqrt(self.variance)
        return self.mean - half, self.mean + half


@dataclass(frozen=True, slots=True, eq=False)
class ForecastModel:
    """One model version and what it has seen.

    Attributes:
        origin: the last day the state has taken in.
        intercept: c, currency per day.
        design: Z, shape (k,). transition: T, shape (k, k). noise: Q, shape (k, k).
        state: shape (k,), expected state of the day after the origin.
        covariance: shape (k, k), of that state.
        facts: what else the artifact says: order, parameters, lineage; carried, never computed with.
    """

    origin: date
    intercept: float
    design: Vector
    transition: Matrix
    noise: Matrix
    state: Vector
    covariance: Matrix
    facts: dict[str, Any] = field(default_factory=dict)

    def forecast(self, horizon_days: int) -> Forecast:
        """Means and variances of the `horizon_days` days after the origin."""
        state, covariance = self.state, self.covariance
        mean, variance = np.empty(horizon_days), np.empty(horizon_days)
        for step in range(horizon_days):
            mean[step] = self.intercept + self.design @ state
            variance[step] = self.design @ covariance @ self.design
            state = self.transition @ state
            covariance = self.transition @ covariance @ self.transition.T + self.noise
        days = tuple(self.origin + timedelta(days=step + 1) for step in range(horizon_days))
        return Forecast(days, mean, np.maximum(variance, 0.0))

    def observe(self, amounts: Sequence[float] | Vector) -> Self:
        """The same model after it has seen the days that follow its origin, parameters unchanged.

        Args:
            amounts: shape (n,), currency per day, consecutive from the day after the origin; NaN where a
                day is missing.
        """
        state, covariance = self.state, self.covariance
        for amount in amounts:
            if not math.isnan(amount):
                gain = covariance @ self.design
                spread = float(self.design @ gain)
                if spread > 0:
                    surprise = float(amount) - self.intercept - float(self.design @ state)
                    state = state + gain * (surprise / spread)
                    covariance = covariance - np.outer(gain, gain) / spread
            state = self.transition @ state
            covariance = self.transition @ covariance @ self.transition.T + self.noise
            covariance = (covariance + covariance.T) / 2
        origin = self.origin + timedelta(days=len(amounts))
        return replace(self, origin=origin, state=state, covariance=covariance)

    def rolling(self, amounts: Vector, horizon_days: int) -> Matrix:
        """Forecast before every day of `amounts` for which a whole horizon lies within them.

        Args:
            amounts: shape (n,), the days after the origin.
        Returns: shape (n - horizon_days + 1, horizon_days); row i is made after i days were observed.
        """
        # The mean of a forecast is linear in the state, so one matrix serves all origins.
        steps = np.empty((horizon_days, len(self.state)))
        row = self.design
        for step in range(horizon_days):
            steps[step] = row
            row = row @ self.transition
        model, means = self, []
        for day in range(len(amounts) - horizon_days + 1):
            means.append(self.intercept + steps @ model.state)
            model = model.observe(amounts[day : day + 1])
        return np.array(means).reshape(-1, horizon_days)

    def to_json(self) -> bytes:
        """The artifact: canonical JSON, so that the same model has the same sha256."""
        golden = self.forecast(GOLDEN_DAYS)
        document = {
            **self.facts,
            "format": FORMAT,
            "frequency": "D",
            "trained_through": self.origin.isoformat(),
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
            if document.get("format") != FORMAT:
                raise BadArtifact(f"the artifact has format {document.get('format')!r}, not {FORMAT}")
            space = document.pop("state_space")
            golden = document.pop("golden")
            model = cls(
                origin=date.fromisoformat(document.pop("trained_through")),
                intercept=float(space["intercept"]),
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

"""How exactly the mean of overlapping losses is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.traits import long_run_variance
from retrain.gate.evidence import BANDWIDTH, stretch_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]

MIN_ORIGINS, HORIZONS = 84, 3  # for horizons of a week; with fewer of either, the interval is too narrow
FIXED_B = (1.96, 2.9694, 0.416, -0.5324)
"""Of the critical value at 97.5 %, by powers of the share of the lags that have weight."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the bounds of its 95 % interval, in the unit of the values."""

    mean: float
    low: float
    high: float


def interval_of_mean(values: Vector, horizon_days: int) -> Interval | None:
    """The mean of differences of losses, with a 95 % interval.

    The variance has Bartlett's weights over at least three horizons, because losses of origins within a horizon
    share days. It is itself an estimate from few independent stretches, so the critical value grows with the share
    of the lags that have weight. Source: Kiefer & Vogelsang (2005), Econometric Theory 21, 1130-1164, table 1.

    Args:
        values: shape (n,), one for each origin, in their order.
        horizon_days: days that each loss is a mean over.
    Returns: None for fewer than 84 origins, or in proportion more for horizons of more than a week. The bounds are
        equal where the values never differ.
    """
    count, stretch = len(values), stretch_of(horizon_days)
    if count < MIN_ORIGINS * stretch:
        return None
    mean, scale = float(values.mean()), float(np.abs(values).max())
    if scale == 0:
        return Interval(0.0, 0.0, 0.0)
    lags = max(HORIZONS * horizon_days, int(BANDWIDTH * math.sqrt(count * stretch)) + 1)
    variance = long_run_variance((values - mean) / scale, lags)
    critical = sum(weight * (lags / count) ** power for power, weight in enumerate(FIXED_B))
    half = critical * scale * math.sqrt(variance / count)
    return Interval(mean, mean - half, mean + half)

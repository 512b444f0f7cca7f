"""Tests of a series before a model is fitted: positive amounts, a constant level, a seasonal period."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]

KPSS_CRITICAL = 0.463  # 5 % level, no trend
ROUNDING = 1e-9  # relative; differences that are smaller decide nothing
MIN_SHARE = 0.01  # of the median; logarithms of smaller amounts would be outliers


def has_logarithms(values: Vector) -> bool:
    """True if every amount is above zero and none is so small that its logarithm would be an outlier."""
    return bool(values.min() > 0 and values.min() >= (1 - ROUNDING) * MIN_SHARE * np.median(values))


def is_level(values: Vector) -> bool:
    """True unless a stationary level is rejected at 5 %.

    Source: Kwiatkowski, Phillips, Schmidt & Shin (1992), J. Econometrics 54, 159-178, with their l12 lags.
    """
    centred, days = values - values.mean(), len(values)
    variance = long_run_variance(centred, int(12 * (days / 100) ** 0.25) + 1)
    return variance <= 0 or float((np.cumsum(centred) ** 2).sum()) / (days**2 * variance) < KPSS_CRITICAL


def long_run_variance(centred: Vector, lags: int) -> float:
    """The long-run variance with Bartlett's weights. Source: Newey & West (1987), Econometrica 55, 703-708."""
    variance = float(centred @ centred)
    for lag in range(1, min(lags, len(centred))):
        variance += 2 * (1 - lag / lags) * float(centred[lag:] @ centred[:-lag])
    return max(variance, 0.0) / len(centred)


def prevailing_season(values: Vector, longest: int) -> int | None:
    """The lag at which the daily changes correlate most, at once and twice the lag; None if not significant."""
    changes = np.diff(values)
    changes = changes - changes.mean()
    days, spread = len(changes), float(changes @ changes)
    longest = min(longest, days // 3)
    if longest < 2 or spread == 0:
        return None
    correlations = np.array([changes[lag:] @ changes[:-lag] for lag in range(1, 2 * longest + 1)]) / spread
    strength = (correlations[:longest] + correlations[1 : 2 * longest : 2]) / 2
    best = int(np.argmax(strength[1:] >= strength[1:].max() - ROUNDING)) + 2  # the shortest of equal ones
    return best if strength[best - 1] > 2 / math.sqrt(days) else None

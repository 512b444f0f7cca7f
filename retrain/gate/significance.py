"""Tests whether the challenger's loss is significantly lower than the champion's (Diebold-Mariano)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.traits import long_run_variance
from retrain.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]

LEAST_VARIANCE = 1e-20  # of gains of at most 1; below it, they differ by rounding only


@dataclass(frozen=True, slots=True)
class DieboldMariano:
    """Evidence that the challenger's loss is lower; a small p-value means that chance alone is unlikely.

    Raises: ModelError if a number is not finite.
    """

    statistic: float
    p_value: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.statistic) and math.isfinite(self.p_value)):
            raise ModelError(
                f"the Diebold-Mariano statistic is {self.statistic} and its p-value {self.p_value}; "
                "the losses cannot be compared"
            )


def diebold_mariano(champion_loss: Vector, challenger_loss: Vector, horizon: int) -> DieboldMariano | None:
    """One-sided test of equal accuracy; the alternative is that the challenger is better.

    Args:
        champion_loss, challenger_loss: shape (n,), the loss at each origin, for the same origins.
        horizon: days per forecast; the losses of overlapping forecasts are correlated at horizon - 1 lags.
    Returns: a positive statistic favours the challenger; (0, 0.5) if the losses never differ; None where the test
        is not defined: if n <= horizon, or if the losses differ by the same amount at every origin.
    Raises: ModelError if a loss is not finite.
    Source: Diebold & Mariano (1995), J. Business & Economic Statistics 13, 253-263; small-sample correction
        and Student's t: Harvey, Leybourne & Newbold (1997), Int. J. Forecasting 13, 281-291, eq. 9. If the
        rectangular window gives no positive variance, Bartlett's weights are used.
    """
    from scipy.special import stdtr  # Student's t distribution; importing scipy.stats takes 40 MB more

    gain = champion_loss - challenger_loss
    n = len(gain)
    if n <= horizon:
        return None
    if np.ptp(gain) == 0 and gain[0] == 0:
        return DieboldMariano(0.0, 0.5)
    gain = gain / np.abs(gain).max()  # keeps the squares of tiny amounts above zero; the statistic has no unit
    centred = gain - gain.mean()
    covariances = np.array([centred[lag:] @ centred[: n - lag] / n for lag in range(horizon)])
    variance = covariances[0] + 2 * covariances[1:].sum()
    if variance <= LEAST_VARIANCE:
        variance = long_run_variance(centred, horizon)
    if variance <= LEAST_VARIANCE:
        return None
    correction = math.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    statistic = correction * float(gain.mean()) / math.sqrt(variance / n)
    return DieboldMariano(statistic, float(stdtr(n - 1, -statistic)))

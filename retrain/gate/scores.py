"""Scores forecasts against the actual amounts: losses, metrics, interval coverage, and the scorecard."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from retrain.errors import FlatSeries, ModelError, SeriesTooShort

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoring.model import Prediction

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

LEVELS = (80.0, 95.0)


class Loss(StrEnum):
    """The metric that is compared; lower is better."""

    RMSE = "rmse"
    MAE = "mae"
    MASE = "mase"

    def at_origins(self, actual: Matrix, forecast: Matrix) -> Vector:
        """The mean loss of each forecast, shape (origins,): squared errors for RMSE, otherwise absolute errors."""
        errors = forecast - actual
        return np.asarray(np.nanmean(errors**2 if self is Loss.RMSE else np.abs(errors), axis=1))


def mase(actual: Vector, forecast: Vector, history: Vector, season: int) -> float:
    """Mean absolute scaled error: forecast MAE over the in-sample seasonal-naive MAE.

    Args:
        actual, forecast: the same shape, currency per day, same dates.
        history: shape (n,), n > season; training days only.
        season: days per cycle; 7 for a weekly pattern.
    Returns: unitless, >= 0.
    Raises: SeriesTooShort if n <= season; FlatSeries if the scale is 0.
    Source: Hyndman & Koehler (2006), Int. J. Forecasting 22(4), 679-688.
    """
    if len(history) <= season:
        raise SeriesTooShort(f"MASE needs more than {season} training days; there are {len(history)}")
    scale = float(np.mean(np.abs(history[season:] - history[:-season])))
    if scale == 0:
        raise FlatSeries(f"every training day equals the day {season} days before; so MASE is not defined")
    return float(np.mean(np.abs(actual - forecast))) / scale


def r2(actual: Vector, forecast: Vector) -> float:
    """Share of the variance of the actual amounts that the forecast explains; negative if worse than their mean.

    Raises: FlatSeries if the actual amounts never change.
    """
    spread = float(np.sum((actual - actual.mean()) ** 2))
    if spread == 0:
        raise FlatSeries(f"all unseen days are {actual.flat[0]:g}; so R2 is not defined")
    return 1 - float(np.sum((actual - forecast) ** 2)) / spread


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One model's errors on days it was not fitted to. Lower is better, except for R2 and bias.

    Attributes:
        rmse, mae: currency per day. bias: currency per day, positive when the forecasts are too high.
        mase: unitless; 1.0 equals the in-sample seasonal naive. r2: unitless, at most 1.
        coverage_80, coverage_95: share of the amounts inside the intervals of that level; None for a model without
            intervals.
    Raises: ModelError if any other metric is not finite, because it cannot be compared.
    """

    rmse: float
    mae: float
    mase: float
    r2: float
    bias: float
    coverage_80: float | None = None
    coverage_95: float | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            absent = value is None and name.startswith("coverage")
            if not absent and not (isinstance(value, float) and math.isfinite(value)):
                raise ModelError(f"{name} is {value!r}, not a finite number; the models cannot be compared")


def coverage(actual: Matrix, made: Prediction, level: float) -> float:
    """Share of the observed amounts inside the intervals of `level` percent; calibrated intervals give `level`.

    Args: actual: the shape of `made`; NaN for days that were not observed.
    """
    low, high = made.interval(level)
    observed = ~np.isnan(actual)
    return float(np.mean(((low <= actual) & (actual <= high))[observed]))


def score(actual: Matrix, made: Matrix | Prediction, history: Vector, season: int) -> Scorecard:
    """All metrics over every origin and every observed day of its horizon.

    Args:
        actual, made: shape (origins, horizon); NaN in `actual` for days that were not observed.
        history, season: as for `mase`.
    """
    covered = (
        (None, None) if isinstance(made, np.ndarray) else tuple(coverage(actual, made, level) for level in LEVELS)
    )
    forecast = made if isinstance(made, np.ndarray) else made.mean
    observed = ~np.isnan(actual)
    actual, forecast = actual[observed], forecast[observed]
    errors = forecast - actual
    return Scorecard(
        rmse=float(np.sqrt(np.mean(errors**2))),
        mae=float(np.mean(np.abs(errors))),
        mase=mase(actual, forecast, history, season),
        r2=r2(actual, forecast),
        bias=float(np.mean(errors)),
        coverage_80=covered[0],
        coverage_95=covered[1],
    )

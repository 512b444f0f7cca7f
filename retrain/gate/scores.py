"""Scores forecasts against the actual amounts: losses, metrics, interval coverage, and the scorecard."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from retrain.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoring.model import Prediction

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

LEVELS = (80.0, 95.0)
ROUNDING = 1e-9  # relative to the usual amount; filters of the same model differ by less


class Loss(StrEnum):
    """The metric that is compared; lower is better."""

    RMSE = "rmse"
    MAE = "mae"
    MASE = "mase"

    def at_origins(self, actual: Matrix, forecast: Matrix, history: Vector) -> Vector:
        """The loss of each forecast, shape (origins,): squared errors for RMSE, otherwise absolute errors.

        A forecast counts for as many days as were observed, so that the mean over all forecasts is that over all
        days, as it is for the metric.
        """
        errors = forecast_errors(actual, forecast, history)
        losses = np.nansum(errors**2 if self is Loss.RMSE else np.abs(errors), axis=1)
        return np.asarray(losses / np.mean(np.sum(~np.isnan(actual), axis=1)))

    def metric(self, mean: float) -> float:
        """The metric of a mean loss, or of the ratio of two: its root for RMSE, otherwise itself."""
        return math.sqrt(mean) if self is Loss.RMSE else mean

    def point(self, made: Matrix | Prediction) -> Matrix:
        """The forecast that this loss is expected to be least for: the mean for RMSE, otherwise the median.

        They differ for models of logarithms only. Source: Gneiting (2011), J. American Statistical Association
        106, 746-762.
        """
        if isinstance(made, np.ndarray):
            return made
        return made.mean if self is Loss.RMSE else made.median


def forecast_errors(actual: Matrix, forecast: Matrix, history: Vector) -> Matrix:
    """`forecast - actual`; 0 for an error that is only rounding of amounts like those of `history`.

    Two exact forecasts then have the same error, so that rounding never decides between them.
    """
    errors = forecast - actual
    return np.where(np.abs(errors) <= _rounding(history), 0.0, errors)


def usual_size(amounts: Vector) -> float:
    """The median size of the amounts that are not zero, without NaN; 0 if all are.

    One absurd amount would move a mean so far that every true error is below its rounding.
    """
    sizes = np.abs(amounts[(amounts != 0) & ~np.isnan(amounts)])
    return float(np.median(sizes)) if len(sizes) else 0.0


def _rounding(amounts: Vector) -> float:
    return ROUNDING * usual_size(amounts)


def mase(actual: Vector, forecast: Vector, history: Vector, season: int) -> float | None:
    """Mean absolute scaled error: forecast MAE over the in-sample seasonal-naive MAE.

    Args:
        actual, forecast: the same shape, currency per day, same dates.
        history: shape (n,); training days only; NaN for days that were not observed.
        season: days per cycle; 7 for a weekly pattern.
    Returns: unitless, >= 0; None without a scale: if n <= season, or if each day equals the one a cycle before.
    Source: Hyndman & Koehler (2006), Int. J. Forecasting 22(4), 679-688.
    """
    if len(history) <= season:
        return None
    differences = np.abs(history[season:] - history[:-season])
    differences = differences[~np.isnan(differences)]
    if not len(differences) or differences.mean() <= _rounding(history):
        return None
    scale = float(differences.mean())
    return float(np.mean(np.abs(forecast_errors(actual, forecast, history)))) / scale


def r2(actual: Vector, forecast: Vector) -> float | None:
    """Share of the variance of the actual amounts that the forecast explains; negative if worse than their mean.

    Returns: None if the actual amounts never change.
    """
    spread = float(np.ptp(actual))
    if spread <= _rounding(actual):
        return None
    errors, deviations = (actual - forecast) / spread, (actual - actual.mean()) / spread
    return 1 - float(np.sum(errors**2)) / float(np.sum(deviations**2))


MAY_BE_NONE = ("mase", "r2", "coverage_80", "coverage_95")


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One model's errors on days it was not fitted to. Lower is better, except for R2 and bias.

    Attributes:
        rmse, mae: currency per day. bias: currency per day, positive when the forecasts are too high.
        mase: unitless; 1.0 equals the in-sample seasonal naive; None where it has no scale.
        r2: unitless, at most 1; None if the actual amounts never change.
        coverage_80, coverage_95: share of the amounts inside the intervals of that level; None for a model without
            intervals.
    Raises: ModelError if a metric is not finite, or if any other one is None, because it cannot be compared.
    """

    rmse: float
    mae: float
    mase: float | None
    r2: float | None
    bias: float
    coverage_80: float | None = None
    coverage_95: float | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            absent = value is None and name in MAY_BE_NONE
            if not absent and not (isinstance(value, float) and math.isfinite(value)):
                raise ModelError(f"{name} is {value!r}, not a finite number; the models cannot be compared")

    def of(self, loss: Loss) -> float:
        """The metric that decides. Raises: ModelError if it is not defined on these days, or is no loss."""
        value: float | None = getattr(self, loss)
        if value is not None and value < 0:
            raise ModelError(f"{loss} is {value!r}, and a loss is never negative; the models cannot be compared")
        if value is None:
            raise ModelError(
                f"RETRAIN_LOSS is {loss}, which is not defined on these days: the training days are no more than "
                "one season, or each of them equals the day one season before; set RETRAIN_LOSS=mae, which ranks "
                "models as mase does, or RETRAIN_LOSS=rmse"
            )
        return value


def coverage(actual: Matrix, made: Prediction, level: float) -> float:
    """Share of the observed amounts inside the intervals of `level` percent; calibrated intervals give `level`.

    Args: actual: the shape of `made`; NaN for days that were not observed.
    """
    low, high = made.interval(level)
    observed = ~np.isnan(actual)
    return float(np.mean(((low <= actual) & (actual <= high))[observed]))


def score(
    actual: Matrix, made: Matrix | Prediction, history: Vector, season: int, loss: Loss = Loss.RMSE
) -> Scorecard:
    """All metrics over every origin and every observed day of its horizon.

    RMSE, R2 and bias are those of the mean forecast. MAE and MASE are too, unless one of them is the loss: then
    they are those of the median forecast.

    Args:
        actual, made: shape (origins, horizon); NaN in `actual` for days that were not observed.
        history, season: as for `mase`.
    """
    covered = (
        (None, None) if isinstance(made, np.ndarray) else tuple(coverage(actual, made, level) for level in LEVELS)
    )
    observed = ~np.isnan(actual)
    actual, mean, point = actual[observed], Loss.RMSE.point(made)[observed], loss.point(made)[observed]
    errors = forecast_errors(actual, mean, history)
    return Scorecard(
        rmse=float(np.sqrt(np.mean(errors**2))),
        mae=float(np.mean(np.abs(forecast_errors(actual, point, history)))),
        mase=mase(actual, point, history, season),
        r2=r2(actual, mean),
        bias=float(np.mean(errors)),
        coverage_80=covered[0],
        coverage_95=covered[1],
    )

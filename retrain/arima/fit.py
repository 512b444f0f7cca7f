"""Fits one ARIMA order by exact maximum likelihood. Only this module imports statsmodels."""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from retrain.arima import css, regressors
from retrain.arima.likelihood import NegativeLogLikelihood, maximise
from retrain.arima.scaling import scaled
from retrain.errors import NotConverged
from scoring.model import ForecastModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from retrain.arima.order import Order
    from retrain.data.series import DailySeries

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

MIN_VARIANCE = 1e-12  # of the scaled series; below it is rounding
MAX_FORECAST_DAYS = 400  # at least the longest horizon of the service


@dataclass(frozen=True, slots=True, eq=False)
class FittedModel:
    """A fit and the state space it forecasts with.

    Attributes:
        parameters: by name, in currency and its square, or in logarithms if the order has them.
        optimum: shape (k,), the same for the series divided by its scale, in statsmodels' order: regression, AR,
            MA, seasonal AR, seasonal MA, variance; start values for the next fit of the same order.
        log_likelihood: of the scaled and differenced series; comparable between fits with the same differencing.
        is_pinned: True if the order is given by RETRAIN_ORDER, False if the search chose it.
        remark: a sentence for the report, for example that a simpler order was fitted; empty for none.
    """

    order: Order
    parameters: dict[str, float]
    optimum: Vector
    log_likelihood: float
    model: ForecastModel
    is_pinned: bool = True
    remark: str = ""


def fit(order: Order, series: DailySeries, start: Vector | None = None, *, is_pinned: bool = True) -> FittedModel:
    """Fit one order to every day of the series.

    The series is divided by its standard deviation first, so that neither the optimiser nor the diffuse initial
    state depends on the currency. The likelihood is that of the differenced series. The start values are the CSS
    estimate, and its curvature is the first approximation of the Hessian.

    Args:
        start: shape (k,), the optimum of an earlier fit of the same order; used if its likelihood is higher.
        is_pinned: whether the order is given by RETRAIN_ORDER; an error then says to pin a simpler one.
    Raises: NotConverged if no optimum was found; FlatSeries if the series never changes.
    """
    values, scale = scaled(order, series)
    try:
        return _fit(order, series, values, scale, start, is_pinned=is_pinned)
    except NotConverged as exc:
        if not is_pinned:
            raise
        raise NotConverged(f"{exc}; pin a simpler RETRAIN_ORDER") from exc


def refit(fitted: FittedModel, series: DailySeries) -> FittedModel:
    """Fit the same order to more days, with the last optimum as start values if its likelihood is higher.

    Raises: NotConverged if no optimum was found.
    """
    start = fitted.optimum.copy()
    # The regression is in units of the series' scale, which more days change.
    start[: len(start) - fitted.order.coefficients - 1] *= (
        fitted.model.facts["scale"] / scaled(fitted.order, series)[1]
    )
    try:
        return fit(fitted.order, series, start, is_pinned=fitted.is_pinned)
    except NotConverged:
        return fit(fitted.order, series, is_pinned=fitted.is_pinned)


def _fit(
    order: Order, series: DailySeries, values: Vector, scale: float, start: Vector | None, *, is_pinned: bool
) -> FittedModel:
    columns = regressors.with_mean(order, series.first_day, len(series))
    try:
        with _quiet_on_one_thread():
            optimum, log_likelihood = _optimum(order, values, columns, start)
            model = _state_space(order, values, columns, optimum)
    except (np.linalg.LinAlgError, ValueError) as exc:
        raise NotConverged(f"{order} could not be fitted: {exc}") from exc
    if math.isnan(log_likelihood) or not np.isfinite(optimum).all():
        raise NotConverged(f"{order} has no finite likelihood on these {len(series)} days")
    with np.errstate(over="ignore"):
        forecaster = _forecaster(order, model, optimum, series, scale)
        if not np.isfinite(forecaster.forecast(MAX_FORECAST_DAYS).mean).all():
            raise NotConverged(f"the forecasts of {order} grow without bound")
    return FittedModel(
        order=order,
        parameters=_in_currency(order, model.param_names, optimum, scale),
        optimum=optimum,
        log_likelihood=log_likelihood,
        model=forecaster,
        is_pinned=is_pinned,
    )


@contextmanager
def _quiet_on_one_thread() -> Iterator[None]:
    """No warnings: the caller checks the result. One BLAS thread: more threads only wait on such small matrices."""
    from statsmodels.tools.sm_exceptions import ModelWarning

    with warnings.catch_warnings(), _blas().limit(limits=1, user_api="blas"):
        warnings.simplefilter("ignore", ModelWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _sarimax(order: Order, values: Vector, columns: Matrix, **options: Any) -> Any:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    seasonal = (order.seasonal_p, order.seasonal_d, order.seasonal_q, order.season_days)
    return SARIMAX(
        values,
        exog=columns if columns.shape[1] else None,
        order=(order.p, order.d, order.q),
        seasonal_order=seasonal if order.is_seasonal else (0, 0, 0, 0),
        trend="n",
        **options,
    )


def _optimum(order: Order, values: Vector, columns: Matrix, start: Vector | None) -> tuple[Vector, float]:
    """The maximum likelihood parameters, the variance last, and their log-likelihood."""
    model = _sarimax(order, values, columns, simple_differencing=True, concentrate_scale=True)
    estimate = css.estimate(order, order.difference(values), order.difference(columns))
    best = np.concatenate([estimate.effects, estimate.coefficients])
    if start is not None and model.loglike(start[:-1]) > model.loglike(best):
        best = start[:-1]
    if len(best):
        best = maximise(NegativeLogLikelihood(order, model, columns.shape[1]), best, estimate.information)
    log_likelihood, variance = float(model.loglike(best)), float(model.ssm.filter().scale)
    if not len(best) and variance <= MIN_VARIANCE:
        return np.array([MIN_VARIANCE]), math.inf
    return np.append(best, variance), log_likelihood


def _state_space(order: Order, values: Vector, columns: Matrix, optimum: Vector) -> Any:
    """statsmodels' model of the undifferenced series with these parameters."""
    model = _sarimax(order, values, columns)
    model.update(optimum)
    return model


def _in_currency(order: Order, names: list[str], optimum: Vector, scale: float) -> dict[str, float]:
    regression = [*(["mean"] if order.mean else []), *regressors.names(order.regressors)]
    units = np.ones(len(optimum))
    units[: len(regression)], units[-1] = scale, scale**2
    return dict(zip([*regression, *names[len(regression) :]], (optimum * units).tolist(), strict=True))


def _forecaster(order: Order, model: Any, optimum: Vector, series: DailySeries, scale: float) -> ForecastModel:
    space, filtered = model.ssm, model.ssm.filter()
    selection = space["selection"]
    effects = (optimum[int(order.mean) : len(optimum) - order.coefficients - 1] * scale).tolist()
    return ForecastModel(
        origin=series.last_day,
        intercept=float(optimum[0]) * scale if order.mean else 0.0,
        # statsmodels stores columns, JSON stores rows; the memory order changes the last bits of a product.
        design=np.ascontiguousarray(space["design"][0] * scale),
        transition=np.ascontiguousarray(space["transition"]),
        noise=np.ascontiguousarray(selection @ space["state_cov"] @ selection.T),
        state=np.ascontiguousarray(filtered.predicted_state[:, -1]),
        covariance=np.ascontiguousarray(filtered.predicted_state_cov[:, :, -1]),
        log=order.log,
        calendar=regressors.calendar_of(order.regressors, effects, series.last_day),
        facts={"scale": scale},
    )

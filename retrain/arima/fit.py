"""One ARIMA order -> its exact maximum likelihood fit by statsmodels. Nothing else imports statsmodels."""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from retrain.arima import css, regressors
from retrain.arima.stationary import constrained, unconstrained
from retrain.errors import FlatSeries, NotConverged
from scoring.model import ForecastModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from retrain.arima.order import Order
    from retrain.data.series import DailySeries

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

MAX_EVALUATIONS = 300
GAIN = 1e-2  # of the log-likelihood: a step that brings less ends the climb
LEVEL = 2e-2  # gradient of the mean log-likelihood, per unit of a free parameter, that counts as a summit
ROUNDING = 1e-12  # least variance, of the scaled series
STEP = 1e-6  # of the numerical gradient
RIDGE = 0.02  # least curvature of the first steps: a parameter near its bound has next to none
NOWHERE = 1e10  # what the optimiser sees of a point without a likelihood
FARTHEST = 6.0  # where Fisher's z levels off: there a root all but lies on the unit circle
EDGE = 0.999  # of it, where a climb may begin

TINY = 1e-305
FORECAST_DAYS = 400  # the farthest that the service forecasts, and more

SIMPLER = "pin a simpler RETRAIN_ORDER, or leave it empty to search"


@dataclass(frozen=True, slots=True, eq=False)
class FittedModel:
    """A fit and the state space it forecasts with.

    Attributes:
        parameters: by name, in currency and its square, or in logarithms where the order has them.
        optimum: shape (k,), the same for the series divided by its scale, in statsmodels' order: regression, AR,
            MA, seasonal AR, seasonal MA, variance; a warm start for the next fit of the same order.
        log_likelihood: of that differenced series; comparable between fits of one differencing.
        remark: what a person should know of how it came about; empty for nothing.
    """

    order: Order
    parameters: dict[str, float]
    optimum: Vector
    log_likelihood: float
    model: ForecastModel
    remark: str = ""


def fit(order: Order, series: DailySeries, start: Vector | None = None) -> FittedModel:
    """Fit one order to every day of the series.

    The series is divided by its standard deviation first, so that neither the optimiser nor the diffuse start
    depends on the currency. The likelihood is that of the differenced series. Its optimum is sought from the
    least conditional sum of squares, whose curvature shapes the first steps.

    Args:
        start: shape (k,), where an earlier fit of the same order ended; taken if it is the likelier start.
    Raises: NotConverged if no optimum was found; FlatSeries if the series never changes.
    """
    values, scale = scaled(order, series)
    columns = regressors.beside(order, series.first_day, len(series))
    try:
        with _quiet():
            optimum, likelihood = _climb(order, values, columns, start)
            model = _state_space(order, values, columns, optimum)
    except (np.linalg.LinAlgError, ValueError) as exc:
        raise NotConverged(f"{order} could not be fitted: {exc}; {SIMPLER}") from exc
    if math.isnan(likelihood) or not np.isfinite(optimum).all():
        raise NotConverged(f"{order} has no finite likelihood on these {len(series)} days; {SIMPLER}")
    with np.errstate(over="ignore"):
        forecaster = _forecaster(order, model, optimum, series, scale)
        if not np.isfinite(forecaster.forecast(FORECAST_DAYS).mean).all():
            raise NotConverged(f"{order} forecasts amounts without an end; {SIMPLER}")
    return FittedModel(
        order=order,
        parameters=_in_currency(order, model.param_names, optimum, scale),
        optimum=optimum,
        log_likelihood=likelihood,
        model=forecaster,
    )


def refit(fitted: FittedModel, series: DailySeries) -> FittedModel:
    """The same order on more days, from where the last fit ended if that is the likelier start.

    Raises: NotConverged if no optimum was found.
    """
    start = fitted.optimum.copy()
    # The regression is in units of the series' scale, which more days change.
    start[: len(start) - fitted.order.coefficients - 1] *= (
        fitted.model.facts["scale"] / scaled(fitted.order, series)[1]
    )
    try:
        return fit(fitted.order, series, start)
    except NotConverged:
        return fit(fitted.order, series)


def scaled(order: Order, series: DailySeries) -> tuple[Vector, float]:
    """What the order describes, divided by its standard deviation, and that deviation.

    A day whose amount has no logarithm counts as missing where logarithms are asked for: they are interpolated.

    Raises: FlatSeries if the series never changes; NotConverged if no two of its days have different logarithms.
    """
    values = series.values
    if series.is_flat:
        raise FlatSeries(f"all {len(series)} days are {values[0]:g}; there is nothing to fit")
    if order.log:
        there = values > 0
        if len(set(values[there])) < 2:
            raise NotConverged(f"{order} cannot be fitted: {there.sum()} of {len(values)} days have a logarithm")
        values = np.interp(np.arange(len(values)), np.flatnonzero(there), np.log(values[there]))
    # Squares of amounts near the ends of the floating point range would leave it.
    size = float(np.abs(values).max())
    scale = size * float((values / size).std()) if size > TINY else 0.0
    if not scale > TINY:
        raise NotConverged(f"{order} cannot be fitted: amounts around {size:g} are too small to compute with")
    return values / scale, scale


@contextmanager
def _quiet() -> Iterator[None]:
    """Failures are read off the result; BLAS keeps to one thread, for on matrices this small they only wait."""
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


def _climb(order: Order, values: Vector, columns: Matrix, start: Vector | None) -> tuple[Vector, float]:
    """The most likely parameters, their variance last, and their log-likelihood."""
    model = _sarimax(order, values, columns, simple_differencing=True, concentrate_scale=True)
    found = css.estimate(order, order.difference(values), order.difference(columns))
    best = np.concatenate([found.effects, found.coefficients])
    if start is not None and model.loglike(start[:-1]) > model.loglike(best):
        best = start[:-1]
    if len(best):
        best = _ascend(_Slope(order, model, columns.shape[1]), best, found.information)
    likelihood, variance = float(model.loglike(best)), float(model.ssm.filter().scale)
    if not len(best) and variance <= ROUNDING:
        return np.array([ROUNDING]), math.inf
    return np.append(best, variance), likelihood


def _ascend(slope: _Slope, start: Vector, information: Matrix) -> Vector:
    """Quasi-Newton steps, the first ones shaped by the curvature of the sum of squares."""
    from scipy.optimize import minimize

    free = slope.free(start)
    axes = np.array([slope.parameters(free + STEP * axis) - start for axis in np.eye(len(free))]) / STEP
    inverse = np.linalg.inv(axes @ information @ axes.T + RIDGE * np.eye(len(free)))
    options = {"eps": STEP, "hess_inv0": (inverse + inverse.T) / 2}
    ending = minimize(slope.depth, free, method="BFGS", callback=slope.levels, options=options)
    if not (ending.success or np.abs(ending.jac).max() < LEVEL) or ending.fun >= NOWHERE:
        raise NotConverged(f"{slope.order} has no summit that {ending.nit} steps could reach; {SIMPLER}")
    return slope.parameters(ending.x)


@dataclass(slots=True, eq=False)
class _Slope:
    """The mean log-likelihood turned upside down, over parameters that may be any real numbers."""

    order: Order
    model: Any
    regression: int
    evaluations: int = 0
    before: float = math.inf

    def free(self, parameters: Vector) -> Vector:
        effects, coefficients = parameters[: self.regression], parameters[self.regression :]
        inside = np.clip(unconstrained(self.order, coefficients) / FARTHEST, -EDGE, EDGE)
        return np.concatenate([effects, FARTHEST * np.arctanh(inside)])

    def parameters(self, free: Vector) -> Vector:
        effects, coefficients = free[: self.regression], free[self.regression :]
        return np.concatenate([effects, constrained(self.order, FARTHEST * np.tanh(coefficients / FARTHEST))])

    def depth(self, free: Vector) -> float:
        self.evaluations += 1
        if self.evaluations > MAX_EVALUATIONS:
            raise NotConverged(f"{self.order} has not converged after {MAX_EVALUATIONS} likelihoods; {SIMPLER}")
        likelihood = self.model.loglike(self.parameters(free)) / self.model.nobs
        return -likelihood if math.isfinite(likelihood) else NOWHERE

    def levels(self, intermediate_result: Any) -> None:
        """Ends the climb where a step gained next to nothing."""
        gain, self.before = self.before - intermediate_result.fun, intermediate_result.fun
        if gain * self.model.nobs < GAIN:
            raise StopIteration


def _state_space(order: Order, values: Vector, columns: Matrix, optimum: Vector) -> Any:
    """statsmodels' own model of the undifferenced series with these parameters."""
    model = _sarimax(order, values, columns)
    model.update(optimum)
    return model


def _in_currency(order: Order, names: list[str], optimum: Vector, scale: float) -> dict[str, float]:
    regression = [*(["mean"] if order.mean else []), *regressors.names(order.regressors)]
    units = np.ones(len(optimum))
    units[: len(regression)], units[-1] = scale, scale**2
    return dict(zip([*regression, *names[len(regression) :]], (optimum * units).tolist(), strict=True))


def _forecaster(order: Order, model: Any, optimum: Vector, series: DailySeries, scale: float) -> ForecastModel:
    space, known = model.ssm, model.ssm.filter()
    selection = space["selection"]
    effects = (optimum[int(order.mean) : len(optimum) - order.coefficients - 1] * scale).tolist()
    return ForecastModel(
        origin=series.last_day,
        intercept=float(optimum[0]) * scale if order.mean else 0.0,
        # statsmodels keeps columns together, JSON rows: the order of memory decides the last bits of a product.
        design=np.ascontiguousarray(space["design"][0] * scale),
        transition=np.ascontiguousarray(space["transition"]),
        noise=np.ascontiguousarray(selection @ space["state_cov"] @ selection.T),
        state=np.ascontiguousarray(known.predicted_state[:, -1]),
        covariance=np.ascontiguousarray(known.predicted_state_cov[:, :, -1]),
        log=order.log,
        calendar=regressors.calendar_of(order.regressors, effects, series.last_day),
        facts={"scale": scale},
    )

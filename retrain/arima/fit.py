"""Fits one ARIMA order by exact maximum likelihood."""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima import css, regressors
from retrain.arima.blas import one_blas_thread
from retrain.arima.css import NOISELESS
from retrain.arima.filtering import filtered
from retrain.arima.likelihood import Optimum, maximise
from retrain.arima.outliers import with_bounded_surprises
from retrain.arima.scaling import scaled
from retrain.errors import NotConverged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from retrain.arima.open_days import OpenDays
    from retrain.arima.order import Order
    from scoring.state_space import StateSpace

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FittedOrder:
    """One order with its parameters, and the state space that it forecasts with.

    Attributes:
        parameters: by name, in currency and its square, or in logarithms if the order has them.
        coefficients: shape (k,), AR, MA, seasonal AR, seasonal MA; start values for a fit to more days.
        log_likelihood: of the scaled and differenced series; comparable between fits with the same differencing.
        state_space: its state is that after the last day.
        filtered: the same of the scaled series without mean and regression.
        taken_in: shape (n,), what that one took in, NaN for unknown days.
        variance: of the errors of the scaled series.
    """

    order: Order
    parameters: dict[str, float]
    coefficients: Vector
    log_likelihood: float
    state_space: StateSpace
    filtered: StateSpace
    taken_in: Vector
    variance: float


def fit(order: Order, series: OpenDays, start: Vector | None = None) -> FittedOrder:
    """Fit one order to every day of the series.

    The series is divided by its standard deviation first, so that neither the optimiser nor the diffuse initial
    state depends on the currency. The likelihood is that of the differenced series. The state after the last day is
    that of a filter with bounded surprises, for which unknown days are missing.

    Args: start: shape (k,), the coefficients of an earlier fit; None for the CSS estimate.
    Raises: NotConverged if no optimum was found; FlatSeries if the series never changes.
    """
    values, scale = scaled(order, series)
    columns = regressors.with_mean(order, series.days, series.closures.weekdays)
    try:
        with _quiet_on_one_thread():
            found = _optimum(order, values, columns, start)
            taken = np.where(series.unknown, np.nan, _taken_in(found, order, values, columns))
            last = filtered(order, found.coefficients, found.variance, taken)
            space = _in_currency(order, last, found, series, scale)
    except (np.linalg.LinAlgError, ValueError) as exc:
        raise NotConverged(f"{order} could not be fitted: {exc}") from exc
    if not math.isfinite(found.log_likelihood) or not np.isfinite(space.state).all():
        raise NotConverged(f"{order} has no finite likelihood on these {len(series)} days")
    return FittedOrder(
        order=order,
        parameters=_parameters(order, series, found, scale),
        coefficients=found.coefficients,
        log_likelihood=found.log_likelihood,
        state_space=space,
        filtered=last,
        taken_in=taken,
        variance=found.variance,
    )


@contextmanager
def _quiet_on_one_thread() -> Iterator[None]:
    """No warnings: the caller checks the result."""
    with warnings.catch_warnings(), one_blas_thread():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _optimum(order: Order, values: Vector, columns: Matrix, start: Vector | None) -> Optimum:
    w, differenced = order.difference(values), order.difference(columns)
    if start is None:
        start = css.estimate(order, w, differenced).coefficients
    try:
        return maximise(order, w, differenced, start)
    except NotConverged:
        return maximise(order, w, differenced, np.zeros(order.coefficients))


def _taken_in(found: Optimum, order: Order, values: Vector, columns: Matrix) -> Vector:
    """The values without mean and regression, their surprises bounded."""
    deviation = math.sqrt(found.variance)
    return with_bounded_surprises(order, found.coefficients, deviation, values - columns @ found.effects)


def _parameters(order: Order, series: OpenDays, found: Optimum, scale: float) -> dict[str, float]:
    names = [*(["mean"] if order.mean else []), *regressors.names(order.regressors, series.closures.weekdays)]
    names += [f"ar.L{lag}" for lag in range(1, order.p + 1)]
    names += [f"ma.L{lag}" for lag in range(1, order.q + 1)]
    names += [f"ar.S.L{lag * order.season_days}" for lag in range(1, order.seasonal_p + 1)]
    names += [f"ma.S.L{lag * order.season_days}" for lag in range(1, order.seasonal_q + 1)]
    values = [*(found.effects * scale), *found.coefficients, found.variance * scale**2]
    return dict(zip([*names, "sigma2"], map(float, values), strict=True))


def _in_currency(order: Order, last: StateSpace, found: Optimum, series: OpenDays, scale: float) -> StateSpace:
    mean, effects = found.effects[: int(order.mean)] * scale, found.effects[int(order.mean) :] * scale
    return replace(
        last,
        intercept=float(mean[0]) if order.mean else 0.0,
        design=last.design * scale,
        calendar=regressors.calendar_of(
            order.regressors, effects.tolist(), series.days[-1], series.closures.weekdays
        ),
        least_deviation=scale if found.variance <= NOISELESS else 0.0,
    )

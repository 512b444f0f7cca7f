"""Forecasts equal those of statsmodels with the same parameters, where no surprise is bounded."""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from retrain.arima import regressors
from retrain.arima.ensemble import FittedModel, fit_pinned
from retrain.arima.order import Order
from retrain.arima.scaling import scaled
from retrain.errors import NotConverged
from tests.builders import consecutive, open_days, series, weekly

if TYPE_CHECKING:
    from collections.abc import Iterator

# Every order that the search can choose; a mean only without differencing.
orders = st.builds(
    Order,
    p=st.integers(0, 3),
    d=st.integers(0, 2),
    q=st.integers(0, 3),
    seasonal_p=st.integers(0, 2),
    seasonal_d=st.integers(0, 1),
    seasonal_q=st.integers(0, 2),
    season_days=st.just(7),
    mean=st.booleans(),
    log=st.booleans(),
    regressors=st.sets(st.sampled_from(["month_end", "weekdays", "holidays of US"]), max_size=2).map(tuple),
).map(
    lambda order: replace(
        order,
        mean=order.mean and order.d + order.seasonal_d == 0,
        regressors=() if order.seasonal_d else order.regressors,
    )
)


@contextmanager
def unbounded() -> Iterator[None]:
    """Surprises are taken in whole, as statsmodels' filter does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scoring.state_space.BOUND", math.inf)
        yield


def fitted_to(order: Order, values: Any) -> FittedModel:
    """The order alone, on every amount as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retrain.arima.outliers.ABSURD", math.inf)
        return fit_pinned(order, series(values), 7)


def statsmodels_on(order: Order, values: Any, fitted: FittedModel, trained: int, ahead: int) -> Any:
    """Statsmodels' forecast with the fitted parameters, divided by the scale of the trained days; and the scale."""
    from statsmodels.tsa.arima.model import ARIMA

    seasonal = (order.seasonal_p, order.seasonal_d, order.seasonal_q, order.season_days)
    scale = scaled(order, open_days(values[:trained]))[1]
    columns = regressors.columns(order.regressors, consecutive(len(values) + ahead))
    known, coming = columns[: len(values)], columns[len(values) :]
    *effects, variance = fitted.fits[0].parameters.values()
    count = len(effects) - order.coefficients
    parameters = [*(each / scale for each in effects[:count]), *effects[count:], variance / scale**2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ARIMA(
            (np.log(values) if order.log else np.asarray(values)) / scale,
            exog=known if order.regressors else None,
            order=(order.p, order.d, order.q),
            seasonal_order=seasonal if order.is_seasonal else (0, 0, 0, 0),
            trend="c" if order.mean else "n",
        )
        return model.filter(parameters).get_forecast(ahead, exog=coming if order.regressors else None), scale


@settings(max_examples=6)
@given(orders, st.integers(0, 5), st.floats(1e-3, 1e6), st.sets(st.integers(80, 99), max_size=8))
def test_forecasts_equal_statsmodels(order: Order, seed: int, currency: float, missing: set[int]):
    """Means and variances to a relative 1e-8, at the end of training and after newer days, some of them missing."""
    values = currency * weekly(100, seed=seed)
    values[sorted(missing)] = np.nan
    with unbounded():
        try:
            fitted = fitted_to(order, values[:80])
        except NotConverged:
            reject()
        observed = fitted.model.observe(values[80:])

    for ours, known in ((fitted.model, values[:80]), (observed, values)):
        made, (theirs, scale) = ours.forecast(14), statsmodels_on(order, known, fitted, 80, 14)
        np.testing.assert_allclose(made.center, theirs.predicted_mean * scale, rtol=1e-8, atol=1e-8 * scale)
        np.testing.assert_allclose(made.variance, theirs.se_mean**2 * scale**2, rtol=1e-8)


@pytest.mark.parametrize("order", [Order(1, 0, 1, mean=True), Order(2, 1, 1), Order(1, 0, 1, 0, 1, 1, 7)], ids=str)
def test_observing_newer_days_equals_append_without_refit(order: Order):
    """Also with missing days, which move the origin and do not change the state estimate."""
    values = weekly(120)
    values[105] = np.nan
    with unbounded():
        fitted = fitted_to(order, values[:100])
        ours = fitted.model.observe(values[100:]).forecast(7)

    theirs, scale = statsmodels_on(order, values, fitted, 100, 7)

    np.testing.assert_allclose(ours.mean, theirs.predicted_mean * scale, rtol=1e-8)
    np.testing.assert_allclose(ours.variance, theirs.se_mean**2 * scale**2, rtol=1e-8)


def test_intervals_equal_statsmodels():
    """At any level."""
    with unbounded():
        fitted = fitted_to(Order(1, 0, 1, mean=True), weekly(100))

    lower, upper = fitted.model.forecast(7).interval(80)
    theirs, scale = statsmodels_on(fitted.order, weekly(100), fitted, 100, 7)

    np.testing.assert_allclose(np.column_stack([lower, upper]), theirs.conf_int(alpha=0.2) * scale, rtol=1e-8)

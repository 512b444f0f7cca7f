"""The artifact and its forecasts, which equal those of statsmodels."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from statsmodels.tsa.arima.model import ARIMA

from retrain.arima import regressors
from retrain.arima.fit import fit
from retrain.arima.order import Order
from retrain.errors import NotConverged
from scoring.model import BadArtifact, ForecastModel
from tests.builders import FIRST_DAY, series, weekly

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


def statsmodels_on(order: Order, values: Any, fitted: Any, ahead: int) -> Any:
    """The forecast of statsmodels with the fitted parameters, from the scaled series."""
    seasonal = (order.seasonal_p, order.seasonal_d, order.seasonal_q, order.season_days)
    columns = regressors.columns(order.regressors, FIRST_DAY, len(values) + ahead)
    known, coming = columns[: len(values)], columns[len(values) :]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ARIMA(
            (np.log(values) if order.log else np.asarray(values)) / fitted.model.facts["scale"],
            exog=known if order.regressors else None,
            order=(order.p, order.d, order.q),
            seasonal_order=seasonal if order.is_seasonal else (0, 0, 0, 0),
            trend="c" if order.mean else "n",
        )
        return model.filter(fitted.optimum).get_forecast(ahead, exog=coming if order.regressors else None)


@settings(max_examples=6)
@given(orders, st.integers(0, 5), st.floats(1e-3, 1e6), st.sets(st.integers(80, 99), max_size=8))
def test_forecasts_equal_statsmodels(order: Order, seed: int, currency: float, missing: set[int]):
    """Means and variances to a relative 1e-8, at the end of training and after newer days, some of them missing."""
    values = currency * weekly(100, seed=seed)
    values[sorted(missing)] = np.nan
    try:
        fitted = fit(order, series(values[:80]))
    except NotConverged:
        reject()
    scale = fitted.model.facts["scale"]

    for ours, known in ((fitted.model, values[:80]), (fitted.model.observe(values[80:]), values)):
        made, theirs = ours.forecast(14), statsmodels_on(order, known, fitted, 14)
        np.testing.assert_allclose(made.center, theirs.predicted_mean * scale, rtol=1e-8, atol=1e-8 * scale)
        np.testing.assert_allclose(made.variance, theirs.se_mean**2 * scale**2, rtol=1e-8)


@pytest.mark.parametrize("order", [Order(1, 0, 1, mean=True), Order(2, 1, 1), Order(1, 0, 1, 0, 1, 1, 7)], ids=str)
def test_observing_newer_days_equals_append_without_refit(order: Order):
    """Also with missing days, which move the origin and do not change the state estimate."""
    values = weekly(120)
    values[105] = np.nan
    fitted = fit(order, series(values[:100]))
    scale = fitted.model.facts["scale"]

    ours = fitted.model.observe(values[100:]).forecast(7)
    theirs = statsmodels_on(order, values, fitted, 7)

    np.testing.assert_allclose(ours.mean, theirs.predicted_mean * scale, rtol=1e-8)
    np.testing.assert_allclose(ours.variance, theirs.se_mean**2 * scale**2, rtol=1e-8)


def test_intervals_equal_statsmodels():
    """At any level."""
    fitted = fit(Order(1, 0, 1, mean=True), series(weekly(100)))
    scale = fitted.model.facts["scale"]

    lower, upper = fitted.model.forecast(7).interval(80)
    theirs = statsmodels_on(fitted.order, weekly(100), fitted, 7).conf_int(alpha=0.2) * scale

    np.testing.assert_allclose(np.column_stack([lower, upper]), theirs, rtol=1e-8)


def test_a_model_of_logarithms_forecasts_amounts():
    """Log-normal means, and intervals that are symmetric in logarithms."""
    made = fit(Order(0, 1, 1, log=True), series(weekly(100))).model.forecast(7)
    lower, upper = made.interval(80)

    np.testing.assert_allclose(made.mean, np.exp(made.center + made.variance / 2))
    np.testing.assert_allclose(lower * upper, np.exp(2 * made.center))


def test_for_a_model_of_logarithms_zero_counts_as_missing():
    """It moves the origin and does not change the state estimate."""
    model = fit(Order(0, 1, 1, log=True), series(weekly(100))).model

    zero, missing = model.observe([0.0]), model.observe([float("nan")])

    assert zero.forecast(3).mean.tolist() == missing.forecast(3).mean.tolist()


def test_an_artifact_of_format_1_can_be_read():
    """The champion stays after an upgrade."""
    model = fit(Order(1, 0, 0, mean=True), series(weekly(60))).model
    document = json.loads(model.to_json())
    old = {key: value for key, value in document.items() if key not in {"log", "calendar"}} | {"format": 1}

    again = ForecastModel.from_json(json.dumps(old).encode())

    assert again.forecast(14).mean.tolist() == model.forecast(14).mean.tolist()


def test_a_forecast_has_its_days():
    """They follow the origin, which is the last observed day."""
    model = fit(Order(1, 0, 0, mean=True), series(weekly(60), date(2024, 1, 1))).model

    later = model.observe([100.0, float("nan")])

    assert later.origin == model.origin + timedelta(days=2)
    assert later.forecast(2).days == (date(2024, 3, 3), date(2024, 3, 4))


def test_rolling_forecasts_equal_forecasts_from_each_origin():
    """With one observed day more at each."""
    model, ahead = fit(Order(1, 1, 1), series(weekly(80))).model, weekly(20, seed=9)

    rolled = model.rolling(ahead, 7)

    assert rolled.mean.shape == rolled.variance.shape == (14, 7)
    made = model.observe(ahead[:5]).forecast(7)
    np.testing.assert_allclose(rolled.mean[5], made.mean, rtol=1e-12)
    np.testing.assert_allclose(rolled.variance[5], made.variance, rtol=1e-9)


def test_an_artifact_is_read_as_the_same_model():
    """Canonical JSON: the same model gives the same bytes."""
    order = Order(1, 0, 1, 1, 0, 0, 7, log=True, regressors=("month_end", "holidays of US"))
    model = fit(order, series(weekly(80))).model

    again = ForecastModel.from_json(model.to_json())

    assert again.to_json() == model.to_json()
    assert again.forecast(30).mean.tolist() == model.forecast(30).mean.tolist()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", 3, "format 3"),
        ("golden", {"mean": [1.0], "variance": [1.0]}, "golden"),
        ("golden", {"mean": [], "variance": None}, "cannot be read"),
        ("state_space", {}, "cannot be read"),
        ("trained_through", "yesterday", "cannot be read"),
    ],
)
def test_an_invalid_artifact_is_refused(key: str, value: object, message: str):
    """Another golden forecast, another format, or a missing field."""
    document = json.loads(fit(Order(1, 0, 0, mean=True), series(weekly(60))).model.to_json())

    with pytest.raises(BadArtifact, match=message):
        ForecastModel.from_json(json.dumps({**document, key: value}).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"\x80\x04\x95pickle", b'{"format": 1}'])
def test_bytes_that_are_not_an_artifact_are_refused(data: bytes):
    """Reading never runs code from the bytes."""
    with pytest.raises(BadArtifact):
        ForecastModel.from_json(data)

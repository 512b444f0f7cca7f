"""The artifact and its forecasts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrain.arima.ensemble import fit_pinned, fit_with_companions
from retrain.arima.order import Order
from scoring.model import BadArtifact, ForecastModel
from tests.builders import series, weekly

if TYPE_CHECKING:
    pass


def test_an_outlier_that_is_observed_counts_as_the_bound():
    """Three standard deviations; a thousand of them move the forecasts no more."""
    model = pinned(Order(0, 1, 1))
    deviation = float(np.sqrt(model.forecast(1).variance[0]))
    usual = float(model.forecast(1).mean[0])

    bound, wild = model.observe([usual + 3 * deviation]), model.observe([usual + 1000 * deviation])

    np.testing.assert_allclose(wild.forecast(7).mean, bound.forecast(7).mean)
    assert (wild.forecast(7).mean > model.forecast(7).mean).all()


def test_large_surprises_in_a_row_are_a_new_level():
    """From the third on, they are taken in whole."""
    model = pinned(Order(0, 1, 1))
    after = [model.observe([1000.0] * days).forecast(1).mean[0] for days in (1, 2, 3)]

    assert after[0] < after[1] < 150
    assert after[2] - after[1] > 3 * (after[1] - after[0])


def pinned(order: Order, days: int = 100) -> ForecastModel:
    """The model of one order on a weekly series."""
    return fit_pinned(order, series(weekly(days)), 7).model


def test_the_median_of_the_members_is_the_forecast():
    """Its variance is the mean of their squared distances, none more than four times the median."""
    model = fit_with_companions(Order(2, 1, 1), series(weekly(200)), 7).model
    each = [replace(model, members=(member,)).forecast(14) for member in model.members]

    made = model.forecast(14)

    np.testing.assert_allclose(made.mean, np.median([one.mean for one in each], axis=0))
    assert len(each) == 4
    squares = np.array([one.variance + (one.mean - made.mean) ** 2 for one in each])
    np.testing.assert_allclose(made.variance, np.minimum(squares, 4 * np.median(squares, axis=0)).mean(axis=0))


def test_a_member_that_runs_away_moves_the_forecast_little():
    """A level a thousand times too high, in one of four."""
    model = fit_with_companions(Order(2, 1, 1), series(weekly(200)), 7).model
    first = model.members[0]
    away = replace(model, members=(replace(first, intercept=1e5), *model.members[1:]))

    usual, made = model.forecast(7), away.forecast(7)

    assert np.abs(made.mean - usual.mean).max() < 20
    assert (made.variance < 10 * usual.variance).all()


def test_a_model_of_logarithms_forecasts_amounts():
    """Log-normal means, and intervals that are symmetric in logarithms."""
    made = pinned(Order(0, 1, 1, log=True)).forecast(7)
    lower, upper = made.interval(80)

    np.testing.assert_allclose(made.mean, np.exp(made.center + made.variance / 2))
    np.testing.assert_allclose(lower * upper, np.exp(2 * made.center))


def test_for_a_model_of_logarithms_zero_counts_as_missing():
    """It moves the origin and does not change the state estimate."""
    model = pinned(Order(0, 1, 1, log=True))

    zero, missing = model.observe([0.0]), model.observe([float("nan")])

    assert zero.forecast(3).mean.tolist() == missing.forecast(3).mean.tolist()


def test_a_forecast_has_its_days():
    """They follow the origin, which is the last observed day."""
    model = fit_pinned(Order(1, 0, 0, mean=True), series(weekly(60), date(2024, 1, 1)), 7).model

    later = model.observe([100.0, float("nan")])

    assert later.origin == model.origin + timedelta(days=2)
    assert later.forecast(2).days == (date(2024, 3, 3), date(2024, 3, 4))


def test_rolling_forecasts_equal_forecasts_from_each_origin():
    """With one observed day more at each."""
    model, ahead = pinned(Order(1, 1, 1), 80), weekly(20, seed=9)

    rolled = model.rolling(ahead, 7)

    assert rolled.mean.shape == rolled.variance.shape == (14, 7)
    made = model.observe(ahead[:5]).forecast(7)
    np.testing.assert_allclose(rolled.mean[5], made.mean, rtol=1e-12)
    np.testing.assert_allclose(rolled.variance[5], made.variance, rtol=1e-9)


def test_an_artifact_is_read_as_the_same_model():
    """Canonical JSON: the same model gives the same bytes."""
    order = Order(1, 0, 1, 1, 0, 0, 7, log=True, regressors=("month_end", "holidays of US"))
    model = fit_with_companions(order, series(weekly(80)), 7).model

    again = ForecastModel.from_json(model.to_json())

    assert again.to_json() == model.to_json()
    assert again.forecast(30).mean.tolist() == model.forecast(30).mean.tolist()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", 3, "format 3; this service reads 4"),
        ("golden", {"mean": [1.0], "variance": [1.0]}, "golden"),
        ("golden", {"mean": [], "variance": None}, "cannot be read"),
        ("members", [{}], "cannot be read"),
        ("trained_through", "yesterday", "cannot be read"),
    ],
)
def test_an_invalid_artifact_is_refused(key: str, value: object, message: str):
    """Another golden forecast, another format, or a missing field."""
    document = json.loads(pinned(Order(1, 0, 0, mean=True), 60).to_json())

    with pytest.raises(BadArtifact, match=message):
        ForecastModel.from_json(json.dumps({**document, key: value}).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"\x80\x04\x95pickle", b'{"format": 1}'])
def test_bytes_that_are_not_an_artifact_are_refused(data: bytes):
    """Reading never runs code from the bytes."""
    with pytest.raises(BadArtifact):
        ForecastModel.from_json(data)

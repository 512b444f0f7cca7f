"""The artifact and its forecasts."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from retrain.arima.ensemble import fit_pinned, fit_with_companions
from retrain.arima.order import Order
from retrain.data.series import GapPolicy, daily_series
from scoring.calendar import WEEKDAYS
from scoring.model import BadArtifact, ForecastModel
from tests.builders import series, weekly, without


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


def closed_at_weekends(*days: date) -> ForecastModel:
    """The model of a shop from Monday to Friday, closed on single days too, after Friday, 31 March 2023."""
    known = daily_series(without({5, 6}, weekly(89)), GapPolicy.INTERPOLATE)
    model = fit_pinned(Order(1, 0, 1, 0, 1, 1, 7), known, 7).model
    return replace(model, closures=replace(model.closures, days=frozenset(days)))


def test_closed_weekdays_are_passed_over():
    """What is told of them changes nothing; the next day of the model is the Monday."""
    model = closed_at_weekends()

    told, untold = model.observe([1e6, 50.0, 120.0]), model.observe([math.nan, math.nan, 120.0])

    assert told.to_json() == untold.to_json()
    assert told.forecast(1).mean[0] == pytest.approx(model.forecast(4).mean[3], rel=0.3)
    assert model.observe([math.nan] * 2).forecast(5).variance.tolist() == model.forecast(7).variance[2:].tolist()


def test_a_closed_holiday_is_zero_and_a_missing_day_of_the_model():
    """The days after it keep their weekday."""
    model, holiday = closed_at_weekends(), date(2023, 4, 5)
    closed = closed_at_weekends(holiday)

    made, usual = closed.forecast(14), model.forecast(14)

    at = made.days.index(holiday)
    assert (made.mean[at], made.variance[at]) == (0, 0)
    assert np.delete(made.mean, at).tolist() == np.delete(usual.mean, at).tolist()
    assert closed.observe([math.nan] * 4 + [300.0]).forecast(7).mean.tolist() == (
        model.observe([math.nan] * 5).forecast(7).mean.tolist()
    )


@pytest.mark.parametrize("log", [False, True])
def test_rolling_forecasts_pass_over_closed_days_too(log: bool):
    """They equal the forecasts from each origin, and know which days are closed."""
    known = daily_series(without({5, 6}, weekly(89)), GapPolicy.INTERPOLATE)
    model = fit_pinned(Order(1, 1, 1, log=log), known, 7).model
    model = replace(model, closures=replace(model.closures, days=frozenset({date(2023, 4, 5)})))
    ahead = weekly(20, seed=9)

    rolled = model.rolling(ahead, 7)

    assert np.array_equal(rolled.closed, rolled.mean == 0)
    for origin in range(14):
        made = model.observe(ahead[:origin]).forecast(7)
        np.testing.assert_allclose(rolled.mean[origin], made.mean, rtol=1e-12)
        np.testing.assert_allclose(rolled.interval(80)[1][origin], made.interval(80)[1], rtol=1e-9)
        assert np.array_equal(made.closed, made.mean == 0)


def test_an_artifact_knows_its_closed_days():
    """A service needs no other calendar."""
    model = closed_at_weekends(date(2023, 4, 7))

    document = json.loads(model.to_json())
    again = ForecastModel.from_json(model.to_json())

    assert document["closed"] == {"weekdays": ["saturday", "sunday"], "days": ["2023-04-07"]}
    assert again.to_json() == model.to_json()
    assert again.forecast(14).mean.tolist() == model.forecast(14).mean.tolist()


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
        ("closed", {"weekdays": ["caturday"], "days": []}, "cannot be read"),
        ("closed", {"weekdays": list(WEEKDAYS), "days": []}, "every weekday is closed"),
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

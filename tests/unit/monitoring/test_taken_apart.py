"""A forecast that is taken apart: the parts add up to it, and each of them is what it is called."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrain.arima.order import Order
from retrain.arima.procedure import Procedure
from retrain.data.series import GapPolicy, daily_series
from retrain.monitoring.taken_apart import LAST_DAYS, LEVEL, WEEKDAY, observed_one_by_one, taken_apart
from scoring.calendar import Closures
from scoring.model import ForecastModel
from tests.builders import FIRST_DAY, series, weekly, without

DAYS, LAST = 140, 14
VALUES = weekly(DAYS, seed=3)
EFFECTS = ("weekdays", "month_end", "holidays of US")
AIRLINE = Order(0, 1, 1, 0, 1, 1, 7)
HOLIDAYS = frozenset(FIRST_DAY + timedelta(days=DAYS + at) for at in (0, 2, 5, 30))


def fitted(*orders: Order) -> ForecastModel:
    """The members, of one fit each."""
    models = [Procedure(order=order).first(series(VALUES)).model for order in orders]
    return replace(models[0], members=tuple(model.members[0] for model in models))


def closed_at_weekends() -> ForecastModel:
    days = daily_series(without({5, 6}, VALUES), GapPolicy.INTERPOLATE)
    return Procedure(order=Order(1, 0, 1, 1, 0, 0, 7, mean=True)).first(days).model


MODELS = {
    "a mean": lambda: fitted(Order(1, 0, 1, mean=True)),
    "seasonal differences": lambda: fitted(AIRLINE),
    "regressors": lambda: fitted(Order(1, 1, 1, regressors=EFFECTS)),
    "logarithms": lambda: fitted(Order(1, 0, 0, 1, 0, 0, 7, mean=True, log=True, regressors=("month_end",))),
    "two members": lambda: fitted(AIRLINE, Order(1, 1, 1, regressors=EFFECTS)),
    "three members": lambda: fitted(AIRLINE, Order(1, 1, 1, regressors=EFFECTS), Order(1, 0, 1, mean=True)),
    "closed weekends": closed_at_weekends,
    "closed holidays": lambda: replace(fitted(AIRLINE), closures=Closures(days=HOLIDAYS)),
}
amounts = st.lists(st.floats(1, 500) | st.sampled_from([math.nan, 1e9, -50.0, 0.0]), max_size=LAST)


@cache
def model_of(name: str) -> ForecastModel:
    """Fitted once."""
    return MODELS[name]()


@pytest.mark.parametrize("name", MODELS)
@given(ahead=st.integers(1, 365), last=amounts)
@settings(max_examples=30)
def test_the_parts_add_up_to_the_forecast(name: str, ahead: int, last: list[float]):
    """To nine digits of the largest; of a model of logarithms, their product is the mean."""
    before = model_of(name)
    model, observed = before.observe(last), observed_one_by_one(before, np.array(last))

    found = taken_apart(model, model.origin + timedelta(days=ahead), observed)

    made = model.forecast(ahead)
    assert found.forecast == made.mean[-1]
    if not found.is_closed:
        total = math.fsum(found.parts.values())
        expected = made.center[-1] + (made.variance[-1] / 2 if model.log else 0.0)
        assert total == pytest.approx(expected, rel=1e-9, abs=1e-9 * max(map(abs, found.parts.values())))
        assert math.fsum(pull.adds for pull in found.pulls) == pytest.approx(found.parts[LAST_DAYS], abs=1e-6)


@pytest.mark.parametrize("name", ["a mean", "seasonal differences", "regressors", "closed weekends"])
def test_a_day_pulls_as_much_as_it_changes_the_forecast(name: str):
    """Beside the same day without an amount."""
    before = model_of(name).observe([math.nan] * 2)  # over a weekend
    known, unknown, day = before.observe([150.0]), before.observe([math.nan]), before.origin + timedelta(days=8)

    (pull,) = taken_apart(known, day, observed_one_by_one(before, np.array([150.0]))).pulls

    assert pull.adds == pytest.approx(known.forecast(7).mean[-1] - unknown.forecast(7).mean[-1])
    assert pull.expected == pytest.approx(before.forecast(1).mean[0])
    assert pull.amount == 150.0


def test_a_day_without_an_amount_pulls_nothing():
    """A missing one, and one that is closed."""
    friday = closed_at_weekends()
    while friday.origin.weekday() != 4:
        friday = friday.observe([math.nan])

    observed = observed_one_by_one(friday, np.array([0.0, 0.0, math.nan, 90.0]))

    assert [each.day.weekday() for each in observed] == [1]


def test_an_absurd_day_is_said_to_be_bounded():
    """It pulls as three standard deviations do."""
    before = model_of("a mean")
    observed = observed_one_by_one(before, np.array([1e9, 100.0]))

    found = taken_apart(before.observe([1e9, 100.0]), before.origin + timedelta(days=3), observed)

    assert [pull.is_bounded for pull in found.pulls] == [True, False]
    assert abs(found.pulls[0].adds) < 50


def test_a_closed_day_has_no_parts():
    """Its forecast is zero."""
    model = model_of("closed holidays")

    found = taken_apart(model, min(HOLIDAYS), [])

    assert (found.is_closed, found.forecast, found.parts) == (True, 0.0, {})


def test_the_effects_of_the_weekdays_are_zero_over_a_week():
    """An average day belongs to the level, whichever weekday the fit has taken as its reference."""
    model = model_of("regressors")
    days = [model.origin + timedelta(days=ahead) for ahead in range(10, 17)]

    effects = [taken_apart(model, day, []).parts[WEEKDAY] for day in days]

    assert math.fsum(effects) == pytest.approx(0, abs=1e-9)
    assert max(effects) > 10


def test_far_ahead_a_stationary_member_forecasts_its_mean():
    """The last days have been forgotten, so the level is all that is left."""
    before = model_of("a mean")
    last = VALUES[:LAST]
    model = before.observe(last)

    parts = taken_apart(model, model.origin + timedelta(days=300), observed_one_by_one(before, last)).parts

    assert parts[LEVEL] == pytest.approx(model.members[0].intercept)
    assert parts[LAST_DAYS] == pytest.approx(0, abs=1e-9)


def test_the_members_in_the_middle_are_explained():
    """One of three; both of two."""
    three, two = model_of("three members"), model_of("two members")
    day = three.origin + timedelta(days=1)
    centers = [float(replace(three, members=(member,)).forecast(1).mean[0]) for member in three.members]

    assert taken_apart(three, day, []).members == (centers.index(sorted(centers)[1]),)
    assert sorted(taken_apart(two, day, []).members) == [0, 1]


@pytest.mark.parametrize("name", ["a mean", "seasonal differences", "regressors", "logarithms"])
def test_trained_days_that_are_observed_anew_pull_as_they_did(name: str):
    """A version holds only what they add up to; learned again by the same model, they pull almost the same."""
    trained = model_of(name)
    truth = trained.observe(VALUES[:60])
    again = truth.restarted(FIRST_DAY, np.concatenate([VALUES, VALUES[:60]]))
    day = truth.origin + timedelta(days=15)

    pulls = [
        [pull.adds for pull in taken_apart(model.observe(VALUES[60:74]), day, steps).pulls]
        for model, steps in ((each, observed_one_by_one(each, VALUES[60:74])) for each in (truth, again))
    ]

    np.testing.assert_allclose(pulls[0], pulls[1], atol=0.03 * np.abs(pulls[0]).max())

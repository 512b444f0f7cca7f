"""Observing many days at once equals observing them one by one."""

from __future__ import annotations

import json
from datetime import date
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from scoring.blocks import FEW_DAYS, Blocks, observe_all, one_by_one
from scoring.calendar import Calendar, ordinals
from scoring.model import FIRST_DAYS
from scoring.state_space import StateSpace
from tests.builders import consecutive, series, weekly

ORDERS = {
    str(order): order
    for order in (
        Order(1, 0, 1, 1, 0, 0, 7, mean=True),
        Order(3, 0, 3, 2, 0, 2, 7),
        Order(0, 1, 1, 0, 1, 1, 7),
        Order(2, 2, 1),
        Order(0, 2, 1, 0, 1, 1, 7),
        Order(0, 0, 0, 0, 1, 0, 7),
        Order(1, 1, 1, regressors=("month_end", "weekdays")),
    )
}
TEN_YEARS = 3660


@cache
def member(order: str) -> StateSpace:
    """A model of this order."""
    return fit_pinned(ORDERS[order], series(weekly(100)), 7).model.members[0]


def as_far_as_forecasts_go(one: StateSpace) -> np.ndarray:
    """Centers in standard deviations or as they are, whichever is smaller, and variances, for 60 days."""
    center, variance = one.ahead(60).of(one, np.zeros(60))
    return np.array([center / np.maximum(1, np.sqrt(variance)), variance])


def see_equal(one: StateSpace, values: np.ndarray, unknown: int = 0, rtol: float = 1e-9) -> None:
    """In what is observed and in what is forecast."""
    days = np.arange(len(values)) + date(2024, 1, 1).toordinal()
    at_once, singly = observe_all(one, values, days, unknown), one_by_one(one, values, days)

    found, expected = as_far_as_forecasts_go(at_once), as_far_as_forecasts_go(singly)
    np.testing.assert_allclose(found[0], expected[0], rtol=rtol, atol=rtol * np.abs(expected[0]).max())
    np.testing.assert_allclose(found[1], expected[1], rtol=rtol)
    assert at_once.surprises == singly.surprises


@settings(max_examples=40, deadline=None)
@given(
    order=st.sampled_from(sorted(ORDERS)),
    days=st.integers(FEW_DAYS + 1, 300),
    observed=st.sampled_from([1.0, 0.9, 0.5, 0.05]),
    surprising=st.sampled_from([0.0, 0.05, 1.0]),
    seed=st.integers(0, 99),
)
def test_it_equals_day_by_day(order: str, days: int, observed: float, surprising: float, seed: int):
    """Whatever is missing, and however many surprises are bounded."""
    rng = np.random.default_rng(seed)
    values = weekly(days, seed=seed)
    values += np.where(rng.random(days) < surprising, rng.choice([-500.0, 500.0], days), 0.0)
    values[rng.random(days) >= observed] = np.nan

    see_equal(member(order), values)


@pytest.mark.parametrize("order", ORDERS)
def test_ten_years_without_an_observation_equal_as_many_missing_days(order: str):
    """By doubling: a dozen products instead of thousands. Three differences grow so far that they cost a digit."""
    values = np.append(np.full(TEN_YEARS, np.nan), 100.0)

    see_equal(member(order), values, rtol=1e-7)


@pytest.mark.parametrize("order", ORDERS)
def test_a_state_that_is_unknown_is_told_its_first_days_one_by_one(order: str):
    """Its variances would hide those of the days."""
    see_equal(member(order).before_any_day(100.0), weekly(250, seed=4), FIRST_DAYS)


def test_a_block_is_short_where_its_noise_grows_fast():
    """Of a state that is integrated three times, and of one that returns to its mean."""
    lengths = [Blocks.of(member(order)).length for order in ORDERS]

    assert lengths[4] <= lengths[0]
    assert min(lengths) >= 16


def test_days_without_any_variance_are_taken_in_one_by_one():
    """A model that knows the future: nothing that is observed changes it."""
    certain = StateSpace(5.0, np.ones(1), np.eye(1), np.zeros((1, 1)), np.zeros(1), np.zeros((1, 1)))

    after = observe_all(certain, np.full(100, 7.0), np.arange(1, 101))

    assert after.state.tolist() == [0.0]
    assert after.surprises == 0


def test_effects_of_many_days_are_those_of_each():
    """Weekdays, month ends and holidays, from the first day that there is to the last."""
    effects = {"monday": 0.1, "sunday": -0.3, "month_end": 2.0, "holiday": 1.7}
    calendar = Calendar(effects, frozenset({date(2024, 12, 25), date(1, 1, 1)}))
    days = [date(1, 1, 1), date(1969, 12, 31), *consecutive(500), date(2024, 12, 25), date(9999, 12, 30)]

    assert calendar.effects_of(ordinals(days)).tolist() == [calendar.effect(day) for day in days]


def test_blocks_belong_to_no_artifact():
    """They are made from it."""
    assert "powers" not in json.dumps(member(next(iter(ORDERS))).as_json())

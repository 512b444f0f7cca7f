"""Absurd days: what they may move, and what is not one."""

from __future__ import annotations

import numpy as np
import pytest

from retrain.arima.fit import fit
from retrain.arima.order import Order
from retrain.arima.outliers import with_bounded_surprises, without_absurd_days
from tests.builders import open_days, weekly

DAYS = np.arange(210)
NOISE = np.random.default_rng(2).normal(0, 5, 210)

USUAL = {
    "a season": weekly(210),
    "a steep trend": 100 + 20.0 * DAYS + NOISE,
    "a new level": np.where(DAYS < 100, 100.0, 400.0) + NOISE,
    "a last week on a new level": np.where(DAYS < 203, 100.0, 160.0) + NOISE,
    "growth in percent": 50 * np.exp(0.015 * DAYS) + NOISE,
    "closed weekends": np.where(DAYS % 7 < 5, 100 + NOISE, 0.0),
    "rare counts": 1.0 * np.random.default_rng(3).poisson(0.3, 210),
    "a sale of half more": np.where(DAYS == 80, 1.5, 1.0) * (100 + NOISE),
    "a week without noise": np.resize([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 210),
}


@pytest.mark.parametrize("kind", USUAL)
def test_what_is_not_absurd_stays(kind: str):
    """The same amounts."""
    amounts = open_days(USUAL[kind])

    assert without_absurd_days(amounts).values.tolist() == amounts.values.tolist()


@pytest.mark.parametrize("amount", [1e4, 1e9, -1e9])
def test_an_absurd_day_is_moved_to_the_limit(amount: float):
    """Only that day, and however absurd it is, to the same amount."""
    values = weekly(210)
    values[100] = amount
    beyond = values.copy()
    beyond[100] = 1e3 * amount

    limited = without_absurd_days(open_days(values)).values

    others = DAYS != 100
    assert limited[others].tolist() == values[others].tolist()
    assert abs(limited[100] - weekly(210)[100]) < 400
    assert limited[100] == without_absurd_days(open_days(beyond)).values[100]


def test_last_bits_do_not_decide_what_is_absurd():
    """Where most days are exactly as usual, rounding is not a usual distance."""
    values = np.resize([12.0, 12.0, 12.0, 12.0, 12.0, 3.0, 3.0], 210)
    values[[30, 90, 150]] += [2.0, 3.0, 1.0]
    moved = np.nextafter(values, np.where(DAYS % 2, np.inf, -np.inf))

    limited = [without_absurd_days(open_days(each)).values for each in (values, moved)]

    np.testing.assert_allclose(limited[1], limited[0], rtol=1e-12)
    assert limited[0].tolist() == values.tolist()


ORDER, COEFFICIENTS = Order(0, 1, 1), np.array([-0.6])


def taken_in(values: np.ndarray) -> np.ndarray:
    """By a filter of exponential smoothing, with errors of standard deviation 5."""
    return with_bounded_surprises(ORDER, COEFFICIENTS, 5.0, values)


def test_usual_surprises_are_taken_in_whole():
    """Within three standard deviations."""
    values = 100 + np.clip(NOISE, -8, 8)

    assert taken_in(values).tolist() == values.tolist()


@pytest.mark.parametrize("amount", [200.0, 1e6, -1e6])
def test_an_outlier_counts_as_the_bound(amount: float):
    """However large it is."""
    values = 100 + np.clip(NOISE, -8, 8)
    values[100] = amount

    taken = taken_in(values)

    assert abs(taken[100] - 100) < 30
    assert np.abs(np.delete(taken - values, 100)).max() == 0


def test_a_new_level_is_taken_in_whole_from_the_third_day_on():
    """Three large surprises in a row on one side are a change."""
    values = np.where(DAYS < 100, 100.0, 200.0)

    taken = taken_in(values)

    assert (taken[100:102] < 160).all()
    assert taken[102:].tolist() == values[102:].tolist()


@pytest.mark.parametrize("order", [Order(0, 1, 1), Order(1, 0, 1, mean=True), Order(0, 1, 1, 0, 1, 1, 7)], ids=str)
def test_an_outlier_before_the_last_day_hardly_moves_the_forecasts(order: Order):
    """By less than a tenth of what an unbounded filter would make of it."""
    values = weekly(210, noise=10)
    wild = values.copy()
    wild[-2] += 1000

    usual, after = (fit(order, without_absurd_days(open_days(each))).state_space for each in (values, wild))

    moved = after.ahead(7).of(after, np.zeros(7))[0] - usual.ahead(7).of(usual, np.zeros(7))[0]
    assert np.abs(moved).max() < 40

"""The state space of an order is that of statsmodels' SARIMAX, and so is its state after the last day."""

from __future__ import annotations

import numpy as np
import pytest

from retrain.arima.filtering import filtered
from retrain.arima.order import Order
from retrain.arima.stationary import constrained

ORDERS = [
    Order(0, 0, 0),
    Order(2, 0, 0),
    Order(0, 0, 2),
    Order(0, 1, 1),
    Order(3, 2, 1),
    Order(0, 0, 0, 0, 1, 0, 7),
    Order(1, 0, 1, 1, 1, 1, 7),
    Order(2, 1, 2, 2, 1, 1, 7),
    Order(1, 1, 0, 0, 2, 1, 5),
    Order(1, 0, 2, 0, 0, 1, 12),
]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_matrices_state_and_covariance_are_those_of_sarimax(order: Order):
    """With missing days at the start, in the middle and at the end."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    values = np.cumsum(np.random.default_rng(5).normal(size=120)) / 5
    values[[0, 30, 31, 119]] = np.nan
    coefficients, variance = constrained(order, np.full(order.coefficients, 0.4)), 0.7
    seasonal = (order.seasonal_p, order.seasonal_d, order.seasonal_q, order.season_days)
    theirs = SARIMAX(
        values,
        order=(order.p, order.d, order.q),
        seasonal_order=seasonal if order.is_seasonal else (0, 0, 0, 0),
    )
    theirs.update(np.array([*coefficients, variance]))

    ours = filtered(order, coefficients, variance, values)

    space, result = theirs.ssm, theirs.ssm.filter()
    selection = space["selection"]
    np.testing.assert_array_equal(ours.design, space["design"][0])
    np.testing.assert_array_equal(ours.transition, space["transition"])
    np.testing.assert_allclose(ours.noise, selection @ space["state_cov"] @ selection.T, rtol=1e-12)
    np.testing.assert_allclose(ours.state, result.predicted_state[:, -1], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(ours.covariance, result.predicted_state_cov[:, :, -1], rtol=1e-8, atol=1e-8)


def test_no_surprise_is_bounded():
    """An absurd day among the values was let through on purpose by whoever calls."""
    order, values = Order(1, 0, 0), np.zeros(60)
    values[59] = 50.0

    last = filtered(order, np.array([0.5]), 1.0, values)

    assert last.state[0] == pytest.approx(25.0)
    assert (last.surprises, last.least_deviation) == (0, 0.0)

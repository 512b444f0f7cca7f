"""The filter over all days is that of statsmodels' SARIMAX, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.tsa.statespace.sarimax import SARIMAX

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
    """With a regression, and with missing days at the start, in the middle and at the end."""
    rng = np.random.default_rng(5)
    values, columns = np.cumsum(rng.normal(size=90)) / 5, rng.normal(size=(90, 2))
    values[[0, 30, 31, 89]] = np.nan
    coefficients = constrained(order, np.full(order.coefficients, 0.4))
    effects, variance = np.array([0.3, -0.2]), 0.7
    seasonal = (order.seasonal_p, order.seasonal_d, order.seasonal_q, order.season_days)
    theirs = SARIMAX(
        values,
        exog=columns,
        order=(order.p, order.d, order.q),
        seasonal_order=seasonal if order.is_seasonal else (0, 0, 0, 0),
    )
    theirs.update(np.concatenate([effects, coefficients, [variance]]))

    ours = filtered(order, coefficients, variance, values, columns @ effects)

    space, result = theirs.ssm, theirs.ssm.filter()
    selection = space["selection"]
    np.testing.assert_array_equal(ours.design, space["design"][0])
    np.testing.assert_array_equal(ours.transition, space["transition"])
    np.testing.assert_array_equal(ours.noise, selection @ space["state_cov"] @ selection.T)
    np.testing.assert_array_equal(ours.state, result.predicted_state[:, -1])
    np.testing.assert_array_equal(ours.covariance, result.predicted_state_cov[:, :, -1])

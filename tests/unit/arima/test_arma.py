"""The exact likelihood of an ARMA process, and its derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrain.arima.arma import Arma
from retrain.arima.order import Order
from retrain.arima.stationary import constrained
from tests.unit.arima.strategies import arma_orders, with_coefficients

DAYS = 60
STEP = 1e-6


def polynomials(order: Order, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of AR and MA, seasonal factors included."""
    ar, ma, seasonal_ar, seasonal_ma = order.polynomials(constrained(order, z))
    return np.convolve(ar, seasonal_ar), np.convolve(ma, seasonal_ma)


def point(order: Order, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Fisher's z of some coefficients, and a series."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.7, order.coefficients), rng.normal(0, 1, DAYS)


def square(process: Arma, series: np.ndarray) -> float:
    """u' cov(u)^-1 u."""
    errors = process.errors(series[:, None])
    return float(process.products(errors, errors)[0, 0])


@settings(max_examples=25)
@given(arma_orders, st.integers(0, 1000))
def test_the_likelihood_is_that_of_statsmodels(order: Order, seed: int):
    """With its innovations algorithm, for any seasonal order."""
    from statsmodels.tsa.innovations.arma_innovations import arma_loglike

    z, series = point(order, seed)
    ar, ma = polynomials(order, z)
    process, variance = Arma(ar, ma, DAYS), 1.7

    ours = -0.5 * (
        DAYS * math.log(2 * math.pi * variance) + process.log_determinant + square(process, series) / variance
    )

    assert ours == pytest.approx(arma_loglike(series, -ar[1:], ma[1:], sigma2=variance), rel=1e-8)


@settings(max_examples=25)
@given(with_coefficients, st.integers(0, 1000))
def test_derivatives_are_those_of_finite_differences(order: Order, seed: int):
    """Of the errors, the quadratic form and the determinant, in a random direction."""
    z, series = point(order, seed)
    direction = np.random.default_rng(seed + 1).normal(0, 1, len(z))
    up, down = polynomials(order, z + STEP * direction), polynomials(order, z - STEP * direction)
    process, above, below = (Arma(*at, DAYS) for at in (polynomials(order, z), up, down))
    moved = [(one - other) / (2 * STEP) for one, other in zip(up, down, strict=True)]

    derivative = process.derivative(*moved)
    errors = process.errors(series)
    changes = derivative.errors(series, errors)

    np.testing.assert_allclose(changes, (above.errors(series) - below.errors(series)) / (2 * STEP), atol=1e-5)
    assert derivative.square(errors, changes) == pytest.approx(
        (square(above, series) - square(below, series)) / (2 * STEP), rel=1e-5, abs=1e-4
    )
    assert derivative.log_determinant == pytest.approx(
        (above.log_determinant - below.log_determinant) / (2 * STEP), rel=1e-5, abs=1e-6
    )


def test_products_of_columns_are_generalised_inner_products():
    """left' cov(u)^-1 right, against the covariance matrix of an AR(1)."""
    ar, rng = 0.6, np.random.default_rng(0)
    left, right = rng.normal(0, 1, (DAYS, 2)), rng.normal(0, 1, (DAYS, 3))
    lag = np.abs(np.arange(DAYS)[:, None] - np.arange(DAYS)[None, :])
    covariance = ar**lag / (1 - ar**2)
    process = Arma(np.array([1.0, -ar]), np.ones(1), DAYS)

    made = process.products(process.errors(left), process.errors(right))

    np.testing.assert_allclose(made, left.T @ np.linalg.solve(covariance, right), rtol=1e-9)


def test_noise_has_no_unknown_days_before():
    """Its errors are the series."""
    series = np.random.default_rng(0).normal(0, 1, DAYS)
    process = Arma(np.ones(1), np.ones(1), DAYS)

    assert process.log_determinant == 0
    assert square(process, series) == pytest.approx(float(series @ series))

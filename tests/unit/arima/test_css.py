"""The conditional sum of squares: filters, derivatives, minimum and forecasts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrain.arima import css, css_filters
from retrain.arima.ensemble import fit_pinned
from retrain.arima.fit import fit
from retrain.arima.order import Order
from retrain.arima.scaling import scaled
from retrain.arima.stationary import constrained, is_admissible, unconstrained
from tests.builders import open_days, series, weekly
from tests.unit.arima.strategies import with_coefficients

NO_COLUMNS = np.empty((300, 0))


def arma(days: int, phi: float, theta: float, seed: int = 0) -> np.ndarray:
    """An ARMA(1,1) process with unit noise variance."""
    shocks = np.random.default_rng(seed).normal(0, 1, days + 100)
    made = np.zeros(days + 100)
    for day in range(1, days + 100):
        made[day] = phi * made[day - 1] + shocks[day] + theta * shocks[day - 1]
    return made[100:]


def errors_by_recursion(order: Order, coefficients: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The recursion, term by term."""
    ar, ma, seasonal_ar, seasonal_ma = order.polynomials(coefficients)
    own, shock = np.convolve(ar, seasonal_ar), np.convolve(ma, seasonal_ma)
    errors = np.zeros(len(w))
    for day in range(len(own) - 1, len(w)):
        errors[day] = sum(own[lag] * w[day - lag] for lag in range(len(own)))
        errors[day] -= sum(shock[lag] * errors[day - lag] for lag in range(1, min(len(shock), day + 1)))
    return errors


@settings(max_examples=15)
@given(with_coefficients, st.integers(0, 1000))
def test_errors_and_derivatives_are_those_of_the_recursion(order: Order, seed: int):
    """The filters equal a loop; the Jacobian equals finite differences."""
    from scipy.optimize import approx_fprime

    rng = np.random.default_rng(seed)
    coefficients = constrained(order, rng.normal(0, 0.5, order.coefficients))
    w = rng.normal(0, 1, 60)
    filters = css_filters.Filters.of(order, coefficients)

    errors = filters.errors(w)
    by_recursion = errors_by_recursion(order, coefficients, w)
    derivatives = approx_fprime(coefficients, lambda at: css_filters.Filters.of(order, at).errors(w), 1e-7)

    np.testing.assert_allclose(errors, by_recursion, atol=1e-9)
    np.testing.assert_allclose(
        css_filters.jacobian(order, filters, w, errors).T, derivatives.reshape(60, -1), atol=1e-4
    )


@given(with_coefficients, st.integers(0, 1000))
def test_unconstrained_parameters_give_admissible_models_and_back(order: Order, seed: int):
    """Any real numbers give a stationary and invertible model; the inverse is exact."""
    free = np.random.default_rng(seed).normal(0, 1, order.coefficients).clip(-2.5, 2.5)
    coefficients = constrained(order, free)

    assert is_admissible(order, coefficients)
    np.testing.assert_allclose(unconstrained(order, coefficients), free, atol=1e-6)
    for polynomial in order.polynomials(coefficients):
        assert (np.abs(np.roots(polynomial[::-1])) > 1).all()


def test_a_season_that_hardly_changes_is_found():
    """Its minimum is far from the start value zero."""
    week = np.resize([3.0, 2.0, 1.0, 0.0, 0.0, -2.0, -4.0], 300)

    found = css.estimate(Order(0, 0, 0, 1, 0, 1, 7), week + arma(300, 0.0, 0.0), NO_COLUMNS)

    assert found.coefficients[0] > 0.9
    assert found.variance == pytest.approx(1, abs=0.3)


def test_the_minimum_is_near_the_true_coefficients():
    """On three hundred days of a known process."""
    found = css.estimate(Order(1, 0, 1), arma(300, 0.7, 0.4), NO_COLUMNS)

    assert found.coefficients == pytest.approx([0.7, 0.4], abs=0.15)
    assert found.variance == pytest.approx(1, abs=0.2)


def test_the_minimum_is_near_the_optimum_of_the_exact_likelihood():
    """Within a standard error, so that it serves as start values."""
    order, values = Order(0, 1, 1, 0, 1, 1, 7), weekly(200) + 3 * arma(200, 0.0, -0.5).cumsum()
    approximate = css.estimate(order, order.difference(scaled(order, open_days(values))[0]), np.empty((192, 0)))

    exact = fit(order, open_days(values)).coefficients

    assert approximate.coefficients == pytest.approx(exact, abs=0.1)


def test_a_regression_with_autocorrelated_errors_is_found():
    """By generalised least squares."""
    column = np.random.default_rng(3).integers(0, 2, (300, 1)).astype(float)

    found = css.estimate(Order(1, 0, 0), arma(300, 0.8, 0.0) + 5 * column[:, 0], column)

    assert found.effects == pytest.approx([5], abs=0.3)
    assert found.coefficients == pytest.approx([0.8], abs=0.1)


def test_the_criterion_penalises_parameters():
    """On white noise it prefers none; with too few days it is infinite."""
    noise = np.random.default_rng(2).normal(0, 1, 300)

    assert css.estimate(Order(0, 0, 0), noise, NO_COLUMNS).hqc < css.estimate(Order(3, 0, 3), noise, NO_COLUMNS).hqc
    assert css.estimate(Order(3, 0, 3), noise[:8], NO_COLUMNS[:8]).hqc == float("inf")


def test_rolling_forecasts_are_those_of_the_state_space(monkeypatch: pytest.MonkeyPatch):
    """From every origin that is far enough from the first day, if no surprise is bounded."""
    monkeypatch.setattr("scoring.state_space.BOUND", float("inf"))
    order, values = Order(1, 1, 1, 0, 0, 1, 7), arma(300, 0.5, -0.2).cumsum()
    known, ahead = values[:200], values[200:]
    fitted = fit_pinned(order, series(known), 7)

    forecasts = css_filters.rolling(order, fitted.fits[0].coefficients, values, np.arange(200, 294), 7)

    np.testing.assert_allclose(forecasts, fitted.model.rolling(ahead, 7).mean, atol=1e-4)

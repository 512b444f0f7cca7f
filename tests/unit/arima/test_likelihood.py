"""The optimum of the penalised exact likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import toeplitz

from retrain.arima.likelihood import Optimum, maximise
from retrain.arima.order import Order
from retrain.arima.scaling import scaled
from retrain.arima.stationary import constrained, is_admissible, unconstrained
from retrain.errors import NotConverged
from tests.builders import open_days, weekly

ORDINARY = [
    Order(0, 1, 1),
    Order(1, 1, 1),
    Order(0, 1, 1, 0, 1, 1, 7),
    Order(1, 0, 1, 1, 0, 1, 7),
    Order(2, 1, 2, 1, 0, 1, 7),
]
CANCELLING = Order(3, 0, 3)  # on noise, every AR root lies beside an MA root


def differenced(order: Order, days: int = 200, seed: int = 5) -> np.ndarray:
    """What is maximised on: scaled amounts around zero, then differenced."""
    values = scaled(order, open_days(weekly(days, seed=seed, noise=15)))[0]
    return order.difference(values - values.mean())


def optimum(order: Order, w: np.ndarray, start: np.ndarray | None = None) -> Optimum:
    """Without a regression, from zeros."""
    return maximise(order, w, np.empty((len(w), 0)), np.zeros(order.coefficients) if start is None else start)


def penalised(order: Order, w: np.ndarray, z: np.ndarray) -> float:
    """The objective by statsmodels' likelihood, the variance at its own optimum."""
    from statsmodels.tsa.innovations.arma_innovations import arma_loglike

    ar, ma, seasonal_ar, seasonal_ma = order.polynomials(constrained(order, z))
    own, shock = np.convolve(ar, seasonal_ar), np.convolve(ma, seasonal_ma)
    unit = arma_loglike(w, -own[1:], shock[1:], sigma2=1.0)
    double = arma_loglike(w, -own[1:], shock[1:], sigma2=2.0)
    days = len(w)
    squares = 4 * (double - unit + days / 2 * np.log(2))
    variance = squares / days
    return float(unit + squares / 2 - days / 2 * (np.log(variance) + 1) - 0.5 * z @ z)


@pytest.mark.parametrize("order", [*ORDINARY, CANCELLING], ids=str)
def test_the_gradient_is_zero_at_the_optimum(order: Order):
    """Of the likelihood by another algorithm, with the penalty, by finite differences."""
    w = differenced(order)

    z = unconstrained(order, optimum(order, w).coefficients)
    steps = 1e-5 * np.eye(len(z))
    gradient = [(penalised(order, w, z + step) - penalised(order, w, z - step)) / 2e-5 for step in steps]

    np.testing.assert_allclose(gradient, 0, atol=1e-3)


@pytest.mark.parametrize("order", ORDINARY, ids=str)
def test_no_point_nearby_is_better(order: Order):
    """In random directions: the stationary point is no saddle."""
    w, rng = differenced(order), np.random.default_rng(1)
    z = unconstrained(order, optimum(order, w).coefficients)
    best = penalised(order, w, z)

    others = [penalised(order, w, z + step) for step in rng.normal(0, 0.05, (20, len(z)))]

    assert max(others) < best


@pytest.mark.parametrize("order", ORDINARY[2:4], ids=str)
def test_every_start_leads_to_the_same_optimum(order: Order):
    """On orders that suit the series, to a relative 1e-6."""
    w, rng = differenced(order), np.random.default_rng(2)
    first = optimum(order, w)
    starts = [constrained(order, rng.normal(0, 0.3, order.coefficients)) for _ in range(3)]

    for start in (*starts, 0.9 * first.coefficients):
        np.testing.assert_allclose(optimum(order, w, start).coefficients, first.coefficients, rtol=1e-6, atol=1e-6)


def test_the_last_bits_of_the_series_hardly_move_the_optimum():
    """Even where the likelihood alone has a ridge."""
    w = np.random.default_rng(4).normal(0, 1, 200)

    one, other = optimum(CANCELLING, w), optimum(CANCELLING, np.nextafter(w, np.inf))

    np.testing.assert_allclose(other.coefficients, one.coefficients, atol=1e-9)
    assert is_admissible(CANCELLING, one.coefficients)


def test_the_regression_is_generalised_least_squares():
    """With the covariances of the process that was found."""
    rng, order = np.random.default_rng(3), Order(1, 0, 0)
    columns, noise = rng.normal(0, 1, (150, 2)), rng.normal(0, 0.3, 150)
    for day in range(1, 150):
        noise[day] += 0.7 * noise[day - 1]
    w = columns @ [1.0, -0.5] + noise

    found = maximise(order, w, columns, np.zeros(1))
    inverse = np.linalg.inv(toeplitz(found.coefficients[0] ** np.arange(150)))
    effects = np.linalg.solve(columns.T @ inverse @ columns, columns.T @ inverse @ w)

    np.testing.assert_allclose(found.effects, effects, rtol=1e-9)
    assert found.effects == pytest.approx([1.0, -0.5], abs=0.1)


def test_the_likelihood_is_reported_without_the_penalty():
    """So that it can be compared with other programs'."""
    from statsmodels.tsa.innovations.arma_innovations import arma_loglike

    order = Order(1, 1, 1)
    w = differenced(order)
    found = optimum(order, w)

    theirs = arma_loglike(w, found.coefficients[:1], found.coefficients[1:], sigma2=found.variance)

    assert found.log_likelihood == pytest.approx(theirs, rel=1e-9)


def test_a_series_without_noise_has_an_optimum():
    """Its errors are rounding, which nothing explains."""
    week = np.resize([3.0, 1.0, 0.0, -1.0, -3.0, 2.0, -2.0], 140)
    order = Order(0, 1, 1, 0, 1, 1, 7)

    found = optimum(order, order.difference(week))

    assert np.isfinite([*found.coefficients, found.variance, found.log_likelihood]).all()


def test_iterations_that_end_before_the_optimum_are_an_error(monkeypatch: pytest.MonkeyPatch):
    """With their number."""
    monkeypatch.setattr("retrain.arima.likelihood.MAX_ITERATIONS", 1)

    with pytest.raises(NotConverged, match=r"\(2,1,2\)\(1,0,1\)7 did not converge in 1 iterations"):
        optimum(ORDINARY[-1], differenced(ORDINARY[-1]))


def test_a_step_that_does_not_increase_the_likelihood_is_an_error(monkeypatch: pytest.MonkeyPatch):
    """Then the gradient and the value disagree."""
    monkeypatch.setattr("retrain.arima.likelihood.ROUNDING", -1e9)

    with pytest.raises(NotConverged, match="no step increases its likelihood"):
        optimum(Order(1, 1, 1), differenced(Order(1, 1, 1)))

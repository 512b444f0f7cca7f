"""Fitting one order, and finding one."""

from __future__ import annotations

import numpy as np
import pytest

from retrain.errors import FlatSeries, NotConverged
from retrain.fit import Order, fit, is_stationary, refit, seasonal_strength
from retrain.search import search
from tests.builders import series, weekly


def test_parameters_are_in_the_currency_of_the_data():
    """A mean of 1,000 a day is reported as such, and cents instead of euros change nothing else."""
    euros = 1000 + np.random.default_rng(1).normal(0, 50, 200)

    fitted, cents = (
        fit(Order(1, 0, 0, mean=True), series(euros)),
        fit(Order(1, 0, 0, mean=True), series(100 * euros)),
    )

    assert fitted.parameters["const"] == pytest.approx(1000, rel=0.02)
    assert fitted.parameters["sigma2"] == pytest.approx(2500, rel=0.2)
    assert cents.parameters["const"] == pytest.approx(100 * fitted.parameters["const"])
    assert cents.aicc == pytest.approx(fitted.aicc)


def test_a_refit_is_at_least_as_likely_as_a_fit_from_nothing():
    """Both starts are tried: an ARMA likelihood has more than one peak."""
    before = fit(Order(2, 0, 2, mean=True), series(weekly(100)))
    longer = series(weekly(130))

    assert refit(before, longer).aicc <= fit(before.order, longer).aicc


def test_a_series_that_never_changes_is_not_fitted():
    """The sentence says what stands in it."""
    with pytest.raises(FlatSeries, match="all 50 days are 5"):
        fit(Order(1, 0, 0), series(np.full(50, 5.0)))


def test_a_fit_without_an_optimum_is_not_a_fit(monkeypatch):
    """An optimiser that was cut short ends in an error of ours, not in a warning."""
    monkeypatch.setattr("retrain.fit.MAX_ITERATIONS", 1)

    with pytest.raises(NotConverged, match="did not converge in 1 iterations"):
        fit(Order(2, 0, 2), series(weekly(60)))


def test_the_season_of_a_weekly_series_is_found():
    """And differencing settled before the walk begins."""
    found = search(series(weekly(35)), 7)

    assert found.order.season_days == 7
    assert found.order.is_seasonal


def test_noise_gets_the_smallest_model():
    """Nothing to learn beyond its level."""
    noise = series(100 + np.random.default_rng(0).normal(0, 10, 120))

    assert search(noise, 1).order == Order(0, 0, 0, mean=True)


def test_fewer_than_three_seasons_are_searched_without_one():
    """The order carries no seasonal term."""
    assert not search(series(weekly(20)), 7).order.is_seasonal


def test_a_series_without_noise_gets_its_level():
    """Weeks that repeat exactly leave no likelihood after differencing; a simpler model is still a model."""
    found = search(series(np.tile([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 32)[:222]), 7)

    assert np.isfinite(found.model.forecast(7).mean).all()


def test_progress_names_each_candidate():
    """Long work shows that it moves."""
    told: list[str] = []

    search(series(weekly(25)), 1, told.append)

    assert told[0].startswith("1 orders, now (")


def test_strength_and_stationarity_see_what_is_there():
    """A weekly pattern is strong, noise has none; a walk is not stationary, noise is."""
    noise = np.random.default_rng(0).normal(0, 1, 200)

    assert seasonal_strength(weekly(140), 7) > 0.64
    assert seasonal_strength(noise, 7) < 0.64
    assert is_stationary(noise)
    assert not is_stationary(noise.cumsum())

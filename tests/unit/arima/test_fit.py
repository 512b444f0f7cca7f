"""Fitting one order by exact likelihood."""

from __future__ import annotations

import warnings
from datetime import timedelta

import numpy as np
import pytest
from statsmodels.tsa.arima.model import ARIMA

from retrain.arima.fit import fit, refit
from retrain.arima.order import Order
from retrain.errors import FlatSeries, NotConverged
from tests.builders import FIRST_DAY, series, weekly


def test_parameters_are_in_the_currency_of_the_data():
    """A mean of 1,000 a day is reported as such, and cents instead of euros change nothing else."""
    euros = 1000 + np.random.default_rng(1).normal(0, 50, 200)
    order = Order(1, 0, 0, mean=True)

    fitted, cents = fit(order, series(euros)), fit(order, series(100 * euros))

    assert fitted.parameters["mean"] == pytest.approx(1000, rel=0.02)
    assert fitted.parameters["sigma2"] == pytest.approx(2500, rel=0.2)
    assert cents.parameters["mean"] == pytest.approx(100 * fitted.parameters["mean"])
    assert cents.log_likelihood == pytest.approx(fitted.log_likelihood)


@pytest.mark.parametrize(
    "order",
    [Order(0, 1, 1), Order(2, 0, 1, mean=True), Order(1, 1, 1, 1, 0, 1, 7), Order(1, 0, 1, 0, 1, 1, 7)],
    ids=str,
)
def test_the_optimum_is_as_likely_as_the_one_statsmodels_finds(order: Order):
    """Its own optimiser, from its own start, on the undifferenced series; a fifth of a unit decides nothing."""
    values = weekly(150, seed=3)
    fitted = fit(order, series(values))
    seasonal = (order.seasonal_p, order.seasonal_d, order.seasonal_q, order.season_days)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ARIMA(
            values / values.std(),
            order=(order.p, order.d, order.q),
            seasonal_order=seasonal if order.is_seasonal else (0, 0, 0, 0),
            trend="c" if order.mean else "n",
        )
        theirs = model.fit(cov_type="none", method_kwargs={"maxiter": 200, "disp": False}).llf

    assert model.loglike(fitted.optimum) > theirs - 0.2


def test_a_refit_is_at_least_as_likely_as_a_fit_from_nothing():
    """Both starts are tried: an ARMA likelihood has more than one peak."""
    before = fit(Order(2, 0, 2, mean=True), series(weekly(100)))
    longer = series(weekly(130))

    assert refit(before, longer).log_likelihood >= fit(before.order, longer).log_likelihood


def test_what_the_calendar_adds_is_estimated_beside_the_noise():
    """A month end worth 40 a day more is found, and forecast on the next one."""
    order = Order(1, 0, 0, mean=True, regressors=("month_end",))
    ends = [(FIRST_DAY + timedelta(days=day + 1)).day == 1 for day in range(300)]
    values = 100 + 40.0 * np.array(ends) + np.random.default_rng(2).normal(0, 3, 300)

    forecast = fit(order, series(values)).model.forecast(4)

    assert forecast.mean[2] - forecast.mean[1] == pytest.approx(40, abs=4)


def test_a_day_without_a_logarithm_counts_as_missing():
    """A zero among amounts that are fitted by their logarithms is bridged, not refused."""
    values = weekly(80)
    values[40] = 0.0

    fitted = fit(Order(1, 0, 0, mean=True, log=True), series(values))

    assert (fitted.model.forecast(7).interval(95)[0] > 0).all()


def test_a_series_that_never_changes_is_not_fitted():
    """The sentence says what stands in it."""
    with pytest.raises(FlatSeries, match="all 50 days are 5"):
        fit(Order(1, 0, 0), series(np.full(50, 5.0)))


def test_a_fit_without_an_optimum_is_not_a_fit(monkeypatch: pytest.MonkeyPatch):
    """An optimiser that was cut short ends in an error of ours, not in a warning."""
    monkeypatch.setattr("retrain.arima.fit.MAX_EVALUATIONS", 5)

    with pytest.raises(NotConverged, match="has not converged after 5 likelihoods"):
        fit(Order(2, 0, 2), series(weekly(60)))


@pytest.mark.parametrize("amount", [1e-300, 1e13])
def test_amounts_at_the_ends_of_the_range_are_fitted(amount: float):
    """Their squares would leave it."""
    model = fit(Order(0, 1, 1), series(amount * weekly(60))).model

    assert model.forecast(7).mean == pytest.approx(amount * 100 * np.ones(7), rel=0.5)

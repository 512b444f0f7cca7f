"""Fitting one order by exact likelihood."""

from __future__ import annotations

import warnings
from datetime import timedelta

import numpy as np
import pytest

from retrain.arima.ensemble import fit_pinned
from retrain.arima.fit import fit
from retrain.arima.order import Order
from retrain.arima.scaling import scaled
from retrain.arima.stationary import unconstrained
from retrain.errors import FlatSeries, NotConverged
from tests.builders import FIRST_DAY, open_days, series, weekly


def test_parameters_are_in_the_currency_of_the_data():
    """A mean of 1,000 a day is reported as such, and cents instead of euros change nothing else."""
    euros = 1000 + np.random.default_rng(1).normal(0, 50, 200)
    order = Order(1, 0, 0, mean=True)

    fitted, cents = fit(order, open_days(euros)), fit(order, open_days(100 * euros))

    assert fitted.parameters["mean"] == pytest.approx(1000, rel=0.02)
    assert fitted.parameters["sigma2"] == pytest.approx(2500, rel=0.2)
    assert cents.parameters["mean"] == pytest.approx(100 * fitted.parameters["mean"])
    assert cents.log_likelihood == pytest.approx(fitted.log_likelihood)


@pytest.mark.parametrize(
    "order",
    [Order(0, 1, 1), Order(2, 0, 1, mean=True), Order(1, 1, 1, 1, 0, 1, 7), Order(1, 0, 1, 0, 1, 1, 7)],
    ids=str,
)
def test_the_optimum_is_almost_as_likely_as_the_one_statsmodels_finds(order: Order):
    """Its own optimiser on the differenced series; what the penalty costs is less than itself."""
    from statsmodels.tsa.arima.model import ARIMA

    amounts = open_days(weekly(150, seed=3))
    fitted = fit(order, amounts)
    seasonal = (order.seasonal_p, 0, order.seasonal_q, order.season_days)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ARIMA(
            order.difference(scaled(order, amounts)[0]),
            order=(order.p, 0, order.q),
            seasonal_order=seasonal if order.seasonal_p + order.seasonal_q else (0, 0, 0, 0),
            trend="c" if order.mean else "n",
        )
        theirs = model.fit(cov_type="none", method_kwargs={"maxiter": 200, "disp": False}).llf

    penalty = 0.5 * float(unconstrained(order, fitted.coefficients) @ unconstrained(order, fitted.coefficients))
    assert theirs + 1e-6 > fitted.log_likelihood > theirs - penalty


def test_the_start_values_do_not_change_the_fit():
    """An earlier optimum saves time only."""
    order, longer = Order(1, 0, 1, 0, 1, 1, 7), open_days(weekly(200))
    before = fit(order, open_days(weekly(180)))

    new, again = fit(order, longer), fit(order, longer, before.coefficients)

    assert again.coefficients == pytest.approx(new.coefficients, rel=1e-6)
    assert again.log_likelihood == pytest.approx(new.log_likelihood, abs=1e-6)


def test_a_regressor_is_estimated_together_with_the_arma_terms():
    """A month end with 40 more per day is found, and added to the forecast of the next month end."""
    order = Order(1, 0, 0, mean=True, regressors=("month_end",))
    ends = [(FIRST_DAY + timedelta(days=day + 1)).day == 1 for day in range(300)]
    values = 100 + 40.0 * np.array(ends) + np.random.default_rng(2).normal(0, 3, 300)

    forecast = fit_pinned(order, series(values), 1).model.forecast(4)

    assert forecast.mean[2] - forecast.mean[1] == pytest.approx(40, abs=4)


def test_a_day_without_a_logarithm_counts_as_missing():
    """A zero in a series that is fitted by its logarithms is interpolated, not refused."""
    values = weekly(80)
    values[40] = 0.0

    fitted = fit_pinned(Order(1, 0, 0, mean=True, log=True), series(values), 7)

    assert (fitted.model.forecast(7).interval(95)[0] > 0).all()


def test_a_series_that_never_changes_is_not_fitted():
    """The message says the amount."""
    with pytest.raises(FlatSeries, match="all 50 days are 5"):
        fit(Order(1, 0, 0), open_days(np.full(50, 5.0)))


def test_an_optimiser_that_stops_early_is_an_error_with_its_iterations(monkeypatch: pytest.MonkeyPatch):
    """Where the iterations end is not an optimum."""
    monkeypatch.setattr("retrain.arima.likelihood.MAX_ITERATIONS", 1)

    with pytest.raises(NotConverged, match=r"\(2,0,2\) did not converge in 1 iterations"):
        fit(Order(2, 0, 2), open_days(weekly(60)))


@pytest.mark.parametrize("amount", [1e-300, 1e13])
def test_amounts_at_the_ends_of_the_floating_point_range_are_fitted(amount: float):
    """The squares of such amounts are outside it."""
    model = fit_pinned(Order(0, 1, 1), series(amount * weekly(60)), 1).model

    assert model.forecast(7).mean == pytest.approx(amount * 100 * np.ones(7), rel=0.5)

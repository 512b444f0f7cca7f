"""A model that restarts forgets what it has observed, and learns the state from the days that it is told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from starlette.exceptions import HTTPException

from retrain.arima.order import Order
from retrain.arima.procedure import Procedure
from scoring.absurd import without_absurd
from scoring.calendar import Closures
from scoring.model import FIRST_DAYS, ForecastModel
from scoring.observations import telling
from scoring.schema import ForecastRequest
from tests.builders import FIRST_DAY, series, weekly

VALUES = weekly(300, seed=3)
ORDERS = [Order(1, 0, 1), Order(0, 1, 1, 0, 1, 1, 7), Order(1, 0, 0, log=True)]


def model_of(order: Order, values: np.ndarray = VALUES) -> ForecastModel:
    return Procedure(order=order).first(series(values)).model


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_on_the_days_that_it_was_trained_on_it_forecasts_as_before(order: Order):
    model = model_of(order)

    again = model.restarted(FIRST_DAY, VALUES)

    assert again.origin == model.origin
    np.testing.assert_allclose(again.forecast(7).mean, model.forecast(7).mean, rtol=2e-3)
    np.testing.assert_allclose(again.forecast(7).variance, model.forecast(7).variance, rtol=2e-2)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_one_absurd_amount_among_the_days_does_not_change_how_it_starts(order: Order):
    """The size of the amounts is a median."""
    absurd = VALUES.copy()
    absurd[150] = 1e9
    model = model_of(order)

    told, right = (model.restarted(FIRST_DAY, each).forecast(7) for each in (absurd, VALUES))

    np.testing.assert_allclose(told.mean, right.mean, rtol=0.05)


def test_wrong_days_that_it_was_trained_on_are_forgotten():
    """Told the right ones, it forecasts from them alone."""
    wrong = VALUES.copy()
    wrong[-10:] *= 3
    model = model_of(Order(0, 1, 1), wrong)

    restarted = model.restarted(FIRST_DAY, VALUES)

    assert model.forecast(1).mean[0] > 1.5 * VALUES[-7:].max()
    assert restarted.forecast(1).mean[0] < 1.2 * VALUES[-7:].max()


def told_by(model: ForecastModel, body: dict[str, object]) -> ForecastModel:
    """The model after a request."""
    return telling(model, ForecastRequest.model_validate_json(json.dumps(body)))(model)


def told(days: int, **body: object) -> ForecastModel:
    """The model after a request with the first days."""
    observations = [
        {"date": (FIRST_DAY + timedelta(days=at)).isoformat(), "amount": float(VALUES[at])} for at in range(days)
    ]
    request = {"horizon_days": 1, "observations": observations, **body}
    return told_by(model_of(ORDERS[0]), request)


def asked(observations: dict[date, float], order: Order = ORDERS[0]) -> ForecastModel:
    """The model after a request to restart on these days."""
    rows = [{"date": day.isoformat(), "amount": amount} for day, amount in observations.items()]
    request = {"horizon_days": 365, "observations": rows, "restart": True}
    return told_by(model_of(order), request)


@pytest.mark.parametrize("first_day", [date(1, 1, 1), date(1900, 1, 1), date(9999, 9, 1)], ids=str)
def test_days_far_from_the_training_are_refused(first_day: date):
    """Also the first and last ones that a calendar has."""
    with pytest.raises(HTTPException, match="must be within"):
        asked({first_day + timedelta(days=at): 5.0 for at in range(100)})


def test_a_model_of_logarithms_needs_amounts_above_zero_to_restart_on():
    """It observes no others, and would know nothing."""
    with pytest.raises(HTTPException, match="amounts above zero"):
        asked({FIRST_DAY + timedelta(days=at): 0.0 for at in range(100)}, ORDERS[2])


def test_the_service_restarts_where_it_is_asked_to():
    assert told(200, restart=True).origin == FIRST_DAY + timedelta(days=199)


def test_the_service_takes_no_days_that_it_was_trained_on_otherwise():
    with pytest.raises(HTTPException, match="409"):
        told(200)


def test_too_few_days_to_restart_on_are_refused():
    with pytest.raises(HTTPException, match="too few to restart"):
        told(FIRST_DAYS - 1, restart=True)


@pytest.mark.parametrize("at", [0, 1, 2, 30])
def test_an_absurd_amount_among_the_first_days_does_not_reach_the_state(at: int):
    """There the model has no idea yet of what a surprise is."""
    absurd = VALUES.copy()
    absurd[at] = 1e9
    model = model_of(Order(0, 1, 1, 0, 1, 1, 7))

    told, right = (model.restarted(FIRST_DAY, each).forecast(7).mean for each in (absurd, VALUES))

    np.testing.assert_allclose(told, right, rtol=0.05)


def test_days_that_are_closed_do_not_count_as_days_to_restart_on():
    """A model that knows closed days passes over them."""
    model = replace(model_of(ORDERS[0]), closures=Closures(frozenset({5, 6})))
    weekends = [day for at in range(300) if (day := FIRST_DAY + timedelta(days=at)).weekday() > 4]
    rows = [{"date": day.isoformat(), "amount": 5.0} for day in weekends]
    body = {"horizon_days": 1, "observations": rows, "restart": True}

    with pytest.raises(HTTPException, match="0 observations on open days"):
        told_by(model, body)


def test_amounts_of_which_most_are_the_same_have_the_spread_of_the_others():
    """Sales on every fifth day are no absurd days; a billion is."""
    amounts = np.where(np.arange(60) % 5 == 0, 30.0, 0.0)
    absurd = np.append(amounts, 1e9)

    assert without_absurd(amounts).tolist() == amounts.tolist()
    assert np.isnan(without_absurd(absurd)).nonzero()[0].tolist() == [60]

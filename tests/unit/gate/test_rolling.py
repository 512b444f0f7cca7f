"""The challenger along the unseen days: each forecast as it would have been made on its day."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from retrain.arima.ensemble import FittedModel
from retrain.arima.order import Order
from retrain.arima.procedure import SEARCH_EVERY, Procedure
from retrain.data.series import DailySeries
from retrain.errors import NotConverged
from retrain.gate.rolling import Terms, rolling_forecasts
from tests.builders import FIRST_DAY, series, weekly
from tests.faults import fails

KNOWN = 100
TERMS = Terms(refit_days=7)


def began(procedure: Procedure, history: DailySeries) -> FittedModel:
    """The procedure's model of the first days."""
    return procedure.first(history.through(FIRST_DAY + timedelta(days=KNOWN - 1)))


@pytest.mark.parametrize("procedure", [Procedure(), Procedure.seasonal_naive(7)], ids=["searched", "naive"])
def test_a_forecast_does_not_depend_on_how_many_days_follow(procedure: Procedure):
    """So a later run sees the same forecasts of the same days, and some more."""
    whole = series(weekly(160))
    part = whole.through(FIRST_DAY + timedelta(days=139))

    later = rolling_forecasts(procedure, began(procedure, whole), whole, TERMS).forecasts.mean
    sooner = rolling_forecasts(procedure, began(procedure, part), part, TERMS).forecasts.mean

    np.testing.assert_array_equal(later[: len(sooner)], sooner)


def test_the_order_is_searched_again_at_every_fourth_fit(monkeypatch: pytest.MonkeyPatch):
    """The other fits keep it."""
    history, searched = series(weekly(KNOWN + 70)), []
    first = Procedure.first

    def noting(self: Procedure, known: DailySeries) -> FittedModel:
        searched.append(len(known))
        return first(self, known)

    begin = began(Procedure(), history)
    monkeypatch.setattr(Procedure, "first", noting)
    rolled = rolling_forecasts(Procedure(), begin, history, TERMS)

    assert rolled.fits == 9
    assert searched == [KNOWN + 7 * number for number in (SEARCH_EVERY, 2 * SEARCH_EVERY)]


def test_the_winner_is_the_next_fit_of_the_same_procedure():
    """On all days, the order kept."""
    history = series(weekly(KNOWN + 20))
    procedure = Procedure(order=Order(1, 0, 1, mean=True))
    rolled = rolling_forecasts(procedure, began(procedure, history), history, TERMS)

    winner = rolled.finished(history)

    assert winner.model.origin == history.last_day
    assert winner.order == rolled.last.order


def test_a_fit_that_does_not_converge_keeps_the_model_before_it(monkeypatch: pytest.MonkeyPatch):
    """The comparison goes on, and counts it."""
    history = series(weekly(KNOWN + 30))
    procedure = Procedure(order=Order(1, 0, 1, mean=True))
    begin = began(procedure, history)
    monkeypatch.setattr(Procedure, "next", fails(NotConverged("it did not converge")))

    rolled = rolling_forecasts(procedure, begin, history, TERMS)

    assert (rolled.fits, rolled.fits_kept) == (3, 3)
    assert rolled.last is begin
    np.testing.assert_allclose(rolled.forecasts.mean, begin.model.rolling(history.values[KNOWN:], 7).mean)

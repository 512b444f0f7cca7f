"""Closed days in a comparison: what is scored, and what the seasonal naive knows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.ensemble import FittedModel, fit_pinned
from retrain.arima.order import Order
from retrain.arima.procedure import Procedure
from retrain.data.series import DailySeries, GapPolicy, daily_series
from retrain.gate.evaluate import Comparison, compare
from retrain.gate.rolling import RollingForecasts, Terms, rolling_forecasts
from tests.builders import FIRST_DAY, series, weekly, without

if TYPE_CHECKING:
    from scoring.model import ForecastModel

AR = Order(1, 0, 0, mean=True)
CUTOFF = FIRST_DAY + timedelta(days=99)
CLOSED = {5, 6}
AT_WEEKENDS = daily_series(without(CLOSED, weekly(154)), GapPolicy.INTERPOLATE)


def fit(order: Order, known: DailySeries) -> FittedModel:
    """The order alone."""
    return fit_pinned(order, known, 7)


def along(challenger: FittedModel, history: DailySeries) -> RollingForecasts:
    """The challenger's forecasts, its order fitted again."""
    return rolling_forecasts(Procedure(order=challenger.order), challenger, history, Terms())


def at_weekends(champion: ForecastModel | None = None) -> Comparison:
    """A shop that is closed at weekends, with a challenger that knows it."""
    challenger = fit(AR, AT_WEEKENDS.observed_through(CUTOFF))
    return compare(champion, along(challenger, AT_WEEKENDS), AT_WEEKENDS, Terms())


def test_closed_days_that_every_model_knows_are_not_scored():
    """They would make every score look better; the coverage is that of open days."""
    champion = fit(Order(0, 1, 1), AT_WEEKENDS.observed_through(CUTOFF)).model

    measured = at_weekends(champion)

    assert all(np.isnan(row.amount) == (row.day.weekday() in CLOSED) for row in measured.days)
    assert measured.unseen_days == np.isfinite(AT_WEEKENDS.after(champion.origin)).sum()
    assert measured.challenger.bias < 10
    assert measured.seasonal_naive.rmse < 40


def test_a_closed_day_is_scored_where_the_champion_does_not_know_it():
    """As zero: it forecasts trade."""
    champion = fit(AR, series(weekly(100))).model

    measured = at_weekends(champion)

    assert measured.champion is not None
    assert all(row.amount == 0 for row in measured.days if row.day.weekday() in CLOSED)
    assert measured.champion.rmse > 2 * measured.challenger.rmse
    assert measured.challenger.rmse < at_weekends().challenger.rmse


def test_the_seasonal_naive_knows_closed_days_and_repeats_no_zero():
    """Its forecast of a Monday is that of a week before, also after a holiday."""
    days = without(CLOSED, np.resize([50.0, 40, 30, 20, 10, 0, 0], 154))
    history = daily_series(days, GapPolicy.INTERPOLATE)
    challenger = fit(Order(0, 0, 0, 0, 1, 0, 7), history.observed_through(CUTOFF))

    measured = compare(None, along(challenger, history), history, Terms())

    assert measured.seasonal_naive.rmse == measured.challenger.rmse == 0


def test_what_shows_later_that_a_day_is_closed_changes_no_earlier_forecast():
    """Sundays stop; after seven weeks it is known that they were closed from the first on."""
    values = weekly(230)
    stop = FIRST_DAY + timedelta(days=140)
    days = {day: amount for day, amount in without(set(), values).items() if day < stop or day.weekday() < 6}
    short = {day: amount for day, amount in days.items() if day < stop + timedelta(days=30)}
    known, later = (daily_series(each, GapPolicy.INTERPOLATE) for each in (short, days))
    challenger = fit(Order(0, 1, 1, 0, 1, 1, 7), known.observed_through(CUTOFF))

    before, after = along(challenger, known).forecasts, along(challenger, later).forecasts

    assert not known.closed
    assert later.closed
    np.testing.assert_array_equal(before.mean, after.mean[: len(before.mean)])
    assert (after.mean[-1] == 0).sum() == 1

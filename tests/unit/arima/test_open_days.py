"""The days that an order is fitted to: closed ones left out, unknown ones marked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from retrain.arima.ensemble import fit_pinned, fit_with_companions, refit
from retrain.arima.open_days import OpenDays
from retrain.arima.order import Order
from retrain.arima.procedure import Procedure
from retrain.arima.search import search
from retrain.data.series import DailySeries, GapPolicy, daily_series
from retrain.errors import NotConverged
from tests.builders import FIRST_DAY, open_days, series, weekly, without

WEEKEND = {5, 6}
AIRLINE = Order(0, 1, 1, 0, 1, 1, 7)


def shop(days: int, closed: set[int] = WEEKEND, *, seed: int = 0) -> DailySeries:
    """A weekly pattern with days without rows, FIRST_DAY being a Monday; it ends on an open day."""
    return daily_series(without(closed, weekly(days, seed=seed)), GapPolicy.INTERPOLATE)


def test_closed_weekdays_are_left_out_and_shorten_the_cycle():
    """Five days a week."""
    days = open_days(shop(60))

    assert (days.season_days, days.week) == (5, 5)
    assert {day.weekday() for day in days.days} == {0, 1, 2, 3, 4}
    assert not days.unknown.any()
    assert days.values.tolist() == [amount for at, amount in enumerate(weekly(60)) if at % 7 < 5]


@pytest.mark.parametrize(("season", "open_season"), [(1, 1), (7, 5), (14, 10), (28, 20), (30, 21), (2, 2)])
def test_a_cycle_in_open_days(season: int, open_season: int):
    """Exact for whole weeks, rounded for others."""
    assert open_days(shop(60), season).season_days == open_season


def test_a_missing_day_is_as_on_the_same_weekdays_around_it():
    """Not as on the days before and after, and marked as unknown."""
    values = np.resize([7.0, 1, 2, 3, 4, 5, 6], 70)
    days = dict(without(set(), values))
    del days[FIRST_DAY + timedelta(days=35)]

    found = open_days(daily_series(days, GapPolicy.INTERPOLATE))

    assert np.flatnonzero(found.unknown).tolist() == [35]
    assert found.values[35] == 7.0


def test_a_month_of_zeros_is_a_vacation_and_hardly_moves_the_model():
    """Its days are unknown; the forecasts are those without it."""
    values = weekly(300)
    values[100:130] = 0.0

    closed, usual = (
        fit_with_companions(Order(1, 0, 1, 1, 0, 1, 7), series(each), 7) for each in (values, weekly(300))
    )

    assert np.flatnonzero(open_days(values).unknown).tolist() == list(range(100, 130))
    np.testing.assert_allclose(closed.model.forecast(7).mean, usual.model.forecast(7).mean, rtol=0.05)
    assert closed.model.forecast(7).variance.max() < 1.3 * usual.model.forecast(7).variance.max()


def test_zeros_that_are_usual_are_no_vacation():
    """Sales are rare; a week without one tells nothing."""
    values = np.where(np.random.default_rng(0).random(300) < 0.15, 10.0, 0.0)

    assert not open_days(values).unknown.any()


def test_zeros_up_to_the_last_day_are_observed():
    """Whether the shop opens again is not known."""
    values = weekly(100)
    values[-20:] = 0.0

    assert not open_days(values).unknown.any()


def test_days_that_differ_on_closed_weekdays_alone_are_all_fitted():
    """Otherwise nothing would be left to learn."""
    days = open_days(np.resize([10.0] * 5 + [0.0] * 2, 70))

    assert (len(days), days.season_days) == (70, 7)


@pytest.mark.parametrize(
    "order", [AIRLINE, Order(1, 1, 1, regressors=("weekdays",)), Order(2, 0, 1, mean=True)], ids=str
)
def test_a_closed_weekend_is_forecast_as_exactly_zero(order: Order):
    """Mean and bounds; the open days are forecast as if it did not exist."""
    model = fit_pinned(order, shop(180), 7).model

    made = model.forecast(14)

    closed = np.array([day.weekday() in WEEKEND for day in made.days])
    for amounts in (made.mean, made.median, *made.interval(95)):
        assert (amounts[closed] == 0).all()
        assert (amounts[~closed] > 30).all()


def test_a_pattern_that_repeats_exactly_is_forecast_exactly():
    """From a Friday on; the next day of the model is the Monday."""
    values = np.resize([50.0, 40, 30, 20, 10, 99, 99], 124)

    model = Procedure.seasonal_naive(7).first(daily_series(without(WEEKEND, values), GapPolicy.INTERPOLATE)).model

    assert model.forecast(7).mean == pytest.approx([0, 0, 50, 40, 30, 20, 10])


def test_a_refit_follows_a_weekday_that_closes():
    """The order keeps its kind; its season is that of the open days."""
    values = weekly(300)
    days = {
        day: amount
        for day, amount in without({6}, values).items()
        if day.weekday() < 5 or day < FIRST_DAY + timedelta(200)
    }
    before = fit_pinned(AIRLINE, daily_series(without({6}, values[:200]), GapPolicy.INTERPOLATE), 7)

    after = refit(before, daily_series(days, GapPolicy.INTERPOLATE))

    assert [before.order.season_days, after.order.season_days] == [6, 5]
    assert after.model.forecast(7).mean.tolist().count(0.0) == 2


def test_a_pinned_order_that_has_no_room_in_the_open_week_is_refused():
    """Two coefficients would describe one lag."""
    with pytest.raises(NotConverged, match="season of 5 open days"):
        fit_pinned(Order(5, 0, 0, 1, 0, 0, 7, mean=True), shop(180), 7)


def test_the_search_finds_an_order_of_open_days():
    """No zeros disturb it."""
    found = search(shop(200), 7, 7)

    assert found.order.season_days in {0, 5}
    assert found.model.closures.weekdays == WEEKEND


def test_amounts_in_unknown_days_change_no_fit():
    """What stands in for them in the series is not read."""
    days = without(set(), weekly(120))
    for day in (30, 31, 90):
        del days[FIRST_DAY + timedelta(days=day)]
    gapped = daily_series(days, GapPolicy.INTERPOLATE)
    moved = gapped.values.copy()
    moved[[30, 31, 90]] += 1e6

    one, other = (fit_pinned(AIRLINE, each, 7).model for each in (gapped, replace(gapped, values=moved)))

    assert one.to_json() == other.to_json()


def test_an_unknown_day_is_missing_for_the_last_state():
    """Its stand-in would make the next forecast look surer than it is."""
    days = without(set(), weekly(120))
    del days[FIRST_DAY + timedelta(days=118)]

    gapped = fit_pinned(Order(0, 1, 1), daily_series(days, GapPolicy.INTERPOLATE), 7).model
    whole = fit_pinned(Order(0, 1, 1), series(weekly(120)), 7).model

    assert gapped.members[0].covariance.max() > whole.members[0].covariance.max()


def test_last_bits_do_not_change_what_is_fitted():
    """Sums in another order."""
    values = without(WEEKEND, weekly(120))
    moved = {day: float(np.nextafter(amount, np.inf)) for day, amount in values.items()}

    one, other = (OpenDays.of(daily_series(each, GapPolicy.INTERPOLATE), 7) for each in (values, moved))

    assert (one.days, one.closures) == (other.days, other.closures)
    np.testing.assert_allclose(one.values, other.values, rtol=1e-14)

"""The search for an order, on many kinds of series, without an error and without a warning."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from retrain.arima.order import Order
from retrain.arima.screening import Screening
from retrain.arima.search import _without_redundant_pairs, search
from retrain.data.series import DailySeries
from retrain.errors import ConfigError, FlatSeries
from tests.builders import FIRST_DAY, open_days, series, weekly
from tests.sweeps import in_drills

RNG = np.random.default_rng(11)
DAYS = np.arange(180)


def test_the_season_of_a_weekly_series_is_found():
    """By seasonal terms or by weekday regressors."""
    forecast = search(series(weekly(180)), 7, 7).model.forecast(14).mean

    assert forecast[:7] == pytest.approx(forecast[7:], abs=8)
    assert np.ptp(forecast) > 40


def test_noise_gets_a_small_model():
    """White noise has a level and no structure."""
    noise = series(100 + np.random.default_rng(0).normal(0, 10, 120))

    assert search(noise, 1, 7).order.coefficients <= 2


def test_fewer_than_three_seasons_are_searched_without_one():
    """The order carries no seasonal term."""
    assert not search(series(weekly(20)), 7, 7).order.is_seasonal


def test_another_season_than_the_setting_is_found():
    """The cycle has five days, the setting says seven."""
    values = 100 + np.resize([40.0, 0, 10, -30, -20], 180) + np.random.default_rng(4).normal(0, 8, 180)

    forecast = search(series(values), 7, 7).model.forecast(10).mean

    assert forecast[:5] == pytest.approx(forecast[5:], abs=12)


def test_growth_in_percent_is_fitted_by_logarithms():
    """Noise and season grow with the level."""
    values = np.exp(3 + 0.01 * DAYS + np.resize([0.3, 0.2, 0, 0, 0, -0.2, -0.3], 180) + RNG.normal(0, 0.1, 180))

    assert search(series(values), 7, 7).order.log


def test_holidays_are_a_regressor_if_they_improve_the_criterion():
    """Holidays halve the amounts; without a country they are not a regressor."""
    holidays = [date(2023, 1, 16), date(2023, 2, 20), date(2023, 5, 29), date(2023, 6, 19), date(2023, 7, 4)]
    values = 100 + np.random.default_rng(5).normal(0, 5, 200)
    for day in holidays:
        values[(day - date(2023, 1, 2)).days] /= 2

    found = search(series(values), 7, 7, country="US")

    assert "holidays of US" in found.order.regressors
    assert "holidays of US" not in search(series(values), 7, 7).order.regressors
    assert found.model.members[0].calendar.effects["holiday"] == pytest.approx(-50, abs=10)


def test_regressors_without_an_effect_are_left_out():
    """White noise does not depend on the calendar."""
    assert search(series(100 + RNG.normal(0, 5, 200)), 7, 7, country="US").order.regressors == ()


def test_an_unknown_country_is_refused():
    """The message names the setting."""
    with pytest.raises(ConfigError, match="RETRAIN_COUNTRY is 'XX'"):
        search(series(weekly(60)), 7, 7, country="XX")


SHAPES = {
    "noise": 100 + RNG.normal(0, 5, 180),
    "one outlier": np.where(DAYS == 90, 1e6, 100 + RNG.normal(0, 5, 180)),
    "many outliers": 100 + RNG.standard_cauchy(180),
    "a level shift": np.where(DAYS < 90, 10.0, 20.0) + RNG.normal(0, 0.1, 180),
    "zeros, then trade": np.where(DAYS < 90, 0.0, 50 + RNG.normal(0, 5, 180)),
    "trade, then zeros": np.where(DAYS > 90, 0.0, 50 + RNG.normal(0, 5, 180)),
    "a single step": np.where(DAYS < 90, 10.0, 20.0),
    "a single spike": np.where(DAYS == 90, 1.0, 0.0),
    "weekends of zeros": np.where(DAYS % 7 < 5, 100 + RNG.normal(0, 5, 180), 0.0),
    "a random walk": RNG.normal(0, 1, 180).cumsum(),
    "an integrated random walk": RNG.normal(0, 1, 180).cumsum().cumsum(),
    "explosive growth": np.exp(0.1 * DAYS),
    "a line": 1.0 * DAYS,
    "alternating": 1.0 * (DAYS % 2),
    "weeks that repeat exactly": np.resize([1.0, 2, 3, 4, 5, 6, 7], 180),
    "rare counts": 1.0 * RNG.poisson(0.3, 180),
    "negative": -RNG.lognormal(3, 1, 180),
    "far from zero": 1e9 + RNG.normal(0, 1, 180),
    "tiny": 1e-300 * weekly(180),
    "huge": 1e15 * weekly(180) / 200,
}


@pytest.mark.parametrize("days", [21, 180, *in_drills(35)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.filterwarnings("error")
def test_every_series_that_changes_gets_a_model(shape: str, days: int):
    """Without an error or a warning; the remark names a simpler order that was fitted instead."""
    values = SHAPES[shape][-days:] if shape.endswith("trade") else SHAPES[shape][:days]
    if np.ptp(values) == 0:
        values = np.append(values[:-1], values[-1] + 1)

    found = search(series(values), 7, 7)
    forecast = found.model.forecast(14)

    assert np.isfinite([forecast.mean, forecast.variance]).all()
    assert found.remark == "" or str(found.order) in found.remark


@pytest.mark.parametrize("season", [2, 5, 30])
@pytest.mark.parametrize("days", [101, *in_drills(93)])
@pytest.mark.parametrize("horizon", [1, 7])
def test_any_season_is_searched(season: int, days: int, horizon: int):
    """Short ones, whose lags are non-seasonal lags too, and long ones, with few cycles in the data."""
    cycle = np.resize(np.random.default_rng(season).normal(0, 20, season), days)

    found = search(series(100 + cycle + np.random.default_rng(days).normal(0, 5, days)), season, horizon)

    assert not found.order.has_common_lags
    assert np.isfinite(found.model.forecast(30).mean).all()


def test_no_candidate_is_scored_on_days_it_was_fitted_to():
    """Other amounts on the scored days do not change the estimate."""
    order, values = Order(1, 1, 1, 1, 0, 1, 7), weekly(200, seed=6) + RNG.normal(0, 8, 200)
    changed = np.where(np.arange(200) < 120, values, 500.0 + RNG.normal(0, 50, 200))
    scale = changed.std() / values.std()

    before, after = (Screening(open_days(one), 7).estimate(order, days=120) for one in (values, changed))

    assert before.coefficients == pytest.approx(after.coefficients, abs=1e-3)
    assert before.variance == pytest.approx(after.variance * scale**2, rel=1e-3)


def test_forecasts_in_a_gap_are_not_scored():
    """An interpolated amount depends on the day after its gap, so no origin and no horizon touches a gap."""
    interpolated = tuple(FIRST_DAY + timedelta(days=day) for day in range(80, 90))
    gapped = DailySeries(FIRST_DAY, weekly(120), interpolated)

    origins = Screening(open_days(gapped), 7)._origins(72)

    assert origins.tolist() == [72, 73, *range(91, 114)]


def test_a_series_that_never_changes_is_refused():
    """Its standard deviation is zero."""
    with pytest.raises(FlatSeries, match="all 60 days are 5"):
        search(series(np.full(60, 5.0)), 7, 7)


def test_a_series_without_noise_repeats_its_week():
    """There is no likelihood to maximise; an order without coefficients forecasts it."""
    found = search(series(np.resize([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 222)), 7, 7)

    assert found.model.forecast(7).mean == pytest.approx(np.resize([6.0, 7, 1, 2, 3, 4, 5], 7), abs=1e-4)


def test_progress_names_each_stage():
    """The last one is the exact fit."""
    stages: list[str] = []

    found = search(series(weekly(90)), 7, 7, progress=stages.append)

    assert stages[-1] == f"exact likelihood of {found.order}"


def test_an_order_that_does_not_converge_is_replaced(monkeypatch: pytest.MonkeyPatch):
    """By an order without coefficients, which needs no optimisation; the remark says so."""
    monkeypatch.setattr("retrain.arima.likelihood.MAX_ITERATIONS", 1)

    found = search(series(weekly(90)), 7, 7)

    assert found.order.coefficients == 0
    assert "has no optimum on these days" in found.remark
    assert found.order in {Order(0, 1, 0), Order(0, 2, 0), Order(0, 0, 0, 0, 1, 0, 7), Order(0, 1, 0, 0, 1, 0, 7)}


def test_pairs_of_terms_that_cancel_are_removed():
    """On noise, an AR root beside an MA root describes nothing; what is left is no worse by the criterion."""
    screening = Screening(open_days(100 + np.random.default_rng(0).normal(0, 10, 200)), 7)
    rich = screening.estimate(Order(2, 0, 2, 1, 0, 1, 7, mean=True))

    left = _without_redundant_pairs(screening, [rich])

    assert left[0].order.coefficients <= 2
    assert left[0].hqc < rich.hqc
    assert left[-1] is rich


def test_an_order_without_redundant_terms_stays():
    """Exponential smoothing by weekday needs its pair of seasonal terms."""
    screening = Screening(open_days(weekly(200)), 7)
    found = [screening.estimate(Order(0, 1, 1, 1, 0, 1, 7))]

    assert _without_redundant_pairs(screening, found) == found


def test_of_equal_criteria_the_simpler_order_comes_first():
    """On a series without noise, every criterion is that of rounding."""
    ranked = Screening(open_days(np.resize([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 140)), 7).stepwise_search(
        Order(0, 0, 0, 0, 1, 0, 7)
    )

    assert ranked[0].order == Order(0, 0, 0, 0, 1, 0, 7)

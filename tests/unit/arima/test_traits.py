"""Tests of a series before a model is fitted."""

from __future__ import annotations

import numpy as np
import pytest

from retrain.arima.traits import has_logarithms, is_level, prevailing_season

NOISE = np.random.default_rng(0).normal(0, 1, 200)


@pytest.mark.parametrize(
    "values", [NOISE, NOISE.cumsum(), NOISE + np.arange(200) / 40, NOISE + np.arange(200) / 400]
)
@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.InterpolationWarning")
def test_a_level_is_decided_as_in_statsmodels(values: np.ndarray):
    """The same test, the same lags."""
    from statsmodels.tsa.stattools import kpss

    statistic = kpss(values, regression="c", nlags="legacy", result_object=True).statistic

    assert is_level(values) is bool(statistic < 0.463)


@pytest.mark.parametrize("season", [2, 5, 7, 12, 30])
def test_a_season_is_found(season: int):
    """Of any length up to a month."""
    cycle = np.random.default_rng(season).normal(0, 3, season)

    assert prevailing_season(np.resize(cycle, 200) + NOISE / 2, 31) == season


def test_noise_has_no_season():
    """A straight line and a series that is too short have none either."""
    assert prevailing_season(NOISE, 31) is None
    assert prevailing_season(np.arange(100.0), 31) is None
    assert prevailing_season(NOISE[:6], 31) is None


def test_amounts_near_zero_are_not_fitted_by_logarithms():
    """Their logarithms would be outliers."""
    assert has_logarithms(np.array([50.0, 100.0, 200.0]))
    assert not has_logarithms(np.array([0.1, 100.0, 200.0]))
    assert not has_logarithms(np.array([0.0, 100.0, 200.0]))

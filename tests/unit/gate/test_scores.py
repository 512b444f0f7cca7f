"""Losses, metrics and coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.errors import ModelError
from retrain.gate.scores import Loss, Scorecard, coverage, mase, r2, score, usual_size
from scoring.model import Prediction
from tests.builders import weekly


def test_metrics_of_a_worked_example():
    """Two origins, two days each; computed by hand."""
    actual, forecast = np.array([[10.0, 20.0], [20.0, 30.0]]), np.array([[12.0, 20.0], [20.0, 24.0]])

    card = score(actual, forecast, history=np.array([1.0, 3.0, 2.0, 5.0]), season=2)

    assert card.rmse == pytest.approx(np.sqrt(10))
    assert card.mae == pytest.approx(2.0)
    assert card.mase == pytest.approx(2.0 / 1.5)
    assert card.r2 == pytest.approx(1 - 40 / 200)
    assert card.bias == pytest.approx(-1.0)


def test_coverage_is_the_share_of_amounts_inside_the_intervals():
    """Standard normal intervals of 80 % end at 1.28; a missing amount is neither inside nor outside."""
    made = Prediction(np.zeros((2, 3)), np.ones((2, 3)), log=False)
    actual = np.array([[0.0, 1.2, 1.3], [-1.2, -5.0, np.nan]])

    assert coverage(actual, made, 80) == pytest.approx(3 / 5)
    assert coverage(actual, made, 95) == pytest.approx(4 / 5)


@given(st.floats(1e-3, 1e6))
def test_mase_ignores_the_currency(rate: float):
    """Cents and euros have the same score."""
    actual, forecast, history = weekly(14), weekly(14, seed=1), weekly(60, seed=2)

    scaled = mase(actual, forecast, history, 7)

    assert scaled is not None
    assert mase(rate * actual, rate * forecast, rate * history, 7) == pytest.approx(scaled)


WEEK = np.array([1.1, 2.2, 3.3, 4.4, 5.5, 6.6, 7.7])
ROUNDED = np.tile(WEEK, 4) * (1 + 1e-15 * np.random.default_rng(0).normal(size=28))


@pytest.mark.parametrize("history", [np.ones(7), np.ones(20), np.zeros(20), np.tile(WEEK, 4), ROUNDED])
def test_mase_is_none_without_a_scale(history: np.ndarray):
    """Too few days, days that never change, and weeks that are equal, exactly or but for rounding."""
    assert mase(np.ones(2), np.zeros(2), history, 7) is None


@pytest.mark.parametrize("amount", [0.0, 1.0, 0.1, 1e12])
@pytest.mark.parametrize("days", [1, 5, 28])
def test_r2_is_none_if_the_amounts_never_change(amount: float, days: int):
    """Also where their mean is not exactly the amount."""
    assert r2(np.full(days, amount), np.zeros(days)) is None


@given(st.floats(1e-200, 1e80))
def test_r2_ignores_the_currency(rate: float):
    """Also where squares of the amounts are too small for a float."""
    actual, forecast = weekly(14), weekly(14, seed=1)

    assert r2(rate * actual, rate * forecast) == pytest.approx(r2(actual, forecast))


def test_errors_that_are_rounding_are_zero():
    """Two exact forecasts have the same scores; whose rounding is smaller does not matter."""
    history, actual = weekly(60), np.zeros((3, 7))

    card = score(actual, np.full((3, 7), 1e-12), history, 7)

    assert (card.rmse, card.mae, card.mase, card.bias) == (0, 0, 0, 0)
    assert (card.r2, card.coverage_80) == (None, None)
    assert not Loss.RMSE.at_origins(actual, np.full((3, 7), 1e-12), history).any()


def test_an_absurd_amount_in_the_history_makes_no_error_rounding():
    """Rounding is relative to the usual amount, so that one day cannot make every model look perfect."""
    history, actual = weekly(60), np.zeros((3, 7))
    history[30] = 1e15

    assert score(actual, np.ones((3, 7)), history, 7).rmse == 1
    assert Loss.RMSE.at_origins(actual, np.ones((3, 7)), history).all()


def test_days_without_an_amount_do_not_change_what_is_rounding():
    """The usual amount is that of the days that have one."""
    history = np.where(np.arange(60) % 5, 0.0, 100.0)

    assert usual_size(history) == 100
    assert usual_size(np.zeros(60)) == 0


def test_an_error_that_is_nan_is_not_rounding():
    """It stays NaN, which no scorecard takes."""
    with pytest.raises(ModelError, match="rmse"):
        score(np.ones((1, 2)), np.array([[1.0, np.nan]]), weekly(60), 7)


@pytest.mark.parametrize("loss", Loss)
def test_logarithms_are_scored_on_the_point_that_the_loss_asks_for(loss: Loss):
    """The mean for RMSE, the median for MAE and MASE; RMSE and bias always on the mean."""
    median, variance = 100.0, 0.5
    made = Prediction(np.full((1, 4), np.log(median)), np.full((1, 4), variance), log=True)
    actual, history = np.array([[80.0, 90.0, 120.0, 150.0]]), weekly(60)
    mean = median * np.exp(variance / 2)

    card = score(actual, made, history, 7, loss)

    point = mean if loss is Loss.RMSE else median
    assert card.mae == pytest.approx(np.mean(np.abs(actual - point)))
    assert card.mase == pytest.approx(mase(actual, np.full((1, 4), point), history, 7))
    assert card.rmse == pytest.approx(np.sqrt(np.mean((actual - mean) ** 2)))
    assert card.bias == pytest.approx(np.mean(mean - actual))


def test_the_median_and_the_mean_of_amounts_are_equal():
    """Without logarithms every loss is measured on the same forecast."""
    made = Prediction(np.ones((2, 3)), np.ones((2, 3)), log=False)

    assert all(np.array_equal(loss.point(made), made.center) for loss in Loss)


NUMBERS = {"rmse": 1.0, "mae": 1.0, "mase": 1.0, "r2": 0.5, "bias": 0.0}


@pytest.mark.parametrize("metric", NUMBERS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_scorecard_has_only_finite_numbers(metric: str, value: float):
    """A score that is no number can never look like an improvement."""
    with pytest.raises(ModelError, match=metric):
        Scorecard(**{**NUMBERS, metric: value})


@pytest.mark.parametrize("metric", ["rmse", "mae", "bias"])
def test_a_metric_that_is_always_defined_cannot_be_none(metric: str):
    """MASE, R2 and coverage can."""
    absent: Any = {**NUMBERS, metric: None}

    with pytest.raises(ModelError, match=metric):
        Scorecard(**absent)
    Scorecard(rmse=1.0, mae=1.0, mase=None, r2=None, bias=0.0)


def test_a_loss_that_is_not_defined_is_an_error_that_says_what_to_set():
    """Any other metric may be None."""
    card = Scorecard(rmse=2.0, mae=1.0, mase=None, r2=None, bias=0.0)

    assert (card.of(Loss.RMSE), card.of(Loss.MAE)) == (2.0, 1.0)
    with pytest.raises(ModelError, match=r"RETRAIN_LOSS is mase, which is not defined.*set RETRAIN_LOSS=mae"):
        card.of(Loss.MASE)

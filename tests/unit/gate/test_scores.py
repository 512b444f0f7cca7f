"""Losses, metrics and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.errors import FlatSeries, ModelError, SeriesTooShort
from retrain.gate.scores import Scorecard, coverage, mase, r2, score
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

    assert mase(rate * actual, rate * forecast, rate * history, 7) == pytest.approx(
        mase(actual, forecast, history, 7)
    )


def test_undefined_metrics_are_errors():
    """Too few days for a scale, a scale of zero, a variance of zero."""
    with pytest.raises(SeriesTooShort):
        mase(np.ones(2), np.ones(2), np.ones(7), 7)
    with pytest.raises(FlatSeries):
        mase(np.ones(2), np.ones(2), np.ones(20), 7)
    with pytest.raises(FlatSeries):
        r2(np.ones(5), np.zeros(5))


@pytest.mark.parametrize("metric", ["rmse", "mae", "mase", "r2", "bias"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_a_scorecard_has_only_finite_numbers(metric: str, value: float):
    """A missing score can never look like an improvement."""
    numbers = {"rmse": 1.0, "mae": 1.0, "mase": 1.0, "r2": 0.5, "bias": 0.0}

    with pytest.raises(ModelError, match=metric):
        Scorecard(**{**numbers, metric: value})

"""The interval of a mean of overlapping losses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.gate.intervals import interval_of_mean

WEEK = 7


def overlapping(seed: int, origins: int = 180) -> np.ndarray:
    """Means over a week of independent differences, whose mean is zero."""
    daily = np.random.default_rng(seed).normal(size=origins + WEEK - 1)
    return np.convolve(daily, np.ones(WEEK) / WEEK, "valid")


def test_the_mean_is_inside_about_as_often_as_promised():
    """Of 300 samples; an interval for independent values would have it in about 60 %."""
    found = [interval_of_mean(overlapping(seed), WEEK) for seed in range(300)]

    inside = [each.low <= 0 <= each.high for each in found if each is not None]

    assert len(inside) == 300
    assert 0.9 < np.mean(inside) < 0.98


@given(st.integers(0, 50), st.floats(0.01, 1e6), st.floats(-1e6, 1e6))
def test_it_moves_and_grows_with_its_values(seed: int, factor: float, shift: float):
    """So it does not depend on the currency."""
    values = overlapping(seed, 100)
    one, other = interval_of_mean(values, WEEK), interval_of_mean(values * factor + shift, WEEK)

    assert one is not None
    assert other is not None
    for name in ("mean", "low", "high"):
        expected = getattr(one, name) * factor + shift
        assert getattr(other, name) == pytest.approx(expected, rel=1e-6, abs=1e-6 * (factor + abs(shift)))


@pytest.mark.parametrize(("origins", "horizon", "is_enough"), [(83, 7, False), (84, 7, True), (167, 14, False)])
def test_a_few_overlapping_weeks_have_no_interval(origins: int, horizon: int, is_enough: bool):
    """They do not show how the differences vary; longer horizons overlap for longer."""
    assert (interval_of_mean(overlapping(1, origins), horizon) is not None) is is_enough


def test_equal_losses_are_certain():
    """Two policies with the same champions have the same forecasts."""
    found = interval_of_mean(np.zeros(100), WEEK)

    assert found is not None
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)

"""Recursive filters equal those of scipy.signal."""

from __future__ import annotations

import numpy as np
import pytest

from retrain.arima.recursion import recursive

NOISE = np.random.default_rng(3).normal(size=(40, 3))
LAGS = np.array([1.0, -0.5, 0.2, 0.0, 0.0, 0.3])


@pytest.mark.parametrize("numerator", [np.ones(1), np.array([2.0]), np.array([1.0, 0.4]), LAGS], ids=len)
@pytest.mark.parametrize("denominator", [np.ones(1), np.array([1.0, -0.9]), LAGS], ids=len)
@pytest.mark.parametrize(
    "series", [NOISE[:, 0], NOISE, NOISE[:1], NOISE[:3, 0]], ids=["days", "columns", "one", "few"]
)
def test_a_series_or_columns_are_filtered(numerator: np.ndarray, denominator: np.ndarray, series: np.ndarray):
    """Also fewer days than lags."""
    from scipy.signal import lfilter

    found = recursive(numerator, denominator, series)

    np.testing.assert_allclose(found, lfilter(numerator, denominator, series, axis=0), rtol=1e-12, atol=1e-12)


def test_what_is_filtered_stays_as_it_was():
    """The result is an array of its own."""
    before = NOISE[:, 0].copy()

    recursive(np.ones(1), np.ones(1), NOISE[:, 0])[:] = 0
    recursive(np.ones(1), LAGS, NOISE[:, 0])[:] = 0

    np.testing.assert_array_equal(NOISE[:, 0], before)


def test_a_filter_that_explodes_ends_in_what_is_not_finite():
    """And raises nothing: its caller looks."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = recursive(np.ones(1), np.array([1.0, -1e100]), np.ones(10))

    assert not np.isfinite(found[-1])

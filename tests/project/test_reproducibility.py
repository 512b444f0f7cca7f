"""The same amounts give the same decision for other last bits; test_benchmarks.py tries other processors."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.decisions import moved, outcome
from benchmarks.reproducibility import difference
from benchmarks.series import simulated
from retrain.data.series import DailySeries
from tests.builders import series, weekly
from tests.sweeps import in_drills

SAME = 1e-6  # relative difference of forecasts
SERIES = dict(simulated())
DIFFICULT = [
    "week without noise, 80 days",  # every error is rounding
    "smooth trend, 180 days",  # roots on the unit circle
    *in_drills("constant weekends, 80 days", "intermittent, 80 days"),
    *in_drills("cancelling, 180 days", "other season, 180 days"),
]


@pytest.mark.parametrize("name", DIFFICULT)
def test_last_bits_of_the_amounts_change_no_decision(name: str):
    """One order, one verdict, and the same forecasts; two draws."""
    first = outcome(SERIES[name])

    others = [difference(name, f"draw {draw}", first, outcome(moved(SERIES[name], draw))) for draw in (1, 2)]

    assert not [other for other in others if other.verdict_changed or other.orders_changed]
    assert max(other.relative for other in others) < SAME


def test_a_draw_moves_amounts_by_their_last_bit_alone():
    """Some up, some down, some not at all; zeros stay."""
    amounts = np.where(np.arange(100) % 7 < 6, weekly(100), 0.0)

    other = moved(series(amounts), 1).values

    assert 0 < (other != amounts).sum() < 100
    np.testing.assert_array_max_ulp(other, amounts, maxulp=1)
    assert (other[amounts == 0] == 0).all()


def test_every_simulated_series_is_the_same_at_every_run():
    """And there are at least forty, short and long."""
    again = dict(simulated())

    assert len(SERIES) >= 40
    assert all(isinstance(one, DailySeries) and one.sha256 == again[name].sha256 for name, one in SERIES.items())
    assert {len(one) for one in SERIES.values()} >= {80, 750}

"""The simulated businesses of `make bench-honest`: what can be drawn, which faults, and how few are held."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.honest import judged
from benchmarks.honest_faults import FAULTS
from benchmarks.honest_worlds import HAS_ROWS, WORLDS, drawn


@pytest.mark.parametrize(
    ("world", "raw"), [*((name, False) for name in WORLDS), *((name, True) for name in HAS_ROWS)]
)
def test_a_business_has_days_with_rows(world: str, raw: bool):
    """Finite amounts, and more than one row a day where it is drawn as transactions."""
    business = drawn(world, 400, np.random.default_rng(1), raw=raw)

    totals = business.totals(0, 400)

    assert len(totals) > 30
    assert np.isfinite([total.amount for total in totals.values()]).all()
    assert business.is_daily is not raw


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_changes_the_file(fault: str):
    """And leaves it with days."""
    days = drawn("retail", 400, np.random.default_rng(2), raw=True).totals(0, 200)

    bad = FAULTS[fault](dict(days), np.random.default_rng(3))

    assert bad
    assert bad != days


def test_a_file_is_the_same_whenever_it_is_drawn():
    """Its seed is all that it depends on."""
    assert judged(7) == judged(7)


def test_of_a_hundred_honest_files_one_at_most_is_held_and_most_faults_are_found():
    """A sample of what the benchmark counts on thousands."""
    found = [each for seed in range(100) if (each := judged(seed)) is not None]
    bad = [each.fault_held for each in found if each.fault]

    assert sum(bool(each.held) for each in found) <= 1
    assert sum(bad) > 0.7 * len(bad)

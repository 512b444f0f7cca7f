"""The simulated years of `make bench-drift`: their days are those of a run, and what is counted of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.drift import FAR_OUT, figure, reached, row
from benchmarks.drift_years import Found, watched
from benchmarks.runs import first_model
from benchmarks.worlds import CHANGE, LOUDER, UNCHANGED, simulated
from retrain.monitoring.drift import CHANGES
from retrain.monitoring.limits import MARGIN, REACHED_IN

PARTS = slice(60 + CHANGE), slice(60 + CHANGE, 260)


def year(world: str = UNCHANGED.name, highest: float = 0.0, own: float = 0.0, **days: int) -> Found:
    return Found(world, 182, days, dict.fromkeys(CHANGES, highest), dict.fromkeys(CHANGES, own))


def test_the_innovations_are_those_of_the_first_model():
    """One day ahead, in standard deviations; the amounts are those of the simulated year."""
    there = simulated(UNCHANGED, 60, 3, 30)
    model = first_model(there.after(0))
    amounts = there.after(30).after(model.origin)
    made = model.rolling(amounts, 1)
    values = np.log(amounts) if model.log else amounts

    found = watched(UNCHANGED, 60, 3, 30)

    assert found.watched == pytest.approx((values - made.center[:, 0]) / np.sqrt(made.variance[:, 0]))
    assert (len(found.watched), found.trained_days) == (30, 60)


def test_the_noise_of_a_louder_world_is_larger_after_the_change():
    """And not before it."""
    amounts = [simulated(LOUDER, 60, 1, 200).series.values[part] for part in PARTS]

    sizes = [(part[7:] - part[:-7]).std() for part in amounts]

    assert sizes[1] > 1.5 * sizes[0]


def test_a_year_without_an_alarm_counts_in_the_median():
    """As one in which it never comes."""
    years = [year(LOUDER.name, level=CHANGE + 10), year(LOUDER.name, variance=CHANGE + 4, level=CHANGE + 9)]

    found = figure([*years, year(LOUDER.name)])
    rare = figure([years[0], year(LOUDER.name), year(LOUDER.name)])

    assert (found["alarms"], found["median_days_after_change"], found["level"]) == (2 / 3, 10.0, 2 / 3)
    assert rare["median_days_after_change"] is None
    assert row(rare)["median days"] == "–"


def test_limits_come_from_the_years_that_are_beyond_their_own():
    """An exponential tail is found again."""
    values = -np.log1p(-np.random.default_rng(1).random(20_000))

    found = reached([year(highest=value) for value in values.tolist()])["level"]
    none = reached([year(highest=value, own=value) for value in values.tolist()])["level"]

    assert MARGIN > 1
    assert REACHED_IN > FAR_OUT
    assert found == pytest.approx((-math.log(REACHED_IN), 1), rel=0.1)
    assert none == (0, 0)

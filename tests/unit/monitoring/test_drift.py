"""The tests of drift and decay: what they find, what they bear, and what their limits are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.monitoring.drift import CHANGES, COVERAGE, LEVEL, NAIVE, PATTERN, VARIANCE, paths
from retrain.monitoring.innovations import Innovations, _whitened
from retrain.monitoring.limits import MARGIN, SHARES, TRAINED_DAYS, calibrated, highest, limits
from retrain.monitoring.watch import SETTLED_DAYS, last_alarm
from retrain.records.watched import Alarm

FIRST = date(2024, 1, 1)
ALPHA, WEEK, YEAR = 0.05, 7, 365


def seen(innovations: np.ndarray, trained_days: int = 365) -> Innovations:
    """A champion's year of these innovations, in which it is as good as the naive and holds all amounts."""
    none = np.zeros(len(innovations))
    return Innovations(FIRST, innovations, np.empty(0), none, none, trained_days)


def normal(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, count)


def reached(found: Innovations) -> dict[str, int]:
    """The first day on which each test is at its limit."""
    own = limits(found, WEEK, ALPHA)
    days = {name: np.flatnonzero(path >= own[name]) for name, path in paths(found, WEEK, own).items()}
    return {name: int(at[0]) for name, at in days.items() if len(at)}


def test_independent_innovations_reach_no_limit():
    """Nothing has changed."""
    assert reached(seen(normal(YEAR))) == {}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (LEVEL, np.concatenate([[3.5], np.full(27, 0.9)])),
        (VARIANCE, normal(28, 3) * 1.5),
        (PATTERN, np.resize([2.0, -1.5, 1.0, 0.0, -2.0, 1.5, -1.0], 28)),
    ],
)
def test_each_change_is_found_by_its_test(name: str, change: np.ndarray):
    """Within four weeks."""
    innovations = normal(YEAR, 1)
    innovations[200:228] += change

    found = reached(seen(innovations))

    assert 200 <= found[name] < 228


def test_one_absurd_day_reaches_no_limit():
    """However absurd it is."""
    innovations = normal(YEAR)
    innovations[100] = 1e9

    assert reached(seen(innovations)) == {}


def test_a_champion_that_always_loses_to_the_naive_has_decayed():
    """Within a few weeks, and not at once."""
    found = replace(seen(normal(YEAR)), losses=np.ones(YEAR))

    assert 20 < reached(found)[NAIVE] < 60


def test_intervals_that_hold_half_of_the_amounts_have_decayed():
    """They ought to hold 80 %; 65 % are borne."""
    found = seen(normal(YEAR))

    assert COVERAGE in reached(replace(found, outside=np.resize([1.0, 0.0], YEAR)))
    assert COVERAGE not in reached(replace(found, outside=np.resize([1.0, 0.0, 0.0], YEAR)))


def test_a_bet_seldom_reaches_its_limit_by_chance():
    """The bound that needs no calibration, on the null itself: 35 % outside, the worst that is borne."""
    rng = np.random.default_rng(7)
    years, limit = 400, 1 / ALPHA
    alarms = 0
    for _ in range(years):
        found = replace(seen(np.zeros(YEAR)), outside=(rng.random(YEAR) < 0.35).astype(float))
        alarms += bool((paths(found, WEEK, {COVERAGE: limit})[COVERAGE] >= limit).any())

    assert alarms <= ALPHA * years


def test_a_missing_day_changes_no_statistic():
    """It is neither calm nor a change."""
    innovations = normal(YEAR)
    innovations[50:60] = np.nan
    own = limits(seen(innovations), WEEK, ALPHA)

    made = paths(seen(innovations), WEEK, own)

    assert all(np.isfinite(path).all() for path in made.values())
    assert made[VARIANCE][49] == made[VARIANCE][59]
    assert made[LEVEL][49] == made[LEVEL][59]


@given(st.integers(1, 400), st.integers(0, 3))
def test_what_follows_changes_nothing_of_what_was_found(count: int, seed: int):
    """The look after a day is the same, however many days are known by now."""
    innovations = normal(400, seed)
    own = dict.fromkeys(CHANGES, 1000000000.0)

    whole = paths(seen(innovations), WEEK, own)
    part = paths(seen(innovations[:count]), WEEK, own)

    for name in CHANGES:
        assert np.array_equal(whole[name][:count], part[name])


def test_the_shares_of_the_tests_are_the_whole_chance():
    assert sum(SHARES.values()) == pytest.approx(1)


@given(st.floats(0.001, 0.2), st.integers(21, 1000))
def test_a_smaller_chance_has_a_higher_limit(alpha: float, trained_days: int):
    """At every number of days of training."""
    for name in CHANGES:
        often, seldom = (calibrated(name, trained_days, chance * SHARES[name]) for chance in (alpha, alpha / 2))

        assert 0 < often < seldom


@pytest.mark.parametrize("name", [LEVEL, VARIANCE])
def test_fewer_days_of_training_have_higher_limits(name: str):
    """The parameters are less certain."""
    found = [calibrated(name, days, ALPHA * SHARES[name]) for days in TRAINED_DAYS]

    assert found == sorted(found, reverse=True)


def test_no_limit_is_below_what_the_days_of_training_reached():
    """What the champion has known is no change."""
    known = normal(300, 2) * 1.8

    own = limits(replace(seen(normal(YEAR)), reference=known), WEEK, ALPHA)

    assert own[VARIANCE] == MARGIN * highest(known, WEEK)[VARIANCE]


def test_without_a_season_there_is_no_test_of_a_pattern():
    """And the others are as they were."""
    assert PATTERN not in limits(seen(normal(YEAR)), 1, ALPHA)


def test_innovations_that_depend_on_the_day_before_are_made_independent():
    """As those of the seasonal naive; the others stay to the last bit."""
    shocks, known = normal(600), np.zeros(600)
    for day in range(1, 600):
        known[day] = 0.7 * known[day - 1] + shocks[day]
    known /= known.std()

    white = _whitened(known, known[:300])

    assert abs(np.corrcoef(white[1:], white[:-1])[0, 1]) < 0.1
    assert white.std() == pytest.approx(1, abs=0.1)
    assert _whitened(shocks, shocks[:300]) is shocks


def path_of(*parts: tuple[float, int]) -> dict[str, np.ndarray]:
    return {LEVEL: np.concatenate([np.full(days, value) for value, days in parts])}


def alarm_of(made: dict[str, np.ndarray], min_days: int = 28) -> Alarm | None:
    return last_alarm(made, {LEVEL: 4.0}, FIRST, min_days)


def test_an_alarm_begins_at_the_limit_and_ends_after_two_calm_weeks():
    """Below the limit alone is not calm."""
    found = alarm_of(path_of((1.0, 10), (4.0, 5), (3.5, 20), (1.0, 30)))

    assert found is not None
    assert found.day == FIRST + timedelta(days=10)
    assert found.until == FIRST + timedelta(days=35 + SETTLED_DAYS - 1)


def test_the_next_alarm_begins_no_sooner_than_is_set():
    """From the day of the one before."""
    made = path_of((4.0, 1), (1.0, 20), (4.0, 30))

    sooner, later = alarm_of(made, 7), alarm_of(made, 28)

    assert sooner is not None
    assert later is not None
    assert (sooner.day, later.day) == (FIRST + timedelta(days=21), FIRST + timedelta(days=28))


def test_a_test_that_joins_an_alarm_is_named_in_it():
    """After the one that began it."""
    made = {LEVEL: np.array([4.0, 4.0]), VARIANCE: np.array([0.0, 9.0])}

    found = last_alarm(made, {LEVEL: 4.0, VARIANCE: 9.0}, FIRST, 28)

    assert found == Alarm(names=(LEVEL, VARIANCE), day=FIRST)

"""The evidence: no number of looks makes much of it out of nothing, and a true gain makes it grow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.gate.evidence import MIN_ORIGINS, amount, evidence, is_enough
from tests.sweeps import in_drills

HORIZON = 7
ALPHA = 0.05


def gains(days: int, seed: int, mean: float = 0.0, horizon: int = HORIZON) -> np.ndarray:
    """Differences of mean losses over horizons that overlap, each day's with a standard deviation of 1."""
    daily = np.random.default_rng(seed).normal(mean, 1, days + horizon - 1)
    return np.convolve(daily, np.ones(horizon) / horizon, mode="valid")


def first_look(whole: np.ndarray, every: int = 1) -> int | None:
    """The number of origins at the first look that finds enough, by default of daily ones; None if none does."""
    looks = range(MIN_ORIGINS, len(whole) + 1, every)
    return next((look for look in looks if is_enough(whole[:look], ALPHA)), None)


def test_many_looks_in_a_year_rarely_find_enough_where_there_is_nothing():
    """In at most alpha of the years; the seeds are fixed."""
    years = [first_look(gains(358, seed), every=6) for seed in range(60)]

    assert sum(look is not None for look in years) <= 60 * ALPHA


@pytest.mark.parametrize("horizon", [14, 60, *in_drills(1, 30)])
def test_longer_horizons_do_not_make_chance_more_frequent(horizon: int):
    """Their losses overlap for longer, so that fewer of them are independent."""
    years = [gains(450, seed, horizon=horizon) for seed in range(60)]

    found = [any(is_enough(year[:n], ALPHA, horizon) for n in range(42, 451, 16)) for year in years]

    assert sum(found) <= 60 * ALPHA


@given(st.integers(1, 200), st.floats(-0.5, 0.5), st.sampled_from([1, 7, 30]))
def test_who_looks_often_is_told_the_same(days: int, mean: float, horizon: int):
    """As who asks for all of it."""
    found = gains(days, seed=8, mean=mean, horizon=horizon)

    assert is_enough(found, ALPHA, horizon) is evidence(found, ALPHA, horizon).is_enough


def test_a_lasting_gain_is_found_with_the_longest_horizon():
    """Within what is compared of a champion that has stayed for years."""
    assert evidence(gains(630, seed=1, mean=0.5, horizon=90), ALPHA, 90).is_enough


def test_a_lasting_gain_is_found():
    """Of half a standard deviation of a day, in each of some years."""
    assert all(first_look(gains(358, seed, mean=0.5)) for seed in range(10))


def test_a_change_in_the_middle_is_found_though_the_days_before_it_dilute_it():
    """After eight months without a gain: within ten weeks."""
    late = np.concatenate([gains(240, seed=3), gains(118, seed=4, mean=1.0)])

    look = first_look(late)

    assert look is not None
    assert 240 < look <= 240 + 70


@given(st.floats(1e-9, 1e9))
def test_the_currency_does_not_matter(rate: float):
    """Losses in another unit are the same evidence."""
    found = gains(100, seed=5, mean=0.3)

    assert evidence(found * rate, ALPHA).value == pytest.approx(evidence(found, ALPHA).value)


def test_a_loss_is_no_evidence():
    """A challenger that is worse has less than it began with."""
    assert evidence(gains(100, seed=6, mean=-0.5), ALPHA).value < 1


@pytest.mark.parametrize(
    "without", [np.zeros(100), np.array([]), np.ones(MIN_ORIGINS - 1)], ids=["equal", "none", "too few"]
)
def test_where_nothing_can_be_known_there_is_no_evidence(without: np.ndarray):
    """Two equal models, or too few origins."""
    assert evidence(without, ALPHA).value == 0
    assert not evidence(without, ALPHA).is_enough


def test_a_gain_that_never_varies_is_no_evidence():
    """Its variance is unknown, so nothing can be bet on it."""
    assert not evidence(np.ones(100), ALPHA).is_enough


def test_gains_that_are_no_numbers_are_not_enough():
    """NaN opens no gate."""
    broken = gains(100, seed=7, mean=2.0)
    broken[50] = np.nan

    assert not evidence(broken, ALPHA).is_enough


def test_the_days_that_are_missing_are_about_right():
    """If the gains go on as they were, that many days later there is enough, give or take a half."""
    found = evidence(gains(60, seed=9, mean=0.3), ALPHA)

    assert found.more_days is not None
    assert found.more_days > 0
    look = first_look(np.tile(gains(60, seed=9, mean=0.3), 8))
    assert look is not None
    assert 0.5 <= (look - 60) / found.more_days <= 2


def test_enough_needs_no_more_days_and_nothing_is_expected_of_a_loss():
    """Zero, and none."""
    assert evidence(gains(200, seed=1, mean=2.0), ALPHA).more_days == 0
    assert evidence(gains(200, seed=1, mean=-2.0), ALPHA).more_days is None


def test_too_few_origins_say_how_many_are_missing():
    """So that a reason can say it."""
    assert evidence(np.ones(30), ALPHA).more_days == MIN_ORIGINS - 30


def test_much_evidence_is_shown_as_much():
    """More digits would say nothing."""
    assert (amount(2.5), amount(1e40)) == ("2.5", "more than 1,000")
    assert np.isfinite(evidence(gains(400, seed=2, mean=50.0), ALPHA).value)

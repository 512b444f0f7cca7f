"""Tests, day by day, whether the days of a champion are still what it was fitted to. Pure.

Three tests look at its standardised one-day innovations, which are independent with variance 1 while nothing has
changed: their level, their variance, and whether those of one day come again a season later. Their limits are in
`limits`: each is calibrated to the stated chance of a false alarm in a year, the uncertainty of the champion's
parameters included, and none is below what the champion's own days of training reached, with a margin. An
innovation counts by so many standard deviations at most, because one absurd day is no change.

Two more look at what the champion is worth: whether it loses to the seasonal naive, and whether its 80 % intervals
hold less than 65 % of the amounts. These are bets that begin anew every day; their limits need no calibration.

Every test is computed again from all watched days at each look, so the same days give the same alarms.

Sources: level: matched filter for a step of unknown onset, Willsky & Jones (1976), IEEE Trans. Automatic Control
21, 108-112; variance and pattern: CUSUM, Page (1954), Biometrika 41, 100-115; bets: Shin, Ramdas & Rinaldo (2024),
New England J. Statistics in Data Science 2, 229-260, with weights that sum to one in a year.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from retrain.monitoring.innovations import Innovations

    type Vector = NDArray[np.float64]

LEVEL, VARIANCE, PATTERN = CHANGES = "level", "variance", "pattern"
NAIVE, COVERAGE = "naive", "coverage"
BOUND, LEVEL_BOUND = 3.0, 3.5  # standard deviations that an innovation counts by at most
STEP_DAYS = 28  # for which a step is looked for
STEP_SEEN_DAYS = 3  # after its onset, before which it may be one absurd day
STEP_REST = 0.15  # of a step that is left in the innovations of later days: a model follows it within days
VARIANCE_ALLOWED, PATTERN_ALLOWED = 1.6, 0.5  # a day: what an innovation may score without a change
MOST_OUTSIDE = 0.35  # of the amounts
STAKE_NAIVE, STAKE_COVERAGE = 0.5, 1.0  # of a bet, by day
YEAR_DAYS = 365


def paths(found: Innovations, season_days: int, limits: Mapping[str, float]) -> dict[str, Vector]:
    """Each statistic after each watched day, by its name, shape (n,); none is above its limit by more than a day.

    Args: limits: by name; a statistic without a limit is not computed.
    """
    made = changes(found.watched, season_days, limits)
    if NAIVE in limits:
        made[NAIVE] = _bet(STAKE_NAIVE * found.losses, limits[NAIVE])
    if COVERAGE in limits:
        made[COVERAGE] = _bet(STAKE_COVERAGE * (found.outside - MOST_OUTSIDE), limits[COVERAGE])
    return made


def changes(innovations: Vector, season_days: int, limits: Mapping[str, float]) -> dict[str, Vector]:
    """The statistics of level, variance and pattern. Args: innovations: NaN for none. limits: see `paths`."""
    bounded = np.clip(innovations, -BOUND, BOUND)
    made = {}
    if LEVEL in limits:
        made[LEVEL] = _level(np.clip(innovations, -LEVEL_BOUND, LEVEL_BOUND))
    if VARIANCE in limits:
        made[VARIANCE] = _cusum(bounded**2 - VARIANCE_ALLOWED, limits[VARIANCE])
    if PATTERN in limits:
        again = np.full(len(bounded), np.nan)
        again[season_days:] = bounded[season_days:] * bounded[:-season_days]
        made[PATTERN] = _cusum(again - PATTERN_ALLOWED, limits[PATTERN])
    return made


def _level(innovations: Vector) -> Vector:
    """The largest standardised sum of the innovations since any of the last days, the first of them in full."""
    use = np.isfinite(innovations)
    values = innovations[use]
    count = len(values)
    best, sums, energy = np.zeros(count), np.zeros(count), 0.0
    for lag in range(min(STEP_DAYS, count)):
        weight = STEP_REST if lag else 1.0
        sums[: count - lag] += weight * values[lag:]
        energy += weight**2
        if lag + 1 >= STEP_SEEN_DAYS:
            best[lag:] = np.maximum(best[lag:], np.abs(sums[: count - lag]) / np.sqrt(energy))
    return _carried(best, use)


def _carried(values: Vector, use: NDArray[np.bool_]) -> Vector:
    """The values on the days of use, and between them that of the day before; 0 before the first."""
    return np.concatenate([[0.0], values])[np.cumsum(use)]


def _cusum(scores: Vector, limit: float) -> Vector:
    """The sum of the scores, never below 0 and no higher than the limit, so that it comes down when they do."""
    made, total = np.zeros(len(scores)), 0.0
    for at, score in enumerate(scores.tolist()):
        if score == score:  # NaN is not equal to itself
            total = min(max(total + score, 0.0), limit)
        made[at] = total
    return made


def _bet(gains: Vector, limit: float) -> Vector:
    """The sum of bets of which one begins each day with a 365th, no higher than the limit.

    A gain is that of a bet of 1. While none is expected to be above 0, the chance that the sum reaches 1/alpha
    within a year is at most alpha: with what is not bet yet it is a supermartingale that begins with 1 (Ville).
    """
    made, total = np.zeros(len(gains)), 0.0
    for at, gain in enumerate(gains.tolist()):
        if gain == gain:
            total = min((total + 1 / YEAR_DAYS) * (1 + gain), limit)
        made[at] = total
    return made

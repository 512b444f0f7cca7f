"""The limits that the tests of a watch have to reach, for a stated chance of a false alarm in a year. Pure.

Of the tests of changes, `make bench-drift CALIBRATE=1` simulates years in which nothing changes, each with a
champion that the first run makes of so many days. Beyond the value that a twentieth of these years reach, the
largest values of a year are nearly exponential, so two numbers describe them for every chance: that value, and the
mean excess over it. So the uncertainty of parameters, which is large after few days, is in the limits.
Source: Pickands (1975), Annals of Statistics 3, 119-131, with a shape of 0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retrain.monitoring.drift import CHANGES, COVERAGE, LEVEL, NAIVE, PATTERN, VARIANCE, changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.monitoring.innovations import Innovations, Vector

SHARES = {LEVEL: 0.6, VARIANCE: 0.2, PATTERN: 0.1, NAIVE: 0.05, COVERAGE: 0.05}
"""Of the chance of a false alarm. A step of the level is the hardest to see, so it has most."""
REACHED_IN = 0.05  # of the years
MARGIN = 1.25  # times the highest value of the champion's days of training: the least limit
TRAINED_DAYS = (28, 91, 182, 365)
REACHED: Mapping[str, tuple[tuple[float, float], ...]] = {
    LEVEL: ((5.46, 0.53), (3.79, 0.13), (3.67, 0.26), (3.49, 0.26)),
    VARIANCE: ((310.0, 125.0), (30.8, 61.2), (17.2, 4.37), (15.5, 2.41)),
    PATTERN: ((12.6, 4.25), (7.05, 0.96), (7.9, 2.22), (8.51, 1.59)),
}
"""For each number of days of training, what a twentieth of the years reach, and the mean excess over it.

From 200 years of champions of 28 and of 91 days, and 300 of the others.
"""


def limits(found: Innovations, season_days: int, alpha: float) -> dict[str, float]:
    """The limit of each test that can be made; there is no pattern without a season.

    Args: alpha: the chance of a false alarm of any of them in a year.
    """
    own = highest(found.reference, season_days)
    made = {
        name: max(calibrated(name, found.trained_days, SHARES[name] * alpha), MARGIN * own.get(name, 0.0))
        for name in tests_of(season_days)
    }
    return {**made, **{name: 1 / (SHARES[name] * alpha) for name in (NAIVE, COVERAGE)}}


def tests_of(season_days: int) -> tuple[str, ...]:
    """The tests of changes of a series with this season."""
    return CHANGES if season_days > 1 else (LEVEL, VARIANCE)


def highest(innovations: Vector, season_days: int) -> dict[str, float]:
    """The highest value of each test of changes on these days."""
    unlimited = dict.fromkeys(tests_of(season_days), math.inf)
    made = changes(innovations, season_days, unlimited)
    return {name: float(path.max(initial=0.0)) for name, path in made.items()}


def calibrated(name: str, trained_days: int, chance: float) -> float:
    """The limit that is reached in a year with this chance, by a champion of so many days that knows nothing else.

    Between the numbers of days of the table it is interpolated by their logarithms; beyond its ends it stays.
    """
    reached, excess = np.array(REACHED[name]).T
    at = math.log(trained_days)
    known = np.log(TRAINED_DAYS)
    return float(np.interp(at, known, reached) + np.interp(at, known, excess) * math.log(REACHED_IN / chance))

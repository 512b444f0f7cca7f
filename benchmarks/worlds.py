"""Simulated years in which it is known what changes, when, and which forecast would have been best.

The amounts are a level of 100, a weekly pattern and ARMA(1,1) noise. The conditional means are known too, so a
forecast can be compared with the best one and not only with an amount that chance has moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.series import DailySeries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

FIRST_DAY = date(2023, 1, 2)  # a Monday
HORIZON_DAYS = 7
AFTER_DAYS = 60  # after a look, over which champion and promoted model are compared
BURN_IN_DAYS = 60  # of the noise, before the first day
CHANGE = 90  # days of the unseen year before the change
LEVEL, AR, MA, SHOCK = 100.0, 0.6, 0.3, 8.0
WEEK = (30.0, 20.0, 10.0, 0.0, -5.0, -25.0, -30.0)
TURNED_WEEK = WEEK[-3:] + WEEK[:-3]
MONTH_DAYS = 30
OUTLIERS = 60.0, 120.0  # smallest and largest size


@dataclass(frozen=True, slots=True)
class World:
    """What changes in the unseen year, and what it changes to.

    Attributes:
        change: days of the unseen year before the change; None if nothing changes for good.
        drift: of the level, as a share of it, from the change to a year later.
        loudness: of the noise after the change, as a multiple of that before.
        has_outliers: True for one outlier in each 30 days, before the unseen year too.
    """

    name: str
    change: int | None = None
    level: float = LEVEL
    week: tuple[float, ...] = WEEK
    ar: float = AR
    drift: float = 0.0
    loudness: float = 1.0
    has_outliers: bool = False


UNCHANGED = World("nothing changed")
WORLDS = (
    UNCHANGED,
    World("week turned", CHANGE, week=TURNED_WEEK),
    World("level +30 %", CHANGE, level=1.3 * LEVEL),
    World("noise lost its memory", CHANGE, ar=0.0),
    World("slow drift", 0, drift=0.3),
    World("one outlier a month", has_outliers=True),
)
LOUDER = World("noise twice as large", CHANGE, loudness=2.0)
"""Forecasts are as good as they can be before and after, so there is nothing for the gate in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Year:
    """The days that the champion is made of, a year that it has not seen, and the days after that year.

    Attributes:
        champion_days: before the year.
        days: of the year.
        expected: shape (n, HORIZON_DAYS); row i holds the conditional means of the amounts from day i on, given all
            days before it; an outlier is not expected.
    """

    world: World
    series: DailySeries
    champion_days: int
    days: int
    expected: Matrix

    def after(self, days: int) -> DailySeries:
        """What is known after some days of the year."""
        return DailySeries(FIRST_DAY, self.series.values[: self.champion_days + days].copy())


def simulated(world: World, champion_days: int, seed: int, days: int = 365) -> Year:
    """One year of a world; the same seed gives the same year."""
    rng = np.random.default_rng([(*WORLDS, LOUDER).index(world), champion_days, seed])
    length = champion_days + days + AFTER_DAYS + HORIZON_DAYS - 1
    since = np.arange(length) - champion_days - (world.change or 0)
    changed = since >= 0
    pattern = np.where(changed, np.resize(world.week, length), np.resize(WEEK, length))
    level = np.where(changed, world.level * (1 + world.drift * since / 365), LEVEL)
    ar = np.where(changed, world.ar, AR)
    noise, expected_noise = _noise(rng, ar, np.where(changed, world.loudness, 1.0))
    outliers = _outliers(rng, length) if world.has_outliers else np.zeros(length)
    series = DailySeries(FIRST_DAY, pattern + level + noise + outliers)
    windows = np.lib.stride_tricks.sliding_window_view(pattern + level, HORIZON_DAYS)
    return Year(world, series, champion_days, days, windows + expected_noise)


def _noise(rng: np.random.Generator, ar: Vector, loudness: Vector) -> tuple[Vector, Matrix]:
    """ARMA(1,1) noise whose memory and size may differ by day, and its conditional means from each day on."""
    memory, sizes = (np.concatenate([np.full(BURN_IN_DAYS, each[0]), each]) for each in (ar, loudness))
    shocks = rng.normal(0, SHOCK, len(memory)) * sizes
    made = np.zeros(len(memory))
    for day in range(1, len(memory)):
        made[day] = memory[day] * made[day - 1] + shocks[day] + MA * shocks[day - 1]
    means = np.zeros((len(ar) - HORIZON_DAYS + 1, HORIZON_DAYS))
    days = np.arange(BURN_IN_DAYS, BURN_IN_DAYS + len(means))
    means[:, 0] = memory[days] * made[days - 1] + MA * shocks[days - 1]
    for ahead in range(1, HORIZON_DAYS):
        means[:, ahead] = memory[days + ahead] * means[:, ahead - 1]
    return made[BURN_IN_DAYS:], means


def _outliers(rng: np.random.Generator, length: int) -> Vector:
    """One in each 30 days, up or down."""
    starts = np.arange(0, length, MONTH_DAYS)
    days = starts + rng.integers(0, MONTH_DAYS, len(starts))
    sizes = rng.choice([-1.0, 1.0], len(starts)) * rng.uniform(*OUTLIERS, len(starts))
    found = np.zeros(length)
    is_inside = days < length
    found[days[is_inside]] = sizes[is_inside]
    return found

"""Daily series to decide on: the files of folders, and simulated ones of many kinds, the same at every run."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.daily import files_of, series_of
from retrain.data.series import DailySeries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]


FIRST_DAY = date(2022, 1, 3)  # a Monday
WEEK = np.array([30.0, 20.0, 10.0, 0.0, -5.0, -25.0, -30.0])
WEEKEND = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0])
BURN = 50
LENGTHS = (80, 180, 350)
LONG = 750


def arma(rng: np.random.Generator, days: int, ar: float, ma: float, deviation: float) -> Vector:
    """ARMA(1,1), shape (days,)."""
    shocks = rng.normal(0, deviation, days + BURN)
    made = np.zeros(days + BURN)
    for day in range(1, days + BURN):
        made[day] = ar * made[day - 1] + shocks[day] + ma * shocks[day - 1]
    return made[BURN:]


def _weekly(rng: np.random.Generator, days: int) -> Vector:
    return 100 + np.resize(WEEK, days) + arma(rng, days, 0.6, 0.3, 8)


def _moving_week(rng: np.random.Generator, days: int) -> Vector:
    """Every weekday has a level of its own, which drifts."""
    weeks = WEEK + rng.normal(0, 4, (days // 7 + 1, 7)).cumsum(axis=0)
    return 200 + weeks.ravel()[:days] + arma(rng, days, 0.3, 0.0, 5)


def _growth(rng: np.random.Generator, days: int) -> Vector:
    logs = 4 + 1.2 * np.arange(days) / days + np.resize(WEEK, days) / 100 + arma(rng, days, 0.5, 0.0, 0.08)
    return np.exp(logs)


def _steps(rng: np.random.Generator, days: int) -> Vector:
    """The level changes three times."""
    levels = np.repeat([0.0, 60.0, 25.0, 90.0], days // 4 + 1)[:days]
    return levels + 80 + 0.4 * np.resize(WEEK, days) + rng.normal(0, 6, days)


def _outliers(rng: np.random.Generator, days: int) -> Vector:
    made = _weekly(rng, days)
    made[rng.choice(days, max(days // 50, 1), replace=False)] *= 12
    return made


def _closed_weekends(rng: np.random.Generator, days: int) -> Vector:
    return np.asarray(np.resize(WEEKEND, days) * (120 + arma(rng, days, 0.7, 0.0, 10)))


def _constant_weekends(rng: np.random.Generator, days: int) -> Vector:
    """The amounts are whole, and most days are exactly as a week before."""
    usual = np.resize([12.0, 12.0, 12.0, 12.0, 12.0, 3.0, 3.0], days)
    return usual + (rng.random(days) < 0.1) * rng.integers(1, 5, days)


def _intermittent(rng: np.random.Generator, days: int) -> Vector:
    return np.asarray(np.round(rng.lognormal(2, 0.7, days)) * (rng.random(days) < 0.25), dtype=np.float64)


def _small_counts(rng: np.random.Generator, days: int) -> Vector:
    return np.asarray(rng.poisson(2 + 2 * np.resize(WEEKEND, days)), dtype=np.float64)


def _large_counts(rng: np.random.Generator, days: int) -> Vector:
    mean = 900 + 10 * np.resize(WEEK, days) + arma(rng, days, 0.8, 0.0, 20)
    return rng.poisson(mean).astype(np.float64)


def _heavy_tails(rng: np.random.Generator, days: int) -> Vector:
    return np.asarray(500 + np.resize(WEEK, days) + 15 * rng.standard_t(2, days), dtype=np.float64)


def _drifting_level(rng: np.random.Generator, days: int) -> Vector:
    return 300 + rng.normal(0, 5, days).cumsum()


def _smooth_trend(rng: np.random.Generator, days: int) -> Vector:
    return 1000 + rng.normal(0, 0.3, days).cumsum().cumsum() + rng.normal(0, 4, days)


def _noise(rng: np.random.Generator, days: int) -> Vector:
    return 100 + rng.normal(0, 10, days)


def _lognormal_noise(rng: np.random.Generator, days: int) -> Vector:
    return rng.lognormal(5, 0.4, days)


def _cancelling(rng: np.random.Generator, days: int) -> Vector:
    """An AR root beside an MA root: almost noise."""
    return 100 + arma(rng, days, 0.8, -0.7, 10)


def _other_season(rng: np.random.Generator, days: int) -> Vector:
    return 100 + np.resize([25.0, 0.0, 10.0, -20.0, -15.0], days) + arma(rng, days, 0.4, 0.0, 6)


def _month_ends(rng: np.random.Generator, days: int) -> Vector:
    ends = [date.fromordinal(FIRST_DAY.toordinal() + day + 1).day == 1 for day in range(days)]
    return _weekly(rng, days) + 70.0 * np.array(ends)


def _yearly(rng: np.random.Generator, days: int) -> Vector:
    return 100 * (1 + 0.3 * np.sin(2 * np.pi * np.arange(days) / 365.25)) + 0.5 * (_weekly(rng, days) - 100)


def _turned_week(rng: np.random.Generator, days: int) -> Vector:
    """From the middle on, another day is the best of the week."""
    week = np.where(np.arange(days) < 0.6 * days, np.resize(WEEK, days), np.resize(np.roll(WEEK, 3), days))
    return 150 + 2 * week + arma(rng, days, 0.3, 0.0, 5)


def _risen_level(rng: np.random.Generator, days: int) -> Vector:
    return _noise(rng, days) * np.where(np.arange(days) < 0.65 * days, 1.0, 3.0)


def _week_without_noise(_rng: np.random.Generator, days: int) -> Vector:
    return 100 + np.resize(WEEK, days)


KINDS: dict[str, Callable[[np.random.Generator, int], Vector]] = {
    kind.__name__.removeprefix("_").replace("_", " "): kind
    for kind in (
        _weekly, _moving_week, _growth, _steps, _outliers, _closed_weekends, _constant_weekends, _intermittent,
        _small_counts, _large_counts, _heavy_tails, _drifting_level, _smooth_trend, _noise, _lognormal_noise,
        _cancelling, _other_season, _month_ends, _yearly, _turned_week, _risen_level, _week_without_noise,
    )
}  # fmt: skip
LONG_KINDS = ("weekly", "moving week", "growth", "yearly", "large counts", "steps", "turned week")


def simulated() -> Iterator[tuple[str, DailySeries]]:
    """Every kind in each length, then some that are longer, by name."""
    sizes = [(name, days) for days in LENGTHS for name in KINDS] + [(name, LONG) for name in LONG_KINDS]
    for seed, (name, days) in enumerate(sizes):
        yield f"{name}, {days} days", DailySeries(FIRST_DAY, KINDS[name](np.random.default_rng(seed), days))


def of_folder(folder: Path) -> Iterator[tuple[str, DailySeries]]:
    """The series of the files in a folder and in the folders inside, by name; yearly files are one series."""
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    for each in inside or [folder]:
        yield each.name, series_of(files_of(each))

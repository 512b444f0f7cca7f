"""Simulated businesses whose files are honest: what each day sold, in how many rows, and which days have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.landed import DayTotal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]

EARLIEST = date(2010, 1, 1)
YEAR = 365.25
MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Business:
    """What a business sold.

    Attributes:
        first: the day of `amounts[0]`.
        amounts: shape (n,), currency a day; NaN for a day without rows.
        rows: shape (n,), of each day; all 1 where the files have one row a day.
    """

    first: date
    amounts: Vector
    rows: NDArray[np.int64]

    @property
    def is_daily(self) -> bool:
        """Whether its files have one row a day."""
        return bool((self.rows == 1).all())

    def totals(self, start: int, end: int) -> dict[date, DayTotal]:
        """The days from index `start` to before `end` that have rows; amounts in whole cents."""
        return {
            self.first + timedelta(days=day): DayTotal(round(float(self.amounts[day]), 2), int(self.rows[day]))
            for day in range(start, end)
            if not np.isnan(self.amounts[day]) and self.rows[day] > 0
        }


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """The days that amounts are drawn for: years since the first, weekdays, and days of the year, shape (n,)."""

    rng: np.random.Generator
    first: date
    years: Vector
    weekday: NDArray[np.int64]
    yearday: NDArray[np.int64]

    @property
    def days(self) -> int:
        """Their number."""
        return len(self.years)

    def noise(self, low: float, high: float) -> Vector:
        """AR(1) logarithms of a deviation between the two, drawn once."""
        deviation, memory = self.rng.uniform(low, high), self.rng.uniform(0, 0.7)
        shocks = self.rng.normal(0, deviation * np.sqrt(1 - memory**2), self.days)
        made = np.zeros(self.days)
        for day in range(1, self.days):
            made[day] = memory * made[day - 1] + shocks[day]
        return made

    def level(self) -> float:
        """Currency a day, between 10 and a million."""
        return float(10 ** self.rng.uniform(1, 6))

    def week(self, low: float = 0.3) -> Vector:
        """Factors of the weekdays."""
        factors = self.rng.uniform(0.8, 1.3, 7)
        factors[5:] *= self.rng.uniform(low, 1.6, 2)
        return np.asarray(factors[self.weekday])

    def season(self, size: float) -> Vector:
        """Factors of the year, from 1 / size to size."""
        phase = self.rng.uniform(0, 2 * np.pi)
        return np.asarray(size ** np.sin(2 * np.pi * self.yearday / YEAR + phase))

    def run(self, shortest: int, longest: int) -> slice:
        """Some days in a row."""
        start = int(self.rng.integers(0, max(self.days - shortest, 1)))
        return slice(start, start + int(self.rng.integers(shortest, longest + 1)))


def _retail(at: Calendar) -> Vector:
    """Week, year, growth, December, a Black Friday of up to 8 times, holidays with little trade or none."""
    growth = at.rng.uniform(-0.1, 0.3)
    made = (
        at.level()
        * at.week()
        * at.season(at.rng.uniform(1, 1.6))
        * np.exp(growth * at.years + at.noise(0.05, 0.35))
    )
    made[(at.yearday > 335) & (at.yearday < 359)] *= at.rng.uniform(1, 2)
    friday = (at.yearday >= 327) & (at.yearday <= 333) & (at.weekday == 4)
    made[friday] *= at.rng.uniform(2, 8)
    for holiday in (1, 95, 121, 185, 246, 359, 360, 365):
        made[at.yearday == holiday] *= at.rng.choice([0.0, 0.1, 0.3, 0.5, 1.5])
    return made


def _young(at: Calendar) -> Vector:
    """A ramp: up to 100 times in its first year, then growth by a factor of up to 3 a year."""
    ramp, start = at.rng.uniform(2, 100), at.rng.uniform(60, 365) / 365
    factor = np.where(
        at.years < start, (1 / ramp) ** (1 - at.years / start), at.rng.uniform(1, 3) ** np.minimum(at.years, 3)
    )
    return np.asarray(at.level() * factor * at.week() * np.exp(at.noise(0.1, 0.4)))


def _weekdays(at: Calendar) -> Vector:
    """Closed at weekends."""
    made = _retail(at)
    made[at.weekday >= 5] = np.nan
    return made


def _three_days(at: Calendar) -> Vector:
    """Open on two to four weekdays."""
    opened = at.rng.choice(7, at.rng.integers(2, 5), replace=False)
    return np.where(np.isin(at.weekday, opened), at.level() * np.exp(at.noise(0.1, 0.5)), np.nan)


def _intermittent(at: Calendar) -> Vector:
    """A sale on few days; the others have a row of zero."""
    chance, spread = at.rng.uniform(0.03, 0.5), at.rng.uniform(0.2, 1.0)
    amounts = at.level() / 10 * np.exp(at.rng.normal(0, spread, at.days))
    return np.where(at.rng.random(at.days) < chance, amounts, 0.0)


def _sparse(at: Calendar) -> Vector:
    """A sale on few days; the others have no row."""
    chance, spread = at.rng.uniform(0.25, 0.6), at.rng.uniform(0.2, 1.0)
    amounts = at.level() / 10 * np.exp(at.rng.normal(0, spread, at.days))
    return np.where(at.rng.random(at.days) < chance, amounts, np.nan)


def _heavy(at: Calendar) -> Vector:
    """Lognormal amounts that differ by far, or Pareto's."""
    if at.rng.random() < 0.5:
        return at.level() * np.exp(at.rng.normal(0, at.rng.uniform(0.7, 1.5), at.days))
    return at.level() * (1 + at.rng.pareto(at.rng.uniform(1.3, 3), at.days))


def _refunds(at: Calendar) -> Vector:
    """Retail with days on which more was paid back than sold."""
    made = _retail(at)
    hit = at.rng.random(at.days) < at.rng.uniform(0.002, 0.05)
    return np.where(hit, -made * at.rng.uniform(0.1, 3, at.days), made)


def _profit(at: Calendar) -> Vector:
    """Amounts around a small mean, of either sign."""
    level = at.level()
    return level * (at.rng.uniform(-0.5, 1) + at.week() - 1 + at.rng.normal(0, at.rng.uniform(0.3, 2), at.days))


def _shift(at: Calendar) -> Vector:
    """A new level from one day to the next."""
    made = at.level() * at.week() * np.exp(at.noise(0.05, 0.4))
    made[int(at.rng.integers(0, at.days)) :] *= at.rng.choice([1.3, 2.0, 0.5, 0.7, 3.0])
    return made


def _closure(at: Calendar) -> Vector:
    """Weeks of strike or repair, as zeros, as no rows, or with a small rest of trade."""
    made = _retail(at)
    for _ in range(1 + at.days // 1000):
        run = at.run(7, 28)
        made[run] = made[run] * 0.15 if at.rng.random() < 0.3 else at.rng.choice([0.0, np.nan])
    return made


def _tourism(at: Calendar) -> Vector:
    """Up to 30 times as much in the season as outside."""
    made = at.level() * at.week() * at.season(at.rng.uniform(2, 5.5)) * np.exp(at.noise(0.1, 0.4))
    if at.rng.random() < 0.3:
        made[made < np.quantile(made, 0.25)] = 0
    return made


def _promotions(at: Calendar) -> Vector:
    """Months at two or three times the level."""
    made = _retail(at)
    for _ in range(1 + at.days // 300):
        made[at.run(14, 31)] *= at.rng.uniform(1.5, 3)
    return made


def _invoices(at: Calendar) -> Vector:
    """One day a month, or the first of each quarter, with many times the amount."""
    made = at.level() * np.exp(at.noise(0.1, 0.4))
    in_month = np.array([(at.first + timedelta(days=day)).day for day in range(at.days)])
    made[in_month == at.rng.integers(1, 29)] *= at.rng.uniform(3, 60)
    return made


def _whole_units(at: Calendar) -> Vector:
    """Pieces at one price, few a day."""
    return np.asarray(at.rng.poisson(at.rng.uniform(0.5, 5) * at.week()) * float(at.rng.choice([1, 5, 9.99, 30])))


def _degrees(at: Calendar) -> Vector:
    """Around zero with a season, as a temperature."""
    wave = at.rng.uniform(5, 15) * np.sin(2 * np.pi * at.yearday / YEAR)
    return np.asarray(at.rng.uniform(-2, 15) + wave + 10 * at.noise(0.2, 0.5))


def _prices(at: Calendar) -> Vector:
    """Rates and prices, each of which is that of the day before times a random factor."""
    return np.asarray(at.level() * np.exp(np.cumsum(at.rng.normal(0, at.rng.uniform(0.002, 0.04), at.days))))


WORLDS: dict[str, Callable[[Calendar], Vector]] = {
    "retail": _retail,
    "young": _young,
    "closed weekends": _weekdays,
    "three days a week": _three_days,
    "intermittent, zeros": _intermittent,
    "intermittent, no rows": _sparse,
    "heavy tails": _heavy,
    "refunds": _refunds,
    "either sign": _profit,
    "level shift": _shift,
    "closures": _closure,
    "strong season": _tourism,
    "promotions": _promotions,
    "invoices": _invoices,
    "whole units": _whole_units,
    "around zero": _degrees,
    "prices": _prices,
}
HAS_ROWS = (
    "retail",
    "young",
    "closed weekends",
    "refunds",
    "level shift",
    "closures",
    "strong season",
    "promotions",
)
"""Worlds that are also drawn as transactions: their amounts say how much trade a day has."""


def drawn(world: str, days: int, rng: np.random.Generator, *, raw: bool) -> Business:
    """One business of a world. Args: raw: as transactions, 1 to 10,000 a day, instead of one row a day."""
    first = EARLIEST + timedelta(days=int(rng.integers(0, 1461)))
    number = np.arange(days)
    weekday = (first.weekday() + number) % 7
    yearday = np.array([(first + timedelta(days=int(day))).timetuple().tm_yday for day in number])
    amounts = WORLDS[world](Calendar(rng, first, number / 365, weekday, yearday))
    made = Business(first, amounts, np.ones(days, dtype=np.int64))
    return _in_rows(made, rng) if raw else made


def _in_rows(business: Business, rng: np.random.Generator) -> Business:
    """The trade of a day as a number of rows that differs more than Poisson's, each of some price."""
    trade = np.nan_to_num(np.abs(business.amounts))
    typical = 10 ** rng.uniform(0, np.log10(MOST_ROWS))
    expected = np.minimum(trade / np.median(trade[trade > 0]) * typical, 100 * MOST_ROWS)
    rows = rng.poisson(expected * rng.gamma(50, 1 / 50, len(trade)))
    price, spread = 10 ** rng.uniform(0, 2), rng.uniform(0.2, 1.2)
    mean = price * np.exp(rng.normal(0, spread / np.sqrt(np.maximum(rows, 1))))
    sign = np.sign(np.nan_to_num(business.amounts, nan=1.0))
    return replace(business, amounts=np.where(rows > 0, sign * rows * mean, np.nan), rows=rows)

"""What goes wrong with an honest file: each fault takes its days and gives those of the bad file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.landed import DayTotal

if TYPE_CHECKING:
    type Days = dict[date, DayTotal]

TODAY = date(2026, 6, 30)


def _scaled(factor: float) -> Callable[[Days, np.random.Generator], Days]:
    def fault(days: Days, _: np.random.Generator) -> Days:
        return {day: DayTotal(total.amount * factor, total.rows) for day, total in days.items()}

    return fault


def _one_day(amount: float) -> Callable[[Days, np.random.Generator], Days]:
    def fault(days: Days, rng: np.random.Generator) -> Days:
        day = list(days)[int(rng.integers(0, len(days)))]
        return {**days, day: DayTotal(days[day].amount + amount, days[day].rows)}

    return fault


def _last_day_times_100(days: Days, _: np.random.Generator) -> Days:
    last = list(days)[-1]
    return {**days, last: DayTotal(100 * days[last].amount, days[last].rows)}


def _rows_twice(days: Days, _: np.random.Generator) -> Days:
    return {day: DayTotal(2 * total.amount, 2 * total.rows) for day, total in days.items()}


def _part(share: float) -> Callable[[Days, np.random.Generator], Days]:
    def fault(days: Days, rng: np.random.Generator) -> Days:
        kept = {day: int(rng.binomial(total.rows, share)) for day, total in days.items()}
        return {day: DayTotal(days[day].amount * rows / days[day].rows, rows) for day, rows in kept.items() if rows}

    return fault


def _last_day_cut(days: Days, rng: np.random.Generator) -> Days:
    last = list(days)[-1]
    rows = max(int(days[last].rows * rng.uniform(0, 0.5)), 1)
    return {**days, last: DayTotal(days[last].amount * rows / days[last].rows, rows)}


def _last_amount_cut(days: Days, _: np.random.Generator) -> Days:
    last = list(days)[-1]
    return {**days, last: DayTotal(float(f"{days[last].amount:.2f}"[:1].replace("-", "0")), 1)}


def _epoch(days: Days, _: np.random.Generator) -> Days:
    return {date(1970, 1, 1): next(iter(days.values())), **days}


def _future(days: Days, _: np.random.Generator) -> Days:
    return {**days, TODAY + timedelta(days=400): next(iter(days.values()))}


def _weekly_sums(days: Days, _: np.random.Generator) -> Days:
    made: Days = {}
    for day, total in days.items():
        monday = day - timedelta(days=day.weekday())
        old = made.get(monday, DayTotal(0.0, 0))
        made[monday] = DayTotal(old.amount + total.amount, max(total.rows, 1))
    return made


def _stuck(days: Days, _: np.random.Generator) -> Days:
    ordered = list(days)
    stuck = next((total for total in days.values() if total.amount), DayTotal(1.0, 1))
    return {**days, **dict.fromkeys(ordered[len(ordered) // 3 : len(ordered) // 3 + 60], stuck)}


FAULTS: dict[str, Callable[[Days, np.random.Generator], Days]] = {
    "in cents": _scaled(100),
    "in thousands": _scaled(0.001),
    "a day of 1e12": _one_day(1e12),
    "last day times 100": _last_day_times_100,
    "every row twice": _rows_twice,
    "half of the rows": _part(0.5),
    "a quarter of the rows": _part(0.25),
    "last day cut to less than half": _last_day_cut,
    "last amount cut to a digit": _last_amount_cut,
    "a row of 1970": _epoch,
    "a day in the future": _future,
    "sums of weeks": _weekly_sums,
    "one amount for 60 days": _stuck,
}
OF_ROWS = {"every row twice", "half of the rows", "a quarter of the rows", "last day cut to less than half"}
"""Faults of transactions; a file of one row a day cannot have them."""
OF_AMOUNTS = {"in cents", "in thousands", "a day of 1e12", "last day times 100"}
"""Faults that a store does not see which counts the rows."""
AGAINST_HISTORY = {"in cents", "in thousands", "every row twice", "half of the rows", "a quarter of the rows"}
"""Faults of all days, which the file alone cannot show."""
OF_DAILY = {"last amount cut to a digit"}
FEWEST_DAYS = {"sums of weeks": 60, "one amount for 60 days": 200}

"""What forecasts were worth: their errors and the coverage of their intervals, in all and by slice. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrain.gate.slices import CALENDAR, WEEKDAYS, Figures, calendar_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import date

    from retrain.data.series import Days
    from retrain.monitoring.issued import Issued


@dataclass(frozen=True, slots=True)
class Forecasted:
    """One day of one forecast, currency per day; the bounds are NaN for a model without intervals.

    Attributes:
        ahead: how many days the day was after the origin; 1 for the next.
    """

    day: date
    ahead: int
    mean: float
    low_80: float = math.nan
    high_80: float = math.nan
    low_95: float = math.nan
    high_95: float = math.nan


@dataclass(frozen=True, slots=True)
class Performance:
    """The figures of one model, in all and by slice; None and empty where no day has an actual amount."""

    total: Figures | None
    by_horizon: Mapping[str, Figures]
    by_weekday: Mapping[str, Figures]
    by_calendar: Mapping[str, Figures]
    by_month: Mapping[str, Figures]


def forecasted(issued: Issued) -> list[Forecasted]:
    """The days of an issued forecast."""
    return [
        Forecasted(
            each.day,
            (each.day - issued.origin).days,
            each.mean,
            each.low_80,
            each.high_80,
            each.low_95,
            each.high_95,
        )
        for each in issued.days
    ]


def seasonal_naive(days: Days, origin: date, ahead: Iterable[date], season_days: int) -> list[Forecasted]:
    """The amount of the same day of the newest season that has it: what last week says.

    Args:
        days: what was known.
        origin: the last day of which something was known.
        ahead: the days to forecast; one that no season has is left out.
    """
    if not days:
        return []
    ordinals = {day.toordinal(): amount for day, amount in days.items() if day <= origin}
    first = min(ordinals, default=0)
    found = []
    for day in ahead:
        at = day.toordinal()
        while at >= first and (at > origin.toordinal() or at not in ordinals):
            at -= season_days
        if at in ordinals:
            found.append(Forecasted(day, (day - origin).days, ordinals[at]))
    return found


def performance(forecasts: Sequence[Forecasted], actual: Days, holidays: Collection[date] = ()) -> Performance:
    """Compare forecasts with the actual amounts; a day without an actual amount is left out."""
    known = [each for each in forecasts if each.day in actual]

    def sliced(by: Callable[[Forecasted], Sequence[str]], order: Sequence[str] | None = None) -> dict[str, Figures]:
        keys = order or list(dict.fromkeys(key for each in known for key in by(each)))
        parts = {key: [each for each in known if key in by(each)] for key in keys}
        return {key: figures(part, actual) for key, part in parts.items() if part}

    known.sort(key=lambda each: (each.ahead, each.day))
    by_horizon = sliced(lambda each: (str(each.ahead),))
    known.sort(key=lambda each: each.day)
    return Performance(
        figures(known, actual) if known else None,
        by_horizon,
        sliced(lambda each: (WEEKDAYS[each.day.weekday()],), WEEKDAYS),
        sliced(lambda each: calendar_of(each.day, holidays), CALENDAR),
        sliced(lambda each: (f"{each.day:%Y-%m}",)),
    )


def figures(forecasts: Sequence[Forecasted], actual: Days) -> Figures:
    """Of at least one forecast day; every one of them has an actual amount."""
    came = np.array([actual[each.day] for each in forecasts])
    error = np.array([each.mean for each in forecasts]) - came
    return Figures(
        days=len(forecasts),
        rmse=float(np.sqrt(np.mean(error**2))),
        mae=float(np.mean(np.abs(error))),
        bias=float(np.mean(error)),
        coverage_80=_coverage([(each.low_80, each.high_80) for each in forecasts], came),
        coverage_95=_coverage([(each.low_95, each.high_95) for each in forecasts], came),
    )


def _coverage(bounds: Sequence[tuple[float, float]], came: np.ndarray) -> float | None:
    low, high = np.array(bounds).T
    if not np.isfinite(low).all():
        return None
    return float(np.mean((low <= came) & (came <= high)))

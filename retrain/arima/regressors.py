"""Calendar regressors of an ARIMA model: weekdays, month ends and public holidays, as columns of zeros and ones."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.closures import YEARS_AHEAD
from retrain.data.holidays import public_holidays
from scoring.calendar import HOLIDAY, MONTH_END, WEEKDAYS, Calendar, holds

__all__ = ["HOLIDAYS_OF", "MONTH_END", "WEEKDAY", "calendar_of", "columns", "names", "with_mean"]

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from retrain.arima.order import Order

WEEKDAY, HOLIDAYS_OF = "weekdays", "holidays of "


def names(groups: Sequence[str], closed: Collection[int] = ()) -> tuple[str, ...]:
    """The columns of these groups: `weekdays`, `month_end`, or for example `holidays of US`.

    Args: closed: weekdays, from 0 for Monday, which have no column.
    """
    return tuple(name for group in groups for name in _members(group, closed))


def columns(groups: Sequence[str], days: Sequence[date], closed: Collection[int] = ()) -> NDArray[np.float64]:
    """The regressors of some ascending days, shape (len(days), len(names(groups, closed))).

    Raises: ConfigError if a country is unknown.
    """
    if not groups:
        return np.empty((len(days), 0))
    public, found = _holidays(groups, days[0].year, days[-1].year), names(groups, closed)
    return np.array([[holds(name, day, public) for name in found] for day in days], dtype=np.float64)


def with_mean(order: Order, days: Sequence[date], closed: Collection[int] = ()) -> NDArray[np.float64]:
    """The regression columns of an order, shape (days, mean + regressors): ones for a mean, then the calendar."""
    return np.hstack([np.ones((len(days), int(order.mean))), columns(order.regressors, days, closed)])


def calendar_of(
    groups: Sequence[str], effects: Sequence[float], last_day: date, closed: Collection[int] = ()
) -> Calendar:
    """The fitted effects, and the public holidays that a forecast after `last_day` may include.

    Args: effects: one for each column, in the order of `names`.
    """
    public = _holidays(groups, last_day.year, last_day.year + YEARS_AHEAD)
    return Calendar(dict(zip(names(groups, closed), effects, strict=True)), public)


def _members(group: str, closed: Collection[int]) -> tuple[str, ...]:
    if group == WEEKDAY:
        # The last open weekday is the reference level.
        return tuple(name for weekday, name in enumerate(WEEKDAYS) if weekday not in closed)[:-1]
    return (HOLIDAY,) if group.startswith(HOLIDAYS_OF) else (group,)


def _holidays(groups: Sequence[str], first_year: int, last_year: int) -> frozenset[date]:
    countries = [group.removeprefix(HOLIDAYS_OF) for group in groups if group.startswith(HOLIDAYS_OF)]
    return frozenset[date]().union(*(public_holidays(country, first_year, last_year) for country in countries))

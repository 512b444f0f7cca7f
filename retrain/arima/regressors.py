"""What the calendar alone says of a day, as columns of zeros and ones beside an ARIMA."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from retrain.errors import ConfigError
from scoring.calendar import HOLIDAY, MONTH_END, WEEKDAYS, Calendar, holds

__all__ = ["HOLIDAYS_OF", "MONTH_END", "WEEKDAY", "beside", "calendar_of", "columns", "names", "public_holidays"]

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrain.arima.order import Order

WEEKDAY, HOLIDAYS_OF = "weekdays", "holidays of "
YEARS_AHEAD = 12  # an artifact knows the holidays of so many years after its own: farther than any forecast reaches


def names(groups: Sequence[str]) -> tuple[str, ...]:
    """The columns of some groups: `weekdays`, `month_end`, or `holidays of US` for those of a country."""
    return tuple(name for group in groups for name in _members(group))


def columns(groups: Sequence[str], first_day: date, days: int) -> NDArray[np.float64]:
    """The regressors of `days` consecutive days, shape (days, len(names(groups))).

    Raises: ConfigError if a country is unknown.
    """
    if not groups:
        return np.empty((days, 0))
    calendar = [first_day + timedelta(days=day) for day in range(days)]
    public = _holidays(groups, first_day.year, calendar[-1].year)
    return np.array([[holds(name, day, public) for name in names(groups)] for day in calendar], dtype=np.float64)


def beside(order: Order, first_day: date, days: int) -> NDArray[np.float64]:
    """What stands beside the ARMA errors, shape (days, mean + regressors): ones for a mean, then the calendar."""
    return np.hstack([np.ones((days, int(order.mean))), columns(order.regressors, first_day, days)])


def calendar_of(groups: Sequence[str], effects: Sequence[float], last_day: date) -> Calendar:
    """The effects, with the holidays that a forecast from `last_day` may meet.

    Args: effects: one a column, in the order of `names`.
    """
    known = _holidays(groups, last_day.year, last_day.year + YEARS_AHEAD)
    return Calendar(dict(zip(names(groups), effects, strict=True)), known)


def _members(group: str) -> tuple[str, ...]:
    if group == WEEKDAY:
        return WEEKDAYS[:-1]  # the last one is what the others are measured against
    return (HOLIDAY,) if group.startswith(HOLIDAYS_OF) else (group,)


def _holidays(groups: Sequence[str], first_year: int, last_year: int) -> frozenset[date]:
    countries = [group.removeprefix(HOLIDAYS_OF) for group in groups if group.startswith(HOLIDAYS_OF)]
    return frozenset[date]().union(*(public_holidays(country, first_year, last_year) for country in countries))


@cache
def public_holidays(country: str, first_year: int, last_year: int) -> frozenset[date]:
    """The public holidays of a country, or of a part of it.

    Raises: ConfigError if the country is unknown.
    """
    from holidays import country_holidays, list_supported_countries

    name, _, part = country.partition("-")
    known = list_supported_countries(include_aliases=False)
    if name not in known or (part and part not in known[name]) or country.endswith("-"):
        raise ConfigError(
            f"RETRAIN_COUNTRY is {country!r}; write a country's two letters, such as US, "
            "or those and a part of it, such as US-CA"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some countries' holidays are decreed for a few years only
        return frozenset(country_holidays(name, subdiv=part or None, years=range(first_year, last_year + 1)))

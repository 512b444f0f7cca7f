"""Calendar regressors of an ARIMA model: weekdays, month ends and public holidays, as columns of zeros and ones."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from retrain.errors import ConfigError
from scoring.calendar import HOLIDAY, MONTH_END, WEEKDAYS, Calendar, holds

__all__ = ["HOLIDAYS_OF", "MONTH_END", "WEEKDAY", "calendar_of", "columns", "names", "public_holidays", "with_mean"]

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrain.arima.order import Order

WEEKDAY, HOLIDAYS_OF = "weekdays", "holidays of "
YEARS_AHEAD = 12  # an artifact lists the holidays of so many years; no forecast reaches farther


def names(groups: Sequence[str]) -> tuple[str, ...]:
    """The columns of these groups: `weekdays`, `month_end`, or for example `holidays of US`."""
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


def with_mean(order: Order, first_day: date, days: int) -> NDArray[np.float64]:
    """The regression columns of an order, shape (days, mean + regressors): ones for a mean, then the calendar."""
    return np.hstack([np.ones((days, int(order.mean))), columns(order.regressors, first_day, days)])


def calendar_of(groups: Sequence[str], effects: Sequence[float], last_day: date) -> Calendar:
    """The fitted effects, and the public holidays that a forecast after `last_day` may include.

    Args: effects: one for each column, in the order of `names`.
    """
    public = _holidays(groups, last_day.year, last_day.year + YEARS_AHEAD)
    return Calendar(dict(zip(names(groups), effects, strict=True)), public)


def _members(group: str) -> tuple[str, ...]:
    if group == WEEKDAY:
        return WEEKDAYS[:-1]  # Sunday is the reference level
    return (HOLIDAY,) if group.startswith(HOLIDAYS_OF) else (group,)


def _holidays(groups: Sequence[str], first_year: int, last_year: int) -> frozenset[date]:
    countries = [group.removeprefix(HOLIDAYS_OF) for group in groups if group.startswith(HOLIDAYS_OF)]
    return frozenset[date]().union(*(public_holidays(country, first_year, last_year) for country in countries))


@cache
def public_holidays(country: str, first_year: int, last_year: int) -> frozenset[date]:
    """The public holidays of a country, or of one of its subdivisions.

    Raises: ConfigError if the country is unknown.
    """
    from holidays import country_holidays, list_supported_countries

    name, _, subdivision = country.partition("-")
    known = list_supported_countries(include_aliases=False)
    if name not in known or (subdivision and subdivision not in known[name]) or country.endswith("-"):
        raise ConfigError(
            f"RETRAIN_COUNTRY is {country!r}, which is not a known country; set it to an ISO 3166 code, "
            "such as US, or with a subdivision, such as US-CA"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some countries announce their holidays for a few years only
        return frozenset(country_holidays(name, subdiv=subdivision or None, years=range(first_year, last_year + 1)))

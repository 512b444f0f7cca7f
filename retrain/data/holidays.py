"""The public holidays of a country. Only this module imports the package that knows them."""

from __future__ import annotations

import warnings
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from retrain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date


def holidays_between(country: str, first: date, last: date) -> Mapping[date, str]:
    """Those of the years of these days; none without a country. Raises: ConfigError if it is unknown."""
    return public_holidays(country, first.year, last.year) if country else {}


@cache
def public_holidays(country: str, first_year: int, last_year: int) -> Mapping[date, str]:
    """The names of the public holidays of a country, or of one of its subdivisions, by day.

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
        found = country_holidays(name, subdiv=subdivision or None, years=range(first_year, last_year + 1))
    return MappingProxyType(dict(found))

"""Reads one text as a day, in every way in which it can be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from retrain.reading.rules import DateFormat
from retrain.reading.weekdays import without_weekday

if TYPE_CHECKING:
    from numpy.typing import NDArray

EPOCH = date(1970, 1, 1)
EARLIEST = date(1900, 1, 1)
SERIAL_ZERO = date(1899, 12, 30)  # day 0 of a spreadsheet, from March 1900 on
FIRST_SHORT_YEAR = 1970  # years of two digits mean this year and later ones
QUARTER_MINUTES = 15  # time zones change their offset at full quarters of an hour
DAY_MINUTES = 24 * 60

type Ways = dict[DateFormat, int]
"""What a text means, as days since 1970-01-01, for each order in which it can be read."""


class Family(StrEnum):
    """The kinds of writing; a file uses one. The value shows a day in it."""

    YEAR_FIRST = "YYYY-MM-DD"
    NUMBERS = "DD/MM/YYYY or MM/DD/YYYY"
    SHORT_YEAR = "DD/MM/YY, MM/DD/YY or YY/MM/DD"
    DIGITS = "YYYYMMDD, DDMMYYYY or MMDDYYYY"
    NAMED = "31 Dec 2023 or Dec 31, 2023"
    SERIAL = "a spreadsheet's number of the day"
    EPOCH = "seconds or milliseconds since 1970"


MONTHS = (
    "jan january januar jän jänner janvier janv enero ene gennaio gen",
    "feb february februar februari février févr fév febrero febbraio",
    "mar march märz mär mrz mars marzo",
    "apr april avril avr abril abr aprile",
    "may mai mayo maggio mag",
    "jun june juni juin junio giugno giu",
    "jul july juli juillet juil julio luglio lug",
    "aug august août aout agosto ago",
    "sep sept september septembre septiembre setiembre settembre set",
    "oct october okt oktober octobre octubre ottobre ott",
    "nov november novembre noviembre",
    "dec december dez dezember décembre déc diciembre dic dicembre",
)
MONTH_NUMBER = {name: at for at, names in enumerate(MONTHS, 1) for name in names.split()}
ORDINAL = r"(?:st|nd|rd|th|er|\.)?"
OF = r"(?:de\s+|del\s+)?"
NAMED = (
    re.compile(
        rf"(?P<d>[0-9]{{1,2}}){ORDINAL}[\s/-]*{OF}(?P<m>[^\W\d]+)\.?[\s/,-]*{OF}(?P<y>[0-9]{{4}}|[0-9]{{2}})"
    ),
    re.compile(rf"(?P<m>[^\W\d]+)\.?[\s-]+(?P<d>[0-9]{{1,2}}){ORDINAL},?[\s-]+(?P<y>[0-9]{{4}})"),
    re.compile(r"(?P<y>[0-9]{4})[\s/-](?P<m>[^\W\d]+)\.?[\s/-](?P<d>[0-9]{1,2})"),
)
YEAR_FIRST = re.compile(r"(\d{4})\s?(?:[-/.]|年)\s?(\d{1,2})\s?(?:[-/.]|月)\s?(\d{1,2})日?", re.ASCII)
NUMBERS = re.compile(r"(\d{1,2})([-/. ])\s?(\d{1,2})\2\s?(\d{4}|\d\d)\.?", re.ASCII)
ERA = re.compile(
    r"(令和|平成|昭和|[令平昭RHS])\s?(元|\d{1,2})\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})\s?日?",
    re.ASCII | re.IGNORECASE,
)
ERAS = {
    "令R": (date(2019, 5, 1), date.max),
    "平H": (date(1989, 1, 8), date(2019, 4, 30)),
    "昭S": (date(1926, 12, 25), date(1989, 1, 7)),
}
"""The first and the last day of each era, by the letters that stand for it; its year 1 is that of the first."""
DIGITS = re.compile(r"(\d{8})(?:T?\d{4}(?:\d\d)?)?", re.ASCII)
SERIAL = re.compile(r"[2-7]\d{4}(?:\.\d+)?", re.ASCII)
SINCE_1970 = re.compile(r"(\d{10}|\d{13}|\d{16}|\d{19})(?:\.\d*)?", re.ASCII)
WEEKDAY_OF_EPOCH = EPOCH.weekday()
EPOCH_DIGITS = 10  # of seconds; every unit below has three more


@dataclass(frozen=True, slots=True)
class Days:
    """Reads texts.

    Attributes:
        latest: no day of a file may be later; years of two digits are not later either.
        timezone: see `Reading`.
    """

    latest: date
    timezone: str

    def ways(self, text: str) -> tuple[Family, Ways] | None:
        """The family of a text without a time of day, and its readings; None if it is not a day."""
        found = self._ways(text)
        if found is None:
            day, weekday = without_weekday(text)
            found = self._ways(day) if weekday is not None else None
            if found is not None:
                return found[0], _on(weekday, found[1])
        return found

    def _ways(self, text: str) -> tuple[Family, Ways] | None:
        return self._in_numbers(text) or self._as_count(text) or _in_words(text, self.latest)

    def _in_numbers(self, text: str) -> tuple[Family, Ways] | None:
        if parts := YEAR_FIRST.fullmatch(text):
            return Family.YEAR_FIRST, _valid({DateFormat.YEAR_FIRST: (parts[1], parts[2], parts[3])})
        if parts := ERA.fullmatch(text):
            return _in_era(parts)
        if parts := NUMBERS.fullmatch(text):
            first, second, last = parts[1], parts[3], parts[4]
            if len(last) > 2:
                orders = {
                    DateFormat.DAY_FIRST: (last, second, first),
                    DateFormat.MONTH_FIRST: (last, first, second),
                }
                return Family.NUMBERS, _valid(orders)
            year = _full_year(last, self.latest)
            other = _full_year(first, self.latest) if len(first) == len(last) else ""
            return Family.SHORT_YEAR, _valid(
                {
                    DateFormat.YEAR_FIRST: (other, second, last),
                    DateFormat.DAY_FIRST: (year, second, first),
                    DateFormat.MONTH_FIRST: (year, first, second),
                }
            )
        return None

    def _as_count(self, text: str) -> tuple[Family, Ways] | None:
        if SERIAL.fullmatch(text):
            serial = SERIAL_ZERO + timedelta(days=int(text[:5]))
            return Family.SERIAL, {DateFormat.YEAR_FIRST: (serial - EPOCH).days}
        if parts := SINCE_1970.fullmatch(text):
            seconds = int(parts[1]) // 10 ** (len(parts[1]) - EPOCH_DIGITS)
            day = int(local_days(np.array([seconds // 60]), self.timezone)[0])
            return Family.EPOCH, {DateFormat.YEAR_FIRST: day}
        if parts := DIGITS.fullmatch(text):
            digits = parts[1]
            orders = {DateFormat.YEAR_FIRST: (digits[:4], digits[4:6], digits[6:])}
            if len(text) == len(digits):
                orders[DateFormat.DAY_FIRST] = (digits[4:], digits[2:4], digits[:2])
                orders[DateFormat.MONTH_FIRST] = (digits[4:], digits[:2], digits[2:4])
            return Family.DIGITS, _valid(orders)
        return None


def _in_era(parts: re.Match[str]) -> tuple[Family, Ways] | None:
    """The day of an era; None if it is not one of its days."""
    first, last = next(days for letters, days in ERAS.items() if parts[1][0].upper() in letters)
    year = first.year - 1 + (1 if parts[2] == "元" else int(parts[2]))
    ways = _valid({DateFormat.YEAR_FIRST: (f"{year}", parts[3], parts[4])})
    return (
        (Family.YEAR_FIRST, ways)
        if all((first - EPOCH).days <= day <= (last - EPOCH).days for day in ways.values())
        else None
    )


def _in_words(text: str, latest: date) -> tuple[Family, Ways] | None:
    for pattern in NAMED:
        parts = pattern.fullmatch(text)
        month = parts and MONTH_NUMBER.get(parts["m"].casefold())
        if parts and month:
            year = parts["y"] if len(parts["y"]) > 2 else _full_year(parts["y"], latest)
            return Family.NAMED, _valid({DateFormat.DAY_FIRST: (year, f"{month}", parts["d"])})
    return None


def _on(weekday: int | None, ways: Ways) -> Ways:
    """The readings that are this weekday; all if none is, because the day itself is written."""
    return {order: day for order, day in ways.items() if (day + WEEKDAY_OF_EPOCH) % 7 == weekday} or ways


def _full_year(digits: str, latest: date) -> str:
    """Empty if no year that is meant ends in these two digits."""
    year = latest.year // 100 * 100 + int(digits)
    year -= 100 if year > latest.year else 0
    return f"{year}" if year >= FIRST_SHORT_YEAR else ""


def _valid(orders: dict[DateFormat, tuple[str, str, str]]) -> Ways:
    """Those of the readings (year, month, day) that the calendar has."""
    found: Ways = {}
    for order, (year, month, day) in orders.items():
        try:
            found[order] = (date(int(year), int(month), int(day)) - EPOCH).days
        except ValueError:
            continue
    # Some readings of eight digits have a year before there were files.
    in_range = {order: day for order, day in found.items() if day >= (EARLIEST - EPOCH).days}
    return in_range or found


def local_days(minutes: NDArray[np.int64], timezone: str) -> NDArray[np.int64]:
    """The days, since 1970-01-01, of moments in minutes since 1970-01-01 in UTC; of the same shape."""
    if timezone == "UTC":
        return minutes // DAY_MINUTES
    quarters, rows = np.unique(minutes // QUARTER_MINUTES, return_inverse=True)
    return np.array([_local_day(quarter, timezone) for quarter in quarters.tolist()], dtype=np.int64)[rows]


@lru_cache(1 << 16)
def _local_day(quarter: int, timezone: str) -> int:
    try:
        moment = datetime.fromtimestamp(quarter * QUARTER_MINUTES * 60, UTC).astimezone(ZoneInfo(timezone))
    except (ValueError, OverflowError, OSError):  # before year 1 or after year 9999: no day of a file
        return quarter * QUARTER_MINUTES // DAY_MINUTES
    return (moment.date() - EPOCH).days

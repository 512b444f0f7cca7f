"""Finds closed days from the days themselves: weekdays, and public holidays, that almost never have trade.

A weekday is closed while it has had trade once in eight weeks at most, or on few of its days in half a year; a few
weeks at the beginning of a history do if it had none at all. Days on which everything rests, such as those of a
long vacation, are not counted. The other weekdays must trade so often that chance is no explanation.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.holidays import public_holidays
from scoring.calendar import WEEK, WEEKDAYS, Closures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    type Mask = NDArray[np.bool_]

STOPPED, EXCEPTIONS = 8, 1  # counted weeks, and those among them that may have trade
FEWEST = 3  # counted weeks of a short history
LONG, LEAST_LONG = 26, 16  # counted weeks of which a closed weekday may have traded in a few; if there are fewer
RARE = 0.3  # their largest share
OPENED = 3  # weeks in a row with trade, up to the last day: the weekday is closed no more
LEAST_USUAL = 0.75  # share of days with trade on the other weekdays; with less, a day without trade is usual
LEAST_OPEN = 2  # weekdays; a file of one day a week is weekly, and its other days are not closed
CHANCE = 1e-3  # the most likely that chance alone closes a weekday, or holidays
REACH = 3  # days before or after, of which one has trade, or everything rests
NEXT = 7  # the same for the regular days around a holiday
LAST_TIMES = 3  # a holiday follows most of the last times that it was on an open weekday
YEARS_AHEAD = 12  # for which holidays are listed; no forecast reaches farther


@dataclass(frozen=True, slots=True, eq=False)
class ClosedDays:
    """What is closed in a series, and after it.

    Attributes:
        coming: what a model of the series knows about the days after it.
        weekdays: closed weekdays that have passed, shape (n,).
        holidays: the same for public holidays on open weekdays, shape (n,).
    """

    coming: Closures
    weekdays: Mask = field(repr=False)
    holidays: Mask = field(repr=False)

    @property
    def past(self) -> Mask:
        """All closed days of the series, shape (n,)."""
        return self.weekdays | self.holidays


def closed_days_of(first_day: date, observed: Mask, amounts: NDArray[np.float64], country: str = "") -> ClosedDays:
    """Find the closed days of days and their amounts.

    By trade first, for a business may write zeros for days on which it is closed. Where zeros are so frequent that
    this finds no weekday, by rows: a weekday that never has one while the others do is closed too.

    Args:
        observed: shape (n,), whether a day has a row.
        amounts: shape (n,), zero for a day without one.
    Raises: ConfigError if the country is unknown.
    """
    by_trade = closed_days(first_day, observed & (amounts != 0), country)
    if by_trade.weekdays.any() or not (observed & (amounts == 0)).any():
        return by_trade
    by_rows = closed_days(first_day, observed, country)
    return by_rows if by_rows.weekdays.any() else by_trade


def closed_days(first_day: date, traded: Mask, country: str = "") -> ClosedDays:
    """Find the closed days of a series.

    Args:
        first_day: the day of `traded[0]`.
        traded: shape (n,), True for days with an amount that is not zero.
        country: whose public holidays may be closed; empty for none.
    Raises: ConfigError if the country is unknown.
    """
    counted = _within(traded, REACH)
    weekday = (first_day.weekday() + np.arange(len(traded))) % WEEK
    days = [np.flatnonzero(counted & (weekday == each)) for each in range(WEEK)]
    past = np.zeros(len(traded), dtype=bool)
    for on in days:
        past[on[_rests(traded[on])]] = True
    past &= _window_sums(past, REACH) <= WEEK - LEAST_OPEN
    usual = _usual_share(traded, past, days)
    coming = set()
    for each, on in enumerate(days):
        if usual < LEAST_USUAL or (1 - usual) ** min(len(on), STOPPED) > CHANCE:
            past[on] = False
        elif past[on].any() and _goes_on_resting(traded[on]):
            coming.add(each)
    if len(coming) > WEEK - LEAST_OPEN:
        coming.clear()
    for each, on in enumerate(days):
        uncounted = np.flatnonzero(~counted & (weekday == each))
        past[uncounted] = _is_between(uncounted, on, past)
    if not country:
        return ClosedDays(Closures(frozenset(coming)), past, np.zeros_like(past))
    on_holidays, names = _closed_holidays(first_day, traded, past, usual, country)
    last_day = first_day + timedelta(days=len(traded) - 1)
    listed = public_holidays(country, last_day.year, last_day.year + YEARS_AHEAD)
    ahead = {day for day, name in listed.items() if day > last_day and names.include(name)}
    return ClosedDays(Closures(frozenset(coming), frozenset(ahead)), past, on_holidays)


def described(found: ClosedDays) -> str:
    """The closed days as a person says them, for example `every Saturday and Sunday, 12 public holidays`."""
    weekdays = sorted(found.coming.weekdays)
    parts = [f"every {_listed([WEEKDAYS[each].capitalize() for each in weekdays])}"] if weekdays else []
    holidays = int(found.holidays.sum())
    parts += [f"{holidays} public holiday{'s' if holidays > 1 else ''}"] if holidays else []
    if not weekdays and found.weekdays.any():
        parts.append(f"{int(found.weekdays.sum())} earlier days of weekdays that are open now")
    return ", ".join(parts)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _window_sums(mask: Mask, reach: int) -> NDArray[np.int64]:
    """How many of the days up to `reach` away are True, each day itself included, shape (n,)."""
    sums = np.concatenate([[0], np.cumsum(mask)])
    at = np.arange(len(mask))
    return np.asarray(sums[np.minimum(at + reach + 1, len(mask))] - sums[np.maximum(at - reach, 0)])


def _within(mask: Mask, reach: int) -> Mask:
    return np.asarray(_window_sums(mask, reach) > 0)


def _usual_share(traded: Mask, past: Mask, days: Sequence[NDArray[np.int64]]) -> float:
    """The share of days with trade on weekdays that are mostly open, cautiously where there are few; 0 without any.

    Args: days: the counted days of each weekday.
    """
    mostly_open = [on for on in days if 2 * past[on].sum() < len(on)]
    if len(mostly_open) < LEAST_OPEN:
        return 0.0
    counted = np.concatenate(mostly_open)
    return (int(traded[counted].sum()) + 1) / (len(counted) + 2)


def _rests(traded: Mask) -> Mask:
    """Which days of one weekday are closed, shape (n,), of its counted days."""
    count = len(traded)
    if count < STOPPED:
        return np.full(count, count >= FEWEST and not traded.any())
    found = np.zeros(count, dtype=bool)
    sums = np.concatenate([[0], np.cumsum(traded)])
    long = min(LONG, count)
    for length, most in ((STOPPED, EXCEPTIONS), *([(long, int(RARE * long))] if long >= LEAST_LONG else [])):
        begins = np.flatnonzero(sums[length:] - sums[:-length] <= most)
        for begin in begins:
            found[begin : begin + length] = True
    return found & ~traded


def _is_between(at: NDArray[np.int64], counted: NDArray[np.int64], past: Mask) -> Mask:
    """Whether the counted days of the same weekday before and after are closed, shape (len(at),)."""
    after = np.searchsorted(counted, at)
    inside = (after > 0) & (after < len(counted))
    found = np.zeros(len(at), dtype=bool)
    found[inside] = past[counted[after[inside] - 1]] & past[counted[after[inside]]]
    return found


def _goes_on_resting(traded: Mask) -> bool:
    """Whether the next day of the weekday is closed too, of its counted days so far."""
    if int(traded[-STOPPED:].sum()) <= (EXCEPTIONS if len(traded) >= STOPPED else 0):
        return True
    long = traded[-LONG:]
    return len(long) >= LEAST_LONG and not traded[-OPENED:].all() and int(long.sum()) <= int(RARE * len(long))


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of holidays that are closed; `others` says it of names that the history has not."""

    closed: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()
    others: bool = False

    def include(self, name: str) -> bool:
        return any(part in self.closed if part in self.seen else self.others for part in _parts(name))


def _parts(name: str) -> list[str]:
    """The holidays that a day is; one that is observed on another day is the same."""
    return [part.partition(" (")[0].strip() for part in name.split(";")]


def _closed_holidays(
    first_day: date, traded: Mask, closed_weekdays: Mask, usual: float, country: str
) -> tuple[Mask, _Names]:
    """The closed holidays of the series on open weekdays, shape (n,), and by name."""
    last_day = first_day + timedelta(days=len(traded) - 1)
    listed = public_holidays(country, first_day.year, last_day.year)
    at = {(day - first_day).days: name for day, name in listed.items() if first_day <= day <= last_day}
    regular = ~closed_weekdays
    regular[list(at)] = False
    # Where no regular day around has trade either, days are missing for another reason.
    surrounded = _within(traded & regular, NEXT) & _is_next_to_trade(traded, regular)
    decided = [each for each in sorted(at) if not closed_weekdays[each] and (traded[each] or surrounded[each])]
    closed = [each for each in decided if not traded[each]]
    found = np.zeros(len(traded), dtype=bool)
    if not closed or _at_least(len(closed), len(decided), 1 - usual) > CHANCE:
        return found, _Names()
    found[closed] = True
    times = defaultdict(list)
    for each in decided:
        for part in _parts(at[each]):
            times[part].append(not traded[each])
    names = frozenset(name for name, was in times.items() if 2 * sum(was[-LAST_TIMES:]) > len(was[-LAST_TIMES:]))
    return found, _Names(names, frozenset(times), 4 * len(closed) >= 3 * len(decided))


def _is_next_to_trade(traded: Mask, regular: Mask) -> Mask:
    """True where the last regular day before, or the first after, has trade, shape (n,)."""
    on = np.flatnonzero(regular)
    if not len(on):
        return np.zeros_like(traded)
    after = np.searchsorted(on, np.arange(len(traded)), side="right")
    before = np.searchsorted(on, np.arange(len(traded)), side="left") - 1
    last, following = on[np.maximum(before, 0)], on[np.minimum(after, len(on) - 1)]
    return np.asarray((traded[last] & (before >= 0)) | (traded[following] & (after < len(on))))


def _at_least(count: int, of: int, chance: float) -> float:
    """The probability of `count` or more successes of `of`."""
    return sum(comb(of, k) * chance**k * (1 - chance) ** (of - k) for k in range(count, of + 1))

"""Closed days, found from the days themselves."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.data.closures import ClosedDays, closed_days, closed_days_of, described
from retrain.data.series import GapPolicy, daily_series
from tests.builders import FIRST_DAY, without

if TYPE_CHECKING:
    from collections.abc import Callable

SATURDAY, SUNDAY = 5, 6
WEEKS = 52


def found(open_on: Callable[[int, int], bool], weeks: int = WEEKS, country: str = "") -> ClosedDays:
    """What is closed where `open_on(week, weekday)` says which days have trade."""
    traded = np.array([open_on(day // 7, day % 7) for day in range(7 * weeks)])
    return closed_days(FIRST_DAY, traded, country)


CALENDARS = {
    "every day": (lambda _week, _day: True, set()),
    "no weekends": (lambda _week, day: day < SATURDAY, {SATURDAY, SUNDAY}),
    "no Mondays": (lambda _week, day: day != 0, {0}),
    "Fridays and Saturdays": (lambda _week, day: day in (4, SATURDAY), {0, 1, 2, 3, SUNDAY}),
    "one Sunday in four": (lambda week, day: day < SUNDAY or week % 4 == 3, {SUNDAY}),
    "the Sundays of Advent": (lambda week, day: day < SUNDAY or 46 <= week < 50, {SUNDAY}),
    "every other Saturday": (lambda week, day: day < SATURDAY or week % 2 == 0, set()),
    "one day a week": (lambda _week, day: day == 0, set()),
    "Sundays for two weeks": (lambda week, day: day < SUNDAY or week >= WEEKS - 2, {SUNDAY}),
    "Sundays for three weeks": (lambda week, day: day < SUNDAY or week >= WEEKS - 3, set()),
    "no Sundays for six weeks": (lambda week, day: day < SUNDAY or week < WEEKS - 6, set()),
    "no Sundays for seven weeks": (lambda week, day: day < SUNDAY or week < WEEKS - 7, {SUNDAY}),
    "no Sundays in summer": (lambda week, day: day < SUNDAY or not 26 <= week < 36, set()),
    "a vacation of five weeks": (lambda week, _day: not 26 <= week < 31, set()),
    "no weekends, after a vacation": (lambda week, day: day < SATURDAY and not 40 <= week < 50, {5, 6}),
}


@pytest.mark.parametrize("calendar", CALENDARS)
def test_the_closed_weekdays_of_a_calendar(calendar: str):
    """Those that are closed from now on, not those that were."""
    open_on, closed = CALENDARS[calendar]

    assert found(open_on).coming.weekdays == closed


@pytest.mark.parametrize("weeks", [3, 4, 8, 20])
def test_a_few_weeks_show_a_closed_weekend(weeks: int):
    """From three on, if it never had trade."""
    assert found(lambda _week, day: day < SATURDAY, weeks).coming.weekdays == {SATURDAY, SUNDAY}


def test_two_weeks_show_nothing():
    """A weekday that is missing twice may be missing by chance."""
    assert not found(lambda _week, day: day < SATURDAY, 2).coming.weekdays


@given(st.integers(0, 50), st.sampled_from([0.1, 0.3, 0.5, 0.9]), st.sampled_from([9, 26, 52]))
def test_days_that_are_missing_by_chance_close_no_weekday(seed: int, share: float, weeks: int):
    """Neither now nor in the past."""
    traded = np.random.default_rng(seed).random(7 * weeks) < share

    closed = closed_days(FIRST_DAY, traded)

    assert not closed.coming.weekdays
    assert not closed.past.any()


def test_past_sundays_stay_closed_when_the_shop_opens_on_sundays():
    """And the ones with trade are not."""
    closed = found(lambda week, day: day < SUNDAY or week >= 40)

    assert np.flatnonzero(closed.past).tolist() == [7 * week + 6 for week in range(40)]
    assert described(closed) == "40 earlier days of weekdays that are open now"


GERMANY = date(2022, 1, 3)


def shop_in_germany(is_open: Callable[[date], bool], country: str = "DE") -> ClosedDays:
    """Two years from 3 January 2022."""
    days = [GERMANY + timedelta(days=day) for day in range(730)]
    return closed_days(GERMANY, np.array([is_open(day) for day in days]), country)


def holidays(day: date) -> bool:
    """The holidays of all Germany in these two years, but for those on fixed Sundays."""
    fixed = {(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)}
    movable = {date(2022, 4, 15), date(2022, 4, 18), date(2022, 5, 26), date(2022, 6, 6)}
    movable |= {date(2023, 4, 7), date(2023, 4, 10), date(2023, 5, 18), date(2023, 5, 29)}
    return (day.month, day.day) in fixed or day in movable


def test_public_holidays_without_trade_are_closed_in_the_coming_years_too():
    """On open weekdays; the sentence counts them."""
    closed = shop_in_germany(lambda day: day.weekday() < SATURDAY and not holidays(day))

    assert described(closed) == "every Saturday and Sunday, 15 public holidays"
    assert {date(2024, 5, 1), date(2024, 12, 25), date(2025, 4, 18)} < closed.coming.days
    assert min(closed.coming.days) > GERMANY + timedelta(days=729)


def test_a_shop_that_closes_on_christmas_alone_opens_on_other_holidays():
    """Each holiday follows its own last times."""
    closed = shop_in_germany(lambda day: (day.month, day.day) not in {(12, 25), (12, 26), (1, 1)})

    assert date(2024, 12, 25) in closed.coming.days
    assert date(2024, 5, 1) not in closed.coming.days


def test_one_missing_holiday_may_be_missing_by_chance():
    """It is no rule."""
    closed = shop_in_germany(lambda day: day != date(2023, 5, 1))

    assert not closed.coming.days
    assert not closed.past.any()


def test_a_holiday_in_a_gap_is_not_closed():
    """Days around it are missing for another reason."""
    gap = [date(2023, 4, 1) + timedelta(days=day) for day in range(20)]
    closed = shop_in_germany(lambda day: not holidays(day) and day not in gap)

    assert not closed.past[(date(2023, 4, 10) - GERMANY).days]


def test_without_a_country_no_holiday_is_known():
    """The weekdays are."""
    closed = shop_in_germany(lambda day: day.weekday() < SUNDAY and not holidays(day), country="")

    assert not closed.coming.days
    assert closed.coming.weekdays == {SUNDAY}


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_days_does_not_matter(random):
    """Files may bring them in any order."""
    days = list(without({SATURDAY, SUNDAY}, np.arange(1.0, 120.0)).items())
    shuffled = random.sample(days, len(days))

    one, other = (daily_series(dict(each), GapPolicy.INTERPOLATE) for each in (days, shuffled))

    assert (one.sha256, one.closed) == (other.sha256, other.closed)


@pytest.mark.parametrize("zeros", [0, 3, 5], ids=["no zeros", "half of the days zero", "most days zero"])
def test_a_weekend_without_rows_is_closed_however_many_zeros_the_weekdays_have(zeros: int):
    """A row of zero is a day without trade; no row at all, week after week, is a day that is closed."""
    day = np.arange(7 * WEEKS)
    observed = day % 7 < SATURDAY
    amounts = np.where(observed & ((day * 5) % 6 >= zeros), 100.0, 0.0)

    found = closed_days_of(FIRST_DAY, observed, amounts)

    assert found.coming.weekdays == {SATURDAY, SUNDAY}

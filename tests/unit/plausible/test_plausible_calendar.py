"""Days that are held for when they are: in the future, beyond a gap, weekly or monthly data."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from retrain.data.findings import Doubt
from retrain.data.landed import DayTotal
from retrain.data.series import GapPolicy
from tests.unit.plausible.files import after, day, days, found, in_parts, kinds, year

EPOCH = {date(1970, 1, 1): DayTotal(12.5, 1)}


def test_a_file_of_one_row_of_1970_is_held():
    """It is 50 years from the other days."""
    (finding,) = found(EPOCH, after(days(year())))

    assert (finding.doubt, finding.days) == (Doubt.GAP, ())
    assert "19,358 days without rows" in finding.found


def test_a_row_of_1970_in_a_year_is_held_and_the_year_lands():
    """Whether there is a history or not."""
    for known in (after({}), after(days(year(), -365))):
        (finding,) = found({**EPOCH, **days(year(seed=1))}, known)

        assert finding.days == (date(1970, 1, 1),)


def test_a_gap_is_the_same_inside_a_file_and_between_two():
    """The year after a missing year is held, in one file or in two."""
    content = {**days(year()), **days(year(seed=1), 730)}

    assert in_parts(content, 730) == in_parts(content, 365) == days(year())


def test_a_file_that_fills_a_gap_is_honest():
    """The year between two that were accepted, and the year before the first."""
    known = after({**days(year()), **days(year(seed=1), 730)})

    assert kinds(days(year(seed=2), 365), known) == []
    assert kinds(days(year(seed=2), -365), known) == []


def test_a_month_without_rows_is_filled():
    """31 days, and not 32."""
    known = after(days(year()))

    assert kinds(days(year(seed=1), 365 + 31), known) == []
    assert kinds(days(year(seed=1), 365 + 32), known) == ["gap"]


def test_a_longer_closure_is_honest_where_a_day_without_rows_is_zero():
    """RETRAIN_GAPS=zero, up to a year."""
    known = after(days(year()), gaps=GapPolicy.ZERO)

    assert kinds(days(year(seed=1), 365 + 200), known) == []
    assert kinds(days(year(seed=1), 365 + 400), known) == ["gap"]


def test_with_refuse_a_missing_day_holds_the_file():
    """The finding names the days and the settings."""
    (finding,) = found(days(year(seed=1), 366), after(days(year()), gaps=GapPolicy.REFUSE))

    assert f"1 day would be missing, the first of them {day(365)}" in finding.found
    assert "RETRAIN_GAPS" in finding.expected


def test_with_refuse_a_file_may_fill_a_part_of_a_gap():
    """It makes none."""
    known = after({**days(year()), **days(year(), 730)}, gaps=GapPolicy.REFUSE)

    assert kinds(days(year()[:20], 500), known) == []


def test_days_in_the_future_are_held():
    """But for tomorrow, because of clocks."""
    content = days(year()[:30], 365)
    last = max(content)

    assert kinds(content, after(days(year())), today=last - timedelta(days=1)) == []
    (finding,) = found(content, after(days(year())), today=last - timedelta(days=3))
    assert (finding.doubt, finding.days) == (Doubt.FUTURE, (last - timedelta(days=1), last))


def test_a_far_date_is_said_once():
    """A day in the future is no gap besides."""
    content = {**days(year()), date(2099, 1, 1): DayTotal(100.0, 1)}

    assert kinds(content, today=day(400)) == ["future"]


@pytest.mark.parametrize(("step", "name"), [(7, "weekly"), (14, "every second week"), (91, "quarterly")])
@pytest.mark.parametrize("history", [0, 365])
def test_data_of_another_cadence_is_found(step: int, name: str, history: int):
    """Against a daily history too."""
    values = year()[:12]
    content = {day(history + step * at): DayTotal(float(amount), 1) for at, amount in enumerate(values)}

    (finding,) = found(content, after(days(year()[:history])))

    assert (finding.doubt, finding.days) == (Doubt.CADENCE, ())
    assert name in finding.found


def test_months_that_land_one_by_one_are_monthly_data():
    """From the fifth on."""
    months = [date(2023, month, 1) for month in range(1, 6)]
    known = after({month: DayTotal(1000.0, 1) for month in months[:4]})

    assert kinds({months[4]: DayTotal(1100.0, 1)}, known) == ["cadence"]


@pytest.mark.parametrize("opened", [(0, 1, 2, 3, 4), (0, 2, 4), (5, 6)], ids=["closed weekends", "three", "two"])
def test_a_shop_that_opens_on_some_weekdays_is_daily(opened: tuple[int, ...]):
    """It has rows on the days on which it is open."""
    content = {one: total for one, total in days(year()).items() if one.weekday() in opened}

    assert kinds(content) == []


def test_irregular_demand_is_daily():
    """One day of six, with no distance that returns."""
    kept = np.random.default_rng(3).random(365) < 1 / 6
    content = {one: total for at, (one, total) in enumerate(days(year()).items()) if kept[at]}

    assert kinds(content) == []


def test_an_absurd_day_holds_itself_alone_where_no_day_may_be_missing():
    """It waits for a person, and is not missing."""
    values = year(seed=1)[:60]
    values[30] = 1e9

    (finding,) = found(days(values, 365), after(days(year()), gaps=GapPolicy.REFUSE))

    assert (finding.doubt, finding.days) == (Doubt.ABSURD_DAY, (day(395),))


@pytest.mark.parametrize(("gap", "helps"), [(100, True), (500, False)])
def test_days_without_rows_as_zeros_are_advised_only_where_that_would_help(gap: int, helps: bool):
    (finding,) = found(days(year(seed=1)[:60], 365 + gap), after(days(year())))

    assert finding.doubt == Doubt.GAP
    assert ("RETRAIN_GAPS=zero" in finding.expected) == helps

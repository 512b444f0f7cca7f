"""Single days that are held: absurd amounts, a last day that is cut short, one amount that repeats."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from retrain.data.findings import Doubt
from retrain.plausible.findings import findings
from tests.unit.plausible.files import EMPTY, after, day, days, file, found, in_parts, kinds, sales, year


@pytest.mark.parametrize("amount", [1e6, 1e12, -1e6])
@pytest.mark.parametrize("history", [0, 365])
def test_a_day_far_beyond_all_others_is_held_and_the_rest_lands(amount: float, history: int):
    """Against the history, or in a first file against the file itself."""
    values = year(seed=1)
    values[200] = amount

    (finding,) = found(days(values, history), after(days(year()[:history])))

    assert finding.doubt is Doubt.ABSURD_DAY
    assert finding.days == (day(history + 200),)


def test_a_last_day_of_a_hundred_times_is_held():
    """With the amount, what is usual and the factor."""
    values = year(seed=1)
    values[-1] *= 100

    (finding,) = found(days(values, 364), after(days(year()[:364])))

    assert finding.days == (day(728),)
    assert finding.found.startswith(f"{day(728)} has {values[-1]:,.0f}, ")
    assert " times the " in finding.found


def test_a_file_of_one_absurd_day_is_held():
    """As a daily export brings it."""
    assert kinds(days([20_000], 365), after(days(year()))) == ["absurd day"]


def test_a_black_friday_is_honest():
    """Eight times a good day, seen for the first time."""
    values = year(seed=1)
    values[326] *= 8

    assert kinds(days(values)) == []


def test_monthly_invoices_are_honest():
    """A hundred times the other days, but once in each month."""
    values = year(seed=1)
    values[14::30] *= 100

    assert kinds(days(values)) == []


def test_an_absurd_amount_that_was_accepted_is_known():
    """What is as large as an earlier day is not absurd any more."""
    history = year()
    history[100] = 1e6

    assert kinds(days([1e6], 365), after(days(history))) == []


def test_heavy_tails_are_honest():
    """Pareto's amounts, whose largest day is eighty times the median."""
    values = 100 * (1 + np.random.default_rng(4).pareto(1.3, 730))

    assert values[:365].max() > 80 * np.median(values)
    assert kinds(days(values[:365])) == []
    assert kinds(days(values[365:], 365), after(days(values[:365]))) == []


def test_rare_sales_between_zeros_are_honest():
    """Zeros say nothing about how large a sale may be."""
    rng = np.random.default_rng(5)
    values = np.where(rng.random(400) < 0.1, rng.uniform(5, 80, 400), 0.0)

    assert kinds(days(values)) == []


def test_a_day_that_is_the_same_as_before_is_not_held_again():
    """A growing export repeats the days that were accepted."""
    values = year()
    values[100] = 1e6

    assert kinds(days(values), after({}, replaced=days(values[:364]), is_daily=True)) == []


def test_a_last_day_with_a_tenth_of_its_rows_is_held():
    """The others land."""
    content = sales(30, start=400)
    last = max(content)
    content[last] = type(content[last])(content[last].amount / 10, content[last].rows // 10)

    (finding,) = found(content, after(sales(400)))

    assert (finding.doubt, finding.days) == (Doubt.CUT_SHORT, (last,))
    assert " rows, 1/" in finding.found


def test_a_last_amount_that_lost_its_digits_is_held():
    """196.19 that was cut to 1."""
    values = 2 * year(seed=1)
    values[-1] = 1

    assert kinds(days(values, 365), after(days(2 * year()))) == ["cut short"]


def test_the_last_day_is_held_where_the_file_itself_seems_to_be_cut():
    """The reader's reason is given."""
    content = sales(30, start=100)
    last = max(content)
    content[last] = type(content[last])(content[last].amount / 2, content[last].rows // 2)
    why = "the last line has no line end"

    (finding,) = findings(file(content, cut_short=why), after(sales(100)), day(900))

    assert finding.days == (last,)
    assert finding.found.startswith(why)


def test_less_than_half_of_todays_rows_are_a_day_that_is_not_over():
    """On another day they may be a holiday."""
    content = sales(1, start=200, rows=50 * 0.3)
    (only,) = content

    assert kinds(content, after(sales(200)), today=only) == ["cut short"]
    assert kinds(content, after(sales(200)), today=only + timedelta(days=3)) == []


def test_a_closed_last_day_is_honest():
    """Zero is a closure, not a cut."""
    values = year(seed=1)
    values[-1] = 0

    assert kinds(days(values, 365), after(days(year()))) == []


@pytest.mark.parametrize("size", [1, 7, 45, 120])
@pytest.mark.parametrize("length", [27, 28, 45])
def test_a_repeated_amount_is_held_from_its_28th_day_however_the_days_are_split(size: int, length: int):
    """The same days in files of another length give the same history."""
    values = year()[:120]
    values[30 : 30 + length] = 97.5

    history = in_parts(days(values), size)

    held = {day(at) for at in range(30 + 27, 30 + length)}
    assert set(days(values)) - set(history) == held


def test_a_month_of_zeros_is_a_closure():
    """And honest."""
    values = year()
    values[40:80] = 0

    assert kinds(days(values)) == []


def test_a_repeated_amount_that_was_accepted_may_go_on():
    """The history has had it for 28 days."""
    history = np.concatenate([year()[:60], np.full(28, 42.0)])

    assert kinds(days(np.full(30, 42.0), 88), after(days(history))) == []


def test_an_empty_file_has_no_doubt():
    """There is nothing to judge."""
    assert findings(file({}), EMPTY, day(0)) == ()

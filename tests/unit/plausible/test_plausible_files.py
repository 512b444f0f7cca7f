"""Whole files that are held: another scale, another spread, other rows, what they change and lose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrain.data.findings import Doubt
from retrain.data.landed import Aggregate, DayTotal
from tests.unit.plausible.files import after, day, days, found, kinds, sales, year

REPORTED = Path(__file__).parents[4] / "shared" / "cases"


@pytest.mark.parametrize(
    ("factor", "guess"), [(100, "cents"), (0.001, "thousands"), (1000, "thousands"), (150, ""), (0.01, "cents")]
)
@pytest.mark.parametrize("length", [7, 31, 365])
def test_a_file_in_another_unit_is_held(factor: float, guess: str, length: int):
    """A week, a month, a year; the guess is said where the factor tells it."""
    values = factor * year(seed=1)[:length]

    (finding, *_) = found(days(values, 364), after(days(year()[:364])))

    assert (finding.doubt, finding.days) == (Doubt.SCALE, ())
    assert guess in finding.found


def test_a_file_whose_end_is_in_cents_is_held():
    """Without a history too."""
    values = year()
    values[200:] *= 100

    assert "scale" in kinds(days(values))


def test_a_year_before_the_history_in_cents_is_held():
    """The days on the other side of it tell."""
    assert "scale" in kinds(days(100 * year(), -365), after(days(year(seed=1))))


@pytest.mark.parametrize("factor", [0.5, 1.3, 2, 3])
def test_a_new_level_is_honest(factor: float):
    """From the first day of a file on."""
    assert kinds(days(factor * year(seed=1), 364), after(days(year()[:364]))) == []


def test_a_business_that_grows_a_hundredfold_is_honest():
    """From one day to the next it does not jump."""
    values = year() * np.geomspace(0.01, 1, 365)

    assert kinds(days(values)) == []
    assert kinds(days(values[90:], 90), after(days(values[:90]))) == []


def test_a_season_of_thirty_times_is_honest():
    """By months, each of which follows the one before."""
    values = weekly_season()

    assert all(
        kinds(days(values[at : at + 30], at), after(days(values[:at]))) == [] for at in range(30, len(values), 30)
    )


def weekly_season() -> np.ndarray:
    """Two years of a shop at the beach."""
    return np.concatenate([year(), year(seed=1)]) * 5.5 ** np.sin(2 * np.pi * np.arange(730) / 365)


def test_negative_amounts_in_a_history_without_any_are_held():
    """An export that books sales as negative."""
    assert kinds(days(-year()[:30], 364), after(days(year()[:364]))) == ["scale"]


def test_half_of_the_days_in_cents_are_held():
    """The median may be as before, the spread is not."""
    values = year(seed=1)[:60]
    values[np.random.default_rng(0).random(60) < 0.45] *= 100

    assert kinds(days(values, 364), after(days(year()[:364]))) == ["spread"]


def test_amounts_that_repeat_each_week_after_a_history_with_noise_are_held():
    """A plan is no actual."""
    values = np.resize(year()[:7], 60)

    assert kinds(days(values, 364), after(days(year()[:364]))) == ["spread"]


def test_a_spread_beyond_all_numbers_is_said_and_does_not_fail():
    """Amounts that alternate between almost nothing and almost the largest number."""
    values = np.resize([1e-300, 1e300, 1e-280], 60)

    (finding, *_) = [each for each in found(days(values, 364), after(days(year()[:364]))) if each.days == ()]

    assert finding.found


def test_noise_after_a_history_that_repeats_is_honest():
    """A launch of made-up weeks, then trade."""
    history = np.resize([100.0, 120, 130, 140, 150, 240, 80], 28)

    assert kinds(days(year()[:60], 28), after(days(history))) == []


@pytest.mark.parametrize("copies", [2, 3])
@pytest.mark.parametrize("aggregate", list(Aggregate))
def test_rows_that_are_there_twice_are_held(copies: int, aggregate: Aggregate):
    """Every number of rows is a multiple, which trade is not."""
    content = {
        one: DayTotal(copies * total.amount, copies * total.rows) for one, total in sales(30, start=200).items()
    }

    (finding,) = found(content, after(sales(200), aggregate=aggregate))

    assert (finding.doubt, finding.days) == (Doubt.ROWS, ())
    assert f"there {copies} times" in finding.found


def test_a_month_that_is_there_twice_in_a_year_is_held_alone():
    """The rest of the first file lands."""
    content = sales(200)
    twice = [day(at) for at in range(80, 110)]
    content |= {one: DayTotal(2 * content[one].amount, 2 * content[one].rows) for one in twice}

    (finding,) = found(content)

    assert finding.doubt is Doubt.ROWS
    assert set(twice) <= set(finding.days)
    assert len(finding.days) <= len(twice) + 4


def test_trade_that_doubles_is_honest():
    """Its numbers of rows are odd on half of the days."""
    assert kinds(sales(60, start=200, rows=100), after(sales(200))) == []


@pytest.mark.parametrize("share", [0.5, 0.25])
def test_a_part_of_the_rows_is_held_where_the_season_is_known(share: float):
    """Half of them, or one shop of four, after two years."""
    content = sales(30, start=730, rows=50 * share)

    assert kinds(content, after(sales(730))) == ["rows a day"]


@pytest.mark.parametrize("rows", [12, 30])
def test_a_part_of_the_rows_is_held_after_a_few_weeks_of_history(rows: int):
    """A season that ends falls from week to week, and not at once."""
    assert kinds(sales(30, start=90, rows=rows), after(sales(90))) == ["rows a day"]


def test_transactions_in_a_store_of_one_row_a_day_are_held():
    """And one row a day in a store of transactions."""
    assert "rows a day" in kinds(sales(30, start=365), after(days(year())))
    assert "rows a day" in kinds(days(year()[:30] * 6, 365), after(sales(365)))


def test_few_rows_by_chance_are_no_other_kind_of_file():
    """A shop of one or two sales a day."""
    history = days(np.full(100, 10.0), rows=np.resize([1, 2, 1, 3], 100))

    assert kinds(days(np.full(5, 11.0), 100), after(history)) == []


def test_parts_of_the_same_days_add_up_to_what_they_are():
    """Each part has a quarter of the rows; what the days become is judged."""
    content = sales(60)
    quarter = {one: DayTotal(total.amount / 4, max(total.rows // 4, 1)) for one, total in content.items()}
    half = {one: DayTotal(2 * total.amount, 2 * total.rows) for one, total in quarter.items()}

    assert kinds(quarter, after(quarter, merged=half)) == []


def test_a_correction_of_few_days_is_honest():
    """Also of days that were trained on, and by a lot."""
    history = year()
    history[100] = 1e9
    known = after(days(history), trained_from=day(0), trained_through=day(364))

    assert kinds(days(year()[100:103], 100), known) == []


def test_small_changes_of_many_days_are_honest():
    """Late rows."""
    assert kinds(days(1.03 * year()), after(days(year()))) == []


def test_a_file_that_restates_most_of_its_days_by_much_is_held():
    """With the number of days and the ratio."""
    (finding, *_) = found(days(1.5 * year()), after(days(year())))

    assert finding.doubt is Doubt.RESTATED
    assert finding.found.startswith("365 of the 365 days that were there before get another amount")


def test_many_restated_days_that_the_champion_was_trained_on_are_held():
    """A tenth of them, by half."""
    values = year()
    values[::10] *= 1.5
    known = after(days(year()), trained_from=day(0), trained_through=day(364))

    assert kinds(days(values), known) == ["trained on"]
    assert kinds(days(values), after(days(year()))) == []


def test_a_file_that_loses_days_which_its_name_brought_is_held():
    """An export of the latest 90 days would take the history away."""
    known = after({}, replaced=days(year()[:90]), is_daily=True)

    (finding,) = found(days(year()[1:91], 1), known)

    assert finding.doubt is Doubt.RESTATED
    assert finding.found.startswith("1 of the 90 days that file.csv brought before are not in it")


def test_a_corrected_file_may_lose_a_day_that_was_wrong():
    """One inside, which another file has or nobody."""
    before = days(year()[:90])
    content = {one: total for one, total in before.items() if one != day(40)}

    assert kinds(content, after({}, replaced=before, is_daily=True)) == []


def test_a_growing_export_is_honest():
    """The same name with one day more; the history is what it brought."""
    assert kinds(days(year()[:91]), replace(after({}), replaced=days(year()[:90]), is_daily=True)) == []


@pytest.mark.skipif(not REPORTED.exists(), reason="the reported files are not in this copy")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("01_badday.year", []),
        ("02_correction.year", ["absurd day"]),
        ("03_mase.launch", []),
        ("04_r2.closed_tail", []),
        ("04_r2.intermittent", []),
        ("05_notdaily.monthly", ["cadence"]),
        ("05_notdaily.weekly", ["cadence"]),
        ("16_outlier", ["absurd day"]),
    ],
)
def test_a_reported_file_is_judged_as_it_should_be(name: str, expected: list[str]):
    """Each as the first file of a store."""
    lines = (REPORTED / f"{name}.csv").read_text().splitlines()[1:]
    content = {
        type(day(0)).fromisoformat(cells[0]): DayTotal(float(cells[1]), 1)
        for cells in (line.split(",") for line in lines)
    }

    assert kinds(content) == expected

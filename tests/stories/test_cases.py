"""Inputs on which a product of this kind was wrong, each with its right answer; read from beside the project."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.builders import read_history
from tests.sweeps import in_drills

if TYPE_CHECKING:
    from tests.builders import World

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"the cases are not there: {CASES}")


def land(world: World, *names: str, **settings: str) -> list[dict[str, Any]]:
    """The files of a case, one after the other; their reports."""
    world.overrides |= settings
    return [world.land(name, (CASES / name).read_bytes()) for name in names]


def days_of(world: World) -> dict[str, float]:
    return {day.isoformat(): amount for day, amount in read_history(world.context.state).days.items()}


def doubts(report: dict[str, Any]) -> list[str]:
    return [finding["doubt"] for finding in report["landing"]["findings"]]


def test_01_a_row_of_1970_is_held_and_the_next_months_are_decided_on(world: World):
    _, epoch, following = land(world, "01_badday.year.csv", "01_badday.epoch.csv", "01_badday.next.csv")

    assert (epoch["status"], doubts(epoch)) == ("held", ["gap"])
    assert following["verdict"] in ("keep", "promote")
    assert min(days_of(world)) == "2023-01-01"


def test_02_an_absurd_last_day_is_held_and_its_correction_lands(world: World):
    year, fix = land(world, "02_correction.year.csv", "02_correction.fix.csv")

    assert (year["landing"]["held_days"], year["verdict"]) == (["2023-12-31"], "promote")
    assert fix["status"] == "done"
    assert days_of(world)["2023-12-31"] == 190.0


def test_02_an_absurd_day_that_was_accepted_is_no_more_once_it_is_corrected(world: World):
    (year,) = land(world, "02_correction.year.csv")
    world.accept(year["run_id"])

    (fix,) = land(world, "02_correction.fix.csv")

    assert fix["landing"]["changed_days"] == ["2023-12-31"]
    assert days_of(world)["2023-12-31"] == 190.0


@pytest.mark.parametrize("name", ["05_notdaily.weekly.csv", "05_notdaily.monthly.csv"])
def test_05_a_file_that_is_not_daily_is_refused_with_what_it_looks_like(world: World, name: str):
    (report,) = land(world, name)

    assert (report["status"], report["error"]["kind"]) == ("failed", "data")
    assert name.split(".")[1] in report["reason"]
    assert days_of(world) == {}


@pytest.mark.parametrize("order", [(2, 0, 3, 1), *in_drills(*[*permutations(range(4))][::5])], ids=str)
def test_06_parts_add_up_to_the_whole_in_any_order(world: World, order: tuple[int, ...]):
    parts = [f"06_parts.part-0000{number}.csv" for number in (*order, order[0])]

    reports = land(world, *parts, RETRAIN_AGGREGATE="sum")
    added = days_of(world)

    assert {report["status"] for report in reports} == {"done"}
    assert added["2023-01-01"] == 273
    assert added == whole()


def whole() -> dict[str, float]:
    """The days of the file that the parts are of."""
    sums: dict[str, float] = {}
    for line in (CASES / "06_parts.whole.csv").read_text().splitlines()[1:]:
        _, day, amount = line.split(",")
        sums[day] = sums.get(day, 0) + float(amount)
    return sums


def test_07_late_rows_join_their_day(world: World):
    land(world, "07_midnight.2023.csv.gz", "07_midnight.2024.csv.gz", RETRAIN_AGGREGATE="sum")

    assert days_of(world)["2023-12-31"] == 2820


def test_09_every_row_of_a_basket_counts(world: World):
    (report,) = land(world, "09_baskets.csv", RETRAIN_AGGREGATE="sum")

    assert 300 in days_of(world).values()
    assert any("differ" in warning for warning in report["landing"]["warnings"])


def test_10_a_stray_quote_is_told_with_its_row(world: World):
    (report,) = land(world, "10_inches.tsv", RETRAIN_AGGREGATE="sum")

    assert (report["status"], report["error"]["kind"]) == ("failed", "data")
    assert report["error"]["row"]


def test_12_a_column_that_was_asked_for_and_is_missing_is_an_error_that_names_the_near_one(world: World):
    first, second = land(world, "12_fallback.h1.csv", "12_fallback.h2.csv", RETRAIN_AMOUNT_COLUMN="NetRevenue")

    assert first["status"] == "done"
    assert "Net Revenue" in second["error"]["message"]
    assert max(days_of(world)) == "2023-04-30"


def test_16_an_outlier_is_held_and_accepted_it_pulls_no_forecast_away(world: World):
    world.overrides["RETRAIN_ORDER"] = ""
    (first,) = land(world, "16_outlier.csv")
    accepted = world.accept(first["run_id"])

    assert first["landing"]["held_days"] == ["2023-07-20"]
    assert accepted["champion"]["rmse"] < 25


def test_17_a_workbook_that_is_damaged_is_refused_by_its_right_name_with_what_to_do(world: World):
    """It has no sheet that could be read."""
    (report,) = land(world, "17_workbook.xlsx")

    assert "XLSX workbook" in report["reason"]
    assert "save it as CSV" in report["reason"]

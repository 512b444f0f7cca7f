"""A metric that is not defined on the days is null and decides nothing; only the one that decides ends a run."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retrain.doors.page import page
from retrain.doors.terminal import summary
from retrain.gate.decide import Rule
from tests.builders import FIRST_DAY, csv_file, level_days, weekly

if TYPE_CHECKING:
    from tests.builders import World

WEEK = np.array([100.0, 120.0, 110.0, 105.0, 90.0, 60.0, 50.0])
CASES = Path(__file__).parents[3] / "shared" / "cases"
SCORED = ("challenger", "seasonal_naive")


def land_all(world: World, *parts: np.ndarray) -> list[dict[str, Any]]:
    """Each part follows the days of the one before; their reports."""
    found, day = [], FIRST_DAY
    for number, part in enumerate(parts, 1):
        found.append(world.land(f"{number}.csv", csv_file(part, day)))
        day += timedelta(days=len(part))
    return found


def closed(days: int) -> np.ndarray:
    """A shop that opens, and is closed from some day on."""
    return np.concatenate([weekly(days), np.zeros(28)])


def intermittent(days: int) -> np.ndarray:
    """A sale on every ninth day, and none in the last four weeks."""
    values = np.where(np.arange(days) % 9 == 4, 30.0, 0.0)
    values[-28:] = 0
    return values


@pytest.mark.parametrize("order", ["", "1,0,0"], ids=["searched", "fixed"])
def test_a_history_of_equal_weeks_is_decided_by_rmse(world: World, order: str):
    """MASE has no scale on it, and is null; the next days bring a verdict."""
    world.overrides["RETRAIN_ORDER"] = order

    first, later = land_all(world, np.tile(WEEK, 4), weekly(60, level=300))

    assert (first["verdict"], later["status"]) == ("promote", "done")
    assert later["verdict"] in ("promote", "keep")
    assert "RMSE" in later["reason"]
    for model in ("champion", *SCORED):
        assert later[model]["mase"] is None
        assert later[model]["rmse"] > 0


@pytest.mark.parametrize("values", [closed(100), intermittent(400)], ids=["closed", "intermittent"])
@pytest.mark.parametrize("order", ["", "1,0,0"], ids=["searched", "fixed"])
def test_unseen_days_that_never_change_are_decided_by_rmse(world: World, values: np.ndarray, order: str):
    """R2 is null."""
    world.overrides["RETRAIN_ORDER"] = order

    (report,) = land_all(world, values)

    assert (report["status"], report["verdict"]) == ("done", "promote")
    assert "RMSE" in report["reason"]
    assert [report[model]["r2"] for model in SCORED] == [None, None]
    assert report["challenger"]["mase"] is not None


def test_unseen_days_that_never_change_do_not_stop_a_champion_from_being_replaced(world: World):
    """A file of one value is held; a person accepts it."""
    world.overrides["RETRAIN_ORDER"] = "1,0,0"
    known = level_days(100, seed=1, level=200)
    world.land("known.csv", csv_file(known))
    level = np.append(known[-1:], np.full(60, 400.0))

    held = world.land("level.csv", csv_file(level, FIRST_DAY + timedelta(days=99)))
    report = world.accept(held["run_id"])

    assert report["verdict"] == "promote"
    assert [report[model]["r2"] for model in ("champion", *SCORED)] == [None] * 3


def test_a_season_longer_than_the_training_days_is_decided_by_rmse(world: World):
    """The champion was trained on fewer days than the season that is set later."""
    land_all(world, weekly(22))
    world.overrides["RETRAIN_SEASON_DAYS"] = "31"

    report = world.land("more.csv", csv_file(weekly(60, seed=4), FIRST_DAY + timedelta(days=22)))

    assert report["verdict"] in ("promote", "keep")
    assert [report[model]["mase"] for model in ("champion", *SCORED)] == [None] * 3


@pytest.mark.parametrize("policy", Rule)
def test_two_forecasts_without_an_error_keep_the_champion(world: World, policy: str):
    """The days go on exactly as they were, which is held and accepted; rounding does not decide."""
    world.overrides |= {"RETRAIN_ORDER": "0,0,0,0,1,0", "RETRAIN_POLICY": policy}
    ragged = WEEK + 1 / 3

    first, held = land_all(world, np.concatenate([weekly(28), np.tile(ragged, 3)]), np.tile(ragged, 5))
    later = world.accept(held["run_id"])

    assert (first["verdict"], later["verdict"]) == ("promote", "keep")
    assert later["champion"]["rmse"] == later["challenger"]["rmse"] == 0
    assert later["evidence"]["p_value"] == 0.5


def test_a_first_model_is_not_promoted_on_a_loss_that_is_not_defined(world: World):
    """The run ends with the setting and what to set; with that it has a verdict."""
    world.overrides["RETRAIN_LOSS"] = "mase"

    (report,) = land_all(world, np.concatenate([np.tile(WEEK, 6), weekly(10)]))

    assert (report["status"], report["verdict"]) == ("failed", None)
    assert report["error"] == {"kind": "model", "message": report["reason"]}
    assert "RETRAIN_LOSS is mase, which is not defined on these days" in report["reason"]
    assert world.ledger.pointer().champion is None

    world.overrides["RETRAIN_LOSS"] = "mae"
    assert world.run()["verdict"] == "promote"


def test_no_champion_is_replaced_on_a_loss_that_is_not_defined(world: World):
    """However good the challenger is."""
    world.overrides["RETRAIN_LOSS"] = "mase"

    first, later = land_all(world, np.tile(WEEK, 4), weekly(60, level=300))

    assert (first["verdict"], later["status"]) == ("promote", "failed")
    assert "set RETRAIN_LOSS=mae" in later["reason"]
    assert [entry.version for entry in world.ledger.pointer().champions] == ["1"]


def test_a_metric_that_is_null_is_a_dash_for_people(world: World):
    """On the terminal and on the page."""
    report = land_all(world, closed(100))[-1]
    run = world.ledger.run(report["run_id"])

    naive = next(line for line in summary(run).splitlines() if line.split()[:2] == ["seasonal", "naive"])
    assert naive.split()[2:][3] == "-"
    assert "<td>-</td>" in page(run, [])
    assert "None" not in summary(run) + page(run, [])


CASES_WITH_NULL = [
    (("03_mase.launch", "03_mase.later"), "mase"),
    (("04_r2.closed_tail",), "r2"),
    (("04_r2.intermittent",), "r2"),
]


@pytest.mark.parametrize(("names", "metric"), CASES_WITH_NULL)
def test_the_reported_files_end_in_a_verdict(world: World, names: tuple[str, ...], metric: str):
    """As they are, with the default settings."""
    files = [CASES / f"{name}.csv" for name in names]
    if not all(file.exists() for file in files):
        pytest.skip(f"{CASES} has no {', '.join(file.name for file in files)}")
    world.overrides["RETRAIN_ORDER"] = ""

    report = [world.land(file.name, file.read_bytes()) for file in files][-1]

    assert report["status"] == "done"
    assert report["verdict"] in ("promote", "keep")
    assert "RMSE" in report["reason"]
    assert [report[model][metric] for model in SCORED] == [None, None]

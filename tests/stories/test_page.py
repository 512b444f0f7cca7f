"""A run as a page: what the report says, plots of the unseen days, and nothing that a browser would obey."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from retrain.doors.cli import main
from retrain.doors.page import CUMULATIVE_GAIN, page
from retrain.records.run import Run
from tests.browser import Seen
from tests.builders import ONE, TWO, World, csv_file, reports, weekly

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def compared(world: World) -> World:
    """Two years landed, so that the last run compared two models."""
    world.overrides["RETRAIN_MIN_UNSEEN_DAYS"] = "14"
    world.land("one.csv", ONE)
    world.land("two.csv", TWO)
    return world


def page_of(world: World, report: dict[str, Any]) -> Seen:
    """The page of a run, as a browser sees it."""
    return Seen(page(Run.model_validate(report), world.ledger.unseen_days(report["run_id"])))


def test_a_page_says_what_the_report_says(compared: World):
    """Verdict, reason, every score, the file, the data, each step of the promotion."""
    report = reports(compared.ledger, 1)[0]
    seen = page_of(compared, report)

    assert f"PROMOTE: run {report['run_id']}" in seen.text
    for said in (report["reason"], f"{report['champion']['rmse']:.1f}", "two.csv", report["data"]["sha256"]):
        assert said in seen.text
    assert set(report["promotion"]) <= set(seen.words)


def test_a_page_plots_the_unseen_days(compared: World):
    """The actual amounts, both forecasts, and the cumulative difference of their losses."""
    seen = page_of(compared, reports(compared.ledger, 1)[0])

    for line in (
        "actual",
        "champion, a day ahead",
        "challenger, a day ahead",
        CUMULATIVE_GAIN,
    ):
        assert line in seen.words
    assert "svg" in seen.tags


def test_a_first_model_is_plotted_alone(world: World):
    """There is no champion to draw or to compare with."""
    seen = page_of(world, world.land("one.csv", csv_file(weekly(90))))

    assert "challenger, a day ahead" in seen.words
    assert "champion, a day ahead" not in seen.words
    assert CUMULATIVE_GAIN not in seen.words


def test_the_days_on_record_are_those_that_were_compared(compared: World):
    """One line an origin; their mean losses are what decided."""
    report = reports(compared.ledger, 1)[0]
    days = compared.ledger.unseen_days(report["run_id"])

    assert len(days) == report["evidence"]["origins"]
    for name in ("champion", "challenger"):
        losses = [getattr(day, f"{name}_loss") for day in days]
        assert sum(losses) / len(losses) == pytest.approx(report[name]["rmse"] ** 2)


@pytest.mark.parametrize("days", [40, 41, 42, 43, 55])
def test_a_short_comparison_is_plotted_too(world: World, days: int):
    """Two or three origins are what a first model's own test may come to."""
    world.overrides |= {"RETRAIN_HORIZON_DAYS": "7", "RETRAIN_MIN_UNSEEN_DAYS": "28"}
    seen = page_of(world, world.land("one.csv", csv_file(weekly(days))))

    assert "challenger, a day ahead" in seen.words


def test_days_of_an_earlier_attempt_are_not_plotted(compared: World):
    """The report says that nothing was compared."""
    report = reports(compared.ledger, 1)[0] | {"evidence": None}

    assert "svg" not in page_of(compared, report).tags


@pytest.mark.parametrize("ending", ["queued", "failed", "waiting"])
def test_a_run_without_a_comparison_has_a_page_too(world: World, ending: str):
    """It waits its turn, its file was refused, or there is too little to tell."""
    landed = {
        "queued": lambda: {"run_id": "20240101T000000000Z-0000", "trigger": "http", "status": "queued"},
        "failed": lambda: world.land("bad.csv", b"TransactionDate,PaidAmount\n2023-01-01,much\n"),
        "waiting": lambda: world.land("few.csv", csv_file(weekly(5))),
    }
    report = landed[ending]()
    seen = page_of(world, report)

    assert f"{ending.upper()}: run {report['run_id']}" in seen.words
    assert report.get("reason", "It waits its turn.") in seen.words
    assert "svg" not in seen.tags


def test_a_rollback_has_a_page_too(compared: World):
    """It reaches no verdict."""
    report = compared.roll_back()

    assert f"DONE: run {report['run_id']}" in page_of(compared, report).words


def test_the_command_line_writes_the_page(compared: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Beside what it prints."""
    run_id = reports(compared.ledger, 1)[0]["run_id"]
    code = main(["show", run_id, "--root", str(compared.root), "--json", "--page", str(tmp_path / "run.html")])

    assert code == 0
    assert (
        main(["show", run_id, "--root", str(compared.root), "--page", str(tmp_path / "nowhere" / "run.html")]) == 2
    )
    assert json.loads(capsys.readouterr().out)["run_id"] == run_id
    assert f"run {run_id}" in Seen((tmp_path / "run.html").read_text()).text

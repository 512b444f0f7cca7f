"""The scores by slice in a report, in the terminal and on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from retrain.doors.cli import main
from retrain.doors.page import page
from retrain.doors.terminal import summary
from retrain.records.run import Run
from tests.browser import Seen
from tests.builders import World, csv_file, weekly
from tests.stories.test_promotion import second_year

LARGEST_REPORT = 20_000  # bytes; the lists of runs read many


@pytest.fixture
def report(serving: World) -> dict[str, Any]:
    """Of a run that has compared two models."""
    return second_year(serving)


def test_a_report_has_every_model_by_weekday_calendar_and_days_ahead(serving: World, report: dict[str, Any]):
    """In few bytes."""
    names = [each["name"] for each in report["slices"]]

    assert names[:7] == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    assert names[-7:] == [str(ahead) for ahead in range(1, 8)]
    assert "month end" in names
    assert all(each["champion"] and each["challenger"] and each["seasonal_naive"] for each in report["slices"])
    assert len(serving.ledger.run(report["run_id"]).to_json()) < LARGEST_REPORT


def test_a_first_model_is_sliced_beside_the_seasonal_naive(world: World):
    """There is no champion."""
    run = Run.model_validate(world.land("one.csv", csv_file(weekly(90))))

    assert run.slices
    assert not any(each.champion for each in run.slices)
    assert "lower than the seasonal naive's in" in summary(run)


def test_a_summary_says_where_the_challenger_is_best_and_worst(report: dict[str, Any]):
    """And how to see all."""
    text = summary(Run.model_validate(report))

    assert "slices     the challenger's RMSE is lower than the champion's in" in text
    assert f"`retrain show {report['run_id']} --slices` lists them" in text


def test_the_command_lists_them(serving: World, report: dict[str, Any], capsys: pytest.CaptureFixture[str]):
    """JSON has them anyway, on the one line of the run."""
    words = ["show", report["run_id"], "--slices", "--root", str(serving.root)]

    assert main(words) == 0
    listed = capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["slices"] == report["slices"]
    for each in report["slices"]:
        assert f"  {each['name']:<14}" in listed


def test_the_page_has_a_table_of_them(report: dict[str, Any]):
    """One line a slice."""
    seen = Seen(page(Run.model_validate(report), ()))

    assert "By slice" in seen.words
    assert {"Monday", "month end", "1 day ahead", "7 days ahead"} <= set(seen.words)


def test_a_report_of_older_code_is_shown_and_replayed(
    serving: World, report: dict[str, Any], capsys: pytest.CaptureFixture[str]
):
    """It has no scores by slice; they decide nothing."""
    file = Path(report["artifacts"])
    file.write_text(json.dumps({name: value for name, value in report.items() if name != "slices"}))
    root = ["--root", str(serving.root)]

    assert main(["show", report["run_id"], "--slices", *root]) == 0
    assert "This run has no scores by slice." in capsys.readouterr().out
    assert main(["replay", report["run_id"], *root]) == 0

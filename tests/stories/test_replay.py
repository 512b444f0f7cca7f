"""A run can be made again from what it recorded, and a record that was changed is found."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from retrain.doors.cli import main
from retrain.records.history import Histories
from retrain.records.ledger import folder_of
from retrain.runs.inputs import InProduction, question_of, series_of
from retrain.runs.replay import Outcome, Replayed, replay
from tests.builders import NEW_YEAR, ONE, THREE, TWO, World, csv_file, level_days

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CENTS = csv_file(level_days(60, seed=2, level=160) * 100, NEW_YEAR)


def replayed(world: World, run_id: str) -> Replayed:
    context = world.context
    return replay(context.ledger.run(run_id), Histories(context.state), world.settings, context)


@pytest.fixture
def promoted(world: World) -> dict[str, Any]:
    """The run that made version 2 champion."""
    world.land("one.csv", ONE)
    return world.land("two.csv", TWO)


def test_every_verdict_of_a_story_is_reached_again(world: World):
    """Also where later files, corrections and decisions have changed what counts since."""
    stories = [
        world.land("short.csv", csv_file(level_days(10, seed=1, level=200))),
        world.land("one.csv", ONE),
        world.land("held.csv", CENTS),
        world.land("two.csv", TWO),
        world.run(),
        third := world.land("three.csv", THREE),
        world.retract(third["run_id"]),
        world.roll_back(),
        world.run(force=True),
    ]

    found = [replayed(world, story["run_id"]) for story in stories]

    assert [(each.verdict or "", each.outcome) for each in found] == [
        ("waiting", "same"),
        ("promote", "same"),
        ("", "nothing"),
        ("promote", "same"),
        ("unchanged", "same"),
        ("promote", "same"),
        ("keep", "same"),
        ("", "nothing"),
        ("waiting", "same"),
    ]


def edit(file: Path, change: Callable[[Any], None]) -> None:
    record = json.loads(file.read_text())
    change(record)
    file.write_text(json.dumps(record))


def in_report(change: Callable[[Any], None]) -> Callable[[World, str], None]:
    return lambda world, run_id: edit(world.root / folder_of(run_id) / "report.json", change)


def another_landing(world: World, run_id: str) -> None:
    other = next(each for each in (world.root / "landings").glob("*.parquet") if run_id not in each.name)
    shutil.copy(other, world.root / "landings" / f"{run_id}.parquet")


def another_day(world: World, run_id: str) -> None:
    file = world.root / folder_of(run_id) / "unseen.csv"
    header, first, *others = file.read_text().splitlines()
    day, _, *numbers = first.split(",")
    file.write_text("\n".join([header, ",".join([day, "1.5", *numbers]), *others, ""]))


CHANGED = {
    "verdict": (in_report(lambda run: run.update(verdict="keep")), "verdict", "record"),
    "score": (in_report(lambda run: run["challenger"].update(rmse=1.0)), "challenger.rmse", "record"),
    "evidence": (in_report(lambda run: run["evidence"].update(gain=0.9)), "evidence.gain", "record"),
    "days": (in_report(lambda run: run["data"].update(days=3)), "data.days", "data"),
    "setting": (
        in_report(lambda run: run["request"]["settings"].update(RETRAIN_HORIZON_DAYS="3")),
        "basis.question",
        "settings",
    ),
    "compared day": (another_day, "unseen.csv[0][1]", "record"),
    "landing": (another_landing, "data.sha256", "data"),
}


@pytest.mark.parametrize("changed", CHANGED)
def test_a_record_that_was_changed_is_found(world: World, promoted: dict[str, Any], changed: str):
    """The first field that differs is named, with its cause."""
    change, field, cause = CHANGED[changed]
    change(world, promoted["run_id"])

    found = replayed(world, promoted["run_id"])

    assert found.outcome == Outcome.DIFFERENT
    assert found.difference is not None
    assert found.difference.field == field
    assert found.why.startswith(f"{cause}:")


def test_a_version_that_forecasts_otherwise_than_its_winner_is_found(world: World, promoted: dict[str, Any]):
    """Even if its record and its artifact agree."""

    def other_version(run: Any) -> None:
        run["model"]["version"] = run["challenger"]["version"] = "1"

    in_report(other_version)(world, promoted["run_id"])

    found = replayed(world, promoted["run_id"])

    assert found.difference is not None
    assert found.difference.field == "forecast of version 1[0]"


def test_other_code_is_named_as_the_cause(world: World, promoted: dict[str, Any]):
    """Its version is on record."""
    context = world.context
    question = question_of(
        series_of(Histories(context.state).days(), world.settings),
        InProduction.of("1", context.registry),
        world.settings,
        code="0.0.1",
    )

    def older(run: Any) -> None:
        run["basis"] |= {"code": "0.0.1", "question": question}
        run["challenger"]["rmse"] = 1.0

    in_report(older)(world, promoted["run_id"])

    assert replayed(world, promoted["run_id"]).why.startswith("code: the run was made by version 0.0.1")


def test_a_landing_that_is_gone_is_said(world: World, promoted: dict[str, Any]):
    """The others are replayed all the same."""
    (world.root / "landings" / f"{promoted['run_id']}.parquet").unlink()

    found = replayed(world, promoted["run_id"])

    assert found.outcome == Outcome.IMPOSSIBLE
    assert f"{promoted['run_id']}.parquet is missing" in found.why


def test_the_command_says_what_differs_and_ends_with_three(
    world: World, promoted: dict[str, Any], capsys: pytest.CaptureFixture[str]
):
    """With --all the rest is listed too, oldest first; without a run, the command says what to name."""
    in_report(lambda run: run.update(verdict="keep"))(world, promoted["run_id"])
    words = ["replay", "--root", str(world.root), "--json"]

    assert main([*words, "--all"]) == 3
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["outcome"] for line in lines] == ["same", "different"]
    assert (lines[1]["field"], lines[1]["recorded"], lines[1]["replayed"]) == ("verdict", "keep", "promote")
    assert main(words) == 2


def test_a_run_that_cannot_be_read_fails_the_replay_of_all(
    world: World, promoted: dict[str, Any], capsys: pytest.CaptureFixture[str]
):
    """It is named, and the others are replayed."""
    (world.root / folder_of(promoted["run_id"]) / "report.json").write_text("{")

    assert main(["replay", "--all", "--root", str(world.root), "--json"]) == 3

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["outcome"] for line in lines] == ["same", "impossible"]
    assert "restore it from a backup" in lines[1]["why"]

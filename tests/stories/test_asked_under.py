"""A request is worked off under the settings that it was asked under, whoever works it off."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retrain.doors import http
from retrain.doors.cli import main
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from retrain.runs.inbox import ask_for_unseen
from retrain.runs.outcome import Behind
from retrain.runs.rebuild import rebuild
from retrain.settings import parse
from tests.builders import ONE, QUICK, World, ask

if TYPE_CHECKING:
    from retrain.settings import Settings

ROWS = b"TransactionDate,PaidAmount\n2024-01-01,1\n2024-01-01,2\n"


def other_worker(world: World, **settings: str) -> Settings:
    """The settings of another process on the same store."""
    return parse({**QUICK, "RETRAIN_ROOT": str(world.root), **settings})


def test_two_workers_with_different_settings_give_one_answer(world: World):
    """That of the one who asked; the report says under which settings."""
    world.put("rows.csv", ROWS)
    world.overrides["RETRAIN_AGGREGATE"] = "sum"
    asked = ask(Trigger.BLOB, world.context, file="rows.csv")
    work_off(other_worker(world, RETRAIN_AGGREGATE="count"), world.context)
    run = world.ledger.run(asked.run_id)

    assert run.status == "done"
    assert run.request.settings["RETRAIN_AGGREGATE"] == "sum"
    assert "sum of 2 rows a day" in run.as_json()["landing"]["made"]


def test_what_decides_is_carried_and_nothing_else(world: World):
    """No secret, no path, no address."""
    carried = ask(Trigger.TIMER, world.context).settings

    assert {"RETRAIN_DATE_COLUMN", "RETRAIN_HORIZON_DAYS", "RETRAIN_ALPHA"} <= carried.keys()
    assert not [name for name in carried if "STORAGE" in name or "ROOT" in name or "URL" in name]
    assert carried["RETRAIN_ORDER"] == "1,0,1"


def test_the_terminal_shows_the_settings_that_are_no_defaults(world: World, capsys: pytest.CaptureFixture[str]):
    """In one line."""
    run_id = world.run()["run_id"]

    assert main(["show", run_id, "--root", str(world.root)]) == 0
    assert "settings   RETRAIN_ORDER=1,0,1 RETRAIN_POLICY=better\n" in capsys.readouterr().out


def test_every_door_writes_the_settings_down(world: World, monkeypatch: pytest.MonkeyPatch):
    """HTTP, the timer's sweep, and a rebuild."""
    world.overrides["RETRAIN_SEASON_DAYS"] = "14"
    for name, value in {**QUICK, **world.overrides, "RETRAIN_ROOT": str(world.root)}.items():
        monkeypatch.setenv(name, value)
    world.put("one.csv", ONE)

    http.accept(b"{}", lambda _run_id: None)
    ask_for_unseen(world.context)
    before = world.ledger.requests()
    rebuilt = rebuild(world.context)

    assert len(before) == 2
    assert {request.settings["RETRAIN_SEASON_DAYS"] for request in [*before, *rebuilt]} == {"14"}


def test_a_request_that_failed_for_a_setting_takes_the_mended_one(world: World):
    """As soon as somebody tries it again."""
    world.land("one.csv", ROWS)
    world.overrides["RETRAIN_AGGREGATE"] = "sum"
    failed = world.land("two.csv", ROWS.replace(b"2024-01-01", b"2024-01-02"))
    del world.overrides["RETRAIN_AGGREGATE"]
    world.run()
    run = world.ledger.run(failed["run_id"])

    assert failed["error"]["kind"] == "configuration"
    assert (run.status, run.request.settings["RETRAIN_AGGREGATE"]) == ("done", "mean")


@pytest.mark.parametrize("settings", [{"RETRAIN_CANARY_SHARE": "0.1"}, {"RETRAIN_POLICY": "bandit"}])
def test_a_request_under_settings_that_only_newer_code_knows_is_left_to_it(world: World, settings: dict[str, str]):
    """With the reason; the next one is made."""
    newer = replace(world.context, asked_under={**world.settings.deciding, **settings})
    left, made = ask(Trigger.TIMER, newer), ask(Trigger.TIMER, world.context)
    outcome = work_off(world.settings, world.context)

    assert outcome.ended == (made.run_id,)
    assert [(each.run_id, each.behind) for each in outcome.left] == [(left.run_id, Behind.NEWER_CODE)]
    assert next(iter(settings)) in outcome.left[0].reason


def test_why_a_request_is_left_is_shown_wherever_its_run_is(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """By the timer, in the list, by name, over HTTP."""
    for name, value in {**QUICK, "RETRAIN_ROOT": str(world.root)}.items():
        monkeypatch.setenv(name, value)
    newer = replace(world.context, asked_under={**world.settings.deciding, "RETRAIN_CANARY_SHARE": "0.1"})
    left = ask(Trigger.TIMER, newer).run_id
    why = "RETRAIN_CANARY_SHARE is not a setting that this version of retrain knows"

    assert main(["tick"]) == 0
    assert f"run {left} is left waiting" in (said := capsys.readouterr().err)
    assert why in said
    assert main(["runs"]) == 0
    assert next(line for line in capsys.readouterr().out.splitlines() if left in line).endswith(why)
    assert main(["show", left]) == 0
    assert f"status     queued: it was asked for under other settings: {why}" in capsys.readouterr().out
    assert why in json.loads(http.as_text(http.show_run(left)))["reason"]


def test_why_a_request_is_left_is_written_down_once(world: World):
    """A timer that looks for weeks changes nothing."""
    ask(Trigger.TIMER, replace(world.context, asked_under={"RETRAIN_CANARY_SHARE": "0.1"}))
    work_off(world.settings, world.context)
    (record,) = (world.root / "requests").iterdir()
    before = record.stat().st_mtime_ns

    work_off(world.settings, world.context)

    assert record.stat().st_mtime_ns == before


def test_a_run_that_can_be_made_again_does_not_say_any_more_why_it_was_left(world: World):
    """The newer code has made it."""
    asked = ask(Trigger.TIMER, replace(world.context, asked_under={"RETRAIN_SEASON_DAYS": "14"}))
    world.ledger.leave(asked, "it was asked for under other settings")
    waiting = world.ledger.run(asked.run_id).reason
    work_off(world.settings, world.context)

    assert waiting == "it was asked for under other settings"
    assert world.ledger.run(asked.run_id).reason == "There are no days yet; land a file of transactions."


def test_a_request_without_settings_is_made_under_those_of_whoever_makes_it(world: World):
    """A person may have written it by hand."""
    request = ask(Trigger.TIMER, replace(world.context, asked_under={}))
    work_off(world.settings, world.context)

    assert world.ledger.run(request.run_id).verdict == "waiting"

"""A new champion on probation: the one before it forecasts along, and answers again if it is better."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.adapters.notify.message import sentence
from retrain.doors.terminal import summary
from retrain.errors import NotConverged
from retrain.promotion.resume import promote_run
from retrain.records.outbox import event_of
from retrain.records.request import RollBack, Trigger
from retrain.records.watched import TOLD
from retrain.runs import asking
from retrain.runs.dispatch import work_off
from tests.builders import NEW_YEAR, ONE, World, ask, csv_file, level_days, made
from tests.dying import changes, kills
from tests.faults import Fault, Faults, FaultyStore, Killed, fails
from tests.sweeps import in_drills, sweep

if TYPE_CHECKING:
    from pathlib import Path

    from tests.listening import Heard, Listener

AFTER = NEW_YEAR + timedelta(days=60)
OTHER = csv_file(level_days(60, seed=2, level=100), NEW_YEAR)
"""Days on half the level, which make a second champion."""
BACK = level_days(91, seed=3, level=200)
"""Days on the level that the first champion has learned."""
SETTINGS = {"RETRAIN_PROBATION_DAYS": "91", "RETRAIN_ORDER": "0,0,1", "RETRAIN_ALPHA": "0.2"}


@pytest.fixture
def promoted(world: World) -> World:
    """Version 2 has just replaced version 1; no challenger replaces it."""
    world.overrides = dict(SETTINGS)
    world.land("one.csv", ONE)
    assert world.land("two.csv", OTHER)["model"]["version"] == "2"
    world.overrides["RETRAIN_MIN_GAIN"] = "0.99"
    return world


def champions(world: World) -> list[str]:
    return [entry.version for entry in world.ledger.pointer().champions]


def back(days: int, first: int = 0) -> bytes:
    return csv_file(BACK[first:days], AFTER + timedelta(days=first))


def probation(report: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = report["watch"]["probation"]
    return found


def test_a_champion_that_the_one_before_it_beats_is_taken_back(promoted: World):
    """By an ordinary rollback, which says why in percent and not in amounts."""
    report = promoted.land("back.csv", back(91))

    rollback = promoted.ledger.run(probation(report)["rollback"])
    assert champions(promoted) == ["1", "2", "1"]
    assert (rollback.trigger, rollback.status) == (Trigger.ROLLBACK, "done")
    assert "its loss was 51.0% more than that of version 1" in rollback.reason
    assert str(probation(report)["loss"])[:4] not in rollback.reason


def test_it_is_told_as_a_rollback(promoted: World, heard: Heard, listener: Listener):
    """With the reason, also where no amounts are sent."""
    heard.land("back.csv", back(91))

    run = listener.runs[-1]
    assert listener.told[-1][1] == "rollback"
    assert "Version 2 was on probation until 2023-09-09" in sentence(event_of(run, promoted.clock()), run, "model")


def test_one_that_is_no_worse_stays(promoted: World):
    """The level stays where it is: both are compared, and the run says what was found."""
    report = promoted.land("same.csv", csv_file(level_days(91, seed=3, level=100), AFTER))

    assert champions(promoted) == ["1", "2"]
    assert probation(report)["loss"] < probation(report)["over_loss"]
    assert "probation  until 2023-09-09, beside version 1: loss " in summary(promoted.ledger.run(report["run_id"]))


def test_missing_days_say_nothing(promoted: World):
    """Of three months only three weeks were observed, in which the one before it is better."""
    report = promoted.land("few.csv", back(21))
    held = promoted.land("late.csv", back(88, first=81))
    late = promoted.accept(held["run_id"])

    assert probation(report)["evidence"] is None
    assert champions(promoted) == ["1", "2"]
    assert probation(late)["days"] == 28
    assert probation(late)["evidence"] < 1


def test_it_ends_with_its_last_day(promoted: World):
    """Later days do not count, and a run that comes after it compares nothing."""
    promoted.overrides["RETRAIN_PROBATION_DAYS"] = "56"
    promoted.overrides["RETRAIN_ALPHA"] = "0.01"
    first = promoted.land("back.csv", back(80))
    later = promoted.land("later.csv", back(91, first=80))

    assert probation(first)["days"] == 56
    assert later["watch"]["probation"] is None


@pytest.mark.parametrize("to", ["1", "2"])
def test_a_person_who_rolls_back_ends_it(promoted: World, to: str):
    """Whoever is made champion by a person stays, whatever the days say."""
    promoted.roll_back("1")
    if to == "2":
        promoted.roll_back("2")

    report = promoted.land("back.csv", back(91))

    assert promoted.ledger.pointer().versions[0] == to
    assert report["watch"]["probation"] is None


def test_none_is_looked_at_in_a_dry_run_or_without_a_probation(promoted: World):
    """Neither takes anything back."""
    promoted.land("first.csv", back(47))
    dry = promoted.run(dry_run=True)
    promoted.overrides["RETRAIN_PROBATION_DAYS"] = "0"
    without = promoted.land("back.csv", back(91, first=47))

    assert (dry["watch"], without["watch"]["probation"]) == (None, None)
    assert champions(promoted) == ["1", "2"]


def test_a_rollback_against_another_champion_does_nothing(promoted: World):
    """A person was quicker."""
    promoted.roll_back("1")
    request = asking.ask(lambda run_id: RollBack(run_id=run_id, to="1", over="2", note="Why."), promoted.context)

    report = made(request, promoted.settings, promoted.context)

    assert (report["status"], champions(promoted)) == ("done", ["1", "2", "1"])
    assert report["reason"] == "Nothing is taken back: version 1 is champion by now, not version 2."
    assert event_of(promoted.ledger.run(request.run_id), promoted.clock()).kind == "verdict"


def test_accepted_days_count_as_those_of_a_file_do(promoted: World):
    """They bring the last days of the probation, which no later run compares."""
    promoted.overrides["RETRAIN_PROBATION_DAYS"] = "56"
    held = promoted.land("back.csv", back(91, first=40))

    report = promoted.accept(held["run_id"])

    assert held["status"] == "held"
    assert probation(report)["days"] == 16


def test_a_run_that_fails_takes_back_what_it_has_found(promoted: World, monkeypatch: pytest.MonkeyPatch):
    """No later run would compare these days: they are not new to it."""
    monkeypatch.setattr("retrain.runs.run.assessed", fails(NotConverged("no optimum")))

    failed = promoted.land("back.csv", back(91))

    assert failed["status"] == "failed"
    assert champions(promoted) == ["1", "2", "1"]


def test_nobody_is_asked_about_a_winner_whose_champion_is_taken_back(promoted: World):
    """It was compared with a champion that answers no more; the next run asks anew."""
    promoted.overrides |= {"RETRAIN_APPROVAL": "required", "RETRAIN_MIN_GAIN": "0", "RETRAIN_POLICY": "better"}
    promoted.overrides["RETRAIN_ORDER"] = "1,0,1"

    report = promoted.land("back.csv", back(91))

    assert report["approval"]["state"] == "void"
    assert "makes version 1 champion again" in report["reason"]
    assert report["status"] == "done"
    assert champions(promoted) == ["1", "2", "1"]


def test_what_is_so_no_more_takes_nothing_back(promoted: World):
    """Three months of a file of a year speak for the one before, and the nine since against it."""
    since = level_days(274, seed=4, level=100)
    report = promoted.land("year.csv", csv_file(np.concatenate([BACK, since]), AFTER))

    assert probation(report)["evidence"] > 5
    assert probation(report)["note"] == "version 1 was better until 2023-09-09, and is not on all days since"
    assert champions(promoted) == ["1", "2"]


def test_what_is_over_is_not_opened_again(promoted: World):
    """Other settings, or days of long ago, are no reason to look again."""
    promoted.overrides["RETRAIN_ALPHA"] = "0.01"
    first = promoted.land("back.csv", back(91))
    promoted.overrides["RETRAIN_ALPHA"] = "0.2"
    later = promoted.run()

    assert probation(first)["days"] == 91
    assert later["watch"]["probation"] is None
    assert champions(promoted) == ["1", "2"]


def test_a_version_that_a_person_promoted_again_stays(promoted: World):
    """Rolled back by a person, and promoted by a person: the person has decided."""
    run_id = promoted.ledger.pointer().champions[-1].run_id
    promoted.roll_back("1")
    promote_run(run_id, promoted.settings, promoted.context)
    assert champions(promoted) == ["1", "2", "1", "2"]

    report = promoted.land("back.csv", back(91))

    assert report["watch"]["probation"] is None
    assert champions(promoted)[-1] == "2"


def test_a_horizon_that_a_probation_is_too_short_for_is_said(promoted: World):
    """It could find nothing."""
    promoted.overrides["RETRAIN_HORIZON_DAYS"] = "14"

    report = promoted.land("back.csv", back(60))

    assert probation(report)["note"] == "RETRAIN_PROBATION_DAYS is 91, and this horizon needs 97 days"


def test_a_damaged_version_before_it_is_said_and_fails_no_run(promoted: World):
    """Nothing can be compared with it."""
    artifact = promoted.context.registry.get("1").artifact_sha256
    promoted.context.state.write(f"artifacts/{artifact}.json", b"{}")

    report = promoted.land("back.csv", back(91))

    assert report["status"] == "done"
    assert probation(report)["note"].startswith("not compared: ")


@pytest.fixture
def waiting(promoted: World) -> World:
    """The file whose days take version 2 back waits to be landed."""
    promoted.put("back.csv", back(91))
    ask(Trigger.BLOB, promoted.context, file="back.csv")
    return promoted


def rollbacks(world: World) -> list[tuple[str, str]]:
    return [(run.trigger, run.status) for run in world.ledger.runs(99) if run.trigger is Trigger.ROLLBACK]


ONCE = [(Trigger.ROLLBACK, "done")]


@sweep
def test_a_kill_at_any_write_takes_back_once(waiting: World, tmp_path: Path, reach: str):
    """Before or after each change of the store that follows the note of what was told."""
    shutil.copytree(waiting.root, tmp_path / "before")
    writes = changes(waiting.root, lambda store: work_off(waiting.settings, waiting.with_state(store)))
    assert (rollbacks(waiting), champions(waiting)) == (ONCE, ["1", "2", "1"])

    wrong = []
    for store in kills(tmp_path / "before", writes, reach):
        world = replace(waiting, root=store.root)
        with suppress(Killed):
            work_off(world.settings, world.with_state(store))
        work_off(world.settings, world.context)
        if (rollbacks(world), champions(world)) != (ONCE, ["1", "2", "1"]):
            wrong.append((store.at, store.is_after, rollbacks(world), champions(world)))

    assert wrong == []


@pytest.mark.parametrize("fault", [Fault.LOST, *in_drills(Fault.AWAY, Fault.RETRIED)])
def test_one_call_that_goes_wrong_takes_back_once(waiting: World, tmp_path: Path, fault: Fault):
    """Each call of the record of what was told, and of the request that follows it."""
    before = tmp_path / "before"
    shutil.copytree(waiting.root, before)
    calls = Faults()
    work_off(waiting.settings, waiting.with_state(FaultyStore(FolderStore(waiting.root), calls)))
    first = next(call.number for call in calls.calls if call.name == TOLD)

    wrong = []
    for number in range(first, first + 6):
        root = tmp_path / f"{number}"
        shutil.copytree(before, root)
        world = replace(waiting, root=root)
        faults = Faults(lambda call, number=number: call.number == number, fault)  # type: ignore[misc]
        work_off(world.settings, world.with_state(FaultyStore(FolderStore(root), faults)))
        work_off(world.settings, world.context)
        if (rollbacks(world), champions(world)) != (ONCE, ["1", "2", "1"]):
            wrong.append((number, calls.calls[number], rollbacks(world), champions(world)))

    assert wrong == []

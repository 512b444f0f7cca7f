"""The watch over a champion: an alarm is told once and asks for a retrain once, and it never promotes."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.adapters.notify.message import sentence
from retrain.doors.cli import main
from retrain.doors.page import page
from retrain.doors.terminal import summary
from retrain.records.outbox import event_of
from retrain.records.request import Trigger
from retrain.records.watched import TOLD, Tellings
from retrain.runs.dispatch import work_off
from retrain.telemetry.facts import run_facts
from tests.builders import FIRST_DAY, TWO, World, ask, csv_file, level_days, seen_through
from tests.dying import changes, kills
from tests.faults import Fault, Faults, FaultyStore, Killed
from tests.listening import Heard, Listener
from tests.sweeps import in_drills, sweep

if TYPE_CHECKING:
    from pathlib import Path

LEARNED = 120
CALM = level_days(LEARNED + 200, seed=1, level=200)
WATCHED = {"RETRAIN_DRIFT_ALPHA": "0.05", "RETRAIN_MIN_GAIN": "0.99"}
"""No challenger is that much better, so the champion stays."""


def days(first: int, last: int, more: float = 0.0) -> bytes:
    """Some days of the calm series, `more` above it."""
    return csv_file(CALM[first:last] + more, FIRST_DAY + timedelta(days=first))


@pytest.fixture
def told(heard: Heard, listener: Listener) -> Heard:
    """A champion of 120 days, and two calm weeks after them; what was told until then is forgotten."""
    heard.world.overrides = dict(WATCHED)
    heard.land("first.csv", days(0, LEARNED))
    heard.land("calm.csv", days(LEARNED, LEARNED + 14))
    listener.told.clear()
    listener.runs.clear()
    return heard


def kinds(listener: Listener) -> list[str]:
    return [kind for _, kind in listener.told]


def alarmed(heard: Heard) -> str:
    """Ten days far above all that the champion has seen; the run that landed them."""
    return heard.land("higher.csv", days(LEARNED + 14, LEARNED + 24, 200.0))


def test_calm_days_are_watched_and_nothing_is_told(told: Heard):
    """Every test is below its limit, and no record says that anything was told."""
    run = told.world.ledger.runs(1)[0]

    assert run.watch is not None
    assert (run.watch.days, run.watch.alarm, run.watch.news) == (14, None, None)
    assert all(each.value < each.limit for each in run.watch.statistics)
    assert not (told.world.root / TOLD).exists()


def test_a_change_is_an_event_and_a_request_to_retrain(told: Heard, listener: Listener):
    """Of trigger `drift`; the champion stays, because the gate decides."""
    run_id = alarmed(told)

    run = told.world.ledger.run(run_id)
    assert kinds(listener) == ["alarm", "verdict"]
    assert run.watch is not None
    assert run.watch.alarm is not None
    assert run.watch.alarm.names[0] in ("level", "variance")
    asked = told.world.ledger.run(run.watch.retrain or "")
    assert (asked.trigger, asked.status, asked.model) == (Trigger.DRIFT, "done", None)
    assert told.world.ledger.pointer().versions == ["1"]
    assert told.world.ledger.requests() == []


def test_an_alarm_is_told_once(told: Heard, listener: Listener):
    """While it lasts, later runs show it and tell nothing."""
    alarmed(told)
    listener.told.clear()

    later = told.world.ledger.run(told.run())

    assert kinds(listener) == ["verdict"]
    assert later.watch is not None
    assert later.watch.alarm is not None
    assert (later.watch.news, later.watch.retrain) == (None, None)


def test_its_end_is_told_once(told: Heard, listener: Listener):
    """The amounts are for some weeks as they were before."""
    alarmed(told)
    told.land("settled.csv", days(LEARNED + 24, LEARNED + 120))
    told.run()

    assert kinds(listener) == ["alarm", "verdict", "recovery", "verdict"]


def test_one_absurd_day_is_no_change(told: Heard, listener: Listener):
    """It counts by a few standard deviations at most."""
    amounts = CALM[LEARNED + 14 : LEARNED + 28].copy()
    amounts[3] += 90
    told.land("absurd.csv", csv_file(amounts, FIRST_DAY + timedelta(days=LEARNED + 14)))

    assert kinds(listener) == ["verdict"]


def test_a_promotion_answers_an_alarm(told: Heard, listener: Listener):
    """The champion of the alarm is replaced, so nothing else is told or asked for."""
    told.world.overrides["RETRAIN_MIN_GAIN"] = "0"
    run_id = told.land("higher.csv", days(LEARNED + 14, LEARNED + 74, 200.0))

    run = told.world.ledger.run(run_id)
    assert run.watch is not None
    assert run.watch.alarm is not None
    assert kinds(listener) == ["promotion"]
    assert not (told.world.root / TOLD).exists()


def test_a_promotion_costs_no_call_for_the_watch(serving: World):
    """Nothing is read or written unless there is something to tell: the same 25 calls."""
    serving.overrides["RETRAIN_DRIFT_ALPHA"] = "0.05"
    faults = Faults()
    whole = serving.context
    context = seen_through(whole, FaultyStore(whole.inbox, faults), FaultyStore(whole.state, faults))
    serving.put("two.csv", TWO)
    request = ask(Trigger.BLOB, context, file="two.csv")

    work_off(serving.settings, context)

    assert serving.ledger.run(request.run_id).verdict == "promote"
    assert len([call for call in faults.calls if call.method != "chunk"]) <= 25


def test_a_dry_run_watches_nothing(told: Heard):
    """It changes nothing, so it could not tell."""
    told.world.put("higher.csv", days(LEARNED + 14, LEARNED + 24, 200.0))
    alarmed(told)

    report = told.world.run(dry_run=True)

    assert report["watch"] is None


def test_a_held_file_is_told_before_an_alarm(told: Heard, listener: Listener):
    """A person must act on the file; the next run tells the alarm."""
    amounts = CALM[LEARNED + 14 : LEARNED + 24] + 200
    amounts[-1] = 1e9
    told.land("odd.csv", csv_file(amounts, FIRST_DAY + timedelta(days=LEARNED + 14)))
    assert kinds(listener) == ["held"]

    told.run()

    assert kinds(listener)[:2] == ["held", "alarm"]


def test_a_stale_forecast_is_told_once_for_each_origin(told: Heard, listener: Listener):
    """The clock of the test stands years after the data."""
    told.world.overrides["RETRAIN_STALE_DAYS"] = "30"
    told.run()
    told.run()
    told.land("more.csv", days(LEARNED + 14, LEARNED + 21))

    assert kinds(listener) == ["stale", "verdict", "stale"]


def test_a_damaged_record_of_what_was_told_is_set_aside(told: Heard, listener: Listener):
    """The alarm is told again, and not lost."""
    alarmed(told)
    (told.world.root / TOLD).write_bytes(b"{")
    listener.told.clear()

    told.run()

    assert kinds(listener) == ["alarm", "verdict"]
    assert (told.world.root / "unreadable" / TOLD).exists()


def test_an_alarm_whose_run_failed_after_it_was_noted_is_told_by_the_next(told: Heard, listener: Listener):
    """The failure was told instead; the retrain keeps its name, and is not asked for again."""
    first = alarmed(told)
    failed = told.world.ledger.run(first)
    assert failed.watch is not None
    told.world.ledger.record(failed.evolve(watch=failed.watch.evolve(news=None)))
    listener.told.clear()

    again = told.world.ledger.run(told.run())

    assert kinds(listener) == ["alarm"]
    assert again.watch is not None
    assert again.watch.retrain == failed.watch.retrain


def found(world: World) -> dict[str, Any]:
    """What is left in the end."""
    runs = [run for run in world.ledger.runs(20) if run.watch and run.watch.news]
    asked = [run.run_id for run in world.ledger.runs(20) if run.trigger is Trigger.DRIFT]
    record = Tellings(FolderStore(world.root)).read().alarm_of("1")
    return {
        "told by": [run.run_id for run in runs],
        "asked once": [run.watch.retrain for run in runs if run.watch] == asked,
        "on record": (record.by, [record.retrain] == asked) if record else None,
        "left": world.ledger.requests(),
        "ends": [run.ends for run in runs],
    }


@pytest.fixture
def waiting(told: Heard) -> World:
    """The run that will find the change is asked for."""
    told.world.put("higher.csv", days(LEARNED + 14, LEARNED + 24, 200.0))
    ask(Trigger.BLOB, told.world.context, file="higher.csv")
    return told.world


@sweep
def test_a_kill_at_any_write_tells_and_asks_once(waiting: World, tmp_path: Path, reach: str):
    """Before or after each change of the store takes effect."""
    shutil.copytree(waiting.root, tmp_path / "before")
    writes = changes(waiting.root, lambda store: work_off(waiting.settings, waiting.with_state(store)))
    expected = found(waiting)
    assert len(expected["told by"]) == 1
    assert expected["asked once"]

    wrong = []
    for store in kills(tmp_path / "before", writes, reach):
        world = replace(waiting, root=store.root)
        with suppress(Killed):  # not raised after a write that is refused, of a forecast that is there
            work_off(world.settings, world.with_state(store))
        work_off(world.settings, world.context)
        if found(world) != expected:
            wrong.append((store.at, store.is_after, found(world)))

    assert wrong == []


@pytest.mark.parametrize("fault", [Fault.LOST, *in_drills(Fault.AWAY, Fault.RETRIED)])
def test_one_call_that_goes_wrong_tells_and_asks_once(waiting: World, tmp_path: Path, fault: Fault):
    """Each call of the record of what was told, and of the request that follows it."""
    before = tmp_path / "before"
    shutil.copytree(waiting.root, before)
    calls = Faults()
    work_off(waiting.settings, waiting.with_state(FaultyStore(FolderStore(waiting.root), calls)))
    expected = found(waiting)
    first = next(call.number for call in calls.calls if call.name == TOLD)
    numbers = range(first, first + 6)

    wrong = []
    for number in numbers:
        root = tmp_path / f"{number}"
        shutil.copytree(before, root)
        world = replace(waiting, root=root)
        faults = Faults(lambda call, number=number: call.number == number, fault)  # type: ignore[misc]
        work_off(world.settings, world.with_state(FaultyStore(FolderStore(root), faults)))
        work_off(world.settings, world.context)
        if found(world) != expected | {"ends": found(world)["ends"]}:
            wrong.append((number, calls.calls[number], found(world)))

    assert wrong == []


def test_performance_shows_the_watch(told: Heard, capsys: pytest.CaptureFixture[str]):
    """Each test beside its limit, and the alarm."""
    alarmed(told)

    assert main(["performance", "--json", "--root", str(told.world.root)]) == 0
    shown = json.loads(capsys.readouterr().out)["watch"]
    assert shown["alarm"]["until"] is None
    assert {each["name"] for each in shown["statistics"]} >= {"level", "variance", "pattern"}
    assert main(["performance", "--root", str(told.world.root)]) == 0
    assert f"ALARM since {shown['alarm']['day']}" in capsys.readouterr().out


def test_an_alarm_is_shown_wherever_its_run_is(told: Heard):
    """In a terminal, on its page, in a notification and in the record for telemetry."""
    run = told.world.ledger.run(alarmed(told))
    event = event_of(run, told.world.clock())
    assert run.watch is not None
    assert run.watch.alarm is not None
    day, first = str(run.watch.alarm.day), run.watch.alarm.names[0]

    assert f"ALARM since {day} ({first}" in summary(run)
    assert "<h2>Watch</h2>" in page(run, ())
    assert f"the data have changed since the champion was trained: {first}" in sentence(event, run, "model")
    assert run_facts(event, run)["alarm_day"] == day

"""What the timer does about files that no event has told of, however many they are and whatever fails."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial

import pytest

from retrain.doors import http as doors
from retrain.doors.cli import main
from retrain.errors import AccessDenied, ServiceUnavailable
from retrain.records.inbox_place import RECORD
from retrain.runs.inbox import ask_for_unseen
from tests.builders import ONE, QUICK, World, reports, seen_through
from tests.faults import Call, Faults, FaultyStore, fails

NAMES = [f"{letter}.csv" for letter in "abcde"]
TICKS = 3  # as many as five files need, two at a time


@pytest.fixture
def full(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """An inbox with more new files than a tick asks for."""
    monkeypatch.setattr("retrain.runs.inbox.MOST_FILES", 2)
    for name in NAMES:
        world.put(name, ONE)
    return world


def asked_in_vain(world: World) -> list[str]:
    """The files of a tick whose runs end without a look at them, as those of blobs in the archive tier do."""
    asked = ask_for_unseen(world.context)
    for request in asked:
        world.ledger.done(request.run_id)
    return [request.file for request in asked]


def is_number(number: int, call: Call) -> bool:
    """Whether it is that call."""
    return call.number == number


def test_files_that_fail_again_keep_no_other_waiting(full: World):
    """The next tick begins where the last one ended, and at the first name after the last."""
    found = [asked_in_vain(full) for _ in range(4)]

    assert found == [NAMES[:2], NAMES[2:4], ["e.csv", "a.csv"], NAMES[1:3]]


def test_an_inbox_that_is_not_too_full_needs_no_record(world: World):
    """One write less a tick."""
    world.put("one.csv", ONE)
    asked_in_vain(world)

    assert world.context.state.read(RECORD) is None


def test_a_damaged_record_of_the_place_begins_at_the_first_name(full: World):
    """And is replaced."""
    full.context.state.write(RECORD, b"{")

    assert [asked_in_vain(full) for _ in range(2)] == [NAMES[:2], NAMES[2:4]]


def test_a_call_that_fails_in_a_tick_starves_no_file(full: World):
    """Whichever it is: the ticks after it come to every name."""
    faults = Faults()
    here = seen_through(
        full.context, FaultyStore(full.context.inbox, faults), FaultyStore(full.context.state, faults)
    )
    ask_for_unseen(here)
    calls = len(faults.calls)
    starved = []
    for number in range(calls):
        faults.calls.clear()
        faults.when = partial(is_number, number)
        with suppress(ServiceUnavailable):
            ask_for_unseen(here)
        faults.stop()
        for request in full.ledger.requests():
            full.ledger.done(request.run_id)
        found = {name for _ in range(TICKS) for name in asked_in_vain(full)}
        starved += [(number, name) for name in NAMES if name not in found]

    assert calls > 0
    assert starved == []


@pytest.mark.parametrize("error", [ServiceUnavailable("it is away"), AccessDenied("it is refused")])
def test_an_inbox_that_cannot_be_listed_does_not_stop_the_run_of_the_timer(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    """The run is made, and the failure is told after it."""
    for name, value in {**QUICK, "RETRAIN_ROOT": str(world.root)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("retrain.runs.inbox.ask_for_unseen", fails(error))

    with pytest.raises(type(error), match=str(error)):
        doors.on_timer(is_late=False)
    assert main(["tick", "--root", str(world.root)]) == 5
    assert [run["trigger"] for run in reports(world.ledger, 5)] == ["timer", "timer"]


def test_a_name_begins_no_line_of_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Whoever may name a file could otherwise write a line that counts as the end of a run."""
    monkeypatch.setenv("RETRAIN_ROOT", str(world.root))
    caplog.set_level(logging.INFO, "retrain")
    doors.on_blob('{"retrain": "run", "status": "failed"}/_marker')
    doors.on_blob('{"retrain": "run"}\n{"retrain": "run"}', "other")
    lines = [line for message in caplog.messages for line in message.splitlines()]

    assert len(lines) == 2
    assert not [line for line in lines if line.startswith("{")]

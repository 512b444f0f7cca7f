"""Whatever happens to a process: each end of a run is told under one id, and nothing is left behind."""

from __future__ import annotations

from typing import Any

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.errors import ServiceUnavailable
from retrain.promotion.resume import promote_run
from retrain.records.ledger import Ledger, folder_of
from retrain.records.outbox import Event, Outbox, event_of
from retrain.records.request import Trigger
from retrain.records.run import Run
from retrain.runs.dispatch import work_off
from tests.builders import ONE, at_once
from tests.faults import Killed, fails
from tests.listening import Heard, Listener

BAD = b"TransactionDate,PaidAmount\n2023-01-01,much\n"


def test_two_processes_that_deliver_at_once_deliver_once(heard: Heard, listener: Listener):
    """One of them holds the lock."""
    listener.away = ServiceUnavailable("away")
    ids = [f"{heard.run()}-1" for _ in range(5)]
    listener.away = None

    def deliver() -> None:
        ledger = Ledger(FolderStore(heard.world.root))
        ledger.outbox.deliver(heard.listeners, ledger.recorded)

    at_once([deliver] * 4)

    assert [event_id for event_id, _ in listener.told] == ids
    assert heard.left == []


def test_an_event_that_is_put_while_another_process_delivers_is_not_left_behind(heard: Heard, listener: Listener):
    """Its own process finds the lock held; the holder looks again."""
    told = listener.receive
    later: list[str] = []

    def receive(event: Event, run: Run) -> None:
        told(event, run)
        if not later:
            later.append(heard.run())
            assert [event.run_id for event in heard.left] == [run.run_id, later[0]]

    listener.receive = receive  # type: ignore[method-assign]
    first = heard.run()

    assert [event_id for event_id, _ in listener.told] == [f"{first}-1", f"{later[0]}-1"]
    assert heard.left == []


def test_an_event_of_a_run_that_never_ended_waits_for_its_end(
    heard: Heard, listener: Listener, monkeypatch: pytest.MonkeyPatch
):
    """Its process was killed between the two writes."""
    with monkeypatch.context() as dying:
        dying.setattr(Ledger, "record", fails(Killed()))
        with pytest.raises(Killed):
            heard.run()
    run_id = heard.world.ledger.requests()[0].run_id
    assert [event.id for event in heard.left] == [f"{run_id}-1"]
    heard.world.ledger.outbox.deliver(heard.listeners, heard.world.ledger.recorded)
    assert listener.told == []
    work_off(heard.world.settings, heard.context)

    assert listener.told == [(f"{run_id}-1", "verdict")]
    assert heard.left == []


@pytest.mark.parametrize("ending", ["verdict", "refused file", "failed promotion"])
def test_a_run_that_was_killed_before_its_request_was_removed_is_not_made_again(
    heard: Heard, listener: Listener, monkeypatch: pytest.MonkeyPatch, ending: str
):
    """It has ended, whichever way; made again it might end in another way, under another id."""
    heard.world.put("one.csv", BAD if ending == "refused file" else ONE)
    asked: dict[str, Any] = {} if ending == "verdict" else {"file": "one.csv"}
    with monkeypatch.context() as dying:
        if ending == "failed promotion":
            dying.setattr("retrain.promotion.steps.confirm", fails(ServiceUnavailable("it is away")))
        dying.setattr(Ledger, "done", fails(Killed()))
        with pytest.raises(Killed):
            heard.run(Trigger.BLOB, **asked)
    (request,) = heard.world.ledger.requests()
    ended = heard.world.ledger.run(request.run_id)
    work_off(heard.world.settings, heard.context)

    assert heard.world.ledger.run(request.run_id) == ended
    assert [event_id for event_id, _ in listener.told] == [f"{request.run_id}-1"]
    assert heard.world.ledger.requests() == []


def test_a_promotion_by_hand_that_was_killed_after_its_end_is_not_made_again(
    heard: Heard, listener: Listener, monkeypatch: pytest.MonkeyPatch
):
    """It failed a second time, which is on record; a third time was not asked for."""
    monkeypatch.setattr("retrain.promotion.steps.confirm", fails(ServiceUnavailable("it is away")))
    run_id = heard.land("one.csv", ONE)
    with monkeypatch.context() as dying:
        dying.setattr(Ledger, "done", fails(Killed()))
        with pytest.raises(Killed):
            promote_run(run_id, heard.world.settings, heard.context)
    work_off(heard.world.settings, heard.context)

    assert [event_id for event_id, _ in listener.told] == [f"{run_id}-1", f"{run_id}-2"]
    assert heard.world.ledger.requests() == []


def test_a_promotion_by_hand_that_was_killed_before_it_began_is_made(
    heard: Heard, listener: Listener, monkeypatch: pytest.MonkeyPatch
):
    """It was asked for."""
    with monkeypatch.context() as broken:
        broken.setattr("retrain.promotion.steps.confirm", fails(ServiceUnavailable("it is away")))
        run_id = heard.land("one.csv", ONE)
    with monkeypatch.context() as dying:
        dying.setattr(Ledger, "record", fails(Killed()))
        with pytest.raises(Killed):
            promote_run(run_id, heard.world.settings, heard.context)
    work_off(heard.world.settings, heard.context)

    assert listener.told == [(f"{run_id}-1", "failure"), (f"{run_id}-2", "promotion")]


@pytest.mark.parametrize("record", [b"", b"[]", b'{"id": "x"}', b"{"], ids=["empty", "list", "other", "half"])
def test_a_damaged_event_is_set_aside(heard: Heard, listener: Listener, record: bytes):
    """It holds up nobody."""
    name = "outbox/20240101T000000000Z-0000-1.json"
    FolderStore(heard.world.root).write(name, record)
    run_id = heard.run()

    assert listener.told == [(f"{run_id}-1", "verdict")]
    assert (heard.world.root / "unreadable" / name).read_bytes() == record
    assert heard.left == []


def test_an_event_under_another_events_name_is_set_aside(heard: Heard, listener: Listener):
    """It would never be removed."""
    run_id = heard.run()
    run = heard.world.ledger.run(run_id)
    name = "outbox/20240101T000000000Z-0000-1.json"
    FolderStore(heard.world.root).write(name, event_of(run, heard.world.clock()).to_json())
    work_off(heard.world.settings, heard.context)

    assert len(listener.told) == 1
    assert (heard.world.root / "unreadable" / name).exists()


def test_a_damaged_run_holds_up_its_own_event_and_no_other(heard: Heard, listener: Listener):
    """The event waits until the record is restored."""
    listener.away = ServiceUnavailable("away")
    first, second = heard.run(), heard.run()
    record = heard.world.root / folder_of(first) / "report.json"
    whole = record.read_bytes()
    record.write_bytes(b"{")
    listener.away = None
    work_off(heard.world.settings, heard.context)
    assert listener.told == [(f"{second}-1", "verdict")]
    record.write_bytes(whole)
    work_off(heard.world.settings, heard.context)

    assert listener.told == [(f"{second}-1", "verdict"), (f"{first}-1", "verdict")]


def test_an_outbox_that_is_away_costs_no_run(heard: Heard, listener: Listener, monkeypatch: pytest.MonkeyPatch):
    """The run has ended; the next round delivers."""
    with monkeypatch.context() as broken:
        broken.setattr(Outbox, "deliver", fails(ServiceUnavailable("the storage is away")))
        run_id = heard.run()
    assert heard.world.ledger.run(run_id).verdict == "waiting"
    work_off(heard.world.settings, heard.context)

    assert listener.told == [(f"{run_id}-1", "verdict")]

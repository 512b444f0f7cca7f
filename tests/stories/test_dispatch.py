"""Nothing twice, nothing lost: requests, the lock, and who works them off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.errors import Conflict, ServiceUnavailable
from retrain.promotion.record import submit_rollback
from retrain.promotion.resume import LOCK
from retrain.records.ledger import Ledger, folder_of
from retrain.records.request import RUN_ID, Land, RollBack, Trigger, new_run_id
from retrain.records.run import Run
from retrain.runs import dispatch
from retrain.runs.dispatch import work_off
from retrain.runs.run import retrain
from tests.builders import ONE, TWO, World, ask, csv_file, has_worked_off, weekly
from tests.faults import fails

if TYPE_CHECKING:
    from retrain.promotion.record import Promotion


def test_a_request_that_finds_the_lock_held_is_left_to_its_holder(world: World):
    """It stays written down, and says that it waits its turn."""
    with world.context.state.lock(LOCK):
        request = ask(Trigger.HTTP, world.context)
        assert not has_worked_off(world.settings, world.context)
        assert world.ledger.run(request.run_id).status == "queued"

    assert has_worked_off(world.settings, world.context)
    assert world.ledger.run(request.run_id).verdict == "waiting"


def test_the_holder_looks_again_before_it_is_done(world: World, monkeypatch: pytest.MonkeyPatch):
    """A trigger that came while it worked finds its run made, though it never held the lock."""
    left: list[str] = []
    made = retrain

    def interrupted(*args: Any) -> Promotion | None:
        if not left:
            left.append(ask(Trigger.TIMER, world.context).run_id)
            assert not has_worked_off(world.settings, world.context)
        return made(*args)

    monkeypatch.setattr(dispatch, "retrain", interrupted)
    world.run()

    assert world.ledger.run(left[0]).status == "done"
    assert not world.ledger.requests()


def test_requests_left_by_a_killed_holder_are_taken_up(world: World):
    """Asked for, never worked off: the next trigger does both."""
    world.put("one.csv", csv_file(weekly(60)))
    orphan = ask(Trigger.BLOB, world.context, file="one.csv")

    world.run(Trigger.TIMER)

    assert world.ledger.run(orphan.run_id).verdict == "promote"


def test_what_may_pass_keeps_its_request(world: World, monkeypatch: pytest.MonkeyPatch):
    """The failure is on record, and the next trigger tries again under the same name."""
    with monkeypatch.context() as broken:
        broken.setattr(dispatch, "retrain", fails(ServiceUnavailable("the storage is away")))
        failed = world.run()
    assert failed["status"] == "failed"
    assert [request.run_id for request in world.ledger.requests()] == [failed["run_id"]]

    world.run(Trigger.TIMER)

    assert world.ledger.run(failed["run_id"]).verdict == "waiting"
    assert not world.ledger.requests()


def test_a_bug_is_a_recorded_failure_and_final(world: World, monkeypatch: pytest.MonkeyPatch):
    """It neither blocks those behind it nor comes again for ever."""
    monkeypatch.setattr(dispatch, "retrain", fails(ZeroDivisionError("division by zero")))
    report = world.run()

    assert report["error"]["kind"] == "internal"
    assert "traceback" not in report["error"]
    assert "ZeroDivisionError" in (world.root / folder_of(report["run_id"]) / "traceback.txt").read_text()
    assert not world.ledger.requests()


def test_run_ids_are_unique_and_in_order_even_when_the_clock_is_not_fast(world: World):
    """Names made later sort later; names of the same millisecond differ."""
    ids = [new_run_id(world.clock()) for _ in range(50)]
    same = {new_run_id(world.clock.now) for _ in range(20)}

    assert ids == sorted(ids)
    assert len(same) > 15
    assert all(RUN_ID.fullmatch(name) for name in ids)


def test_one_event_delivered_often_makes_one_model(world: World):
    """At least once is what the platform promises."""
    world.put("one.csv", csv_file(weekly(60)))
    requests = [ask(Trigger.BLOB, world.context, file="one.csv") for _ in range(5)]

    assert has_worked_off(world.settings, world.context)

    verdicts = [world.ledger.run(request.run_id).verdict for request in requests]
    assert verdicts == ["promote", *["unchanged"] * 4]
    assert len(world.ledger.pointer().champions) == 1


def test_an_event_for_a_file_that_is_gone_is_said(world: World):
    """Deleted between event and run: a failure with the name, and no retry."""
    report = world.run(Trigger.BLOB, file="gone.csv")

    assert report["error"]["kind"] == "not_found"
    assert "gone.csv" in report["reason"]
    assert not world.ledger.requests()


def test_a_request_reads_back_as_it_was_written(world: World):
    """Also its options."""
    request = ask(Trigger.HTTP, world.context, force=True, dry_run=True, note="drift")

    assert world.ledger.requests() == [request]
    assert request.evolve(note=None) != request


def test_what_was_asked_later_does_not_overtake_what_has_to_wait(world: World, monkeypatch: pytest.MonkeyPatch):
    """Both may speak of the same days, and the later file has to win."""
    first = ask(Trigger.BLOB, world.context, file="old.csv")
    second = ask(Trigger.BLOB, world.context, file="new.csv")

    monkeypatch.setattr(dispatch, "retrain", fails(ServiceUnavailable("the storage is away")))
    work_off(world.settings, world.context)

    assert world.ledger.run(first.run_id).status == "failed"
    assert world.ledger.run(second.run_id).status == "queued"


def test_a_rollback_that_was_killed_before_its_first_report_is_gone_on_with(world: World):
    """It is no retrain, which might promote something else."""
    world.overrides["RETRAIN_MIN_UNSEEN_DAYS"] = "14"
    world.land("one.csv", ONE)
    world.land("two.csv", TWO)
    request = RollBack(run_id=world.ledger.name_run(world.clock()), attempts=1)
    submit_rollback(None, request.run_id, world.context).submit(Run.of(request, ""), world.context)
    world.ledger.ask(request)
    world.run(Trigger.TIMER)

    assert [entry.version for entry in world.ledger.pointer().champions] == ["1", "2", "1"]
    assert world.ledger.run(request.run_id).status == "done"


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{}",
        b'{"a": 1}',
        b'{"run_id": "x", "trigger": "moon"}',
        b"[]",
        b'{"run_id": "x", "trigger": "timer", "begun": null}',
    ],
)
def test_a_request_that_makes_no_sense_stops_nobody(world: World, record: bytes):
    """It is set aside; those behind it are worked off."""
    world.context.state.write("requests/00000000T000000000Z-0000.json", record)

    assert world.run()["verdict"] == "waiting"
    assert (world.root / "unreadable" / "requests" / "00000000T000000000Z-0000.json").read_bytes() == record


def test_two_holders_of_one_request_do_not_both_begin_it(world: World, monkeypatch: pytest.MonkeyPatch):
    """The lease of one was over; who comes second finds the note changed."""
    request = ask(Trigger.TIMER, world.context)
    store = FolderStore(world.root)
    write = store.write

    def write_too_late(name: str, data: bytes, if_etag: str | None = None) -> str:
        world.ledger.begin(request)
        return write(name, data, if_etag)

    monkeypatch.setattr(store, "write", write_too_late)
    with pytest.raises(Conflict):
        Ledger(store).begin(request)


def test_a_request_that_was_worked_off_meanwhile_is_not_worked_off_again(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """A holder that was frozen beyond its lease finds it struck out, though it still has it in its hand."""
    request = ask(Trigger.TIMER, world.context)
    stale = world.ledger.requests()
    world.ledger.done(request.run_id)
    monkeypatch.setattr(type(world.ledger), "requests", lambda _ledger: stale)
    work_off(world.settings, world.context)

    assert world.ledger.recorded(request.run_id) is None


def test_a_setting_that_is_wrong_costs_no_file(world: World):
    """The request stays until the operator has mended it."""
    rows = b"TransactionDate,PaidAmount\n2024-01-01,1\n2024-01-01,2\n"
    world.land("one.csv", rows)
    world.overrides["RETRAIN_AGGREGATE"] = "sum"
    refused = world.land("two.csv", rows.replace(b"2024-01-01", b"2024-01-02"))
    world.overrides["RETRAIN_AGGREGATE"] = "mean"

    world.run(Trigger.TIMER)

    assert refused["error"]["kind"] == "configuration"
    assert world.ledger.run(refused["run_id"]).as_json()["landing"]["new_days"] == 1


def test_a_run_that_was_killed_after_its_report_is_not_made_again(world: World):
    """Its report stays what it was."""
    done = world.land("one.csv", csv_file(weekly(60)), note="first")
    world.ledger.ask(Land(run_id=done["run_id"], file="one.csv", note="first", attempts=1))

    world.run(Trigger.TIMER)

    assert world.ledger.run(done["run_id"]).as_json() == done
    assert not world.ledger.requests()

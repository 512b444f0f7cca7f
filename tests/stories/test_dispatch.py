"""Nothing twice, nothing lost: requests, the lock, and who works them off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from retrain import dispatch
from retrain.dispatch import MOST_DEATHS, ask, work_off
from retrain.errors import ServiceUnavailable
from retrain.pursuit import LOCK
from retrain.service import retrain
from retrain.trigger import RUN_ID, Request, Trigger, new_run_id
from tests.builders import World, csv_file, weekly


def test_a_request_that_finds_the_lock_held_is_left_to_its_holder(world: World):
    """It stays written down, and says that it waits its turn."""
    with world.ports.state.lock(LOCK):
        request = ask(Trigger.HTTP, world.ports)
        assert not work_off(world.settings, world.ports)
        assert world.ledger.run(request.run_id)["status"] == "queued"

    assert work_off(world.settings, world.ports)
    assert world.ledger.run(request.run_id)["verdict"] == "waiting"


def test_the_holder_looks_again_before_it_is_done(world: World, monkeypatch: pytest.MonkeyPatch):
    """A trigger that came while it worked finds its run made, though it never held the lock."""
    left: list[str] = []
    made = retrain

    def interrupted(*args: object) -> None:
        if not left:
            left.append(ask(Trigger.TIMER, world.ports).run_id)
            assert not work_off(world.settings, world.ports)
        made(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(dispatch, "retrain", interrupted)
    world.run()

    assert world.ledger.run(left[0])["status"] == "done"
    assert not world.ledger.requests()


def test_requests_left_by_a_killed_holder_are_taken_up(world: World):
    """Asked for, never worked off: the next trigger does both."""
    world.put("one.csv", csv_file(weekly(60)))
    orphan = ask(Trigger.BLOB, world.ports, file="one.csv")

    world.run(Trigger.TIMER)

    assert world.ledger.run(orphan.run_id)["verdict"] == "promote"


def test_what_may_pass_keeps_its_request(world: World, monkeypatch: pytest.MonkeyPatch):
    """The failure is on record, and the next trigger tries again under the same name."""

    def away(*_: object) -> None:
        raise ServiceUnavailable("the storage is away")

    with monkeypatch.context() as broken:
        broken.setattr(dispatch, "retrain", away)
        failed = world.run()
    assert failed["status"] == "failed"
    assert [request.run_id for request in world.ledger.requests()] == [failed["run_id"]]

    world.run(Trigger.TIMER)

    assert world.ledger.run(failed["run_id"])["verdict"] == "waiting"
    assert not world.ledger.requests()


def test_a_bug_is_a_recorded_failure_and_final(world: World, monkeypatch: pytest.MonkeyPatch):
    """It neither blocks those behind it nor comes again for ever."""

    def buggy(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(dispatch, "retrain", buggy)
    report = world.run()

    assert report["error"]["kind"] == "internal"
    assert "traceback" not in report["error"]
    assert "ZeroDivisionError" in (world.root / "runs" / report["run_id"] / "traceback.txt").read_text()
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
    requests = [ask(Trigger.BLOB, world.ports, file="one.csv") for _ in range(5)]

    assert work_off(world.settings, world.ports)

    verdicts = [world.ledger.run(request.run_id)["verdict"] for request in requests]
    assert verdicts == ["promote", *["unchanged"] * 4]
    assert len(world.ledger.pointer().reigns) == 1


def test_an_event_for_a_file_that_is_gone_is_said(world: World):
    """Deleted between event and run: a failure with the name, and no retry."""
    report = world.run(Trigger.BLOB, file="gone.csv")

    assert report["error"]["kind"] == "not_found"
    assert "gone.csv" in report["reason"]
    assert not world.ledger.requests()


def test_a_request_reads_back_as_it_was_written(world: World):
    """Also its options."""
    request = ask(Trigger.HTTP, world.ports, force=True, dry_run=True, note="drift")

    assert world.ledger.requests() == [request]
    assert replace(request, note=None) != request


def test_what_was_asked_later_does_not_overtake_what_has_to_wait(world: World, monkeypatch: pytest.MonkeyPatch):
    """Both may speak of the same days, and the later file has to win."""
    first = ask(Trigger.BLOB, world.ports, file="old.csv")
    second = ask(Trigger.BLOB, world.ports, file="new.csv")

    def away(*_: object) -> None:
        raise ServiceUnavailable("the storage is away")

    monkeypatch.setattr(dispatch, "retrain", away)
    work_off(world.settings, world.ports)

    assert world.ledger.run(first.run_id)["status"] == "failed"
    assert world.ledger.run(second.run_id)["status"] == "queued"


@pytest.mark.parametrize("record", [b"", b"{}", b'{"a": 1}', b'{"run_id": "x", "trigger": "moon"}', b"[]"])
def test_a_request_that_makes_no_sense_stops_nobody(world: World, record: bytes):
    """It is set aside; those behind it are worked off."""
    world.ports.state.write("requests/00000000T000000000Z-0000.json", record)

    assert world.run()["verdict"] == "waiting"
    assert (world.root / "unreadable" / "requests" / "00000000T000000000Z-0000.json").read_bytes() == record


def killed(world: World, request: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work a request off and be killed in the middle."""

    def dies(*_: object) -> None:
        raise KeyboardInterrupt  # as good as a kill: nothing is recorded

    with monkeypatch.context() as dying:
        dying.setattr(dispatch, "retrain", dies)
        with pytest.raises(KeyboardInterrupt):
            work_off(world.settings, world.ports)
    assert world.ledger.run(request.run_id)["status"] == "queued"


def test_a_file_that_kills_its_process_again_and_again_is_set_aside(world: World, monkeypatch: pytest.MonkeyPatch):
    """It would stand in the way of every later file; the copy and the reason are kept."""
    poison = ask(Trigger.BLOB, world.ports, file="poison.csv")
    world.put("poison.csv", b"whatever")
    for _ in range(MOST_DEATHS):
        killed(world, poison, monkeypatch)
    after = world.land("one.csv", csv_file(weekly(60)))

    report = world.ledger.run(poison.run_id)
    assert report["status"] == "failed"
    assert f"the run of poison.csv was begun {MOST_DEATHS} times" in report["reason"]
    assert (world.root / "quarantine" / poison.run_id / "poison.csv").read_bytes() == b"whatever"
    assert after["verdict"] == "promote"
    assert not world.ledger.requests()


def test_a_run_that_is_killed_a_few_times_is_made_in_the_end(world: World, monkeypatch: pytest.MonkeyPatch):
    """Hosts are restarted; that says nothing about a file."""
    world.put("one.csv", csv_file(weekly(60)))
    request = ask(Trigger.BLOB, world.ports, file="one.csv")
    for _ in range(MOST_DEATHS - 1):
        killed(world, request, monkeypatch)
    world.run(Trigger.TIMER)

    assert world.ledger.run(request.run_id)["verdict"] == "promote"


def test_a_run_that_ends_in_trouble_is_no_death(world: World, monkeypatch: pytest.MonkeyPatch):
    """However long the storage is away, nothing is set aside for it."""

    def away(*_: object) -> None:
        raise ServiceUnavailable("the storage is away")

    world.put("one.csv", csv_file(weekly(60)))
    request = ask(Trigger.BLOB, world.ports, file="one.csv")
    with monkeypatch.context() as broken:
        broken.setattr(dispatch, "retrain", away)
        for _ in range(2 * MOST_DEATHS):
            assert work_off(world.settings, world.ports)
    world.run(Trigger.TIMER)

    assert world.ledger.run(request.run_id)["verdict"] == "promote"


def test_a_request_that_was_worked_off_meanwhile_is_not_worked_off_again(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """A holder that was frozen beyond its lease finds it struck out, though it still has it in its hand."""
    request = ask(Trigger.TIMER, world.ports)
    stale = world.ledger.requests()
    world.ledger.done(request)
    monkeypatch.setattr(type(world.ledger), "requests", lambda _ledger: stale)
    work_off(world.settings, world.ports)

    assert world.ledger.report(request.run_id) is None


def test_a_setting_that_is_wrong_costs_no_file(world: World):
    """The request stays until the operator has mended it."""
    rows = b"TransactionDate,PaidAmount\n2024-01-01,1\n2024-01-01,2\n"
    world.land("one.csv", rows)
    world.overrides["RETRAIN_AGGREGATE"] = "sum"
    refused = world.land("two.csv", rows.replace(b"2024-01-01", b"2024-01-02"))
    world.overrides["RETRAIN_AGGREGATE"] = "mean"

    world.run(Trigger.TIMER)

    assert refused["error"]["kind"] == "configuration"
    assert world.ledger.run(refused["run_id"])["landing"]["new_days"] == 1


def test_a_run_that_was_killed_after_its_report_is_not_made_again(world: World):
    """Its report stays what it was."""
    done = world.land("one.csv", csv_file(weekly(60)), note="first")
    world.ledger.ask(Request(done["run_id"], Trigger.BLOB, file="one.csv", note="first"))

    world.run(Trigger.TIMER)

    assert world.ledger.run(done["run_id"]) == done
    assert not world.ledger.requests()

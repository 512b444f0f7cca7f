"""An object that is damaged, refused or foreign concerns one run: the next has its turn in the same round."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from retrain.doors import http
from retrain.doors.cli import main
from retrain.doors.page import page_of
from retrain.errors import AccessDenied, Conflict, ServiceUnavailable
from retrain.records.ledger import folder_of
from retrain.records.request import Trigger
from retrain.runs import dispatch
from retrain.runs.dispatch import work_off
from retrain.runs.outcome import Behind
from retrain.runs.run import retrain
from tests.builders import ONE, TWO, World, ask
from tests.faults import Call, Faults, FaultyStore, Killed, fails, fails_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.runs.outcome import Outcome

NOBODY = "20240101T000000000Z-0000"


def refusing(name: str) -> Faults:
    """The store refuses one object."""
    return Faults(when=partial(_is_of, name), fault=_refused)


def _is_of(name: str, call: Call) -> bool:
    return call.name == name


def _refused(call: Call) -> Exception:
    return AccessDenied(f"{call.name}: the blob is in the archive tier")


def worked_off(world: World, faults: Faults) -> Outcome:
    return work_off(world.settings, world.with_state(FaultyStore(world.context.state, faults)))


@pytest.mark.parametrize("record", ["request", "report"])
def test_a_request_whose_records_are_refused_is_left_and_the_next_one_is_made(world: World, record: str):
    """It is neither lost nor in the way."""
    first, second = ask(Trigger.TIMER, world.context), ask(Trigger.TIMER, world.context)
    world.ledger.begin(first)
    name = f"requests/{first.run_id}.json" if record == "request" else f"{folder_of(first.run_id)}report.json"

    outcome = worked_off(world, refusing(name))

    assert outcome.ended == (second.run_id,)
    assert [request.run_id for request in world.ledger.requests()] == [first.run_id]


def test_a_file_that_cannot_be_read_fails_its_run_and_is_tried_again(world: World):
    """An archived blob; the evaluation behind it is made."""
    context = world.context
    world.put("one.csv", ONE)
    first, second = ask(Trigger.BLOB, context, file="one.csv"), ask(Trigger.TIMER, context)
    inbox = FaultyStore(context.inbox, refusing("one.csv"))
    outcome = work_off(world.settings, replace(context, inbox=inbox))
    failed = world.ledger.run(first.run_id)
    world.run()

    assert outcome.ended == (second.run_id,)
    assert (failed.status, "one.csv cannot be read" in failed.reason) == ("failed", True)
    assert world.ledger.run(first.run_id).verdict == "promote"


def test_a_landing_that_waits_for_the_store_is_not_overtaken(world: World, monkeypatch: pytest.MonkeyPatch):
    """Both may speak of the same days."""
    first, second = ask(Trigger.BLOB, world.context, file="a.csv"), ask(Trigger.TIMER, world.context)
    monkeypatch.setattr(dispatch, "retrain", fails(ServiceUnavailable("the storage is away")))

    outcome = work_off(world.settings, world.context)

    assert [(left.run_id, left.first) for left in outcome.left] == [
        (first.run_id, first.run_id),
        (second.run_id, first.run_id),
    ]


@pytest.mark.parametrize("data", [b"", b"{"], ids=["emptied", "cut off"])
def test_a_run_whose_record_is_damaged_is_made_anew_and_says_so(world: World, data: bytes):
    """What was damaged is set aside."""
    request = ask(Trigger.TIMER, world.context)
    world.ledger.begin(request)
    world.context.state.write(f"{folder_of(request.run_id)}report.json", data)
    work_off(world.settings, world.context)
    run = world.ledger.run(request.run_id)
    aside = f"unreadable/{folder_of(request.run_id)}report.json"

    assert run.verdict == "waiting"
    assert aside in run.warnings[0]
    assert (world.root / aside).read_bytes() == data


def test_a_promotion_whose_run_is_damaged_is_continued(serving: World, monkeypatch: pytest.MonkeyPatch):
    """Its own record says how far it has come; the switch is confirmed as every other."""
    with monkeypatch.context() as dying:
        dying.setattr("retrain.promotion.steps.confirm", fails(Killed()))
        with pytest.raises(Killed):
            serving.land("two.csv", TWO)
    (request,) = serving.ledger.requests()
    serving.context.state.write(f"{folder_of(request.run_id)}report.json", b"")
    serving.run()
    run = serving.ledger.run(request.run_id)

    assert (run.status, run.verdict) == ("done", "promote")
    assert [entry.version for entry in serving.ledger.pointer().champions] == ["1", "2"]
    assert not serving.ledger.requests()


def test_a_run_that_somebody_else_was_faster_than_is_made_again_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """A few times; the request behind it waits for nothing."""
    real, always = retrain, fails(Conflict("the file changed while it was read"))
    monkeypatch.setattr(dispatch, "retrain", fails_at(real, {1, 2}, Conflict("it changed")))
    assert world.run()["verdict"] == "waiting"
    world.put("one.csv", ONE)
    first, second = ask(Trigger.BLOB, world.context, file="one.csv"), ask(Trigger.TIMER, world.context)
    monkeypatch.setattr(dispatch, "retrain", _by_kind({"land": always}, real))
    outcome = work_off(world.settings, world.context)

    assert outcome.ended == (second.run_id,)
    assert [(left.run_id, left.behind) for left in outcome.left] == [(first.run_id, Behind.TROUBLE)]


def _by_kind(broken: dict[str, Callable[..., object]], real: Callable[..., object]) -> Callable[..., object]:
    return lambda request, *args: broken.get(request.kind, real)(request, *args)


def test_a_stray_file_among_the_models_is_no_lost_champion(world: World):
    """A file browser leaves `.DS_Store` wherever it has been."""
    for name in (
        "models/.DS_Store",
        "models/daily-transactions/.DS_Store",
        "requests/.DS_Store",
        "outbox/.DS_Store",
    ):
        (world.root / name).parent.mkdir(parents=True, exist_ok=True)
        (world.root / name).write_bytes(b"Bud1")

    assert world.land("one.csv", ONE)["verdict"] == "promote"


def test_one_damaged_run_is_a_line_in_both_lists(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """The others are shown as ever."""
    done = world.run()
    world.context.state.write(f"{folder_of(NOBODY)}report.json", b"")
    monkeypatch.setenv("RETRAIN_ROOT", str(world.root))

    assert main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = json.loads(http.as_text(http.answered(lambda: http.list_runs("20"))))["runs"]

    assert [line.split()[0] for line in lines] == [done["run_id"], NOBODY]
    assert [(run["run_id"], run["status"]) for run in listed] == [(done["run_id"], "done"), (NOBODY, "failed")]
    assert listed[1]["error"]["kind"] == "record"
    assert "restore it from a backup" in listed[1]["reason"]


def test_one_damaged_version_is_a_line_in_the_list_of_champions(serving: World, capsys: pytest.CaptureFixture[str]):
    """With what to do about it."""
    serving.land("two.csv", TWO)
    serving.context.state.write("models/daily-transactions/1.json", b"")

    assert main(["champion", "--root", str(serving.root)]) == 0
    first, second = capsys.readouterr().out.splitlines()

    assert "version 1" in first
    assert "restore it from a backup" in first
    assert "version 2" in second
    assert "trained through" in second


@pytest.mark.parametrize("data", [b"", b"day\n", b"\xff"], ids=["emptied", "another header", "no text"])
def test_a_page_is_shown_without_the_plots_that_cannot_be_drawn(serving: World, data: bytes):
    """And says so."""
    run_id = serving.land("two.csv", TWO)["run_id"]
    serving.context.state.write(f"{folder_of(run_id)}unseen.csv", data)

    page = page_of(serving.ledger.run(run_id), serving.ledger)

    assert "The plots cannot be drawn" in page
    assert "<svg" not in page

"""A run whose lock is lost ends where it is: it has not failed, and the next trigger or another process goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from retrain.doors import http as doors
from retrain.doors.cli import main
from retrain.errors import LockLost
from retrain.promotion.resume import LOCK, promote_run
from retrain.records.outbox import event_of
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from retrain.runs.outcome import Behind
from retrain.runs.rebuild import rebuild
from tests.builders import ONE, TWO, World, ask
from tests.faults import Killed, fails

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retrain.records.context import Context
    from retrain.records.outbox import Event
    from retrain.records.run import Run
    from tests.listening import Heard, Listener


def losing(world: World, stage: str) -> Context:
    """The world, in which somebody removes the lock's file as soon as a run comes to this stage."""

    def progress(begun: str, _detail: str) -> None:
        if begun == stage:
            (world.root / ".locks" / LOCK).unlink(missing_ok=True)

    return replace(world.context, progress=progress)


def files_of(world: World) -> dict[Path, bytes]:
    """Everything that is stored, but locks."""
    found = (path for path in world.root.rglob("*") if path.is_file() and ".locks" not in path.parts)
    return {path: path.read_bytes() for path in found}


@pytest.fixture
def lost(serving: World) -> World:
    """Year two has landed; the process that works it off loses the lock while it looks for an order."""
    serving.put("two.csv", TWO)
    return serving


def test_the_outcome_says_that_another_process_has_the_run(lost: World):
    """And why this one has stopped."""
    context = losing(lost, "search")
    run_id = ask(Trigger.BLOB, context, file="two.csv").run_id

    outcome = work_off(lost.settings, context)

    left = outcome.of(run_id)
    assert left is not None
    assert left.behind is Behind.ANOTHER_PROCESS
    assert "somebody has removed" in outcome.lost
    assert outcome.trouble is None


def test_the_run_has_not_failed_and_the_next_trigger_makes_it(lost: World):
    """It is begun once more, and ends as if nothing had happened."""
    context = losing(lost, "search")
    run_id = ask(Trigger.BLOB, context, file="two.csv").run_id
    work_off(lost.settings, context)
    assert lost.ledger.run(run_id).status == "running"

    assert lost.run()["verdict"] == "unchanged"
    assert lost.ledger.run(run_id).as_json()["model"]["version"] == "2"


@pytest.mark.parametrize("stage", ["register", "build", "deploy", "prove", "switch", "confirm", "retire"])
def test_a_promotion_takes_no_step_back_when_the_lock_is_lost(lost: World, stage: str):
    """Another process may have it by now: from the loss on nothing is written, and no service is touched."""
    before: list[tuple[dict[Path, bytes], list[str]]] = []

    def progress(begun: str, _detail: str) -> None:
        if begun == stage and not before:
            (lost.root / ".locks" / LOCK).unlink()
            before.append((files_of(lost), versions(lost)))

    context = replace(lost.context, progress=progress)
    ask(Trigger.BLOB, context, file="two.csv")

    outcome = work_off(lost.settings, context)

    assert outcome.lost
    assert before == [(files_of(lost), versions(lost))]
    assert lost.run()["verdict"] == "unchanged"
    assert versions(lost) == ["1", "2"]


def versions(world: World) -> list[str]:
    return sorted(service.version for service in world.platform.services())


def test_a_promotion_by_hand_says_that_the_lock_was_lost(lost: World, monkeypatch: pytest.MonkeyPatch):
    """It is no failure of the promotion, which can be continued."""
    with monkeypatch.context() as dying:
        dying.setattr("retrain.promotion.steps.confirm", fails(Killed()))
        with pytest.raises(Killed):
            lost.run(Trigger.BLOB, file="two.csv")
    run_id = lost.ledger.requests()[0].run_id

    with pytest.raises(LockLost):
        promote_run(run_id, lost.settings, losing(lost, "confirm"))

    assert promote_run(run_id, lost.settings, lost.context).status == "done"


def test_a_rebuild_stops_and_can_be_continued(serving: World):
    """What it had moved stays moved."""
    with pytest.raises(LockLost):
        rebuild(losing(serving, "move"))

    assert [request.kind for request in rebuild(serving.context)] == ["land"]


def test_a_command_ends_with_the_sentence_and_the_exit_code_of_an_operator(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """It does not try to get the lock back: whoever took it away had a reason."""
    monkeypatch.setattr("retrain.wiring.connect", lambda _settings, _progress: losing(world, "load"))
    world.put("one.csv", ONE)

    code = main(["run", "--root", str(world.root)])

    assert code == 5
    assert "this process has lost the lock: somebody has removed" in capsys.readouterr().err


@pytest.mark.parametrize("trigger", [lambda: doors.on_blob("one.csv"), doors.on_queue], ids=["blob", "queue"])
def test_a_trigger_is_told_so_that_the_platform_tries_again(
    world: World, trigger: Callable[[], None], monkeypatch: pytest.MonkeyPatch
):
    """Nobody else may have the lock: then the event that is delivered again does the work."""
    monkeypatch.setattr(doors, "parse", lambda _environment: world.settings)
    monkeypatch.setattr(doors, "connect", lambda _settings: losing(world, "load"))
    world.put("one.csv", ONE)
    ask(Trigger.HTTP, world.context)

    with pytest.raises(LockLost):
        trigger()


def test_a_delivery_stops_when_its_lock_is_lost_and_the_next_one_goes_on(heard: Heard, listener: Listener):
    """The event is kept, and told under the same id."""
    heard.land("one.csv", ONE)
    told, outbox = list(listener.told), heard.world.ledger.outbox
    outbox.put(event_of(heard.world.ledger.runs(1)[0], heard.world.clock()))

    with pytest.raises(LockLost):
        outbox.deliver([Thief(heard.world)], heard.world.ledger.recorded)
    assert len(outbox.waiting()) == 1
    outbox.deliver([listener], heard.world.ledger.recorded)

    assert outbox.waiting() == []
    assert listener.told == told * 2


@dataclass(frozen=True)
class Thief:
    """Removes the lock's file while it is told of an event."""

    world: World
    name: str = "thief"

    def receive(self, _event: Event, _run: Run) -> None:
        (self.world.root / ".locks" / "outbox").unlink()

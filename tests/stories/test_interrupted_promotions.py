"""A promotion is written down when it begins and when its champion is confirmed: enough to go on, or to go back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.ports import ABSENT
from retrain.records.ledger import Ledger
from retrain.records.request import Trigger
from retrain.records.run import Run
from retrain.runs.dispatch import MOST_DEATHS, work_off
from tests.builders import ONE, TWO, World, ask
from tests.faults import Killed, fails

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.records.champion import Champion, Pointer


WHERE = ["runs.dispatch.start", *(f"promotion.steps.{step}" for step in ("_registered", "confirm", "_retired"))]


def killed(world: World, where: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The second year lands, and the process ends there; the run."""
    with monkeypatch.context() as dying:
        dying.setattr(where, fails(Killed()))
        with pytest.raises(Killed):
            world.land("two.csv", TWO)
    (request,) = world.ledger.requests()
    return request.run_id


def champions(world: World) -> list[str]:
    return [entry.version for entry in world.ledger.pointer().champions]


@pytest.mark.parametrize("where", WHERE)
def test_a_run_that_is_promoting_says_so_and_is_continued(
    serving: World, monkeypatch: pytest.MonkeyPatch, where: str
):
    """It has no report yet: its promotion has the run as it was, with all that was found."""
    run_id = killed(serving, f"retrain.{where}", monkeypatch)
    shown = serving.ledger.run(run_id)
    listed = [run.status for run in serving.ledger.runs(5) if run.run_id == run_id]
    serving.run()
    run = serving.ledger.run(run_id)

    assert (shown.status, listed) == ("promoting", ["promoting"])
    assert shown.evidence is not None
    assert (run.status, run.verdict, run.evidence) == ("done", "promote", shown.evidence)
    assert champions(serving) == ["1", "2"]
    assert serving.context.registry.versions() == ["1", "2"]


def test_a_switch_that_is_never_confirmed_is_taken_back(serving: World, monkeypatch: pytest.MonkeyPatch):
    """Its version is not in the record of the promotion; it is found by the artifact, and so is its service."""
    run_id = killed(serving, "retrain.promotion.steps.confirm", monkeypatch)
    (request,) = serving.ledger.requests()
    for _ in range(MOST_DEATHS):
        serving.ledger.begin(request)
        request = serving.ledger.requests()[0]
    assert champions(serving) == ["1", "2"]

    serving.overrides["RETRAIN_MIN_GAIN"] = "0.99"
    serving.run()

    assert serving.ledger.run(run_id).status == "failed"
    assert champions(serving) == ["1", "2", "1"]
    assert [service.version for service in serving.platform.services()] == ["1"]


def test_a_switch_whose_record_is_damaged_is_taken_back(serving: World, monkeypatch: pytest.MonkeyPatch):
    """Nothing says any more that it was confirmed; the pointer says what it has replaced."""
    run_id = killed(serving, "retrain.promotion.steps.confirm", monkeypatch)
    serving.context.state.write(f"promotions/{run_id}.json", b"")

    serving.run()

    run = serving.ledger.run(run_id)
    assert (run.status, champions(serving)[:3]) == ("failed", ["1", "2", "1"])
    assert f"the promotion of run {run_id} is damaged" in run.reason


def test_a_switch_whose_answer_says_conflict_but_took_effect_has_been_made(
    serving: World, monkeypatch: pytest.MonkeyPatch
):
    """An SDK that repeats its own request finds the condition gone."""
    switch = Ledger.switch

    def made_twice(ledger: Ledger, pointer: Pointer, champion: Champion) -> None:
        switch(ledger, pointer, champion)
        switch(ledger, pointer, champion)

    monkeypatch.setattr(Ledger, "switch", made_twice)

    assert serving.land("two.csv", TWO)["verdict"] == "promote"
    assert champions(serving) == ["1", "2"]


def test_a_request_that_another_process_has_begun_meanwhile_is_not_taken_for_a_new_one(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """It waited between asking and the lock while another process promoted its run and ended."""
    slow = world.context
    world.put("one.csv", ONE)
    request = ask(Trigger.BLOB, slow, file="one.csv")
    with monkeypatch.context() as dying:
        dying.setattr("retrain.promotion.steps.confirm", fails(Killed()))
        with pytest.raises(Killed):
            work_off(world.settings, world.context)
    promoting = world.ledger.run(request.run_id)

    outcome = work_off(world.settings, slow)

    assert promoting.status == "promoting"
    assert outcome.ended == (request.run_id,)
    assert world.ledger.run(request.run_id).status == "done"
    assert champions(world) == ["1"]


class Conditions(FolderStore):
    """A store that remembers the condition of each write."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.seen: list[str | None] = []

    def write(self, name: str, data: bytes, if_etag: str | None = None) -> str:
        self.seen.append(if_etag)
        return super().write(name, data, if_etag)


def test_the_first_report_of_a_run_depends_on_there_being_none(world: World):
    """A process that was frozen with it on the way does not replace that of the next holder."""
    store = Conditions(world.root)
    ledger, run = Ledger(store), Run(run_id="20260101T000000000Z-0000", trigger=Trigger.TIMER)
    ledger.begins_anew(run.run_id)

    ledger.record(run)
    ledger.record(run.done())

    assert store.seen == [ABSENT, None]
    assert world.ledger.run(run.run_id).status == "done"

"""Promotions that jobs make: who submits, who waits, who looks after them, and what a late job may still do."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from retrain.errors import AccessDenied, Conflict, LockHeld, PromotionFailed, ServiceError, ServiceUnavailable
from retrain.ports import DEPLOY, REGISTER, Job
from retrain.promotion import resume as pursuit
from retrain.promotion.resume import promote_run
from retrain.records.ledger import Ledger
from retrain.records.registry import Registry
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from retrain.runs.outcome import Behind
from tests.builders import THREE, TWO, World, ask, has_worked_off
from tests.faults import Killed, fails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.records.context import Context


@dataclass
class JobsOnDemand:
    """Jobs that are made when a test says so, and end as it says; `submitted` counts every call."""

    states: dict[str, Job] = field(default_factory=dict)
    submitted: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    away: bool = False

    def submit(self, run_id: str) -> str:
        """Keep it, once."""
        if self.away:
            raise ServiceUnavailable("Azure ML is away")
        self.submitted.append(run_id)
        self.states.setdefault(run_id, Job(ended=False))
        return f"job-{run_id}"

    def look(self, run_id: str) -> Job | None:
        """As the test has left it."""
        return self.states.get(run_id)

    def cancel(self, run_id: str) -> None:
        """Note it."""
        self.cancelled.append(run_id)
        self.states[run_id] = Job(ended=True, failure="it was cancelled")


@dataclass
class Office:
    """A world whose promotions are jobs; version 1 was made without."""

    world: World
    jobs: JobsOnDemand

    @property
    def context(self) -> Context:
        return replace(self.world.context, jobs=self.jobs)

    def land(self, name: str = "two.csv", data: bytes = TWO) -> str:
        """A file lands, and its trigger does what it can; the run's name."""
        self.world.put(name, data)
        return self.trigger(file=name)

    def trigger(self, kind: Trigger = Trigger.BLOB, **asked: Any) -> str:
        request = ask(kind, self.context, **asked)
        assert has_worked_off(self.world.settings, self.context)
        return request.run_id

    def half(self, run_id: str, half: str) -> dict[str, Any]:
        """One step of the job."""
        return promote_run(run_id, self.world.settings, self.context, half).as_json()

    def report(self, run_id: str) -> dict[str, Any]:
        return self.world.ledger.run(run_id).as_json()

    def status(self, run_id: str) -> str:
        status: str = self.world.ledger.run(run_id).status
        return status

    def under_way(self) -> str | None:
        """The run that a job is promoting, as the next trigger finds it."""
        left = work_off(self.world.settings, self.context).left
        return next((one.first for one in left if one.behind is Behind.JOB), None)

    @property
    def champion(self) -> str | None:
        reign = self.world.ledger.pointer().champion
        return reign.version if reign else None

    @property
    def running(self) -> list[str]:
        return [service.version for service in self.world.platform.services()]


@pytest.fixture
def office(serving: World) -> Office:
    """Version 1 answers."""
    return Office(serving, JobsOnDemand())


def test_a_winner_is_submitted_and_nobody_waits(office: Office):
    """The run says so, its request stays, the champion is as it was."""
    run_id = office.land()

    assert (office.status(run_id), office.champion) == ("promoting", "1")
    assert office.jobs.submitted == [run_id]
    assert office.under_way() == run_id
    assert office.report(run_id)["promotion"]["submit"]["job"] == f"job-{run_id}"


def test_the_two_halves_of_a_job_make_a_champion(office: Office):
    """The first registers and no more."""
    run_id = office.land()
    registered = office.half(run_id, REGISTER)
    assert (registered["status"], office.champion, office.running) == ("promoting", "1", ["1"])
    office.half(run_id, DEPLOY)

    assert (office.status(run_id), office.champion, office.running) == ("done", "2", ["1", "2"])
    assert office.under_way() is None
    assert office.world.ledger.requests() == []


def test_a_half_that_is_made_again_changes_nothing(office: Office):
    """Azure ML may start a step a second time, also after everything is done."""
    run_id = office.land()
    for half in (REGISTER, REGISTER, DEPLOY, DEPLOY, REGISTER):
        office.half(run_id, half)

    assert (office.champion, office.running) == ("2", ["1", "2"])
    assert [reign.version for reign in office.world.ledger.pointer().champions] == ["1", "2"]


def test_what_is_asked_meanwhile_waits_for_the_jobs_end(office: Office):
    """In its order; it is measured against the new champion then."""
    promoting = office.land()
    waiting = office.land("three.csv", THREE)
    assert office.status(waiting) == "queued"
    office.half(promoting, REGISTER)
    office.half(promoting, DEPLOY)
    assert has_worked_off(office.world.settings, office.context)

    report = office.world.ledger.run(waiting).as_json()
    assert report["champion"]["version"] == "2"
    assert office.jobs.submitted == [promoting, waiting]


def test_a_trigger_that_died_before_it_submitted_is_made_good(office: Office, monkeypatch: pytest.MonkeyPatch):
    """The run is on record as promoting and no job is there: the next trigger submits it, once."""
    with monkeypatch.context() as patch:
        patch.setattr(JobsOnDemand, "submit", fails(Killed()))
        with pytest.raises(Killed):
            office.land()
    run_id = office.world.ledger.requests()[0].run_id
    assert (office.status(run_id), office.jobs.submitted) == ("promoting", [])
    office.trigger(Trigger.TIMER)
    office.trigger(Trigger.TIMER)

    assert office.jobs.submitted == [run_id]


def test_a_submission_that_fails_is_a_failed_run(office: Office):
    """The next one decides anew."""
    office.jobs.away = True
    run_id = office.land()
    office.jobs.away = False
    again = office.trigger(Trigger.TIMER)

    assert office.report(run_id)["error"]["step"] == "submit"
    assert "Azure ML is away" in office.world.ledger.run(run_id).reason
    assert office.status(again) == "promoting"


def test_a_job_that_failed_in_its_own_words(office: Office):
    """Whatever it had deployed goes."""
    run_id = office.land()
    office.half(run_id, REGISTER)
    office.world.platform.deploy(*deployed_by_hand(office))
    office.jobs.states[run_id] = Job(ended=True, failure="the node was lost")
    office.trigger(Trigger.TIMER)

    report = office.world.ledger.run(run_id).as_json()
    assert report["reason"] == "promotion failed at build: the node was lost; the champion stays"
    assert (office.champion, office.running) == ("1", ["1"])


def deployed_by_hand(office: Office) -> tuple[str, str, str]:
    """What a job that died in the middle of its second half leaves behind."""
    from retrain.records.image import build_context

    registry = Registry(office.context.state, office.world.settings.platform.model_name)
    model = registry.get("2")
    image = office.world.platform.build(model.name, "2", build_context(model, registry.artifact(model)))
    return f"{model.name}-v2", "2", image.reference


def test_a_job_that_gives_no_sign_is_cancelled(office: Office):
    """After the minutes of the setting, counted from its last step."""
    office.world.overrides["RETRAIN_JOB_MINUTES"] = "30"
    run_id = office.land()
    office.world.clock.now += timedelta(minutes=29)
    office.half(run_id, REGISTER)
    office.world.clock.now += timedelta(minutes=29)
    office.trigger(Trigger.TIMER)
    assert office.status(run_id) == "promoting"
    office.world.clock.now += timedelta(minutes=2)
    office.trigger(Trigger.TIMER)

    assert office.jobs.cancelled == [run_id]
    assert "no step since register at 2026-01-01 00:29 UTC" in office.world.ledger.run(run_id).reason


def test_a_submission_that_was_never_noted_is_made_good(office: Office, monkeypatch: pytest.MonkeyPatch):
    """The process died between the two: the job's minutes begin when the next trigger has noted it."""
    office.world.overrides["RETRAIN_JOB_MINUTES"] = "30"
    with monkeypatch.context() as patch:
        patch.setattr("retrain.promotion.record.Promotion.taking", noted_never())
        with pytest.raises(Killed):
            office.land()
    run_id = office.world.ledger.requests()[0].run_id
    office.trigger(Trigger.TIMER)
    office.world.clock.now += timedelta(minutes=31)
    office.trigger(Trigger.TIMER)

    assert (office.status(run_id), office.jobs.cancelled) == ("failed", [run_id])


def noted_never() -> Any:
    """A step that is taken and dies before it is written down."""

    @contextmanager
    def taking(_promotion: Any, _step: str, _context: Context) -> Iterator[dict[str, Any]]:
        yield {}
        raise Killed

    return taking


def test_a_bug_in_looking_after_a_job_holds_up_nobody(office: Office, monkeypatch: pytest.MonkeyPatch):
    """The run has failed with it, and later requests are worked off."""
    run_id = office.land()
    with monkeypatch.context() as patch:
        patch.setattr(JobsOnDemand, "look", fails(TypeError("NoneType")))
        later = office.trigger(Trigger.TIMER)

    assert "TypeError: NoneType; this is a bug" in office.world.ledger.run(run_id).reason
    assert office.status(later) == "promoting"
    assert office.champion == "1"


def test_a_job_that_cannot_be_looked_at_is_said_and_not_waited_for_without_end(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    """The run tells the trouble; nobody takes that for a job under way; in the end its minutes are over."""
    denied = AccessDenied("give this identity the role AzureML Data Scientist")
    office.world.overrides["RETRAIN_JOB_MINUTES"] = "30"
    run_id = office.land()
    with monkeypatch.context() as patch:
        patch.setattr(JobsOnDemand, "look", fails(denied))
        waiting = office.trigger(Trigger.TIMER)
        assert "AzureML Data Scientist" in office.report(run_id)["trouble"]
        assert office.under_way() is None
        assert (office.status(run_id), office.status(waiting)) == ("promoting", "queued")
        office.world.clock.now += timedelta(minutes=31)
        office.trigger(Trigger.TIMER)

    assert "its state cannot be read (give this identity the role" in office.world.ledger.run(run_id).reason
    assert office.status(run_id) == "failed"


def test_trouble_that_has_passed_is_forgotten(office: Office, monkeypatch: pytest.MonkeyPatch):
    """The job is under way again."""
    run_id = office.land()
    with monkeypatch.context() as patch:
        patch.setattr(JobsOnDemand, "look", fails(ServiceUnavailable("Azure ML is away")))
        office.trigger(Trigger.TIMER)
    office.trigger(Trigger.TIMER)

    assert "trouble" not in office.world.ledger.run(run_id).as_json()
    assert office.under_way() == run_id


def test_silence_after_the_champion_was_confirmed_is_no_failure(office: Office, monkeypatch: pytest.MonkeyPatch):
    """Azure still calls the job running, though its process died while it tidied up."""
    run_id = office.land()
    with monkeypatch.context() as patch:
        patch.setattr("retrain.promotion.steps._retire", fails(Killed()))
        with pytest.raises(Killed):
            office.half(run_id, DEPLOY)
    office.world.clock.now += timedelta(hours=3)
    office.trigger(Trigger.TIMER)

    assert (office.status(run_id), office.champion) == ("done", "2")


def test_a_half_that_starts_again_after_its_switch_and_fails_is_taken_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    """Whatever fails then, also the first of its steps: no failed run leaves its model as champion."""
    run_id = office.land()
    with monkeypatch.context() as patch:
        patch.setattr("retrain.promotion.steps.confirm", fails(Killed()))
        with pytest.raises(Killed):
            office.half(run_id, DEPLOY)
    assert office.champion == "2"
    with monkeypatch.context() as patch:
        patch.setattr(Registry, "register", fails(ServiceError("the registry refuses")))
        with pytest.raises(PromotionFailed, match="the registry refuses"):
            office.half(run_id, DEPLOY)

    assert (office.status(run_id), office.champion, office.running) == ("failed", "1", ["1"])


def test_a_job_that_wakes_up_after_it_was_given_up_does_nothing(office: Office):
    """Its run has failed and others were decided since."""
    run_id = office.land()
    office.jobs.states[run_id] = Job(ended=True, failure="the node was lost")
    office.trigger(Trigger.TIMER)

    for half in (REGISTER, DEPLOY):
        with pytest.raises(Conflict, match="waits for no job"):
            office.half(run_id, half)
    assert office.champion == "1"


def test_a_job_that_died_after_its_champion_was_confirmed_has_not_failed(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    """Only its record was missing, and that is made good."""
    run_id = office.land()
    with monkeypatch.context() as patch:
        patch.setattr("retrain.promotion.steps._retire", fails(Killed()))
        with pytest.raises(Killed):
            office.half(run_id, DEPLOY)
    office.jobs.states[run_id] = Job(ended=True, failure="the node was lost")
    office.trigger(Trigger.TIMER)

    assert (office.status(run_id), office.champion) == ("done", "2")


def test_a_half_that_fails_is_recorded_by_itself(office: Office, monkeypatch: pytest.MonkeyPatch):
    """Nobody has to look after it; the next trigger decides anew."""
    run_id = office.land()
    with monkeypatch.context() as patch:
        patch.setattr("retrain.promotion.steps.prove", fails(ServiceUnavailable("it answers nobody")))
        with pytest.raises(PromotionFailed):
            office.half(run_id, DEPLOY)

    assert office.status(run_id) == "failed"
    assert office.world.ledger.requests() == []
    assert (office.champion, office.running) == ("1", ["1"])


def test_a_job_waits_for_the_lock_and_a_person_does_not(office: Office, monkeypatch: pytest.MonkeyPatch):
    """A trigger may be deciding at that moment."""
    run_id = office.land()
    monkeypatch.setattr(pursuit, "JOB_WAITS_SECONDS", 0.3)

    with office.context.state.lock(pursuit.LOCK):
        with pytest.raises(LockHeld):
            promote_run(run_id, office.world.settings, office.context)
        with pytest.raises(LockHeld):
            office.half(run_id, REGISTER)
    assert office.half(run_id, REGISTER)["status"] == "promoting"


def test_a_rollback_meanwhile_wins(office: Office):
    """The job's model was not measured against who is champion now."""
    run_id = office.land()
    office.half(run_id, REGISTER)
    ledger = Ledger(office.context.state)
    pointer = ledger.pointer()
    ledger.switch(pointer, replace(pointer.champions[-1], version="7", run_id="by hand"))

    with pytest.raises(PromotionFailed, match="became champion meanwhile"):
        office.half(run_id, DEPLOY)
    assert (office.champion, office.status(run_id)) == ("7", "failed")

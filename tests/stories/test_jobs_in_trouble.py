"""Jobs that fail, hang, vanish or come too late: no failed run leaves its model as champion."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from retrain.errors import AccessDenied, Conflict, PromotionFailed, ServiceError, ServiceUnavailable
from retrain.ports import DEPLOY, REGISTER, Job
from retrain.records.registry import Registry
from retrain.records.request import Trigger
from tests.faults import Killed, fails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.records.context import Context
from tests.stories.office import JobsOnDemand, Office


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

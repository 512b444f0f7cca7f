"""Promotions that jobs make: who submits, who waits, who looks after them, and what a late job may still do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retrain.errors import LockHeld, PromotionFailed
from retrain.ports import DEPLOY, REGISTER, Job
from retrain.promotion import resume as pursuit
from retrain.promotion.resume import promote_run
from retrain.records.ledger import Ledger
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from tests.approving import REQUIRED, ask_to_approve, asked_by
from tests.builders import THREE, TWO, ask, has_worked_off
from tests.faults import Killed, fails
from tests.stories.office import JobsOnDemand, Office

if TYPE_CHECKING:
    pass


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
    assert [entry.version for entry in office.world.ledger.pointer().champions] == ["1", "2"]


def test_who_asked_continues_what_another_process_has_begun_since(office: Office):
    """It remembers its request as it was asked, and reads it anew: the run is not made a second time."""
    office.world.put("two.csv", TWO)
    asking, settings = office.context, office.world.settings
    run_id = ask(Trigger.BLOB, asking, file="two.csv").run_id
    work_off(settings, office.context)
    before = office.report(run_id)

    for _ in range(2):  # as a command that waits
        work_off(settings, asking)

    assert office.report(run_id)["seconds"] == before["seconds"]
    assert (office.status(run_id), office.jobs.submitted) == ("promoting", [run_id])


def test_deaths_are_counted_although_who_asked_remembers_none(office: Office):
    """So a file that kills whoever reads it is set aside by a command that waits too."""
    asking = office.context
    run_id = ask(Trigger.TIMER, asking).run_id
    for _ in range(5):
        ledger = office.context.ledger
        ledger.begin(ledger.requests()[0])
    asking.ledger.run(run_id)

    [request] = asking.ledger.requests(asking.ledger.asked_lately())

    assert request.begun == 5


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


def test_an_approved_winner_is_promoted_by_a_job(office: Office):
    """It waits without one; the answer submits it, and the run that asked goes on as every promotion."""
    office.world.overrides |= REQUIRED
    run_id = office.land()
    assert (office.status(run_id), office.jobs.submitted) == ("awaiting approval", [])

    answer = ask_to_approve(office.world, run_id)
    assert has_worked_off(office.world.settings, office.context)
    office.trigger(Trigger.TIMER)
    under_way = (office.status(answer.run_id), office.status(run_id), office.champion)
    for half in (REGISTER, DEPLOY):
        office.half(run_id, half)

    assert under_way == ("done", "promoting", "1")
    assert (office.jobs.submitted, office.status(run_id), office.champion) == ([run_id], "done", "2")
    assert office.under_way() is None
    assert asked_by(office.world, run_id).by == "ada"


def test_a_job_that_fails_leaves_the_approved_winner_unpromoted(office: Office):
    """The old champion stays, and the next run asks anew."""
    office.world.overrides |= REQUIRED
    run_id = office.land()
    ask_to_approve(office.world, run_id)
    assert has_worked_off(office.world.settings, office.context)
    office.jobs.states[run_id] = Job(ended=True, failure="no quota")

    again = office.trigger(Trigger.TIMER)

    assert (office.status(run_id), office.champion) == ("failed", "1")
    assert office.status(again) == "awaiting approval"

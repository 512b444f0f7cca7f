"""With RETRAIN_APPROVAL=required a winner waits for a person, and what is in doubt is not promoted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from retrain.doors.page import page_of
from retrain.doors.terminal import summary
from retrain.errors import Conflict, NotConverged, NotFound, ServiceError
from retrain.promotion.resume import promote_run
from retrain.records.approval import NEWEST
from retrain.records.history import Histories
from retrain.records.request import Land, Trigger
from retrain.runs import asking
from retrain.runs.approval import awaiting
from retrain.runs.replay import replay
from tests.approving import REQUIRED, approve, ask_to_approve, asked_by, champion_of, reject
from tests.builders import ONE, THREE, TWO, World, made
from tests.faults import fails


@pytest.fixture
def waiting(serving: World) -> tuple[World, str]:
    """Version 1 answers, and the winner of a run waits."""
    serving.overrides |= REQUIRED
    return serving, serving.land("two.csv", TWO)["run_id"]


def test_a_winner_waits_with_its_report(waiting: tuple[World, str]):
    """It has its verdict and its numbers; the champion is as before, and a person has to act."""
    world, run_id = waiting
    run = world.ledger.run(run_id)

    assert (run.status, run.verdict, run.model, champion_of(world)) == ("awaiting approval", "promote", None, "1")
    assert run.evidence is not None
    assert world.ledger.requests() == []


def test_its_page_and_its_summary_say_how_to_approve_it(waiting: tuple[World, str]):
    """And which decision that would be."""
    world, run_id = waiting
    run = world.ledger.run(run_id)

    for shown in (page_of(run, world.ledger), summary(run)):
        assert f"retrain approve {run_id}" in shown
        assert asked_by(world, run_id).decision in shown


def test_an_approved_winner_is_promoted_as_it_was_measured(waiting: tuple[World, str]):
    """The same artifact, by the promotion of its own run; who and when are on record."""
    world, run_id = waiting
    asked = asked_by(world, run_id)

    report = approve(world, run_id)

    run = world.ledger.run(run_id)
    answered = asked_by(world, run_id)
    assert (report["status"], run.status, run.verdict, champion_of(world)) == ("done", "done", "promote", "2")
    assert run.model is not None
    assert run.model.artifact_sha256 == asked.artifact_sha256
    assert (answered.state, answered.by, answered.run_id) == ("approved", "ada", report["run_id"])
    assert answered.at is not None
    assert world.run()["verdict"] == "unchanged"


def test_what_waits_behind_an_answer_is_decided_after_the_promotion(waiting: tuple[World, str]):
    """In the same round: otherwise it would be compared with the old champion, and a person asked for nothing."""
    world, run_id = waiting
    ask_to_approve(world, run_id)
    timer = world.run(Trigger.TIMER)

    assert (champion_of(world), timer["champion"]["version"], timer["verdict"]) == ("2", "2", "unchanged")
    assert world.ledger.requests() == []


def test_a_rejected_winner_is_not_promoted_and_not_asked_about_again(waiting: tuple[World, str]):
    """Until there are other days, or a person forces it."""
    world, run_id = waiting

    reject(world, run_id)
    again = world.run()

    run = world.ledger.run(run_id)
    assert (run.status, champion_of(world), "ada rejected it: not in May" in run.reason) == ("done", "1", True)
    assert (again["verdict"], "was rejected" in again["reason"]) == ("unchanged", True)
    assert world.run(force=True)["status"] == "awaiting approval"


def test_the_same_question_waits_once(waiting: tuple[World, str]):
    """The timer comes every day."""
    world, run_id = waiting

    again = world.run(Trigger.TIMER)

    assert (again["status"], again["verdict"]) == ("done", "unchanged")
    assert f"retrain approve {run_id}" in again["reason"]
    assert world.ledger.run(run_id).status == "awaiting approval"


def test_a_forced_evaluation_takes_the_place_of_the_one_that_waits(waiting: tuple[World, str]):
    """One winner waits at a time."""
    world, run_id = waiting

    second = world.run(force=True)["run_id"]

    assert asked_by(world, run_id).state == "void"
    assert approve(world, second)["status"] == "done"
    assert champion_of(world) == "2"


def test_a_first_model_waits_too(world: World):
    """Nothing answers until a person has approved it."""
    world.overrides |= REQUIRED
    run_id = world.land("one.csv", ONE)["run_id"]
    assert (champion_of(world), world.run()["verdict"]) == (None, "unchanged")

    approve(world, run_id)

    assert champion_of(world) == "1"


def test_newer_days_void_what_waits(waiting: tuple[World, str]):
    """The newer decision asks anew, if it has a winner."""
    world, run_id = waiting

    world.land("three.csv", THREE)

    run = world.ledger.run(run_id)
    assert (run.status, asked_by(world, run_id).state) == ("done", "void")
    with pytest.raises(NotFound, match="is void"):
        awaiting(run_id, None, world.ledger)


def test_days_that_nobody_has_decided_on_yet_void_it_too(waiting: tuple[World, str]):
    """The answer is checked against the days that count when it is made."""
    world, run_id = waiting
    world.overrides["RETRAIN_APPROVAL"] = "none"
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("retrain.runs.run.assessed", fails(NotConverged("it did not converge")))
        world.land("three.csv", THREE)
    assert world.ledger.run(run_id).status == "awaiting approval"

    report = approve(world, run_id)

    assert (report["status"], report["error"]["kind"]) == ("failed", "not_found")
    assert "other days count now" in report["reason"]
    assert (champion_of(world), world.ledger.run(run_id).status) == ("1", "done")


def test_another_champion_voids_it(waiting: tuple[World, str]):
    """It was not compared with that one."""
    world, run_id = waiting
    world.overrides["RETRAIN_APPROVAL"] = "none"
    assert world.run(force=True)["verdict"] == "promote"

    assert "version 2 is champion" in approve(world, run_id)["reason"]
    assert asked_by(world, run_id).state == "void"


def test_other_decision_settings_void_it(waiting: tuple[World, str]):
    """The message names those that it was decided under."""
    world, run_id = waiting
    world.overrides["RETRAIN_LOSS"] = "mae"

    assert "RETRAIN_LOSS=rmse" in approve(world, run_id)["reason"]
    assert champion_of(world) == "1"


def test_it_expires(waiting: tuple[World, str]):
    """After RETRAIN_APPROVAL_DAYS, by the clock of whoever makes the answer."""
    world, run_id = waiting
    world.clock.now += timedelta(days=14)

    report = approve(world, run_id)

    assert ("could be approved until" in report["reason"], champion_of(world)) == (True, "1")
    assert asked_by(world, run_id).state == "expired"


def test_a_run_notices_that_it_has_expired(waiting: tuple[World, str]):
    """So that no list shows for ever that something waits."""
    world, run_id = waiting
    world.clock.now += timedelta(days=14)

    report = world.run()

    assert (report["verdict"], "not approved in time" in report["reason"]) == ("unchanged", True)
    assert asked_by(world, run_id).state == "expired"


def test_an_answer_counts_once(waiting: tuple[World, str]):
    """Two people, or one who asks twice."""
    world, run_id = waiting
    approve(world, run_id)

    assert approve(world, run_id)["error"]["kind"] == "not_found"
    assert [entry.version for entry in world.ledger.pointer().champions] == ["1", "2"]


@pytest.mark.parametrize("changed", ["artifact_sha256", "reason", "over"])
def test_what_was_changed_after_it_was_asked_cannot_be_approved(waiting: tuple[World, str], changed: str):
    """Its sha256 is another; and the answer names the one that was seen."""
    world, run_id = waiting
    run = world.ledger.run(run_id)
    assert run.approval is not None
    world.ledger.record(run.evolve(approval=run.approval.evolve(**{changed: "0" * 64})))

    with pytest.raises(Conflict, match="another decision"):
        awaiting(run_id, run.approval.decision, world.ledger)
    assert approve(world, run_id)["error"]["kind"] == "conflict"
    assert champion_of(world) == "1"


@pytest.mark.parametrize("record", [None, b"{"])
def test_nobody_is_promoted_while_it_is_not_known_who_asked_last(waiting: tuple[World, str], record: bytes | None):
    """Another winner may wait: what is in doubt is not promoted."""
    world, run_id = waiting
    if record is None:
        world.context.state.delete(NEWEST)
    else:
        world.context.state.write(NEWEST, record)

    report = approve(world, run_id)

    assert report["status"] == "failed"
    assert world.ledger.pointer().versions == ["1"]
    assert world.ledger.run(run_id).status == "awaiting approval"


def test_no_promotion_by_hand_goes_around_it(waiting: tuple[World, str]):
    """Nothing was submitted, so there is nothing to continue."""
    world, run_id = waiting

    with pytest.raises(NotFound, match="awaiting approval"):
        promote_run(run_id, world.settings, world.context)


def test_an_approved_promotion_that_fails_is_a_failed_promotion(
    waiting: tuple[World, str], monkeypatch: pytest.MonkeyPatch
):
    """The old champion stays; by hand it can be continued, and the next run asks anew."""
    world, run_id = waiting
    with monkeypatch.context() as broken:
        broken.setattr("retrain.promotion.steps.prove", fails(ServiceError("it is broken")))
        approve(world, run_id)
    assert (world.ledger.run(run_id).status, champion_of(world)) == ("failed", "1")

    assert world.run()["status"] == "awaiting approval"
    assert promote_run(run_id, world.settings, world.context).status == "done"


def test_a_dry_run_asks_nobody(serving: World):
    """It leaves nothing that could be approved."""
    serving.overrides |= REQUIRED
    serving.overrides["RETRAIN_MIN_UNSEEN_DAYS"] = "90"
    serving.land("two.csv", TWO)
    serving.overrides.pop("RETRAIN_MIN_UNSEEN_DAYS")

    report = serving.run(dry_run=True)

    assert (report["status"], report["verdict"], report["approval"]) == ("done", "promote", None)


def test_a_rollback_needs_no_approval(waiting: tuple[World, str]):
    """It leads to what was approved before, and is how trouble is ended."""
    world, run_id = waiting
    approve(world, run_id)

    assert world.roll_back()["status"] == "done"
    assert champion_of(world) == "1"


@pytest.mark.parametrize(("asked", "made_under"), [("none", "required"), ("required", "none")])
def test_approval_is_required_if_either_side_requires_it(serving: World, asked: str, made_under: str):
    """Who asks, or the process that makes the run: a laptop with other settings opens nothing."""
    serving.put("two.csv", TWO)
    serving.overrides["RETRAIN_APPROVAL"] = asked
    request = asking.ask(lambda run_id: Land(run_id=run_id, file="two.csv"), serving.context)
    serving.overrides["RETRAIN_APPROVAL"] = made_under

    assert made(request, serving.settings, serving.context)["status"] == "awaiting approval"


def test_a_verdict_that_waits_is_reached_again_by_a_replay(waiting: tuple[World, str]):
    """It was decided like every other."""
    world, run_id = waiting

    found = replay(world.ledger.run(run_id), Histories(world.context.state), world.settings, world.context)

    assert (found.outcome, found.why) == ("same", "")

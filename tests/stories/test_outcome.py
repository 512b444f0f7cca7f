"""What a round of work came to: who ended, who is left, and for whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from retrain.errors import ConfigError, ServiceUnavailable
from retrain.ports import DEPLOY, REGISTER
from retrain.promotion.resume import LOCK, promote_run
from retrain.records.request import RollBack, Trigger
from retrain.runs import asking, dispatch
from retrain.runs.dispatch import work_off
from retrain.runs.outcome import Behind, Left, Outcome
from retrain.runs.run import retrain as real_retrain
from tests.builders import ONE, THREE, TWO, World, ask
from tests.faults import fails
from tests.stories.office import JobsOnDemand

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.promotion.record import Promotion
    from retrain.records.context import Context


def asked(world: World, count: int = 1) -> list[str]:
    return [ask(Trigger.TIMER, world.context).run_id for _ in range(count)]


def worked_off(world: World, context: Context | None = None) -> Outcome:
    return work_off(world.settings, context or world.context)


def failing_for(run_id: str, error: Exception) -> Callable[..., Any]:
    """`retrain`, but the run of this name fails."""

    def retrain(request: Any, *args: Any) -> Promotion | None:
        if request.run_id == run_id:
            raise error
        return real_retrain(request, *args)

    return retrain


def test_everyone_who_ended_is_named_in_their_order(world: World):
    """A failure is an end too."""
    first = asked(world)
    gone = ask(Trigger.BLOB, world.context, file="gone.csv").run_id
    last = asked(world)

    outcome = worked_off(world)

    assert outcome == Outcome(ended=(*first, gone, *last))
    assert outcome.of(gone) is None
    assert outcome.trouble is None


def test_nothing_asked_for_is_nothing_done(world: World):
    """And nothing is left."""
    assert worked_off(world) == Outcome()


def test_a_lock_that_is_held_leaves_everyone_to_its_holder(world: World):
    """No run is named: who holds it may be at any of them."""
    waiting = asked(world, 2)
    with world.context.state.lock(LOCK):
        outcome = worked_off(world)

    assert outcome == Outcome(left=tuple(Left(run_id, Behind.ANOTHER_PROCESS) for run_id in waiting))
    assert outcome.trouble is None


def test_trouble_ends_the_round_and_names_whom_the_others_wait_for(world: World, monkeypatch: pytest.MonkeyPatch):
    """What was asked later may be about the same days."""
    ended, troubled, behind = asked(world, 3)
    with monkeypatch.context() as broken:
        error = ServiceUnavailable("the storage is away")
        broken.setattr(dispatch, "retrain", failing_for(troubled, error))
        outcome = worked_off(world)

    reason = "the storage is away"
    assert outcome.ended == (ended,)
    assert outcome.left == (
        Left(troubled, Behind.TROUBLE, troubled, reason),
        Left(behind, Behind.TROUBLE, troubled, reason),
    )
    assert outcome.trouble == outcome.of(troubled)
    assert worked_off(world) == Outcome(ended=(troubled, behind))


def test_a_wrong_setting_keeps_its_request_and_the_others_go_on(world: World, monkeypatch: pytest.MonkeyPatch):
    """It waits for the operator, and for no other run."""
    first, wrong, last = asked(world, 3)
    with monkeypatch.context() as broken:
        broken.setattr(dispatch, "retrain", failing_for(wrong, ConfigError("RETRAIN_ORDER is wrong")))
        outcome = worked_off(world)

    assert outcome.ended == (first, last)
    assert outcome.left == (Left(wrong, Behind.TROUBLE, reason="RETRAIN_ORDER is wrong"),)
    assert outcome.trouble == outcome.of(wrong)
    assert [request.run_id for request in world.ledger.requests()] == [wrong]
    assert worked_off(world) == Outcome(ended=(wrong,))


def test_a_promotion_in_trouble_is_left_with_its_reason(world: World, monkeypatch: pytest.MonkeyPatch):
    """Its pointer could not be moved back yet; who comes behind it waits."""
    world.put("one.csv", ONE)
    promoting = ask(Trigger.BLOB, world.context, file="one.csv").run_id
    (behind,) = asked(world)
    with monkeypatch.context() as broken:
        broken.setattr("retrain.promotion.resume.promote", fails(ServiceUnavailable("the registry is away")))
        outcome = worked_off(world)

    assert outcome.ended == ()
    assert outcome.left == (
        Left(promoting, Behind.TROUBLE, promoting, "the registry is away"),
        Left(behind, Behind.TROUBLE, promoting, "the registry is away"),
    )
    assert worked_off(world).ended == (promoting, behind)


@pytest.fixture
def office(serving: World) -> tuple[World, Context]:
    """Version 1 answers, version 2 was champion too; promotions are jobs from now on."""
    serving.land("two.csv", TWO)
    return serving, replace(serving.context, jobs=JobsOnDemand())


def test_a_job_that_promotes_is_named_as_whom_the_others_wait_for(office: tuple[World, Context]):
    """That is no trouble."""
    world, context = office
    world.put("three.csv", THREE)
    promoting = ask(Trigger.BLOB, context, file="three.csv").run_id
    behind = asked(world, 2)

    outcome = worked_off(world, context)

    assert outcome == Outcome(left=tuple(Left(run_id, Behind.JOB, promoting) for run_id in (promoting, *behind)))
    assert outcome.trouble is None


def test_a_rollback_overtakes_what_waits_behind_a_job(office: tuple[World, Context]):
    """It says which version is to answer now: what is being promoted has failed, and is decided on again."""
    world, context = office
    world.put("three.csv", THREE)
    promoting = ask(Trigger.BLOB, context, file="three.csv").run_id
    (behind,) = asked(world)
    worked_off(world, context)
    rollback = asking.ask(lambda run_id: RollBack(run_id=run_id), context).run_id

    outcome = worked_off(world, context)

    assert outcome.ended == (rollback, promoting)
    assert [left.run_id for left in outcome.left] == [behind]
    assert "rolled back meanwhile" in world.ledger.run(promoting).reason
    assert [champion.version for champion in world.ledger.pointer().champions] == ["1", "2", "1"]


def test_a_rollback_overtakes_trouble(office: tuple[World, Context], monkeypatch: pytest.MonkeyPatch):
    """The storage of the files may be away for long."""
    world, context = office
    (troubled,) = asked(world)
    rollback = asking.ask(lambda run_id: RollBack(run_id=run_id), context).run_id
    monkeypatch.setattr(dispatch, "retrain", fails(ServiceUnavailable("the inbox is away")))

    outcome = worked_off(world, context)

    assert outcome.ended == (rollback,)
    assert [left.run_id for left in outcome.left] == [troubled]


def test_a_rollback_that_is_in_trouble_itself_holds_up_the_others(
    office: tuple[World, Context], monkeypatch: pytest.MonkeyPatch
):
    """The next challenger is compared with the champion that comes of it."""
    world, context = office
    (behind,) = asked(world)
    rollback = asking.ask(lambda run_id: RollBack(run_id=run_id), context).run_id
    monkeypatch.setattr(dispatch, "rolled_back", fails(ServiceUnavailable("the storage is away")))

    outcome = worked_off(world, context)

    assert [(left.run_id, left.behind, left.first) for left in outcome.left] == [
        (rollback, Behind.TROUBLE, rollback),
        (behind, Behind.TROUBLE, rollback),
    ]


def test_what_waited_for_a_job_ends_in_the_round_after_it(office: tuple[World, Context]):
    """In its order, against the new champion."""
    world, context = office
    world.put("three.csv", THREE)
    promoting = ask(Trigger.BLOB, context, file="three.csv").run_id
    behind = asked(world, 2)
    worked_off(world, context)
    for half in (REGISTER, DEPLOY):
        promote_run(promoting, world.settings, context, half)

    assert worked_off(world, context) == Outcome(ended=tuple(behind))


def test_what_is_asked_while_a_run_is_made_is_done_in_the_same_round(world: World, monkeypatch: pytest.MonkeyPatch):
    """The holder of the lock looks again before it lets go for good."""
    (first,) = asked(world)
    later: list[str] = []

    def retrain(*args: Any) -> Promotion | None:
        if not later:
            later.extend(asked(world))
        return real_retrain(*args)

    monkeypatch.setattr(dispatch, "retrain", retrain)

    assert worked_off(world) == Outcome(ended=(first, *later))

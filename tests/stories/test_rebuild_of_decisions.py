"""A rebuild loses nothing that people decided or asked for, whatever became of the store before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.errors import NotFound, UsageError
from retrain.records.history import LOG
from retrain.records.request import Accept, Land, Retract, RollBack
from retrain.runs import asking
from retrain.runs.approval import awaiting
from retrain.runs.dispatch import work_off
from retrain.runs.rebuild import must_confirm, rebuild
from tests.approving import REQUIRED, approve, ask_to_approve, champion_of, reject
from tests.builders import NEW_YEAR, ONE, TWO, World, csv_file, files_in_force, level_days, read_history
from tests.sweeps import in_drills

if TYPE_CHECKING:
    from collections.abc import Callable

CENTS = csv_file(level_days(60, seed=2, level=200) * 100, NEW_YEAR)


@pytest.fixture
def retracted(world: World) -> World:
    """Two files landed, and a person took the second out."""
    world.land("1.csv", ONE)
    second = world.land("2.csv", TWO)
    world.retract(second["run_id"])
    return world


def rebuilt(world: World) -> list[str]:
    rebuild(world.context)
    work_off(world.settings, world.context)
    return files_in_force(read_history(world.context.state))


@pytest.mark.parametrize("made", [1, *in_drills(0, 2, 3)])
def test_after_a_kill_in_the_runs_of_a_rebuild_another_one_gives_the_same(retracted: World, made: int):
    """What the first had asked for and not made yet is asked for again: land, land, retract."""
    left = rebuild(retracted.context)[made:]
    for request in left:
        retracted.ledger.done(request.run_id)
    work_off(retracted.settings, retracted.context)
    for request in left:
        retracted.ledger.ask(request)

    assert rebuilt(retracted) == ["1.csv"]


def no_head(world: World) -> None:
    (world.root / "history.json").write_bytes(b"")


def head_that_is_gone(world: World) -> None:
    (world.root / "history.json").unlink()


@pytest.mark.parametrize("damage", [no_head, head_that_is_gone])
def test_the_log_is_found_without_its_head(retracted: World, damage: Callable[[World], None]):
    """So a file that was taken out stays out."""
    damage(retracted)

    assert rebuilt(retracted) == ["1.csv"]


def test_before_a_log_is_lost_it_is_said(retracted: World):
    """With what is lost by it."""
    (retracted.root / LOG).write_bytes(b"[]")

    with pytest.raises(UsageError):
        raise must_confirm(retracted.context)
    assert "The log of landings cannot be read: what people decided" in str(must_confirm(retracted.context))


def test_what_waits_is_asked_for_again_and_its_run_says_so(world: World):
    """A decision that was asked for while the rebuild held the lock, and a file; not a rollback."""
    world.land("1.csv", ONE)
    held = world.land("2.csv", CENTS)
    assert held["status"] == "held"
    world.put("3.csv", csv_file(level_days(10, seed=3, level=200), NEW_YEAR))
    accept = asking.ask(lambda run_id: Accept(run_id=run_id, of=held["run_id"]), world.context)
    land = asking.ask(lambda run_id: Land(run_id=run_id, file="3.csv"), world.context)
    back = asking.ask(lambda run_id: RollBack(run_id=run_id), world.context)

    requests = rebuild(world.context)

    assert [request.kind for request in requests] == ["land", "land", "accept", "land"]
    told = [world.ledger.run(one.run_id).reason for one in (accept, land, back)]
    assert f"run {requests[2].run_id} does what was asked for" in told[0]
    assert f"run {requests[3].run_id} does what was asked for" in told[1]
    assert told[2].endswith("ask again")


def test_a_retraction_that_waits_is_about_the_new_landing(world: World):
    """Of the same file."""
    world.land("1.csv", ONE)
    second = world.land("2.csv", TWO)
    asking.ask(lambda run_id: Retract(run_id=run_id, of=second["run_id"]), world.context)

    assert rebuilt(world) == ["1.csv"]


def test_a_record_of_a_rebuild_that_leads_elsewhere_is_not_followed(retracted: World):
    """It is a damaged one."""
    (retracted.root / "champion.json").write_text('{"being rebuilt, records moved to": "../elsewhere/"}')

    assert rebuilt(retracted) == ["1.csv"]
    assert not (retracted.root.parent / "elsewhere").exists()


def test_a_winner_that_waits_is_asked_about_anew(world: World):
    """It is fitted anew, so the old one cannot be approved any more; an answer that waits says so."""
    world.overrides |= REQUIRED
    before = world.land("1.csv", ONE)["run_id"]
    answer = ask_to_approve(world, before)

    [landing] = rebuild(world.context)
    work_off(world.settings, world.context)

    assert (world.ledger.run(landing.run_id).status, champion_of(world)) == ("awaiting approval", None)
    assert world.ledger.run(answer.run_id).reason.endswith("ask again")
    with pytest.raises(NotFound):
        awaiting(before, None, world.ledger)
    assert approve(world, landing.run_id)["status"] == "done"
    assert champion_of(world) == "1"


def test_a_winner_that_was_rejected_is_asked_about_anew_too(world: World):
    """The rejection was about another artifact; nothing is promoted meanwhile."""
    world.overrides |= REQUIRED
    reject(world, world.land("1.csv", ONE)["run_id"])

    [landing] = rebuild(world.context)
    work_off(world.settings, world.context)

    assert (world.ledger.run(landing.run_id).status, champion_of(world)) == ("awaiting approval", None)

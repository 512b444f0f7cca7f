"""What a winner that waits for a person needs is never swept, however long it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.records.approval import NEWEST
from tests.approving import REQUIRED, approve, asked_by, champion_of, reject
from tests.builders import TWO
from tests.leftovers import DAY, LONG, keys, swept

if TYPE_CHECKING:
    from tests.builders import World

PATIENT = {"RETRAIN_APPROVAL_DAYS": "365", "RETRAIN_KEEP_DAYS": "90"}


@pytest.fixture
def waiting(serving: World) -> tuple[World, str]:
    """Version 1 answers, and the winner of a run has waited for longer than reports are kept."""
    serving.overrides |= REQUIRED | PATIENT
    run_id = serving.land("two.csv", TWO)["run_id"]
    serving.clock.now += 100 * DAY
    return serving, run_id


def swept_twice(world: World) -> list[str]:
    """What two sweeps, a day apart, have removed."""
    swept(world)
    world.clock.now += DAY
    return swept(world).removed


def artifact_of(world: World, run_id: str) -> str:
    return f"artifact {asked_by(world, run_id).artifact_sha256}"


def test_a_winner_that_waits_keeps_its_artifact_and_its_run(waiting: tuple[World, str]):
    """Neither a version nor a promotion names the artifact yet; it can still be approved."""
    world, run_id = waiting

    assert swept_twice(world) == []
    assert approve(world, run_id)["status"] == "done"
    assert champion_of(world) == "2"


@pytest.mark.parametrize("status", ["rejected", "void"])
def test_a_winner_that_waits_no_more_loses_its_artifact(waiting: tuple[World, str], status: str):
    """It can never be approved, and asking again fits it anew."""
    world, run_id = waiting
    if status == "rejected":
        reject(world, run_id)
    else:
        world.overrides["RETRAIN_LOSS"] = "mae"
        approve(world, run_id)

    assert asked_by(world, run_id).state == status
    assert artifact_of(world, run_id) in swept_twice(world)


def test_the_last_answer_is_kept(waiting: tuple[World, str]):
    """By its run, nobody is asked again what was rejected."""
    world, run_id = waiting
    reject(world, run_id)
    world.clock.now += LONG

    assert f"run {run_id}" not in swept_twice(world)
    assert "was rejected" in world.run()["reason"]


def test_who_waits_cannot_be_read_so_nothing_is_found(waiting: tuple[World, str]):
    """Neither artifacts nor runs; the sweep says so, and goes on with the rest."""
    world, _ = waiting
    world.context.state.write(NEWEST, b"{")

    found = swept(world)

    assert keys(found) == []
    assert [trouble.partition(":")[0] for trouble in found.trouble] == ["artifact", "run"]
    assert all(NEWEST in trouble for trouble in found.trouble)


def test_a_run_that_waits_and_cannot_be_read_keeps_every_artifact(waiting: tuple[World, str]):
    """Its record may be brought back from a backup, and with it the winner."""
    world, run_id = waiting
    world.context.state.write(f"runs/{run_id[:6]}/{run_id}/report.json", b"{")

    assert swept_twice(world) == []


def test_only_who_asked_last_can_be_approved(waiting: tuple[World, str]):
    """Its winner alone is kept. The record of who asks was damaged, so the second run voided no other."""
    world, first = waiting
    world.context.state.write(NEWEST, b"{")
    second = world.run(force=True)["run_id"]
    assert asked_by(world, first).state == asked_by(world, second).state == "waiting"

    report = approve(world, first)

    assert f"run {second} asks about another winner" in report["reason"]
    assert (asked_by(world, first).state, champion_of(world)) == ("void", "1")
    assert approve(world, second)["status"] == "done"

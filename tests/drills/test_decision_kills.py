"""A process that is killed while a file lands, or is decided on, loses nothing and does nothing twice."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retrain.records.request import Accept, Drop, Land, Retract
from retrain.runs import asking
from retrain.runs.dispatch import work_off
from tests.approving import REQUIRED, ask_to_approve, ask_to_reject
from tests.builders import NEW_YEAR, ONE, World, csv_file, level_days, read_history
from tests.dying import changes, kills
from tests.faults import Killed
from tests.platforms import ThreadPlatform

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retrain.records.request import Request

pytestmark = pytest.mark.long
TWO = csv_file(np.append(level_days(29, seed=2, level=200), 1e9), NEW_YEAR)


def asked_for(world: World, kind: str, held: str) -> Request:
    make: dict[str, Callable[[str], Request]] = {
        "land": lambda run_id: Land(run_id=run_id, file="two.csv"),
        "accept": lambda run_id: Accept(run_id=run_id, of=held),
        "drop": lambda run_id: Drop(run_id=run_id, of=held),
        "retract": lambda run_id: Retract(run_id=run_id, of=held),
    }
    return asking.ask(make[kind], world.context)


def ended(world: World, request: Request) -> dict[str, Any]:
    """What is left of it in the end."""
    history, run = read_history(world.context.state), world.ledger.run(request.run_id)
    return {
        "days": dict(history.days),
        "entries": [entry.kind for entry in history.log.entries],
        "states": [standing.state for standing in history.standings],
        "status": run.status,
        "landing": type(run.landing).__name__,
        "requests": world.ledger.requests(),
    }


@pytest.fixture
def prepared(world: World) -> World:
    """Too few unseen days to compare, so that only the landings matter."""
    world.land("one.csv", ONE)
    world.overrides["RETRAIN_MIN_UNSEEN_DAYS"] = "60"
    world.put("two.csv", TWO)
    return world


@pytest.mark.parametrize("kind", ["land", "accept", "drop", "retract"])
def test_a_kill_at_any_write_ends_as_if_nothing_had_happened(prepared: World, tmp_path: Path, kind: str):
    held = "" if kind == "land" else prepared.land("two.csv", TWO)["run_id"]
    request = asked_for(prepared, kind, held)
    shutil.copytree(prepared.root, tmp_path / "before")
    writes = changes(prepared.root, lambda store: work_off(prepared.settings, prepared.with_state(store)))
    expected = ended(prepared, request)

    wrong = []
    for store in kills(tmp_path / "before", writes):
        world = replace(prepared, root=store.root)
        with pytest.raises(Killed):
            work_off(world.settings, world.with_state(store))
        work_off(world.settings, world.context)
        if ended(world, request) != expected:
            wrong.append((store.at, store.is_after, ended(world, request)))

    assert writes > 4
    assert wrong == []


ANSWERS = {"approve": ask_to_approve, "reject": ask_to_reject}


def answered(world: World, request: Request, asking_run: str) -> dict[str, Any]:
    """What is left of an answer in the end; times and names of runs are others."""
    run, pointer = world.ledger.run(asking_run), world.ledger.pointer()
    return {
        "answer": world.ledger.run(request.run_id).status,
        "asking": (run.status, run.verdict, run.model and run.model.version),
        "approval": run.approval and (run.approval.state, run.approval.by, run.approval.run_id),
        "champions": [(entry.version, entry.run_id) for entry in pointer.champions],
        "versions": world.context.registry.versions(),
        "requests": world.ledger.requests(),
    }


@pytest.mark.parametrize("kind", ["wait", *ANSWERS])
def test_a_kill_at_any_write_approves_once_or_not_at_all(world: World, tmp_path: Path, kind: str):
    """A winner that begins to wait, and each answer of a person."""
    world.overrides |= REQUIRED
    world.put("one.csv", ONE)
    land = asking.ask(lambda run_id: Land(run_id=run_id, file="one.csv"), world.context)
    request: Request = land
    if kind in ANSWERS:
        work_off(world.settings, world.context)
        request = ANSWERS[kind](world, land.run_id)
    shutil.copytree(world.root, tmp_path / "before")
    writes = changes(world.root, lambda store: work_off(world.settings, world.with_state(store)))
    expected = answered(world, request, land.run_id)

    wrong = []
    for store in kills(tmp_path / "before", writes):
        platform = ThreadPlatform()
        each = replace(world, root=store.root, platform=platform)
        with pytest.raises(Killed):
            work_off(each.settings, each.with_state(store))
        work_off(each.settings, each.context)
        if answered(each, request, land.run_id) != expected:
            wrong.append((store.at, store.is_after, answered(each, request, land.run_id)))
        platform.close()

    assert writes >= 4
    assert wrong == []

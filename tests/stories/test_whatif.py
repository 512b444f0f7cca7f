"""Policies are tried on the past of a store: by the gate of its runs, and without a trace."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retrain.gate.decide import PromotionPolicy, Rule
from retrain.runs.whatif import WhatIf, whatif
from tests.builders import FIRST_DAY, NEW_YEAR, ONE, THREE, TWO, World, csv_file, level_days

if TYPE_CHECKING:
    from pathlib import Path

BETTER = PromotionPolicy(rule=Rule.BETTER)
CORRECTED = csv_file(level_days(60, seed=2, level=162), NEW_YEAR)
LATE = csv_file(level_days(5, seed=5, level=160), NEW_YEAR + timedelta(days=125))
FIFTH = csv_file(level_days(40, seed=6, level=220), NEW_YEAR + timedelta(days=130))
CENTS = csv_file(level_days(60, seed=2, level=160) * 100, NEW_YEAR + timedelta(days=120))


def tried(world: World, processes: int = 1, **asked: Any) -> WhatIf:
    policies = asked.pop("policies", {"in force": world.settings.decision.policy})
    return whatif(policies, world.settings, world.context, processes=processes, **asked)


def given(found: WhatIf, name: str = "in force") -> list[tuple[str, str]]:
    """The verdict of each look under a policy."""
    return [(each.look, each.verdict) for each in of(found, name).course.given]


def of(found: WhatIf, name: str) -> Any:
    return next(each for each in found.tried if each.name == name)


def eventful(world: World) -> None:
    """Several landings, a held one, a correction, a late file, a retraction, a rollback and looks in between."""
    world.land("short.csv", csv_file(level_days(10, seed=1, level=200)))
    world.land("one.csv", ONE)
    world.run()
    world.land("two.csv", TWO)
    world.land("two.csv", CORRECTED)
    world.land("held.csv", CENTS)
    third = world.land("three.csv", THREE)
    world.land("five.csv", FIFTH)
    world.land("late.csv", LATE)
    world.roll_back()
    world.run()
    world.run(force=True)
    world.retract(third["run_id"])
    world.run()


def test_the_policy_in_force_gives_the_verdicts_on_record(world: World):
    """Also where files were corrected, late or taken out since, and where a person went back."""
    eventful(world)

    found = tried(world)

    runs = [run for run in reversed(world.ledger.runs(1000)) if run.basis]
    assert given(found) == [(run.run_id, str(run.verdict)) for run in runs]
    assert found.record is not None
    assert found.record.differs == ()
    course = of(found, "in force").course
    switches = [course.start, *course.switches]
    print([(each.trained_through, each.order) for each in switches], given(found))
    pointer = world.ledger.pointer()
    lineages = [world.context.registry.of_record(entry.version).lineage for entry in pointer.champions]
    assert [(each.trained_through, each.order) for each in switches] == [
        (each.trained_through, each.order) for each in lineages
    ]

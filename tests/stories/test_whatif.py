"""Policies are tried on the past of a store: by the gate of its runs, and without a trace."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from retrain.errors import NotFound
from retrain.gate.decide import PromotionPolicy, Rule
from retrain.gate.scores import Loss
from retrain.records.request import Trigger
from retrain.runs.whatif import ALWAYS, IN_FORCE, NEVER, Tried, WhatIf, whatif
from retrain.runs.whatif_timeline import Cadence
from tests.builders import NEW_YEAR, ONE, THREE, TWO, World, ask, csv_file, has_worked_off, level_days
from tests.platforms import ThreadPlatform

BETTER, HARD = PromotionPolicy(rule=Rule.BETTER), PromotionPolicy(rule=Rule.BETTER, min_gain=0.9)
CORRECTED = csv_file(level_days(60, seed=2, level=162), NEW_YEAR)
LATE = csv_file(level_days(5, seed=5, level=160), NEW_YEAR + timedelta(days=125))
FIFTH = csv_file(level_days(40, seed=6, level=220), NEW_YEAR + timedelta(days=130))
CENTS = csv_file(level_days(60, seed=2, level=160) * 100, NEW_YEAR + timedelta(days=120))


def tried(world: World, *others: PromotionPolicy, in_force: PromotionPolicy = BETTER, **asked: Any) -> WhatIf:
    """In this process, unless it is asked otherwise."""
    policies = {IN_FORCE: in_force, **{f"other {number}": each for number, each in enumerate(others)}}
    return whatif(policies, world.settings, world.context, **{"processes": 1, **asked})


def of(found: WhatIf, name: str) -> Tried:
    return next(each for each in found.tried if each.name == name)


def verdicts(found: WhatIf, name: str = IN_FORCE) -> list[tuple[str, str]]:
    """Of each look."""
    return [(each.look, str(each.verdict)) for each in of(found, name).course.given]


def days_of(found: WhatIf, name: str = IN_FORCE) -> list[date]:
    """The last day that each champion was trained on."""
    course = of(found, name).course
    return [each.trained_through for each in (course.start, *course.switches) if each is not None]


def objects(world: World) -> dict[str, bytes]:
    """Everything that the store holds."""
    files = (path for path in world.root.rglob("*") if path.is_file())
    return {path.relative_to(world.root).as_posix(): path.read_bytes() for path in files}


@dataclass(frozen=True)
class Past:
    """A store with a past, and what the policies of several tests found in it."""

    world: World
    before: dict[str, bytes]
    found: WhatIf


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Landings, a held one, a correction, a late file, a retraction, a rollback and looks in between."""
    platform = ThreadPlatform()
    world = World(tmp_path_factory.mktemp("past") / "store", platform=platform)
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
    platform.close()
    before = objects(world)
    return Past(world, before, tried(world, HARD))


def test_the_policy_in_force_gives_the_verdicts_on_record(past: Past):
    """Also where files were corrected, late or taken out since, and where a person went back."""
    runs = [run for run in reversed(past.world.ledger.runs(1000)) if run.basis]

    assert verdicts(past.found) == [(run.run_id, str(run.verdict)) for run in runs]
    assert {verdict for _, verdict in verdicts(past.found)} == {"promote", "keep", "waiting", "unchanged"}
    assert past.found.record is not None
    assert (past.found.record.looks, past.found.record.differs) == (len(runs), ())


def test_it_has_the_champions_on_record(past: Past):
    """The one that a rollback brought back among them."""
    pointer, registry = past.world.ledger.pointer(), past.world.context.registry
    lineages = [registry.of_record(entry.version).lineage for entry in pointer.champions]

    assert days_of(past.found) == [lineage.trained_through for lineage in lineages]
    assert of(past.found, IN_FORCE).course.switches[-1].is_rollback


def test_nothing_is_written(past: Past):
    """Every object of the store is as before, and there is no other."""
    assert objects(past.world) == past.before


@pytest.mark.long
def test_the_number_of_processes_changes_nothing(past: Past):
    """Not a bit of any forecast."""
    apart = tried(past.world, HARD, processes=2)

    assert apart.record == past.found.record
    for here, there in zip(past.found.tried, apart.tried, strict=True):
        assert (there.name, there.errors, there.course.given) == (here.name, here.errors, here.course.given)
        assert there.course.switches == here.course.switches
        assert there.course.made is not None
        assert here.course.made is not None
        assert np.array_equal(there.course.made.center, here.course.made.center)


@pytest.mark.long
def test_an_interrupt_ends_the_processes(past: Past):
    """Also in the middle of a look; nobody waits for its result any more."""

    def interrupt(_stage: str, detail: str) -> None:
        if not detail.startswith("0 "):
            raise KeyboardInterrupt

    policies = {IN_FORCE: BETTER, "hard": HARD}
    with pytest.raises(KeyboardInterrupt):
        whatif(policies, past.world.settings, replace(past.world.context, progress=interrupt), processes=2)

    assert multiprocessing.active_children() == []


def test_never_promotes_nothing_after_the_first_model(past: Past):
    """All its forecasts are those of the first model."""
    never = of(past.found, NEVER)

    assert len(days_of(past.found, NEVER)) == 1
    assert [verdict for _, verdict in verdicts(past.found, NEVER)] == ["waiting", "promote"]
    assert never.errors is not None
    assert never.errors.against_never is not None
    assert never.errors.against_never.difference.mean == 0


def test_always_makes_a_champion_at_each_look_that_finds_other_days(past: Past):
    """Also at one that was forced; a rollback concerns the gate's champions alone."""
    found = [verdict for _, verdict in verdicts(past.found, ALWAYS)]

    assert found == [
        "waiting",
        *("promote", "unchanged"),
        *("promote", "promote", "promote", "promote", "promote"),
        *("unchanged", "unchanged"),
        *("promote", "unchanged"),
    ]
    assert len(days_of(past.found, ALWAYS)) == found.count("promote")
    assert not any(each.is_rollback for each in of(past.found, ALWAYS).course.switches)


def test_a_policy_that_asks_for_more_promotes_less_and_follows_no_rollback(past: Past):
    """A person went back from a version that it never had."""
    assert len(days_of(past.found, "other 0")) == 1
    assert of(past.found, "other 0").course.switches == ()


def test_every_policy_is_scored_on_the_same_days(past: Past):
    """From each day after the first model on which all of them had a forecast."""
    errors = [each.errors for each in past.found.tried]

    assert all(each is not None for each in errors)
    assert len({(each.origins, each.days) for each in errors if each}) == 1


def test_a_look_that_waited_while_a_rollback_was_made_finds_the_champion_that_came_back(world: World):
    """It was asked for before the rollback, and made after it."""
    world.overrides["RETRAIN_MIN_GAIN"] = "0.1"
    world.land("one.csv", ONE)
    world.land("two.csv", TWO)
    kept = world.land("more.csv", csv_file(level_days(60, seed=9, level=160), NEW_YEAR + timedelta(days=60)))
    waited = ask(Trigger.TIMER, world.context)
    moved(world, 1).roll_back()
    has_worked_off(world.settings, world.context)

    found = tried(world, in_force=PromotionPolicy(rule=Rule.BETTER, min_gain=0.1))

    assert (kept["verdict"], world.ledger.run(waited.run_id).verdict) == ("keep", "promote")
    assert found.record is not None
    assert (found.record.looks, found.record.differs) == (4, ())


def moved(world: World, days: int) -> World:
    """So many days later."""
    world.clock.now += timedelta(days=days)
    return world


def test_looks_from_a_day_on_begin_with_the_champion_of_that_day(world: World):
    """And with what had landed before."""
    world.land("one.csv", ONE)
    moved(world, 10).land("two.csv", TWO)
    moved(world, 10).land("three.csv", THREE)

    found = tried(world, since=world.clock.now.date())

    start = of(found, IN_FORCE).course.start
    assert start is not None
    assert (start.look, start.trained_through) == ("version 2", NEW_YEAR + timedelta(days=59))
    assert found.looks == 1
    assert found.record is not None
    assert found.record.differs == ()


def test_regular_looks_know_what_had_landed_by_then(world: World):
    """A month is as long as it is, and the last look is not in the future."""
    world.clock.now = datetime(2026, 1, 31, tzinfo=UTC)
    world.land("one.csv", ONE)
    moved(world, 31).land("two.csv", TWO)
    moved(world, 35)

    found = tried(world, cadence=Cadence.MONTHLY)

    assert verdicts(found) == [
        ("2026-01-31", "promote"),
        ("2026-02-28", "unchanged"),
        ("2026-03-31", "promote"),
    ]
    assert found.record is None


def test_runs_under_other_settings_are_named(world: World):
    """What is in force now gives another verdict than they did."""
    world.overrides["RETRAIN_MIN_GAIN"] = "0.9"
    world.land("one.csv", ONE)
    kept = world.land("two.csv", TWO)
    del world.overrides["RETRAIN_MIN_GAIN"]

    found = tried(world)

    assert found.record is not None
    assert len(found.record.other_settings) == 2
    assert [(each.run_id, each.recorded, each.given) for each in found.record.differs] == [
        (kept["run_id"], "keep", "promote")
    ]


def test_another_loss_is_not_compared_with_the_record(world: World):
    """Its verdicts are not those of the policy in force."""
    world.land("one.csv", ONE)
    world.land("two.csv", TWO)

    found = tried(world, in_force=replace(BETTER, loss=Loss.MAE))

    assert found.record is None
    assert found.loss == "mae"


def test_a_store_in_which_nothing_has_landed_says_so(world: World):
    """There is no past yet."""
    with pytest.raises(NotFound, match="nothing has landed yet"):
        tried(world)


def test_a_day_without_later_looks_says_so(serving: World):
    """With what to do."""
    with pytest.raises(NotFound, match="--cadence weekly"):
        tried(serving, since=date(2030, 1, 1))

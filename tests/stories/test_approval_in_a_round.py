"""Answers, settled days and promotions meet in one round of work: what was approved is promoted first, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from retrain.records.request import Accept, Drop, Evaluate, Trigger
from retrain.records.run import Status
from retrain.runs import asking
from retrain.runs.dispatch import work_off
from tests.approving import REQUIRED, approve, ask_to_approve, champion_of
from tests.builders import NEW_YEAR, ONE, TWO, World, ask, csv_file, level_days

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.records.context import Context

    type Ask = Callable[[World, str], object]

AMOUNTS = level_days(60, seed=2, level=160)
AMOUNTS[30] = 999_999.0
WITH_ONE_HELD = csv_file(AMOUNTS, NEW_YEAR)


@pytest.fixture
def strict(serving: World) -> World:
    """Version 1 answers, and a person approves promotions."""
    serving.overrides |= REQUIRED
    return serving


def drop(world: World, run_id: str) -> object:
    return asking.ask(lambda new: Drop(run_id=new, of=run_id), world.context)


def accept(world: World, run_id: str) -> object:
    return asking.ask(lambda new: Accept(run_id=new, of=run_id), world.context)


def tick(world: World, _run_id: str) -> object:
    return asking.ask(lambda new: Evaluate(run_id=new, trigger=Trigger.TIMER), world.context)


def meanwhile(world: World, run_id: str, *asked: Ask) -> Context:
    """A context in whose round people ask as soon as the winner of a run waits."""
    done: list[object] = []

    def progress(_stage: str, _detail: str) -> None:
        run = world.ledger.recorded(run_id)
        if not done and run is not None and run.status is Status.AWAITING and not world.ledger.request(run_id):
            done.extend(each(world, run_id) for each in asked)

    return replace(world.context, progress=progress)


@pytest.mark.parametrize("settle", [drop, accept])
def test_an_approved_promotion_is_made_although_a_held_day_is_settled_at_once(strict: World, settle: Ask):
    """While the process that found the winner is still in its round."""
    strict.put("two.csv", WITH_ONE_HELD)
    run_id = ask(Trigger.BLOB, strict.context, file="two.csv").run_id
    ask(Trigger.HTTP, strict.context)

    work_off(strict.settings, meanwhile(strict, run_id, ask_to_approve, settle))
    work_off(strict.settings, strict.context)

    assert champion_of(strict) == "2"
    assert strict.ledger.run(run_id).status == "done"
    assert strict.ledger.requests() == []


def test_it_is_made_although_the_clock_has_gone_back(strict: World):
    """The answer, and the dropping of a day, have names before that of the run."""
    run_id = strict.land("two.csv", WITH_ONE_HELD)["run_id"]
    strict.clock.now -= timedelta(hours=3)
    ask_to_approve(strict, run_id)
    drop(strict, run_id)

    work_off(strict.settings, strict.context)

    assert champion_of(strict) == "2"


def test_it_is_made_in_the_round_that_found_the_winner_and_before_what_is_asked_later(strict: World):
    """Nobody is asked about a second winner over the same champion."""
    strict.put("two.csv", TWO)
    run_id = ask(Trigger.BLOB, strict.context, file="two.csv").run_id
    ask(Trigger.HTTP, strict.context)

    work_off(strict.settings, meanwhile(strict, run_id, ask_to_approve, tick))

    assert champion_of(strict) == "2"
    assert [run.status for run in strict.ledger.runs(9) if run.approval] == ["done"]


def test_it_is_made_before_older_requests(strict: World):
    """They would be decided beside a champion that is about to be replaced, or change the days that it rests on."""
    older = strict.context.ledger.name_run(strict.clock())
    run_id = strict.land("two.csv", TWO)["run_id"]
    strict.ledger.ask(Evaluate(run_id=older, trigger=Trigger.HTTP))
    ask_to_approve(strict, run_id)

    work_off(strict.settings, strict.context)

    assert champion_of(strict) == "2"
    assert strict.ledger.run(older).champion is not None
    assert strict.ledger.run(older).champion.version == "2"  # type: ignore[union-attr]


def test_the_cap_counts_when_a_winner_is_approved(strict: World):
    """It was lowered while the winner waited; the winner waits on."""
    run_id = strict.land("two.csv", TWO)["run_id"]
    strict.overrides["RETRAIN_MOST_PROMOTIONS_A_MONTH"] = "1"

    report = approve(strict, run_id)

    assert "RETRAIN_MOST_PROMOTIONS_A_MONTH is 1" in report["reason"]
    assert (champion_of(strict), strict.ledger.run(run_id).status) == ("1", "awaiting approval")


@pytest.mark.parametrize("strict_setting", ["RETRAIN_APPROVAL=required", "RETRAIN_MOST_PROMOTIONS_A_MONTH=1"])
def test_a_run_that_failed_for_a_setting_keeps_what_may_hold_its_promotion_back(world: World, strict_setting: str):
    """It is made again under mended settings, by a process that asks nobody."""
    rows = [f"{line.split(',')[0]},1.5" for line in ONE.decode().split()[1:]]
    two_rows_a_day = "\n".join([*ONE.decode().split(), *rows, ""]).encode()
    assert world.land("one.csv", two_rows_a_day)["model"]["version"] == "1"
    name, _, value = strict_setting.partition("=")
    world.overrides |= {name: value, "RETRAIN_AGGREGATE": "sum"}
    more = [f"{line.split(',')[0]},1.5" for line in TWO.decode().split()[1:]]
    failed = world.land("two.csv", "\n".join([*TWO.decode().split(), *more, ""]).encode())
    del world.overrides[name], world.overrides["RETRAIN_AGGREGATE"]

    work_off(world.settings, world.context)

    assert failed["error"]["kind"] == "configuration"
    assert world.ledger.run(failed["run_id"]).status != "failed"
    assert champion_of(world) == "1"


def test_a_setting_that_older_code_did_not_name_is_that_of_the_process(serving: World):
    """Its requests have no cap; that is no reason to make them without."""
    serving.overrides["RETRAIN_MOST_PROMOTIONS_A_MONTH"] = "1"
    named = {name: value for name, value in serving.settings.deciding.items() if "PROMOTIONS" not in name}
    serving.put("two.csv", TWO)
    ask(Trigger.BLOB, replace(serving.context, asked_under=named), file="two.csv")

    work_off(serving.settings, serving.context)

    assert champion_of(serving) == "1"

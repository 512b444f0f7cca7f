"""With RETRAIN_MOST_PROMOTIONS_A_MONTH a winner too many is not promoted, until there is room again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from retrain.records.history import Histories
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from retrain.runs.replay import replay
from tests.approving import REQUIRED, champion_of
from tests.builders import ONE, THREE, TWO, World, ask
from tests.faults import fails

MONTH = timedelta(days=30)


def at_most(most: int) -> dict[str, str]:
    return {"RETRAIN_MOST_PROMOTIONS_A_MONTH": str(most)}


@pytest.fixture
def capped(serving: World) -> tuple[World, dict[str, Any]]:
    """The first model answers, and the winner of a second run is one too many."""
    serving.overrides |= at_most(1)
    return serving, serving.land("two.csv", TWO)


def outcome(world: World, run_id: str) -> tuple[str, str]:
    """What a replay finds."""
    found = replay(world.ledger.run(run_id), Histories(world.context.state), world.settings, world.context)
    return found.outcome, found.why


def test_a_winner_beyond_the_cap_is_not_promoted(capped: tuple[World, dict[str, Any]]):
    """The reason has the gain, the cap, the number and when there is room; a warning says it too."""
    world, report = capped

    since = world.ledger.pointer().champions[-1].since
    said = (
        "It is not promoted: RETRAIN_MOST_PROMOTIONS_A_MONTH is 1, and there has been 1 promotion in the last 30 "
        f"days; there is room again from {since + MONTH:%Y-%m-%d %H:%M} UTC on."
    )
    assert (report["status"], report["verdict"], champion_of(world)) == ("done", "keep", "1")
    assert (report["reason"].startswith("The challenger is"), said in report["reason"]) == (True, True)
    assert any("RETRAIN_MOST_PROMOTIONS_A_MONTH" in each for each in report["warnings"])


def test_while_there_is_no_room_nothing_is_fitted_again(
    capped: tuple[World, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    """The timer comes every day."""
    world, report = capped
    with monkeypatch.context() as broken:
        broken.setattr("retrain.runs.run.assessed", fails(AssertionError("it was fitted again")))
        again = world.run()

    assert (again["status"], again["verdict"], report["run_id"] in again["reason"]) == ("done", "unchanged", True)


def test_the_next_run_after_there_is_room_promotes_it(capped: tuple[World, dict[str, Any]]):
    """The question was left open."""
    world, _ = capped
    world.clock.now += MONTH

    assert world.run()["verdict"] == "promote"
    assert champion_of(world) == "2"


def test_a_higher_cap_makes_room(capped: tuple[World, dict[str, Any]]):
    """At once: nobody has to force anything."""
    world, _ = capped
    world.overrides |= at_most(2)

    assert world.run()["verdict"] == "promote"


def test_a_forced_evaluation_does_not_go_around_it(capped: tuple[World, dict[str, Any]]):
    """It only asks again."""
    world, _ = capped

    assert (world.run(force=True)["verdict"], champion_of(world)) == ("keep", "1")


def test_a_verdict_beyond_the_cap_is_replayed_as_of_then(capped: tuple[World, dict[str, Any]]):
    """Later promotions, and room that there is by now, change nothing; and no later one reaches back."""
    world, report = capped
    world.clock.now += MONTH
    promoted = world.run()["run_id"]
    beyond = world.land("three.csv", THREE)

    assert beyond["verdict"] == "keep"
    for run_id in (report["run_id"], promoted, beyond["run_id"]):
        assert outcome(world, run_id) == ("same", "")


def test_promotions_that_were_confirmed_while_a_run_waited_count(serving: World):
    """Two files that come at the same moment are two promotions; the replay counts what the run has counted."""
    serving.overrides |= at_most(2)
    runs = []
    for name, data in (("two.csv", TWO), ("three.csv", THREE)):
        serving.put(name, data)
        runs.append(ask(Trigger.BLOB, serving.context, file=name).run_id)
    work_off(serving.settings, serving.context)

    assert [serving.ledger.run(run_id).verdict for run_id in runs] == ["promote", "keep"]
    assert [outcome(serving, run_id) for run_id in runs] == [("same", "")] * 2


def test_a_first_model_is_not_capped(world: World):
    """Without it nothing answers; but it counts."""
    world.overrides |= at_most(1)

    assert world.land("one.csv", ONE)["verdict"] == "promote"
    assert world.land("two.csv", TWO)["verdict"] == "keep"


def test_a_rollback_is_neither_counted_nor_stopped(serving: World):
    """It is how trouble is ended."""
    serving.overrides |= at_most(3)
    serving.land("two.csv", TWO)
    serving.roll_back()
    serving.roll_back("2")

    assert serving.land("three.csv", THREE)["verdict"] == "promote"
    serving.overrides |= at_most(1)
    assert serving.roll_back()["status"] == "done"


def test_nobody_is_asked_about_a_winner_beyond_the_cap(serving: World):
    """It could not be promoted."""
    serving.overrides |= REQUIRED | at_most(1)

    report = serving.land("two.csv", TWO)

    assert (report["status"], report["verdict"], report["approval"]) == ("done", "keep", None)


def test_a_dry_run_says_that_the_cap_is_reached(serving: World):
    """It says what a run would do."""
    serving.overrides |= at_most(1)
    serving.overrides["RETRAIN_MIN_UNSEEN_DAYS"] = "90"
    serving.land("two.csv", TWO)
    serving.overrides.pop("RETRAIN_MIN_UNSEEN_DAYS")

    report = serving.run(dry_run=True)

    assert (report["verdict"], "RETRAIN_MOST_PROMOTIONS_A_MONTH" in report["reason"]) == ("keep", True)

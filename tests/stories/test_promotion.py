"""The story of a winner: every step, its failures, and the way back."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from retrain.doors.champion_forecast import champion_forecast as forecast
from retrain.errors import NotFound, ServiceError, ServiceUnavailable, Unsettled
from retrain.promotion.record import Promotion
from retrain.promotion.resume import promote_run
from retrain.records.ledger import Ledger
from retrain.runs.dispatch import work_off
from tests.builders import ONE, THREE, TWO, World, reports
from tests.faults import Killed, fails, fails_at
from tests.sweeps import in_drills

STEPS = ["register", "build", "deploy", "prove", "switch", "confirm", "retire"]


def second_year(world: World, **overrides: str) -> dict[str, Any]:
    world.overrides |= overrides
    return world.land("two.csv", TWO)


def running(world: World) -> list[str]:
    return [service.version for service in world.platform.services()]


def test_every_step_is_written_down_with_what_it_came_to(serving: World):
    """In their order, with the image, the address, and what was retired."""
    run = second_year(serving)

    assert list(run["promotion"]) == STEPS
    assert run["promotion"]["register"]["version"] == "2"
    assert run["promotion"]["build"]["image"]
    assert run["promotion"]["retire"]["removed"] == []


def test_the_last_champions_go_on_running_and_older_ones_are_retired(serving: World):
    """As many as the setting says."""
    second_year(serving)
    assert running(serving) == ["1", "2"]
    serving.overrides["RETRAIN_KEEP_SERVICES"] = "1"
    third = serving.land("three.csv", THREE)

    assert third["model"]["version"] == "3"
    assert running(serving) == ["3"]


@pytest.mark.parametrize("step", ["build", "deploy", "log", "services", "remove", "is_running"])
def test_a_platform_that_raises_keeps_the_champion(serving: World, step: str, monkeypatch: pytest.MonkeyPatch):
    """Or, when it fails after the new one was proven, leaves the new one."""
    with monkeypatch.context() as broken:
        broken.setattr(serving.platform, step, fails(ServiceUnavailable("the platform is away")))
        report = second_year(serving)
    champion = serving.ledger.pointer().champion

    if report["status"] == "failed":
        assert champion is not None
        assert champion.version == "1"
        assert report["error"]["step"] in STEPS
    assert forecast(7, serving.settings, serving.context)["version"] == (champion and champion.version)


@pytest.mark.parametrize("failing", ["wait_until_ready", "prove", "confirm"])
def test_a_service_that_fails_its_proof_is_removed_and_the_old_one_answers(
    serving: World, failing: str, monkeypatch: pytest.MonkeyPatch
):
    """Before the switch nothing moves; after it the pointer moves back. The next run succeeds."""
    with monkeypatch.context() as broken:
        broken.setattr(f"retrain.promotion.steps.{failing}", fails(ServiceError("it answers something else")))
        report = second_year(serving)

    assert (report["status"], report["error"]["kind"]) == ("failed", "service")
    assert report["error"]["log"] == ["daily-transactions-v2 wrote nothing"]
    assert "the champion stays" in report["reason"]
    assert running(serving) == ["1"]
    assert forecast(7, serving.settings, serving.context)["version"] == "1"
    assert serving.run()["model"]["version"] == "2"


def test_a_first_champion_that_fails_right_after_the_switch_leaves_none(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """There is nobody to go back to, and the ledger says so."""
    with monkeypatch.context() as broken:
        broken.setattr("retrain.promotion.steps.confirm", fails(ServiceError("it died")))
        world.land("one.csv", ONE)

    assert world.ledger.pointer().champion is None
    assert running(world) == []
    assert world.run()["reason"].startswith("No champion yet")


def test_a_first_model_that_fails_before_the_switch_leaves_no_champion(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """There was no champion before; the run says what failed, and the next one succeeds."""
    with monkeypatch.context() as broken:
        broken.setattr("retrain.promotion.steps.prove", fails(ServiceError("it answers something else")))
        report = world.land("one.csv", ONE)

    assert "promotion failed at prove: it answers something else" in report["reason"]
    assert world.ledger.pointer().champion is None
    assert running(world) == []
    assert world.run()["model"]["version"] == "1"


@pytest.mark.parametrize("broken_writes", [1, 2, 3])
def test_a_switch_that_cannot_be_taken_back_is_not_forgotten(
    serving: World, broken_writes: int, monkeypatch: pytest.MonkeyPatch
):
    """The failed model is not taken for the champion: the run is not over until the pointer is back."""
    ways_back = range(2, 2 + broken_writes)
    stuck = fails_at(Ledger.switch, ways_back, ServiceUnavailable("the storage is busy"))

    with monkeypatch.context() as broken:
        broken.setattr("retrain.promotion.steps.confirm", fails(ServiceError("it died")))
        broken.setattr(Ledger, "switch", stuck)
        report = second_year(serving)
        assert (report["status"], "could not be taken back" in report["trouble"]) == ("promoting", True)
        for _ in range(broken_writes):
            work_off(serving.settings, serving.context)
        assert serving.ledger.run(report["run_id"]).status == "failed"
        champion = serving.ledger.pointer().champion
        assert champion is not None
        assert champion.version == "1"
    assert serving.run()["model"]["version"] == "2"


@pytest.mark.parametrize("by", ["rollback", "hand"])
def test_neither_a_rollback_nor_a_promotion_by_hand_is_left_unsettled(
    serving: World, by: str, monkeypatch: pytest.MonkeyPatch
):
    """The pointer has moved, the proof failed, the store refused to move it back: the next trigger does."""
    way_back = 2
    stuck = fails_at(Ledger.switch, {way_back}, ServiceUnavailable("the storage is busy"))

    run = second_year(serving)
    if by == "hand":
        serving.roll_back("1")
    before = serving.ledger.pointer().champion
    again = {
        "hand": lambda: promote_run(run["run_id"], serving.settings, serving.context),
        "rollback": lambda: serving.roll_back("1"),
    }
    with monkeypatch.context() as broken:
        broken.setattr("retrain.promotion.steps.confirm", fails(ServiceError("it died")))
        broken.setattr(Ledger, "switch", stuck)
        with suppress(Unsettled):
            again[by]()
        assert len(serving.ledger.requests()) == 1
        work_off(serving.settings, serving.context)
    after = serving.ledger.pointer().champion

    assert before is not None
    assert after is not None
    assert after.version == before.version
    assert serving.ledger.requests() == []


def test_a_champion_that_answers_is_not_built_nor_replaced_again(serving: World, monkeypatch: pytest.MonkeyPatch):
    """Neither when its promotion is made again nor by a rollback to it: what has proven itself stays."""
    run = second_year(serving)
    replaced = AssertionError("this would replace a champion that answers")
    monkeypatch.setattr(serving.platform, "build", fails(replaced))
    monkeypatch.setattr(serving.platform, "deploy", fails(replaced))

    promote_run(run["run_id"], serving.settings, serving.context)
    serving.roll_back("1")
    serving.roll_back("1")
    assert forecast(7, serving.settings, serving.context)["version"] == "1"
    assert running(serving) == ["1", "2"]


def test_a_bug_in_tidying_up_leaves_the_new_champion(serving: World, monkeypatch: pytest.MonkeyPatch):
    """It answers, and has been confirmed."""
    with monkeypatch.context() as patch:
        patch.setattr(serving.platform, "remove", fails(KeyError("version")))
        report = second_year(serving, RETRAIN_KEEP_SERVICES="1")

    assert (report["status"], report["model"]["version"]) == ("done", "2")
    assert "KeyError" in report["promotion"]["retire"]["failed"]


@pytest.mark.parametrize("kill_at", [1, 5, 10, 15, *in_drills(*{*range(1, 16)} - {1, 5, 10, 15})])
def test_a_promotion_killed_at_any_write_is_gone_on_with(
    serving: World, kill_at: int, monkeypatch: pytest.MonkeyPatch
):
    """Exactly one new version, one service, and the report that an undisturbed run would have left."""
    writes = count(1)

    with monkeypatch.context() as dying:
        for name in ("note_promotion", "record", "switch"):
            dying.setattr(Ledger, name, fails_at(getattr(Ledger, name), {kill_at}, Killed(), writes))
        with suppress(Killed):
            second_year(serving)
    serving.run()

    first = reports(serving.ledger, 5)
    assert [entry.version for entry in serving.ledger.pointer().champions] == ["1", "2"]
    assert sorted(running(serving)) == ["1", "2"]
    assert {run["model"]["version"] for run in first if run["verdict"] == "promote"} == {"1", "2"}
    assert not serving.ledger.requests()


def test_promoting_again_by_hand_ends_where_it_ended(serving: World):
    """A finished promotion may be repeated."""
    run = second_year(serving)

    again = promote_run(run["run_id"], serving.settings, serving.context).as_json()

    assert again["model"] == run["model"]
    assert len(serving.ledger.pointer().champions) == 2


def test_only_a_run_with_a_winner_can_be_promoted(serving: World):
    """The others have nothing to promote."""
    with pytest.raises(NotFound, match="has no model to promote"):
        promote_run(serving.run()["run_id"], serving.settings, serving.context)


@pytest.mark.parametrize("error", [ServiceUnavailable("away"), AttributeError("a bug")], ids=str)
def test_whatever_breaks_after_the_switch_moves_the_pointer_back(
    serving: World, error: Exception, monkeypatch: pytest.MonkeyPatch
):
    """Also where the log cannot be had, and where the failure is a bug of ours."""
    monkeypatch.setattr("retrain.promotion.steps.confirm", fails(error))
    monkeypatch.setattr(serving.platform, "log", fails(ServiceUnavailable("no log")))
    report = second_year(serving)

    assert report["error"]["step"] == "confirm"
    assert forecast(7, serving.settings, serving.context)["version"] == "1"
    assert running(serving) == ["1"]


def test_a_promotion_that_cannot_go_on_blocks_nobody(serving: World, monkeypatch: pytest.MonkeyPatch):
    """Its failure is on record and its request struck out."""
    with monkeypatch.context() as dying, suppress(Killed):
        dying.setattr("retrain.promotion.steps.prove", fails(Killed()))
        second_year(serving)
    stuck = serving.ledger.requests()[0].run_id
    artifact = Promotion.of(stuck, serving.context).artifact_sha256
    (serving.root / "artifacts" / f"{artifact}.json").write_bytes(b"damaged")

    assert serving.run()["status"] in {"done", "failed"}
    assert serving.ledger.run(stuck).status == "failed"
    assert not serving.ledger.requests()

"""What answers is what was asked for: rollbacks in the middle of a promotion, and promotions by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.errors import NotFound, PromotionFailed, ServiceError, ServiceTimeout
from retrain.promotion.record import Promotion
from retrain.promotion.resume import promote_run
from tests.builders import ONE, TWO, World
from tests.faults import Killed, fails

if TYPE_CHECKING:
    from typing import Any

    from retrain.records.context import Context
    from retrain.records.run import Run

DIED = fails(ServiceError("it died"))


def champions(world: World) -> list[str]:
    """The versions that were champion, the present one last."""
    return [champion.version for champion in world.ledger.pointer().champions]


@pytest.fixture
def unconfirmed(serving: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The process was killed between the switch to version 2 and its confirmation."""
    with monkeypatch.context() as dying:
        dying.setattr("retrain.promotion.steps.confirm", fails(Killed()))
        with pytest.raises(Killed):
            serving.land("two.csv", TWO)
    assert champions(serving) == ["1", "2"]
    return serving


def test_a_rollback_ends_a_promotion_that_has_switched_and_was_not_confirmed(unconfirmed: World):
    """The promotion does not come back in the same round."""
    interrupted = unconfirmed.ledger.requests()[0].run_id

    rolled_back = unconfirmed.roll_back("1")

    assert rolled_back["status"] == "done"
    assert unconfirmed.ledger.run(interrupted).status == "failed"
    assert unconfirmed.ledger.pointer().versions == ["1"]
    assert champions(unconfirmed)[-1] == "1"


def test_a_rollback_that_fails_leaves_no_unconfirmed_version_as_champion(
    unconfirmed: World, monkeypatch: pytest.MonkeyPatch
):
    """Both runs have failed, and the last version that was confirmed answers."""
    monkeypatch.setattr("retrain.promotion.steps.confirm", DIED)

    assert unconfirmed.roll_back("1")["status"] == "failed"
    assert champions(unconfirmed)[-1] == "1"
    assert unconfirmed.ledger.requests() == []


def test_another_fit_of_the_same_data_is_another_version(world: World, monkeypatch: pytest.MonkeyPatch):
    """The first was registered and did not answer; what answers then is what was submitted last."""
    with monkeypatch.context() as broken:
        broken.setattr("retrain.promotion.steps.prove", DIED)
        first = world.land("one.csv", ONE)
    world.overrides["RETRAIN_ORDER"] = "2,0,0"
    second = world.run()
    submitted = world.context.registry.get(second["model"]["version"])

    assert (first["status"], second["status"]) == ("failed", "done")
    assert second["model"]["artifact_sha256"] == submitted.artifact_sha256
    assert submitted.run_id == second["run_id"]


def test_a_run_that_did_not_win_is_not_promoted_by_hand(serving: World, monkeypatch: pytest.MonkeyPatch):
    """Though it won before the store went away, and was made again under a policy that somebody has changed."""
    submit = Promotion.submit

    def loses_its_answer(promotion: Promotion, run: Run, context: Context) -> None:
        submit(promotion, run, context)
        raise ServiceTimeout("the storage did not answer")

    with monkeypatch.context() as away:
        away.setattr(Promotion, "submit", loses_its_answer)
        assert serving.land("two.csv", TWO)["status"] == "failed"
    (request,) = serving.ledger.requests()
    run_id = request.run_id
    serving.ledger.put_back(request.evolve(settings={**request.settings, "RETRAIN_MIN_GAIN": "0.99"}))
    serving.overrides["RETRAIN_MIN_GAIN"] = "0.99"
    serving.run()

    assert serving.ledger.run(run_id).verdict == "keep"
    with pytest.raises(NotFound, match="no model to promote: it is keep"):
        promote_run(run_id, serving.settings, serving.context)
    assert champions(serving) == ["1"]


def test_a_done_run_stays_done_when_its_second_promotion_is_killed_and_fails(
    serving: World, monkeypatch: pytest.MonkeyPatch
):
    """Its version is champion, so it has not failed; nobody is told that it has."""
    done: dict[str, Any] = serving.land("two.csv", TWO)
    with monkeypatch.context() as dying:
        dying.setattr("retrain.promotion.steps.prove", fails(Killed()))
        with pytest.raises(Killed):
            promote_run(done["run_id"], serving.settings, serving.context)
    with monkeypatch.context() as broken:
        broken.setattr("retrain.promotion.steps.prove", DIED)
        serving.run()

    after = serving.ledger.run(done["run_id"])
    assert (after.status, after.verdict, after.ends) == ("done", "promote", 1)
    assert champions(serving) == ["1", "2"]


@pytest.mark.parametrize("to", ["9" * 300, "x", "1/", "../1", "01"])
def test_a_version_that_cannot_exist_is_not_found_and_blocks_nobody(serving: World, to: str):
    """The attempt is on record, and the next request is worked off."""
    assert serving.roll_back(to)["error"]["kind"] == "not_found"
    assert serving.run()["verdict"] == "unchanged"


def test_a_failed_promotion_may_be_made_again_by_hand(serving: World, monkeypatch: pytest.MonkeyPatch):
    """It had won."""
    with monkeypatch.context() as broken:
        broken.setattr("retrain.promotion.steps.prove", DIED)
        failed = serving.land("two.csv", TWO)
        with pytest.raises(PromotionFailed):
            promote_run(failed["run_id"], serving.settings, serving.context)

    assert promote_run(failed["run_id"], serving.settings, serving.context).status == "done"
    assert champions(serving) == ["1", "2"]

"""The way back to an earlier version: a request like every other, and the same proof."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from retrain.doors.champion_forecast import champion_forecast as forecast
from retrain.errors import PromotionFailed, ServiceError, ServiceUnavailable
from retrain.promotion.resume import promote_run
from tests.builders import NEW_YEAR, World, csv_file, level_days
from tests.faults import fails
from tests.stories.test_promotion import second_year


def test_rolling_back_is_a_switch_and_is_remembered(serving: World):
    """And the same data do not bring the rolled-back version in again."""
    second_year(serving)

    report = serving.roll_back()

    assert report["reason"] == "Back from version 2 to 1."
    assert forecast(7, serving.settings, serving.context)["version"] == "1"
    assert [entry.version for entry in serving.ledger.pointer().champions] == ["1", "2", "1"]
    again = serving.run()
    assert again["verdict"] == "unchanged"
    assert again["reason"].endswith("version 2 became champion. It was taken back; the champion is version 1.")


def test_rolling_back_starts_a_service_that_is_gone(serving: World):
    """Its image and its artifact are kept."""
    second_year(serving)
    serving.platform.remove("daily-transactions-v1")

    serving.roll_back("1")

    assert forecast(7, serving.settings, serving.context)["version"] == "1"


def test_rolling_back_a_champion_to_itself_brings_its_service_back(serving: World):
    """After a restart of the machine, for example."""
    serving.platform.remove("daily-transactions-v1")
    with pytest.raises(ServiceUnavailable, match="retrain rollback --to 1"):
        forecast(7, serving.settings, serving.context)

    serving.roll_back("1")

    assert forecast(7, serving.settings, serving.context)["version"] == "1"


@pytest.mark.parametrize(("to", "message"), [(None, "no earlier champion"), ("9", "has no version 9")])
def test_there_must_be_something_to_go_back_to(serving: World, to: str | None, message: str):
    """Otherwise nothing moves, and the attempt is on record."""
    report = serving.roll_back(to)

    assert (report["status"], report["error"]["kind"]) == ("failed", "not_found")
    assert message in report["reason"]
    assert serving.ledger.requests() == []


def test_a_rollback_that_fails_leaves_the_champion(serving: World, monkeypatch: pytest.MonkeyPatch):
    """The same gate as a promotion's."""
    second_year(serving)
    monkeypatch.setattr("retrain.promotion.steps.prove", fails(ServiceError("it is broken")))
    report = serving.roll_back("1")

    assert report["status"] == "failed"
    assert forecast(7, serving.settings, serving.context)["version"] == "2"


@pytest.mark.parametrize("failing", ["wait_until_ready", "prove", "confirm"])
@pytest.mark.parametrize("again", ["promote", "rollback"])
def test_a_reigning_champion_is_not_deposed_by_proving_it_again(
    serving: World, failing: str, again: str, monkeypatch: pytest.MonkeyPatch
):
    """Promoted once more, or rolled back to itself: a failure then changes neither pointer, service nor report."""
    run = second_year(serving, RETRAIN_KEEP_SERVICES="1")
    monkeypatch.setattr(f"retrain.promotion.steps.{failing}", fails(ServiceError("a glitch")))
    taken = {
        "promote": lambda: promote_run(run["run_id"], serving.settings, serving.context).as_json(),
        "rollback": lambda: serving.roll_back("2"),
    }[again]
    with suppress(PromotionFailed):
        assert taken()["status"] == "failed"

    assert [entry.version for entry in serving.ledger.pointer().champions] == ["1", "2"]
    assert forecast(7, serving.settings, serving.context)["version"] == "2"
    assert serving.ledger.run(run["run_id"]).status == "done"


def test_a_switch_that_was_taken_back_is_no_earlier_champion(serving: World, monkeypatch: pytest.MonkeyPatch):
    """A rollback goes to somebody who was confirmed."""
    with monkeypatch.context() as broken:
        broken.setattr("retrain.promotion.steps.confirm", fails(ServiceError("it died")))
        second_year(serving)

    assert serving.ledger.pointer().versions == ["1"]
    assert "no earlier champion" in serving.roll_back()["reason"]


def test_one_rollback_after_the_other_leads_further_back(serving: World):
    """And never to the version that was rolled back."""
    for number, level in enumerate((160, 230, 150)):
        days = csv_file(level_days(60, seed=number + 5, level=level), NEW_YEAR + timedelta(days=60 * number))
        assert serving.land(f"{number}.csv", days)["verdict"] == "promote"

    versions = [serving.roll_back()["model"]["version"] for _ in range(3)]
    last = serving.roll_back()

    assert versions == ["3", "2", "1"]
    assert (last["status"], "--to" in last["reason"]) == ("failed", True)

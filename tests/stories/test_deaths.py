"""Runs that kill their process: counted, made again a few times, and set aside in the end."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from retrain.errors import ConfigError, ServiceUnavailable
from retrain.records.ledger import Ledger
from retrain.records.request import Request, Trigger
from retrain.runs import dispatch
from retrain.runs.dispatch import MOST_DEATHS, work_off
from tests.builders import World, ask, csv_file, weekly
from tests.faults import fails

if TYPE_CHECKING:
    pass


def killed(world: World, request: Request, times: int) -> None:
    """Processes that took a request up, and of which nothing else was ever heard."""
    for _ in range(times):
        world.ledger.begin(request)


def test_a_file_that_kills_its_process_again_and_again_is_set_aside(world: World):
    """It would stand in the way of every later file; the copy and the reason are kept."""
    poison = ask(Trigger.BLOB, world.context, file="poison.csv")
    world.put("poison.csv", b"whatever")
    killed(world, poison, MOST_DEATHS)
    after = world.land("one.csv", csv_file(weekly(60)))

    report = world.ledger.run(poison.run_id).as_json()
    assert report["status"] == "failed"
    assert f"the run of poison.csv was begun {MOST_DEATHS} times" in report["reason"]
    assert (world.root / "quarantine" / poison.run_id / "poison.csv").read_bytes() == b"whatever"
    assert after["verdict"] == "promote"
    assert not world.ledger.requests()


def test_a_run_that_is_killed_a_few_times_is_made_in_the_end(world: World):
    """Hosts are restarted; that says nothing about a file."""
    world.put("one.csv", csv_file(weekly(60)))
    request = ask(Trigger.BLOB, world.context, file="one.csv")
    killed(world, request, MOST_DEATHS - 1)
    world.run(Trigger.TIMER)

    assert world.ledger.run(request.run_id).verdict == "promote"


def test_a_copy_that_kills_too_is_not_made_again(world: World):
    """The file lies in the inbox still; those behind it are worked off."""
    poison = ask(Trigger.BLOB, world.context, file="poison.csv")
    world.put("poison.csv", b"whatever")
    killed(world, poison, MOST_DEATHS + 1)
    world.run(Trigger.TIMER)

    assert world.ledger.run(poison.run_id).as_json()["error"]["kind"] == "internal"
    assert not (world.root / "quarantine").exists()
    assert not world.ledger.requests()


def test_a_file_whose_days_were_accepted_is_not_laid_aside(world: World):
    """What killed its run came afterwards."""
    world.land("one.csv", csv_file(weekly(60)))
    again = ask(Trigger.BLOB, world.context, file="one.csv")
    killed(world, again, MOST_DEATHS)
    world.run(Trigger.TIMER)

    assert world.ledger.run(again.run_id).landing is None
    assert not (world.root / "quarantine").exists()


def test_a_promotion_that_kills_its_process_again_and_again_is_taken_back(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """Its run has failed, and those behind it are worked off."""
    with monkeypatch.context() as dying:
        dying.setattr("retrain.promotion.resume.promote", fails(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            world.land("one.csv", csv_file(weekly(60)))
    (request,) = world.ledger.requests()
    assert world.ledger.run(request.run_id).status == "promoting"
    killed(world, request, MOST_DEATHS)
    after = world.run(Trigger.TIMER)

    ended = world.ledger.run(request.run_id).as_json()
    assert (ended["status"], ended["verdict"]) == ("failed", None)
    assert "its process ended in the middle each time" in ended["reason"]
    assert after["verdict"] == "promote"
    assert not world.ledger.requests()


@pytest.mark.parametrize(
    "trouble", [ServiceUnavailable("the storage is away"), ConfigError("a setting is off"), KeyboardInterrupt()]
)
def test_an_end_in_trouble_is_no_death(world: World, monkeypatch: pytest.MonkeyPatch, trouble: BaseException):
    """However long a service is away, a setting is wrong, or a person stops the command."""
    world.put("one.csv", csv_file(weekly(60)))
    request = ask(Trigger.BLOB, world.context, file="one.csv")
    with monkeypatch.context() as broken:
        broken.setattr(dispatch, "retrain", fails(trouble))
        for _ in range(2 * MOST_DEATHS):
            with suppress(KeyboardInterrupt):
                work_off(world.settings, world.context)
    world.run(Trigger.TIMER)

    assert world.ledger.run(request.run_id).verdict == "promote"


def test_a_report_that_cannot_be_written_is_no_death(world: World, monkeypatch: pytest.MonkeyPatch):
    """The failure is not on record, and the process lives."""
    world.put("one.csv", csv_file(weekly(60)))
    request = ask(Trigger.BLOB, world.context, file="one.csv")
    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "record", fails(ServiceUnavailable("the storage is away")))
        for _ in range(2 * MOST_DEATHS):
            with pytest.raises(ServiceUnavailable):
                work_off(world.settings, world.context)
    world.run(Trigger.TIMER)

    assert world.ledger.run(request.run_id).reason != ""
    assert world.ledger.run(request.run_id).status == "done"

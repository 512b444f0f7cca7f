"""Events: one for each end of a run, under one id, brought to every listener in their order."""

from __future__ import annotations

import json

import pytest

from retrain.doors.cli import main
from retrain.errors import ConfigError, ServiceUnavailable
from retrain.promotion.resume import promote_run
from retrain.records.outbox import Event
from retrain.records.request import Trigger
from retrain.records.run import Run
from retrain.runs import dispatch
from retrain.runs.dispatch import work_off
from tests.builders import ONE, TWO, World, ask
from tests.faults import fails
from tests.listening import Heard, Listener

BAD = b"TransactionDate,PaidAmount\n2023-01-01,much\n"


def test_a_promotion_is_told_once(heard: Heard, listener: Listener):
    """With the run as it is on record, and nothing is left."""
    run_id = heard.land("one.csv", ONE)

    assert listener.told == [(f"{run_id}-1", "promotion")]
    assert listener.runs == [heard.world.ledger.recorded(run_id)]
    assert heard.left == []


def test_a_verdict_is_told_once(heard: Heard, listener: Listener):
    """Nothing was promoted, and that is news too."""
    run_id = heard.run()

    assert listener.told == [(f"{run_id}-1", "verdict")]


def test_a_dry_run_that_would_promote_tells_of_a_verdict(heard: Heard, listener: Listener):
    """It made no version."""
    heard.world.put("one.csv", ONE)
    run_id = heard.run(Trigger.BLOB, file="one.csv", dry_run=True)

    assert heard.world.ledger.run(run_id).verdict == "promote"
    assert listener.told == [(f"{run_id}-1", "verdict")]


def test_a_failure_is_told_once(heard: Heard, listener: Listener):
    """A file that was refused."""
    run_id = heard.land("bad.csv", BAD)

    assert listener.told == [(f"{run_id}-1", "failure")]


def test_a_rollback_is_told_once(heard: Heard, listener: Listener):
    """As what it is, although its version was promoted before."""
    heard.land("one.csv", ONE)
    heard.land("two.csv", TWO)
    run_id = heard.roll_back()
    work_off(heard.world.settings, heard.context)

    assert [kind for _, kind in listener.told] == ["promotion", "promotion", "rollback"]
    assert listener.told[-1] == (f"{run_id}-1", "rollback")


def test_a_promotion_that_failed_and_is_continued_by_hand_is_told_of_both_ends(
    heard: Heard, listener: Listener, monkeypatch: pytest.MonkeyPatch
):
    """Each under its own id."""
    with monkeypatch.context() as broken:
        broken.setattr("retrain.promotion.steps.confirm", fails(ServiceUnavailable("it is away")))
        run_id = heard.land("one.csv", ONE)
    promote_run(run_id, heard.world.settings, heard.context)
    work_off(heard.world.settings, heard.context)

    assert listener.told == [(f"{run_id}-1", "failure"), (f"{run_id}-2", "promotion")]


def test_a_run_that_fails_the_same_way_again_tells_once(heard: Heard, listener: Listener):
    """Its request is kept until the setting is right; then it tells of its other end, under another id."""
    rows = b"TransactionDate,PaidAmount\n2024-01-01,1\n2024-01-01,2\n"
    heard.land("one.csv", rows)
    heard.world.overrides["RETRAIN_AGGREGATE"] = "sum"
    run_id = heard.land("two.csv", rows.replace(b"2024-01-01", b"2024-01-02"))
    for _ in range(3):
        work_off(heard.world.settings, heard.context)
    assert listener.told[1:] == [(f"{run_id}-1", "failure")]
    heard.world.overrides["RETRAIN_AGGREGATE"] = "mean"
    work_off(heard.world.settings, heard.context)

    assert listener.told[1:] == [(f"{run_id}-1", "failure"), (f"{run_id}-2", "verdict")]


def test_what_may_pass_is_not_told_until_the_run_has_ended(
    heard: Heard, listener: Listener, monkeypatch: pytest.MonkeyPatch
):
    """The next trigger tries again; that is no end."""
    with monkeypatch.context() as broken:
        broken.setattr(dispatch, "retrain", fails(ServiceUnavailable("the storage is away")))
        run_id = heard.run()
    assert (listener.told, heard.left) == ([], [])
    work_off(heard.world.settings, heard.context)

    assert listener.told == [(f"{run_id}-1", "verdict")]


def test_trouble_after_a_wrong_setting_does_not_use_an_id_again(
    heard: Heard, listener: Listener, monkeypatch: pytest.MonkeyPatch
):
    """A listener that leaves out the ids that it knows would miss the second end."""
    run_id = ask(Trigger.TIMER, heard.context).run_id
    for trouble in (ConfigError("a setting is wrong"), ServiceUnavailable("the storage is away")):
        with monkeypatch.context() as broken:
            broken.setattr(dispatch, "retrain", fails(trouble))
            work_off(heard.world.settings, heard.context)
    work_off(heard.world.settings, heard.context)

    assert listener.told == [(f"{run_id}-1", "failure"), (f"{run_id}-2", "verdict")]


def test_listeners_get_events_in_the_order_in_which_runs_ended(heard: Heard, listener: Listener):
    """Not in that of their names: a rollback overtakes what was asked before."""
    listener.away = ServiceUnavailable("away")
    heard.land("one.csv", ONE)
    heard.land("two.csv", TWO)
    first = ask(Trigger.TIMER, heard.context).run_id
    rollback = heard.roll_back()
    work_off(heard.world.settings, heard.context)
    listener.away = None
    last = heard.run()

    assert [event_id for event_id, _ in listener.told[2:]] == [f"{rollback}-1", f"{first}-1", f"{last}-1"]
    assert heard.left == []


@pytest.mark.parametrize("away", [ServiceUnavailable("the list is away"), ZeroDivisionError("division by zero")])
def test_a_listener_that_raises_gets_the_event_later(heard: Heard, listener: Listener, away: Exception):
    """Under the same id; the promotion is done meanwhile."""
    listener.away = away
    run_id = heard.land("one.csv", ONE)
    assert heard.world.ledger.run(run_id).status == "done"
    assert [champion.version for champion in heard.world.ledger.pointer().champions] == ["1"]
    assert [(event.id, event.end) for event in heard.left] == [(f"{run_id}-1", 1)]
    listener.away = None
    work_off(heard.world.settings, heard.context)

    assert listener.told == [(f"{run_id}-1", "promotion")]
    assert heard.left == []


def test_a_listener_that_raises_is_asked_once_a_round(heard: Heard):
    """And for the oldest event first, so that none overtakes it."""
    asked: list[str] = []

    class Broken:
        name = "broken"

        def receive(self, event: Event, _run: Run) -> None:
            asked.append(event.id)
            raise ServiceUnavailable("away")

    heard.listeners = (Broken(),)  # type: ignore[assignment]
    first, _second = heard.run(), heard.run()

    assert asked == [f"{first}-1", f"{first}-1"]


def test_who_has_taken_an_event_does_not_get_it_again(world: World):
    """While another listener is away."""
    there, away = Listener("there"), Listener("away", ServiceUnavailable("away"))
    heard = Heard(world, (away, there))
    first, second = heard.run(), heard.run()
    assert [event.delivered for event in heard.left] == [("there",), ("there",)]
    away.away = None
    third = heard.run()

    everything = [(f"{run_id}-1", "verdict") for run_id in (first, second, third)]
    assert there.told == everything
    assert away.told == everything


def test_the_command_shows_what_is_left_and_why(
    heard: Heard, listener: Listener, capsys: pytest.CaptureFixture[str]
):
    """For people and for programs."""
    listener.away = ServiceUnavailable("the list is away")
    first, second = heard.run(), heard.run()

    assert main(["events", "--root", str(heard.world.root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert main(["events", "--json", "--root", str(heard.world.root)]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert lines == [
        f"{first}-1  verdict    listener: the list is away",
        f"{second}-1  verdict    not delivered yet",
    ]
    assert [(each["id"], each["trouble"], each["delivered"]) for each in objects] == [
        (f"{first}-1", "listener: the list is away", []),
        (f"{second}-1", "", []),
    ]

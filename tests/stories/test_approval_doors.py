"""Winners are approved and rejected at a terminal and over HTTP, by name."""

from __future__ import annotations

import argparse
import json
from typing import Any

import pytest

from retrain.doors import approval_commands, approval_routes
from retrain.doors import http as doors
from retrain.errors import Conflict, NotFound, RetrainError, UsageError
from retrain.records.request import Trigger
from tests.approving import REQUIRED, asked_by, champion_of
from tests.builders import TWO, World

OTHER = "0" * 64


@pytest.fixture
def waiting(serving: World, monkeypatch: pytest.MonkeyPatch) -> tuple[World, str]:
    """Version 1 answers, the winner of a run waits, and the doors lead to it."""
    serving.overrides |= REQUIRED
    run_id = serving.land("two.csv", TWO)["run_id"]
    for routes in (doors, approval_routes):
        monkeypatch.setattr(routes, "parse", lambda _environment: serving.settings)
        monkeypatch.setattr(routes, "connect", lambda _settings: serving.context)
    monkeypatch.setattr(approval_commands, "connected", lambda _options: (serving.settings, serving.context))
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    return serving, run_id


def options(run_id: str, **more: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"run_id": run_id, "note": None, "why": "not in May", "json": False, **more})


def post(run_id: str, way: str, body: dict[str, Any], name: str | None = None) -> tuple[int, list[str]]:
    """What a route answers, and which runs it has put on the queue."""
    queued: list[str] = []
    return doors.decide(run_id, way, json.dumps(body).encode(), queued.append, name).status, queued


def test_approving_at_a_terminal_shows_the_promotion(
    waiting: tuple[World, str], capsys: pytest.CaptureFixture[str]
):
    """It is made in the same round; who approved is the user who is signed in."""
    world, run_id = waiting

    code = approval_commands.approve(options(run_id))

    assert (code, champion_of(world), asked_by(world, run_id).by) == (0, "2", "ada")
    assert "approval   approved by ada" in capsys.readouterr().out


def test_rejecting_at_a_terminal_keeps_why(waiting: tuple[World, str], capsys: pytest.CaptureFixture[str]):
    """The list shows `rejected`, and not the verdict of a promotion that there was not."""
    world, run_id = waiting

    assert approval_commands.reject(options(run_id)) == 0

    assert (champion_of(world), asked_by(world, run_id).why) == ("1", "not in May")
    assert "REJECTED" in capsys.readouterr().out


def test_rejecting_needs_a_reason(waiting: tuple[World, str]):
    """Whoever reads the run later wants to know."""
    with pytest.raises(UsageError, match="--why is empty"):
        approval_commands.reject(options(waiting[1], why=" "))


def test_a_run_that_asks_nothing_is_refused_before_anything_is_written(waiting: tuple[World, str]):
    """At both doors."""
    world, _ = waiting
    other = world.run(Trigger.TIMER)["run_id"]

    with pytest.raises(NotFound, match="no winner of run"):
        approval_commands.approve(options(other))
    with pytest.raises(NotFound, match="no winner of run"):
        post(other, "approve", {"decision": OTHER})
    assert world.ledger.requests() == []


def test_approving_over_http_names_the_decision_that_was_seen(waiting: tuple[World, str]):
    """202 and the queue, as every request of a person."""
    world, run_id = waiting

    status, queued = post(run_id, "approve", {"decision": asked_by(world, run_id).decision})
    doors.on_queue()

    assert (status, len(queued), champion_of(world)) == (202, 1, "2")
    assert asked_by(world, run_id).by == "function key"


@pytest.mark.parametrize(
    ("way", "body", "error"),
    [
        ("approve", {}, UsageError),
        ("approve", {"decision": "yes"}, UsageError),
        ("approve", {"decision": OTHER}, Conflict),
        ("approve", {"decision": OTHER, "force": True}, UsageError),
        ("reject", {}, UsageError),
        ("reject", {"reason": ""}, UsageError),
        ("reject", {"reason": "no", "decision": OTHER}, Conflict),
    ],
)
def test_another_decision_or_a_wrong_body_approves_nothing(
    waiting: tuple[World, str], way: str, body: dict[str, Any], error: type[RetrainError]
):
    """Nothing is written or queued, and the winner goes on waiting."""
    world, run_id = waiting

    with pytest.raises(error):
        post(run_id, way, body)

    assert (world.ledger.requests(), asked_by(world, run_id).state) == ([], "waiting")


@pytest.mark.parametrize(
    ("enabled", "name", "by"),
    [
        ("True", "ada@example.org", "ada@example.org"),
        ("False", "ada", "function key, of a caller who gives the name ada"),
        ("True", None, "function key"),
        ("True", "a\nb", "a?b"),
    ],
)
def test_a_name_counts_only_where_the_host_has_proven_it(
    waiting: tuple[World, str], monkeypatch: pytest.MonkeyPatch, enabled: str, name: str | None, by: str
):
    """Without App Service authentication a caller can write any name into the header."""
    world, run_id = waiting
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", enabled)

    post(run_id, "reject", {"reason": "not in May"}, name)
    doors.on_queue()

    assert asked_by(world, run_id).by == by

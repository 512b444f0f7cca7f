"""Timers that fire late, or twice, also after a kill."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from retrain.doors import http as doors
from retrain.records.request import Land
from retrain.wiring import connect
from tests.builders import (
    NEW_YEAR,
    ONE,
    TWO,
    at_once,
    read_history,
    reports,
)
from tests.drills.place import Place
from tests.drills.table import tell
from tests.platforms import ThreadPlatform

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.records.context import Context
    from retrain.settings import Settings
from tests.drills.test_clock import landed


@pytest.fixture
def timer(
    place: Place, platform: ThreadPlatform, monkeypatch: pytest.MonkeyPatch
) -> Callable[[bool], dict[str, Any]]:
    """Fire the schedule as the Function App does; the report of its run."""
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)

    def here(settings: Settings) -> Context:
        return replace(connect(settings), platform=platform)

    monkeypatch.setattr(doors, "connect", here)

    def fire(past_due: bool) -> dict[str, Any]:
        doors.on_timer(is_late=past_due)
        return reports(place.ledger, 1)[0]

    return fire


def test_a_timer_that_fires_late_and_twice_decides_once(
    place: Place, platform: ThreadPlatform, timer: Callable[[bool], dict[str, Any]]
):
    """Late is said; the second time nothing has changed; after new days, no event of theirs is needed."""
    landed("one.csv", ONE, place, place.context(platform))

    late, twice = timer(True), timer(False)

    assert late["request"]["note"] == "the schedule fired late"
    assert [late["verdict"], twice["verdict"]] == ["unchanged", "unchanged"]
    assert late["run_id"] < twice["run_id"]
    assert [entry.version for entry in place.ledger.pointer().champions] == ["1"]
    tell("clock", place.store, "a timer that fires late, and twice", 2)


def test_a_timer_that_fires_twice_makes_up_once_for_a_holder_that_was_killed(
    place: Place, platform: ThreadPlatform, timer: Callable[[bool], dict[str, Any]]
):
    """Its request lies there from a day ago."""
    landed("one.csv", ONE, place, place.context(platform))
    connect(place.settings).inbox.write("two.csv", TWO)
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y%m%dT%H%M%S}000Z-0000"
    place.ledger.ask(Land(run_id=yesterday, file="two.csv"))

    at_once([lambda: timer(True), lambda: timer(False)])

    assert place.ledger.run(yesterday).as_json()["model"]["version"] == "2"
    assert [entry.version for entry in place.ledger.pointer().champions] == ["1", "2"]
    assert max(read_history(connect(place.settings).state).days) == NEW_YEAR + timedelta(days=59)
    assert place.ledger.requests() == []
    tell("clock", place.store, "a timer that fires twice after a kill", 2)

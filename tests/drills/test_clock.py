"""Clocks that go back, change to summer time and back, meet a leap day."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from retrain.doors.champion_forecast import champion_forecast as forecast
from retrain.records.champion import Champion
from retrain.records.ledger import Ledger
from retrain.records.request import RUN_ID, Trigger
from tests.builders import (
    FIRST_DAY,
    ONE,
    TWO,
    Clock,
    ask,
    at_once,
    csv_file,
    has_worked_off,
    level_days,
    read_history,
)
from tests.drills.place import Place
from tests.drills.table import tell
from tests.platforms import ThreadPlatform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.records.context import Context

BERLIN = ZoneInfo("Europe/Berlin")
CORRECTION = csv_file(np.append(204.0, level_days(100, seed=1, level=200)[1:]))  # its first day differs from ONE
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    """Noon, and a second later whenever it is asked."""
    return Clock(NOON)


@pytest.fixture
def context(place: Place, platform: ThreadPlatform, clock: Clock) -> Context:
    """A place whose clock the drill turns."""
    return replace(place.context(platform), now=clock)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose local time has a summer."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def landed(file: str, data: bytes, place: Place, context: Context) -> dict[str, Any]:
    """A file lands and is worked off; its report."""
    context.inbox.write(file, data)
    request = ask(Trigger.BLOB, context, file=file)
    assert has_worked_off(place.settings, context)
    return Ledger(context.state).run(request.run_id).as_json()


def make_champion(version: str, at: datetime, context: Context) -> None:
    """A version becomes champion when the clock says so."""
    ledger = Ledger(context.state)
    ledger.switch(ledger.pointer(), Champion(version, at, f"run-{version}"))


def live(day: date, context: Context) -> str | None:
    """Which version was live when that day ended."""
    return getattr(Ledger(context.state).pointer().on(day), "version", None)


def first_amount(context: Context) -> bytes:
    """The first day's row, as a file would state it."""
    return f"{FIRST_DAY},{read_history(context.state).days[FIRST_DAY]!r}\n".encode()


def test_runs_asked_for_while_the_clock_stands_still_have_names_of_their_own(context: Context, clock: Clock):
    """Four hex digits part them; sixteen threads ask in the same millisecond."""
    still = replace(context, now=lambda: clock.now)

    ids = at_once([lambda: ask(Trigger.HTTP, still).run_id] * 16)

    assert len(set(ids)) == 16
    assert all(RUN_ID.fullmatch(run_id) for run_id in ids)
    assert [request.run_id for request in Ledger(context.state).requests()] == sorted(ids)


def test_a_name_that_is_taken_by_a_waiting_request_is_not_given_again(
    context: Context, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """The same millisecond, and the same digits by chance: both events are kept."""
    still, digits = replace(context, now=lambda: clock.now), iter(["abcd", "abcd", "ef01"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(digits))

    asked = [ask(Trigger.BLOB, still, file=file) for file in ("one.csv", "two.csv")]

    assert Ledger(context.state).requests() == asked


def test_events_keep_their_order_when_the_clock_goes_back_between_them(
    place: Place, context: Context, clock: Clock
):
    """The file that landed last has the last word on a day, whatever the clock says."""
    context.inbox.write("one.csv", ONE)
    context.inbox.write("correction.csv", CORRECTION)
    first = ask(Trigger.BLOB, context, file="one.csv")
    clock.now -= timedelta(hours=1)
    second = ask(Trigger.BLOB, context, file="correction.csv")

    assert has_worked_off(place.settings, context)

    assert first.run_id < second.run_id
    assert first_amount(context) in CORRECTION


def test_events_of_one_millisecond_keep_their_order(
    place: Place, context: Context, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """The file that landed last has the last word on a day."""
    digits = iter(["ffff", "0000"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(digits))
    still = replace(context, now=lambda: clock.now)
    context.inbox.write("one.csv", ONE)
    context.inbox.write("correction.csv", CORRECTION)

    asked = [ask(Trigger.BLOB, still, file=file) for file in ("one.csv", "correction.csv")]

    assert Ledger(context.state).requests() == asked
    assert has_worked_off(place.settings, context)
    assert first_amount(context) in CORRECTION


def test_who_was_live_is_the_same_answer_after_the_clock_went_back(context: Context):
    """Nobody becomes champion before the one whom he replaced."""
    make_champion("1", NOON, context)
    before = [live(NOON.date() + timedelta(days=ahead), context) for ahead in (-2, -1)]

    make_champion("2", NOON - timedelta(days=2), context)

    pointer = Ledger(context.state).pointer()
    assert [live(NOON.date() + timedelta(days=ahead), context) for ahead in (-2, -1)] == before == [None, None]
    assert live(NOON.date(), context) == "2"
    assert [entry.version for entry in pointer.during(NOON.date())] == ["1", "2"]
    assert pointer.champions[0].since <= pointer.champions[1].since


def test_a_promotion_succeeds_while_the_clock_goes_back(place: Place, context: Context, clock: Clock):
    """A day lies between the two years, in the wrong direction: the champion is the last one that became it."""
    landed("one.csv", ONE, place, context)
    clock.now -= timedelta(days=1)

    second = landed("two.csv", TWO, place, context)

    pointer = Ledger(context.state).pointer()
    assert second["verdict"] == "promote"
    assert [entry.version for entry in pointer.champions] == ["1", "2"]
    assert live(NOON.date(), context) == "2"
    assert forecast(3, place.settings, context)["version"] == "2"
    tell("clock", place.store, "the clock goes back between two promotions", 1)


@pytest.mark.usefixtures("berlin")
def test_the_hour_that_summer_time_repeats_is_two_hours(place: Place, context: Context, clock: Clock):
    """Half past two comes twice in Berlin on that night; names go on ascending, and nobody is live too early."""
    clock.now = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    local, ids = [], []
    for _ in range(9):
        clock.now += timedelta(minutes=15)
        local.append(clock.now.astimezone(BERLIN).strftime("%H:%M"))
        ids.append(ask(Trigger.TIMER, context).run_id)
    assert local.count("02:30") == 2

    assert ids == sorted(set(ids)) == [request.run_id for request in Ledger(context.state).requests()]
    tell("clock", place.store, "runs in the hour that summer time repeats", len(ids))


@pytest.mark.usefixtures("berlin")
def test_a_day_is_a_day_of_utc_in_summer_time_too(context: Context):
    """Half past midnight in Berlin is the evening before in UTC, on the short and the long night too."""
    for version, night in (("1", date(2026, 3, 29)), ("2", date(2026, 10, 25))):
        at = datetime(night.year, night.month, night.day, 0, 30, tzinfo=BERLIN).astimezone(UTC)
        make_champion(version, at, context)

        assert at.date() == night - timedelta(days=1)
        assert live(night - timedelta(days=1), context) == version
        assert live(night, context) == version
        assert live(night - timedelta(days=2), context) != version


@pytest.mark.usefixtures("berlin")
def test_the_triggers_clock_is_utc_wherever_they_run(place: Place, platform: ThreadPlatform):
    """A run's name says so, and says the truth."""
    before = datetime.now(UTC)
    run_id = ask(Trigger.TIMER, place.context(platform)).run_id
    named = datetime.strptime(run_id[:18], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)

    assert abs(named - before) < timedelta(minutes=1)


def test_a_leap_day_is_a_day(place: Place, context: Context, clock: Clock):
    """Promoted on it, trained through the day before it, and forecast."""
    clock.now = datetime(2028, 2, 29, 23, 0, tzinfo=UTC)
    first_day = date(2028, 2, 28) - timedelta(days=99)

    report = landed("leap.csv", csv_file(level_days(100, seed=1, level=200), first_day), place, context)

    days = [row["date"] for row in forecast(3, place.settings, context)["forecast"]]
    assert report["run_id"].startswith("20280229T23")
    assert report["data"]["last_day"] == "2028-02-28"
    assert days == ["2028-02-29", "2028-03-01", "2028-03-02"]
    assert [live(day, context) for day in (date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1))] == [
        None,
        "1",
        "1",
    ]
    tell("clock", place.store, "a promotion on a leap day", 1)

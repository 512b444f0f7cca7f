"""Blob, timer and HTTP at the same instant, and what becomes of the lock when its holder dies or freezes."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retrain.data.series import daily_series
from retrain.doors import http as doors
from retrain.errors import LockHeld
from retrain.promotion.resume import LOCK
from retrain.records.registry import Registry
from retrain.records.request import Trigger
from retrain.runs import dispatch
from retrain.runs import run as service
from retrain.wiring import connect
from tests.builders import (
    FIRST_DAY,
    ONE,
    ask,
    at_once,
    csv_file,
    files_in_force,
    has_worked_off,
    read_history,
    reports,
    weekly,
)
from tests.drills.driver import SHORTEST_LEASE_SECONDS, Nursery
from tests.drills.place import Place, a_place
from tests.drills.table import tell
from tests.platforms import ThreadPlatform, stop_services
from tests.sweeps import in_drills

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrain.records.context import Context
    from retrain.records.history import History
    from retrain.settings import Settings

ROUNDS = 5
MORE_DAYS = 30
STEP_SECONDS = 0.2
BEGUN_SECONDS = 100  # a child begins in less than one on an idle machine
TAKEN_OVER_SECONDS = 10 * SHORTEST_LEASE_SECONDS


@pytest.fixture(params=["folder", *in_drills("azurite")])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty store of each kind, with the first file landed in it."""
    (tmp_path / "store").mkdir()
    place = a_place(request, tmp_path / "store")
    connect(place.settings).inbox.write("one.csv", ONE)
    yield place
    stop_services(Path(place.root))


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where other processes are started."""
    with Nursery(3) as children:
        yield children


@pytest.fixture
def made(place: Place, platform: ThreadPlatform, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The doors lead to this place; the runs made through them, in their order, and `overlap` for two at a time."""
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    runs: list[str] = []
    real, alone = service.retrain, threading.Lock()

    def watched(request: Any, *args: Any) -> Any:
        if not alone.acquire(blocking=False):
            runs.append("overlap")
        promotion = real(request, *args)
        runs.append(request.run_id)
        alone.release()
        return promotion

    def here(settings: Settings) -> Any:
        return replace(connect(settings), platform=platform)

    monkeypatch.setattr(dispatch, "retrain", watched)
    monkeypatch.setattr(doors, "connect", here)
    return runs


def land(place: Place, number: int) -> str:
    """A file of the days that follow those of all before; its name."""
    file = f"more-{number}.csv"
    first_day = FIRST_DAY + timedelta(days=100 + number * MORE_DAYS)
    connect(place.settings).inbox.write(
        file, csv_file(weekly(MORE_DAYS, seed=number, level=100 + number), first_day)
    )
    return file


def request_over_http() -> None:
    """A person asks, and the queue wakes a worker for each message."""
    queued: list[str] = []
    assert doors.accept(b"{}", queued.append).status == 202
    for _ in queued:
        doors.on_queue()


def is_of_the_sweep(report: dict[str, Any]) -> bool:
    """The timer may take in a file before its event has told of it."""
    return bool(report["trigger"] == "timer" and report["landing"])


def data_on_record(place: Place) -> str:
    """What the history amounts to."""
    return daily_series(history_of(place).days, place.settings.data.gaps).sha256


def history_of(place: Place) -> History:
    return read_history(connect(place.settings).state)


def test_blob_timer_and_http_at_the_same_instant_are_three_runs_one_at_a_time(place: Place, made: list[str]):
    """Round after round: each is made once, and the last one made has seen the last file."""
    doors.on_blob("one.csv")
    for number in range(ROUNDS):
        file = land(place, number)
        triggers: list[Callable[[], None]] = [
            lambda file=file: doors.on_blob(file),  # type: ignore[misc]
            lambda: doors.on_timer(is_late=False),
            request_over_http,
        ]
        at_once(triggers)
        last = place.ledger.run(made[-1]).as_json()
        assert last["data"]["sha256"] == data_on_record(place)
        assert file in files_in_force(history_of(place))
        assert place.ledger.requests() == []

    ended = [report for report in reports(place.ledger, 100) if not is_of_the_sweep(report)]
    dropped = 3 * ROUNDS + 1 - len(ended) + sum(report["status"] != "done" for report in ended)
    tell("concurrency", place.store, "blob, timer and HTTP at the same instant", 3 * ROUNDS, dropped)
    assert dropped == 0
    assert "overlap" not in made
    assert {*made} >= {report["run_id"] for report in ended}
    assert sorted(str(report["trigger"]) for report in ended) == sorted(
        ["blob", *["blob", "timer", "http"] * ROUNDS]
    )


@pytest.mark.long
def test_three_processes_that_are_triggered_at_the_same_instant_do_not_overlap_either(
    place: Place, nursery: Nursery
):
    """They share nothing but the store; a run that met another would have failed."""
    file, at = land(place, 0), time.time() + 0.5
    asked = [("blob", "one.csv"), ("blob", file), ("timer", None), ("http", None)]
    children = [nursery.start("door", place, trigger=trigger, file=name, at=at) for trigger, name in asked]
    ends = [nursery.wait(child) for child in children]

    assert [end.code for end in ends] == [0] * len(asked)
    made = [
        line.split()[1]
        for line in sorted((line for end in ends for line in end.told), key=lambda it: int(it.split()[0]))
    ]
    reports = [place.ledger.run(run_id).as_json() for run_id in made]
    own = [report for report in reports if not is_of_the_sweep(report)]
    dropped = len(asked) - len(own) + sum(report["status"] != "done" for report in reports)
    tell("concurrency", place.store, "the same from processes", len(asked), dropped)
    assert dropped == 0
    assert place.ledger.requests() == []
    assert reports[-1]["data"]["sha256"] == data_on_record(place)
    assert sorted(files_in_force(history_of(place))) == ["more-0.csv", "one.csv"]


def held(place: Place, nursery: Nursery, seconds: float = 600) -> int:
    """A process that is in the middle of its run and holds the lock."""
    lease = SHORTEST_LEASE_SECONDS
    child = nursery.start("hold", place, lease_seconds=lease, seconds=seconds)
    deadline = time.monotonic() + BEGUN_SECONDS
    while not (Path(place.root) / "holding").exists():
        assert time.monotonic() < deadline, "the child never began its run"
        time.sleep(0.01)
    return child


@pytest.mark.long
def test_a_holder_that_is_killed_is_taken_over(place: Place, platform: ThreadPlatform, nursery: Nursery):
    """Not while it lives; in a folder at once when it dies, and with a lease not yet then. Its run is made."""
    child = held(place, nursery)
    context = place.context(platform)
    ask(Trigger.TIMER, context)
    assert not has_worked_off(place.settings, context)
    os.kill(child, signal.SIGKILL)
    assert nursery.wait(child).code == -signal.SIGKILL

    if place.connection:
        with pytest.raises(LockHeld), context.state.lock(LOCK):
            pytest.fail("the lease has not ended yet")
        return
    assert has_worked_off(place.settings, context)
    one_version(place)
    tell("concurrency", place.store, "the holder of the lock killed", 1)


def when_taken_over(place: Place, context: Context) -> float:
    """Try until the lock is free and all is worked off; the moment at which the last try ended."""
    deadline = time.monotonic() + TAKEN_OVER_SECONDS
    while not has_worked_off(place.settings, context):
        assert time.monotonic() < deadline, "the lease never ended"
        time.sleep(STEP_SECONDS)
    return time.monotonic()


def one_version(place: Place) -> None:
    """Both runs are made, and one of them made the champion."""
    ended = reports(place.ledger, 10)
    assert sorted(report["verdict"] for report in ended) == ["promote", "unchanged"]
    assert Registry(connect(place.settings).state, place.settings.platform.model_name).versions() == ["1"]
    assert place.ledger.requests() == []


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("place", ["azurite"], indirect=True)
def test_a_killed_holder_is_taken_over_when_its_lease_ends_and_no_sooner(
    place: Place, platform: ThreadPlatform, nursery: Nursery
):
    """It was held beyond its first term before, for it was renewed while its holder lived."""
    child = held(place, nursery)
    context = place.context(platform)
    ask(Trigger.TIMER, context)
    lived_until = time.monotonic() + SHORTEST_LEASE_SECONDS + 3
    while time.monotonic() < lived_until:
        assert not has_worked_off(place.settings, context)
        time.sleep(STEP_SECONDS)
    os.kill(child, signal.SIGKILL)
    assert nursery.wait(child).code == -signal.SIGKILL
    renewed_at = float((Path(place.root) / "renewed").read_text())

    taken_over_at = when_taken_over(place, context)
    assert taken_over_at >= renewed_at + SHORTEST_LEASE_SECONDS
    one_version(place)
    tell("concurrency", place.store, "the holder of the lock killed: taken over when its lease ended", 1)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("place", ["azurite"], indirect=True)
def test_a_holder_that_was_frozen_beyond_its_lease_changes_nothing_any_more(
    place: Place, platform: ThreadPlatform, nursery: Nursery
):
    """Somebody else has done its work meanwhile; when it wakes, it stops at its first write."""
    child = held(place, nursery, seconds=SHORTEST_LEASE_SECONDS + 5)
    os.kill(child, signal.SIGSTOP)
    context = place.context(platform)
    when_taken_over(place, context)
    before = {name: context.state.read(name) for name in ("champion.json", "history.json")}
    runs = reports(place.ledger, 10)

    os.kill(child, signal.SIGCONT)
    end = nursery.wait(child)

    assert end.code == 0
    assert "its lease was" in end.told[0]
    assert {name: context.state.read(name) for name in before} == before
    assert reports(place.ledger, 10) == runs
    assert [run["verdict"] for run in runs] == ["promote"]
    tell("concurrency", place.store, "the holder of the lock frozen beyond its lease", 1)

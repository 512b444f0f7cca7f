"""The same event however often and from wherever: one retrain, one version, one service."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import pytest

from retrain.adapters.local.process import ProcessPlatform
from retrain.records.registry import Registry
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from retrain.wiring import connect
from tests.builders import FIRST_DAY, NEW_YEAR, ONE, TWO, ask, at_once, csv_file, level_days, read_history, reports
from tests.drills.driver import Nursery
from tests.drills.place import Place
from tests.drills.table import tell
from tests.platforms import ThreadPlatform, stop_services

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.ports import ObjectStore, Platform

pytestmark = pytest.mark.timeout(300)  # a hundred events on Azurite take half a minute, and more on a busy machine
EVENTS = 100
THREADS = 16
PROCESSES = 4
REVISED = csv_file(np.append(level_days(100, seed=1, level=200)[:-3], [181.0, 202.0, 193.0]))


def put(place: Place, file: str, data: bytes) -> None:
    """A file lands; nothing has noticed it yet."""
    connect(place.settings).inbox.write(file, data)


def deliver(place: Place, platform: Platform, file: str = "one.csv") -> dict[str, Any]:
    """An event arrives, as the blob trigger hands it over; what is on record of it then."""
    context = place.context(platform)
    request = ask(Trigger.BLOB, context, file=file)
    work_off(place.settings, context)
    return place.ledger.run(request.run_id).as_json()


def lost(place: Place, runs: list[str], services: list[str]) -> int:
    """How many events were dropped or did something again; everything else has to be as after one."""
    state = connect(place.settings).state
    reports = [place.ledger.run(run_id).as_json() for run_id in runs]
    promoted = [report for report in reports if report["verdict"] == "promote"]
    taken = [report for report in reports if "taken_in_by" in (report["landing"] or {})]

    assert len(set(runs)) == len(runs) == EVENTS
    assert [entry.version for entry in place.ledger.pointer().champions] == ["1"]
    assert Registry(state, place.settings.platform.model_name).versions() == ["1"]
    assert len(list(state.names("landings/"))) == len(list(state.names("artifacts/"))) == 1
    assert services == ["1"]
    assert place.ledger.requests() == []
    assert (len(promoted), len(taken)) == (1, EVENTS - 1)
    assert {report["landing"]["taken_in_by"] for report in taken} == {promoted[0]["run_id"]}
    return [report["verdict"] for report in reports].count("unchanged") - (EVENTS - 1)


@pytest.mark.long
def test_one_event_a_hundred_times_in_order_is_one_retrain(place: Place, platform: ThreadPlatform):
    """Each after the end of the one before."""
    put(place, "one.csv", ONE)

    runs = [deliver(place, platform)["run_id"] for _ in range(EVENTS)]

    found = lost(place, runs, [service.version for service in platform.services()])
    tell("duplicates", place.store, "the same event, in order", EVENTS, found)
    assert found == 0
    assert runs == sorted(runs)


def test_one_event_a_hundred_times_from_sixteen_threads_is_one_retrain(place: Place, platform: ThreadPlatform):
    """Whoever holds the lock does the work of the others, and nobody comes after to sweep up."""
    put(place, "one.csv", ONE)

    def arrive(first: int) -> list[str]:
        return [deliver(place, platform)["run_id"] for _ in range(first, EVENTS, THREADS)]

    runs = [run_id for ids in at_once([partial(arrive, first) for first in range(THREADS)]) for run_id in ids]

    found = lost(place, runs, [service.version for service in platform.services()])
    tell("duplicates", place.store, f"the same event, from {THREADS} threads", EVENTS, found)
    assert found == 0


@pytest.mark.long
def test_one_event_a_hundred_times_from_four_processes_is_one_retrain(place: Place):
    """They share nothing but the store; the service is a process too."""
    put(place, "one.csv", ONE)

    with Nursery(2) as nursery:
        children = [
            nursery.start("deliver", place, file="one.csv", times=EVENTS // PROCESSES) for _ in range(PROCESSES)
        ]
        ends = [nursery.wait(child) for child in children]
    genuine = ProcessPlatform(Path(place.root) / "platform")
    services = [service.version for service in genuine.services() for _ in genuine._processes(service.name)]
    stop_services(Path(place.root))

    assert [end.code for end in ends] == [0] * PROCESSES
    found = lost(place, [run_id for end in ends for run_id in end.told], services)
    tell("duplicates", place.store, f"the same event, from {PROCESSES} processes", EVENTS, found)
    assert found == 0


def test_an_event_for_a_file_that_was_overwritten_takes_what_is_there(place: Place, platform: ThreadPlatform):
    """The second event finds it taken in, and says by whom."""
    put(place, "one.csv", ONE)
    first = ask(Trigger.BLOB, place.context(platform), file="one.csv")
    put(place, "one.csv", REVISED)

    second = deliver(place, platform)

    report = place.ledger.run(first.run_id).as_json()
    assert (report["verdict"], report["landing"]["new_days"]) == ("promote", 100)
    assert second["landing"]["taken_in_by"] == first.run_id
    assert days(place) == amounts(REVISED)
    tell("duplicates", place.store, "an event for a file that was overwritten meanwhile", 2)


def test_an_event_for_a_file_that_was_deleted_is_said(place: Place, platform: ThreadPlatform):
    """A failure on record that names it, not tried again; the champion stays, and the file's other days too."""
    put(place, "one.csv", ONE)
    deliver(place, platform)
    put(place, "two.csv", TWO)
    ask(Trigger.BLOB, place.context(platform), file="two.csv")
    connect(place.settings).inbox.delete("two.csv")

    again = deliver(place, platform)

    gone = next(run for run in reports(place.ledger, 10) if run["status"] == "failed")
    assert (gone["error"]["kind"], "two.csv" in gone["reason"]) == ("not_found", True)
    assert again["verdict"] == "unchanged"
    assert place.ledger.requests() == []
    assert days(place) == amounts(ONE)
    tell("duplicates", place.store, "an event for a file that was deleted meanwhile", 1)


@dataclass(frozen=True, slots=True)
class Restless:
    """An inbox in which something happens just before, or just after, a file is opened."""

    inbox: ObjectStore
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None

    def state(self, name: str) -> str:
        """As it is at first."""
        return self.inbox.state(name)

    def open(self, name: str) -> BinaryIO:
        """As it is by now."""
        self.before()
        stream = self.inbox.open(name)
        self.after()
        return stream


def test_a_file_that_is_overwritten_while_it_is_read_ends_as_what_was_written_last(
    place: Place, platform: ThreadPlatform
):
    """Its own event follows, as the platform promises; the two states are never mixed."""
    put(place, "one.csv", ONE)
    restless: Any = Restless(connect(place.settings).inbox, after=lambda: put(place, "one.csv", REVISED))
    context = replace(place.context(platform), inbox=restless)
    first = ask(Trigger.BLOB, context, file="one.csv")
    work_off(place.settings, context)
    seen = place.ledger.run(first.run_id).as_json()

    second = deliver(place, platform)

    assert seen["status"] == "done" or seen["error"]["kind"] == "conflict"
    assert second["status"] == place.ledger.run(first.run_id).status == "done"
    assert place.ledger.requests() == []
    assert days(place) == amounts(REVISED)
    tell("duplicates", place.store, "a file that is overwritten while it is read", 1)


def test_a_late_event_for_a_file_that_was_taken_in_does_not_bring_its_days_back(
    place: Place, platform: ThreadPlatform
):
    """It was overwritten between two looks at it: what was read is what is remembered as taken in."""
    put(place, "one.csv", ONE)
    restless: Any = Restless(connect(place.settings).inbox, before=lambda: put(place, "one.csv", REVISED))
    context = replace(place.context(platform), inbox=restless)
    ask(Trigger.BLOB, context, file="one.csv")
    work_off(place.settings, context)
    work_off(place.settings, place.context(platform))
    put(place, "correction.csv", ONE)
    deliver(place, platform, "correction.csv")

    deliver(place, platform)

    assert days(place) == amounts(ONE)


def days(place: Place) -> list[float]:
    """The amounts that the history ends up with, from the first day on."""
    found = read_history(connect(place.settings).state).days
    assert min(found) == FIRST_DAY
    assert max(found) < NEW_YEAR
    return [found[day] for day in sorted(found)]


def amounts(file: bytes) -> list[float]:
    """The amounts that a file states."""
    return [float(line.split(b",")[1]) for line in io.BytesIO(file).readlines()[1:]]

"""Soak: hundreds of landings in a row in one process, and nothing grows but the history."""

from __future__ import annotations

import gc
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import psutil
import pyarrow as pa
import pytest

from retrain.adapters.local.process import ProcessPlatform
from retrain.records.ledger import Ledger
from retrain.records.registry import Registry, service_name
from retrain.records.request import Trigger
from retrain.settings import Settings, parse
from retrain.wiring import connect
from tests.builders import ask, csv_file, has_worked_off, level_days
from tests.drills.table import tell
from tests.platforms import stop_services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from retrain.ports import ObjectStore, Stored
    from tests.drills.place import Place

LANDINGS, FIRST_DAYS = 300, 120
WARM_UP = 100
RESTATED_EVERY = 25
DAILY_GROWTH = 0.8  # currency; a model that was trained long ago is measurably worse
BYTES_A_LANDING = 20_000
SLOWER_AT_MOST = 3  # the history is three times as long in the end, and the machine has other work
VERDICTS = {"promote", "keep", "waiting"}
FILE = "year.csv"


class Calls(NamedTuple):
    """Calls to a store, and how many names its listings gave."""

    reads: int
    listings: int
    names: int


class Handles(NamedTuple):
    """What this process holds on to."""

    files: int
    threads: int
    children: int


@dataclass
class Soak:
    """What was measured after each landing.

    Attributes:
        native_threads: those of Python and those of libraries.
        taken: what the landing took.
        asked: what it took to find the run, who is champion, and what still waits.
    """

    memory: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    taken: list[Calls] = field(default_factory=list)
    asked: list[Calls] = field(default_factory=list)
    handles: list[Handles] = field(default_factory=list)
    native_threads: list[int] = field(default_factory=list)
    services: list[int] = field(default_factory=list)


@pytest.fixture
def settings(place: Place) -> Iterator[Settings]:
    """An empty store, in which a fortnight is enough to compare and to promote; its services end with the test."""
    promotes_soon = {"RETRAIN_MIN_UNSEEN_DAYS": "14", "RETRAIN_POLICY": "better", "RETRAIN_ORDER": "1,0,1"}
    yield parse({**place.environment, **promotes_soon})
    stop_services(Path(place.root))


@pytest.fixture
def _malloc_alone() -> Iterator[None]:
    """Arrow takes its memory from malloc, which can be told to give back what nobody uses.

    Its own allocator keeps some of it, in pages of 2 MiB: one more or less of them, with nothing in it, is half of
    what the landings after the warm-up may cost together.
    """
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    yield
    pa.set_memory_pool(before)


def counted[Store: ObjectStore](store: Store, calls: Counter[str]) -> Store:
    """The same store, whose reads and listings are counted."""
    read, names = store.read, store.names

    def counted_read(name: str) -> Stored | None:
        calls["reads"] += 1
        return read(name)

    def counted_names(prefix: str) -> Iterator[str]:
        calls["listings"] += 1
        for name in names(prefix):
            calls["names"] += 1
            yield name

    for method, instead in {"read": counted_read, "names": counted_names}.items():
        setattr(store, method, instead)
    return store


def noted(calls: Counter[str]) -> Calls:
    """What was counted; the count begins anew."""
    found = Calls(calls["reads"], calls["listings"], calls["names"])
    calls.clear()
    return found


def years() -> Iterator[NDArray[np.float64]]:
    """A year that grows by a day, and now and then says something else of a day that is long past."""
    days = FIRST_DAYS + LANDINGS
    values = level_days(days, seed=1, level=200) + DAILY_GROWTH * np.arange(days)
    for landing in range(LANDINGS):
        year = values[: FIRST_DAYS + landing].copy()
        if landing % RESTATED_EVERY == RESTATED_EVERY - 1:
            year[FIRST_DAYS // 2] *= 1 + landing / 10_000
        yield year


def land(data: bytes, settings: Settings, soak: Soak) -> None:
    """A file lands, and its run is made with ports of its own, as for every event; what that took."""
    calls, began = Counter[str](), time.process_time()
    context = connect(settings)
    counted(context.state, calls)
    context.inbox.write(FILE, data)
    request = ask(Trigger.BLOB, context, file=FILE)
    assert has_worked_off(settings, context)
    soak.seconds.append(time.process_time() - began)
    soak.taken.append(noted(calls))

    ledger = Ledger(context.state)
    report = ledger.run(request.run_id).as_json()
    assert ledger.pointer().champion is not None
    assert ledger.requests() == []
    soak.asked.append(noted(calls))
    soak.verdicts.append(report["verdict"] or report["reason"])
    soak.services.append(len(context.platform.services()))


def soaked(settings: Settings) -> Soak:
    """Land every year, and see what is left of that in this process.

    Services are processes of their own, as they are in production: what FastAPI keeps of an app for as long as its
    process lives is no matter of this one.
    """
    process, soak = psutil.Process(), Soak()
    for year in years():
        land(csv_file(year), settings, soak)
        gc.collect()
        pa.default_memory_pool().release_unused()  # of malloc's: trim it
        soak.memory.append(process.memory_info().rss)
        children = len(process.children(recursive=True))
        soak.handles.append(Handles(process.num_fds(), threading.active_count(), children))
        soak.native_threads.append(process.num_threads())
    return soak


def left_behind(root: Path) -> list[Path]:
    """Files that were begun and never finished."""
    return [path for kind in (".unfinished/*", "inbox/.unfinished/*", "platform/*/.*") for path in root.glob(kind)]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("_malloc_alone", "assessed_anew")
def test_three_hundred_landings_leave_nothing_behind(place: Place, settings: Settings):
    """Memory and time are flat, nothing leaks, and the ledger is read as quickly as on the first day."""
    soak = soaked(settings)
    slope = np.polyfit(np.arange(LANDINGS - WARM_UP), soak.memory[WARM_UP:], 1)[0]
    first, last = (statistics.quantiles(some)[0] for some in (soak.seconds[:WARM_UP], soak.seconds[-WARM_UP:]))
    promotions, kept = soak.verdicts.count("promote"), settings.platform.keep_services
    settled = soak.services.index(kept) + 1  # from here on every promotion retires a service
    versions = Registry(connect(settings).state, settings.platform.model_name).versions()
    names = [service_name(settings.platform.model_name, version) for version in versions]
    genuine = ProcessPlatform(Path(place.root) / "platform")
    running = [name for name in names for _ in genuine._processes(name)]
    odd = [verdict for verdict in soak.verdicts if verdict not in VERDICTS]
    lost = len(odd) + abs(promotions - len(place.ledger.pointer().champions))

    tell("soak", place.store, "landings in a row, one process", LANDINGS, lost)
    assert (lost, odd) == (0, [])
    assert len(versions) == promotions > LANDINGS // 50
    assert set(soak.verdicts[settled:]) == VERDICTS
    assert soak.services[settled:] == [kept] * (LANDINGS - settled)
    assert running == names[-kept:]

    assert slope < BYTES_A_LANDING, f"{slope:.0f} bytes a landing"
    assert last < SLOWER_AT_MOST * first
    assert pa.total_allocated_bytes() == 0
    assert len(set(soak.handles[settled:])) == 1, Counter(soak.handles)
    # Arrow starts the threads of its two pools when it first has work for them, and keeps them.
    assert max(soak.native_threads) - soak.native_threads[0] <= pa.io_thread_count() + pa.cpu_count()
    assert left_behind(Path(place.root)) == []

    assert set(soak.asked) == {Calls(reads=2, listings=1, names=0)}
    others = [taken for taken, verdict in zip(soak.taken, soak.verdicts, strict=True) if verdict != "promote"]
    assert len(set(others)) == 1, Counter(others)

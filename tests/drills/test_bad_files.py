"""Bad files: accepted right, or set aside with the reason; never a traceback, a hang, or a touched history."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import uuid
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest
from azure.storage.blob import BlobServiceClient
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrain.adapters.azure.blob import BlobStore
from retrain.adapters.local.folder import FolderStore
from retrain.data.formats import Columns
from retrain.data.landings import read_history
from retrain.data.transactions import Aggregate, read_days
from retrain.errors import DataError
from retrain.records.ledger import Ledger
from retrain.records.request import Trigger
from tests.builders import World, ask, csv_file, has_worked_off
from tests.drills.bad_files import BIG, CORPUS, ENDLESS_FILES, ON_BLOBS, SEEDS, YEAR, BadFile
from tests.drills.table import FUZZED, tell
from tests.platforms import ThreadPlatform

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable, Iterable, Iterator

    from retrain.ports import ObjectStore
    from retrain.records.context import Context

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 20  # ten times what a landing takes on an idle machine
MOST_BYTES = 400 << 20
MOST_WRITTEN = 128 << 20
RUNS = 200_000  # of the fuzzer
START_SECONDS = 60  # of an interpreter on a busy machine, which is no part of a landing
outcomes: dict[str, list[bool]] = {"folder": [], "Azurite": [], "reader": []}

LAND = """
import json, resource, sys, time
from pathlib import Path
from retrain.records.request import Trigger
from tests.builders import World

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
began = time.monotonic()
report = World(Path(sys.argv[1])).run(Trigger.BLOB, file=sys.argv[2])
seconds = time.monotonic() - began
# The kernel hands ru_maxrss of a parent on to what it starts; its own peak is in /proc.
own = Path("/proc/self/status")
words = own.read_text().partition("VmHWM:")[2].split() if own.exists() else []
peak = int(words[0]) if words else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"report": report, "seconds": seconds, "peak": peak << 10}))
"""


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A store with a first year and its champion; tests take copies."""
    platform = ThreadPlatform()
    world = World(tmp_path_factory.mktemp("bad-files") / "store", platform=platform)
    assert world.land("year.csv", csv_file(YEAR))["verdict"] == "promote"
    yield world
    platform.close()


@pytest.fixture
def copy(year: World, tmp_path: Path) -> World:
    """The first year, for one test alone."""
    shutil.copytree(year.root, tmp_path / "store")
    return replace(year, root=tmp_path / "store")


@contextmanager
def counted(group: str) -> Iterator[None]:
    """One more file in the table, lost until its answer was the right one."""
    outcomes[group].append(False)
    yield
    outcomes[group][-1] = True


def cases(files: Iterable[BadFile]) -> list[Any]:
    """Named for what is wrong with them."""
    return [pytest.param(bad, id=bad.what) for bad in files]


def answered(bad: BadFile, report: dict[str, Any], state: ObjectStore, before: bytes) -> None:
    """Assert that a file got its answer, and nothing else happened."""
    run_id = report["run_id"]
    assert state.read(f"runs/{run_id}/traceback.txt") is None
    assert Ledger(state).requests() == []
    after = state.read("history.json")
    assert after is not None
    if isinstance(bad.expected, dict):
        known = json.loads(before)["days"]
        assert report["status"] == "done", report.get("error")
        assert json.loads(after.data)["days"] == known | bad.expected
        return
    assert report["status"] == "failed"
    error = report["error"]
    assert error["kind"] == "data"
    assert error["file"] == bad.name
    assert re.search(bad.expected, error["message"], re.DOTALL), error["message"]
    cell = {"row": bad.row, "column": bad.column, "found": bad.found}
    assert {name: error.get(name) for name, value in cell.items() if value is not None} == {
        name: value for name, value in cell.items() if value is not None
    }
    assert "expected" in error or not bad.row
    assert after.data == before
    if bad.is_plain_name:
        set_aside(report, state)


def set_aside(report: dict[str, Any], state: ObjectStore) -> None:
    """Assert that quarantine holds the file of a run and the reason beside it."""
    names = list(state.names(f"quarantine/{report['run_id']}/"))
    reasons = [name for name in names if name.endswith(".reason.json")]
    assert len(names) == 2
    assert len(reasons) == 1
    reason = state.read(reasons[0])
    assert reason is not None
    assert json.loads(reason.data) == report["error"]
    assert report["landing"]["quarantine"] == state.address(reasons[0].removesuffix(".reason.json"))


def kept(run_id: str, state: ObjectStore) -> bytes:
    """The copy of a file that was set aside."""
    name = next(name for name in state.names(f"quarantine/{run_id}/") if not name.endswith(".reason.json"))
    with state.open(name) as stream:
        return stream.read()


def history_of(state: ObjectStore) -> bytes:
    """The record as it stands."""
    stored = state.read("history.json")
    assert stored is not None
    return stored.data


def landed(name: str, context: Context, world: World) -> dict[str, Any]:
    """An event told of a file; its report."""
    request = ask(Trigger.BLOB, context, file=name)
    assert has_worked_off(world.settings, context)
    return Ledger(context.state).run(request.run_id).as_json()


@pytest.mark.parametrize("bad", cases(CORPUS))
def test_a_bad_file_gets_its_answer(copy: World, bad: BadFile):
    """The days it truly says, or quarantine with what is wrong and where; the history follows or stays."""
    data, state = bad.make(), FolderStore(copy.root)
    before = history_of(state)
    if bad.is_plain_name:
        copy.put(bad.name, data)
    with counted("folder"):
        report = landed(bad.name, copy.context, copy)

        answered(bad, report, state, before)
        if isinstance(bad.expected, str) and bad.is_plain_name:
            assert kept(report["run_id"], state) == data


@pytest.mark.parametrize("bad", cases(bad for bad in CORPUS if bad.what in ON_BLOBS))
def test_a_bad_blob_gets_the_same_answer(year: World, storage: str, bad: BadFile):
    """Inbox and state are containers of Blob Storage."""
    context = on_blobs(year, storage)
    before, data = history_of(context.state), bad.make()
    context.inbox.write(bad.name, data)
    with counted("Azurite"):
        report = landed(bad.name, context, year)

        answered(bad, report, context.state, before)
        if isinstance(bad.expected, str):
            assert kept(report["run_id"], context.state) == data


def on_blobs(year: World, storage: str) -> Context:
    """The first year in containers of its own."""
    service = BlobServiceClient.from_connection_string(storage, retry_total=0)
    mark = uuid.uuid4().hex[:12]
    inbox, state = BlobStore(service, f"inbox-{mark}"), BlobStore(service, f"state-{mark}")
    for folder in ("models", "artifacts", "runs"):
        for name in FolderStore(year.root).names(f"{folder}/"):
            state.write(name, (year.root / name).read_bytes())
    for name in ("history.json", "champion.json"):
        state.write(name, (year.root / name).read_bytes())
    return replace(year.with_state(state), inbox=inbox)


def in_a_process_of_its_own(world: World, name: str) -> dict[str, Any]:
    """Land a file where its time and its memory can be told apart, and what it writes is bounded."""
    command = [sys.executable, "-c", LAND, str(world.root), name, str(MOST_WRITTEN)]
    limit = MOST_SECONDS + START_SECONDS
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=limit, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    measured: dict[str, Any] = json.loads(done.stdout)
    assert measured["seconds"] <= MOST_SECONDS
    assert measured["peak"] <= MOST_BYTES
    report: dict[str, Any] = measured["report"]
    return report


def is_refused_in_bounds(world: World, bad: BadFile) -> None:
    state = FolderStore(world.root)
    before = history_of(state)
    world.put(bad.name, bad.make())
    with counted("folder"):
        answered(bad, in_a_process_of_its_own(world, bad.name), state, before)


@pytest.mark.long
@pytest.mark.parametrize("bad", cases(BIG))
def test_a_file_that_is_vast_inside_is_refused_in_seconds_and_in_little_memory(copy: World, bad: BadFile):
    """At most `MOST_SECONDS` and 400 MB, whatever it grows to."""
    is_refused_in_bounds(copy, bad)


@pytest.mark.long
@pytest.mark.parametrize("bad", cases(ENDLESS_FILES))
def test_a_file_that_goes_on_for_ever_is_refused(copy: World, bad: BadFile):
    """What is read so far is good, and there is no end to it."""
    is_refused_in_bounds(copy, bad)


PARQUET_BOMB = """
import os, sys
import pyarrow as pa, pyarrow.parquet as pq
cells = pa.array(["2024-01-01" + " " * (200 << 20)], pa.large_string())
noise = pa.array([os.urandom(int(sys.argv[2]))])
table = pa.table({"TransactionDate": cells, "PaidAmount": [5.0], "Note": noise})
pq.write_table(table, sys.argv[1], compression="zstd", use_dictionary=False, write_statistics=False)
"""


@pytest.mark.long
@pytest.mark.parametrize("noise", [0, 3 << 20])
def test_a_parquet_file_that_is_vast_inside_is_refused_in_little_memory(copy: World, noise: int):
    """200 MB of blanks in one cell, in a few kilobytes; also beside noise that nobody asked for."""
    state, path = FolderStore(copy.root), copy.root / "inbox" / "bomb.parquet"
    subprocess.run([sys.executable, "-c", PARQUET_BOMB, str(path), str(noise)], check=True, timeout=60)
    bomb = BadFile("a Parquet bomb", path.read_bytes, "grows to more than 100 times", name="bomb.parquet")
    with counted("folder"):
        answered(bomb, in_a_process_of_its_own(copy, bomb.name), state, history_of(state))


def test_a_link_to_a_file_of_the_inbox_is_that_file(copy: World):
    """It leads nowhere else."""
    copy.put("there.csv", b"TransactionDate,PaidAmount\n2024-01-01,5\n")
    (copy.root / "inbox" / "link.csv").symlink_to("there.csv")
    link = BadFile("a link", bytes, {"2024-01-01": 5.0}, name="link.csv")
    with counted("folder"):
        before = history_of(FolderStore(copy.root))
        answered(link, landed(link.name, copy.context, copy), FolderStore(copy.root), before)


def test_a_link_out_of_the_inbox_shows_nothing_of_what_lies_there(copy: World, tmp_path: Path):
    """Neither in a report nor in quarantine."""
    (tmp_path / "secret").write_bytes(b"password of somebody\n")
    (copy.root / "inbox" / "link.csv").symlink_to(tmp_path / "secret")
    link = BadFile("a link", bytes, "link|plain name", name="link.csv", is_plain_name=False)
    with counted("folder"):
        before = history_of(FolderStore(copy.root))
        answered(link, landed(link.name, copy.context, copy), FolderStore(copy.root), before)
        written = [path for path in copy.root.rglob("*") if path.is_file() and path.name != "link.csv"]
        assert not [path for path in written if b"password" in path.read_bytes()]


def test_a_link_to_a_device_without_end_is_refused(copy: World):
    """The process may write 128 MB, so that the disk survives."""
    (copy.root / "inbox" / "zero.csv").symlink_to("/dev/zero")
    link = BadFile("a device", bytes, "link|plain name", name="zero.csv", is_plain_name=False)
    with counted("folder"):
        before = history_of(FolderStore(copy.root))
        answered(link, in_a_process_of_its_own(copy, link.name), FolderStore(copy.root), before)


@pytest.mark.parametrize("kind", ["a link to itself", "a folder"])
def test_what_can_never_be_opened_does_not_stop_the_next_file(copy: World, kind: str):
    """It is refused for good; a file that lands after it is taken in."""
    there = copy.root / "inbox" / "odd.csv"
    if kind == "a folder":
        there.mkdir()
    else:
        there.symlink_to("odd.csv")
    with counted("folder"):
        refused = landed("odd.csv", copy.context, copy)
        next_one = copy.land("next.csv", b"TransactionDate,PaidAmount\n2024-01-01,5\n")

        assert (refused["status"], next_one["status"]) == ("failed", "done")
        assert copy.ledger.requests() == []


class Interrupted(io.RawIOBase):
    """A stream during whose reading something happens, once."""

    def __init__(self, stream: BinaryIO, happens: Callable[[], None]) -> None:
        self._stream, self._happens = stream, happens
        self._reads = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()
        super().close()

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        self._reads += 1
        if self._reads == 4:
            self._happens()
        data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)


def changing_days(amount: int) -> bytes:
    """Five days of 130,000 transactions of one amount each: 8 MB, so that many reads are needed."""
    return b"TransactionDate,PaidAmount\n" + b"".join(
        b"2024-01-0%d,%d\n" % (day, amount) * 130_000 for day in range(1, 6)
    )


@pytest.mark.parametrize(
    "way",
    ["in place", "by a rename", "of a blob"],
)
def test_a_file_that_changes_while_it_is_read_is_never_taken_in_by_halves(
    copy: World, way: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    """As it was or not at all; and as it is now, once its own event has been worked off."""
    context = on_blobs(copy, request.getfixturevalue("storage")) if way == "of a blob" else copy.context
    old, new = changing_days(1), changing_days(3)
    context.inbox.write("changing.csv", old)
    opened = context.inbox.open
    changes: list[str] = []

    def change() -> None:
        if not changes:
            changes.append(way)
            if way == "in place":
                (copy.root / "inbox" / "changing.csv").write_bytes(new)
            else:
                context.inbox.write("changing.csv", new)

    def open_and_change(name: str) -> BinaryIO:
        return io.BufferedReader(Interrupted(opened(name), change), 1 << 20)

    monkeypatch.setattr(context.inbox, "open", open_and_change)
    known = read_history(context.state).days
    days = [date(2024, 1, at) for at in range(1, 6)]
    with counted("Azurite" if way == "of a blob" else "folder"):
        first = landed("changing.csv", context, copy)
        assert changes
        between = read_history(context.state).days
        landed("changing.csv", context, copy)

        assert between in (known, {**known, **dict.fromkeys(days, 1.0)})
        assert read_history(context.state).days == {**known, **dict.fromkeys(days, 3.0)}
        assert context.state.read(f"runs/{first['run_id']}/traceback.txt") is None
        assert Ledger(context.state).requests() == []


TEXT_PARQUET = "Parquet of text"
PIECES = st.one_of(
    st.binary(min_size=0, max_size=6),
    st.sampled_from([b"\0", b"\n", b"\r", b'"', b",", b"\t", b"\xff", b"-", b"\xef\xbb\xbf", b"nan", b"\n" * 40]),
)
CHANGES = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 8), PIECES), min_size=1, max_size=12)


def read_mutated(seed: str, changes: list[tuple[int, int, bytes]], cut: int) -> None:
    """Read a good file after some cuts and insertions: days or a DataError, nothing else."""
    data = SEEDS[seed]()
    for at, removed, piece in changes:
        at %= len(data) + 1
        data = data[:at] + piece + data[at + removed :]
    data = data[: len(data) - cut]
    with counted("reader"):
        assert days_or_reason(data)


def days_or_reason(data: bytes) -> object:
    """What the reader makes of it."""
    try:
        return read_days(io.BytesIO(data), "fuzz.csv", Columns(), Aggregate.MEAN, date(2026, 1, 1)).days
    except DataError as refusal:
        return refusal.where.get("file") == "fuzz.csv"


@given(st.sampled_from([seed for seed in SEEDS if seed != TEXT_PARQUET]), CHANGES, st.integers(0, 60))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_days_or_a_reason(seed: str, changes: list[tuple[int, int, bytes]], cut: int):
    """No other exception leaves the reader."""
    read_mutated(seed, changes, cut)


@pytest.mark.long
@given(st.sampled_from([seed for seed in SEEDS if seed != TEXT_PARQUET]), CHANGES, st.integers(0, 60))
@settings(max_examples=3000, deadline=None)
def test_any_bytes_are_days_or_a_reason_for_long(seed: str, changes: list[tuple[int, int, bytes]], cut: int):
    """The same, twenty times as often."""
    read_mutated(seed, changes, cut)


@pytest.mark.long
@example(changes=[(SEEDS[TEXT_PARQUET]().index(b"2023-01-02") + 9, 1, b"\xff")], cut=0)
@given(CHANGES, st.just(0))
@settings(max_examples=3000, deadline=None)
def test_any_text_in_parquet_is_days_or_a_reason(changes: list[tuple[int, int, bytes]], cut: int):
    """The same, of Parquet that holds its days as text."""
    read_mutated(TEXT_PARQUET, changes, cut)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_what_a_fuzzer_finds_by_the_code_it_comes_to_is_days_or_a_reason(tmp_path: Path):
    """It follows the branches of the reader; it also notices an input that ends the process."""
    pytest.importorskip("atheris", reason="the fuzzer is made for Linux on x86-64 only")
    kept = tmp_path / "corpus"
    kept.mkdir()
    command = [sys.executable, "-m", "tests.drills.fuzz", str(kept), f"-runs={RUNS}", "-seed=1"]
    # Its peak of memory begins with that of the process that starts it, so the limit is only there for a leak.
    options = ["-rss_limit_mb=2048", f"-timeout={MOST_SECONDS}", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)

    tell("bad files", "reader", FUZZED, RUNS, int(done.returncode != 0))
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"Done {RUNS} runs" in done.stderr


def test_the_corpus_is_as_large_as_it_says():
    """Sixty or more, each once."""
    names = [bad.what for bad in (*CORPUS, *BIG, *ENDLESS_FILES)]

    assert len(names) >= 60
    assert len(set(names)) == len(names)
    assert {bad.what for bad in CORPUS} >= ON_BLOBS


def test_the_table_says_what_was_landed():
    """Last, because it counts what the tests above did."""
    for place in ("folder", "Azurite"):
        right = outcomes[place]
        tell("bad files", place, "files landed that are wrong in some way", len(right), right.count(False))
    hundreds = len(outcomes["reader"]) // 100 * 100  # hypothesis may try a few more or less
    tell("bad files", "reader", "good files damaged at random", hundreds, outcomes["reader"].count(False))
    assert all(isinstance(one, bool) for right in outcomes.values() for one in right)

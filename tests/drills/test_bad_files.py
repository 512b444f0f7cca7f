"""Bad files: accepted right, or set aside with the reason; never a traceback, a hang, or a touched history."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.records.ledger import Ledger, folder_of
from retrain.records.request import Accept
from retrain.runs import asking
from retrain.runs.dispatch import work_off
from tests.builders import World, csv_file, read_history
from tests.drills.bad_file import YEAR, BadFile
from tests.drills.bad_files import BIG, CORPUS, ENDLESS_FILES, ON_BLOBS
from tests.drills.landing import (
    answered,
    cases,
    counted,
    history_of,
    in_a_process_of_its_own,
    is_refused_in_bounds,
    kept,
    landed,
    on_blobs,
    outcomes,
)
from tests.drills.table import tell
from tests.faults import StreamWrapper
from tests.platforms import ThreadPlatform
from tests.sweeps import in_drills

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable, Iterator


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
        if isinstance(bad.expected, str) and bad.is_plain_name and report["status"] == "failed":
            assert kept(report["run_id"], state) == data


@pytest.mark.long
@pytest.mark.parametrize("bad", cases(bad for bad in CORPUS if bad.what in ON_BLOBS))
def test_a_bad_blob_gets_the_same_answer(year: World, storage: str, bad: BadFile):
    """Inbox and state are containers of Blob Storage."""
    context = on_blobs(year, storage)
    before, data = history_of(context.state), bad.make()
    context.inbox.write(bad.name, data)
    with counted("Azurite"):
        report = landed(bad.name, context, year)

        answered(bad, report, context.state, before)
        if isinstance(bad.expected, str) and report["status"] == "failed":
            assert kept(report["run_id"], context.state) == data


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
        next_one = copy.land("next.csv", b"TransactionDate,PaidAmount\n2024-01-01,120\n")

        assert (refused["status"], next_one["status"]) == ("failed", "done")
        assert copy.ledger.requests() == []


class Interrupted(StreamWrapper):
    """A stream during whose reading something happens, once."""

    def __init__(self, stream: BinaryIO, happens: Callable[[], None]) -> None:
        super().__init__(stream)
        self._happens, self._reads = happens, 0

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
    ["by a rename", *in_drills("in place", "of a blob")],
)
def test_a_file_that_changes_while_it_is_read_is_never_taken_in_by_halves(
    copy: World, way: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    """As it was or not at all; and as it is now, once its own event has been worked off.

    It has many rows a day, which a store of one row a day holds; a person accepts them.
    """
    context = on_blobs(copy, request.getfixturevalue("storage")) if way == "of a blob" else copy.context
    old, new = changing_days(101), changing_days(103)
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
        last = landed("changing.csv", context, copy)
        holder = last["landing"].get("taken_in_by", last["run_id"])
        asking.ask(lambda run_id: Accept(run_id=run_id, of=holder), context)
        work_off(copy.settings, context)

        assert between in (known, {**known, **dict.fromkeys(days, 101.0)})
        assert read_history(context.state).days == {**known, **dict.fromkeys(days, 103.0)}
        assert context.state.read(f"{folder_of(first['run_id'])}traceback.txt") is None
        assert Ledger(context.state).requests() == []


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
        assert all(isinstance(one, bool) for one in right)

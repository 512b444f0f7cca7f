"""What a held lock promises on every store: its holder stops when it is lost, and undoes nobody's work."""

from __future__ import annotations

import io
import itertools
import uuid
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import BlobServiceClient

from retrain.adapters.azure.blob import BlobStore
from retrain.adapters.fence import Hold, fenced, holding
from retrain.adapters.local.folder import FolderStore
from retrain.errors import Conflict, LockHeld, LockLost, ServiceTimeout
from retrain.ports import ABSENT, ObjectStore
from tests.builders import at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class OurLock:
    """A lock that is ours until it is said to be lost."""

    why: str = ""

    def lost(self) -> str:
        return self.why

    def doubt(self) -> None:
        """There is nothing to confirm."""


@pytest.fixture(params=["folder", "azurite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], ObjectStore]:
    """Opens one and the same empty store, as every process does for itself."""
    if request.param == "folder":
        return lambda: FolderStore(tmp_path / "store")
    connection, name = request.getfixturevalue("storage"), f"fence-{uuid.uuid4().hex[:12]}"
    return lambda: BlobStore(BlobServiceClient.from_connection_string(connection, retry_total=0), name)


@pytest.fixture
def store(open_store: Callable[[], ObjectStore]) -> ObjectStore:
    return open_store()


CHANGES: list[Callable[[ObjectStore], object]] = [
    lambda store: store.write("a.json", b"2"),
    lambda store: store.write("a.json", b"2", if_etag=ABSENT),
    lambda store: store.upload("a.json", io.BytesIO(b"2")),
    lambda store: store.delete("a.json"),
]


@pytest.mark.parametrize("change", CHANGES, ids=["write", "conditional write", "upload", "delete"])
def test_who_has_lost_the_lock_changes_nothing(store: ObjectStore, change: Callable[[ObjectStore], object]):
    """And no handler inside the lock can go on as if it were a failure of the run."""
    store.write("a.json", b"1")
    lock = OurLock()

    def stubborn() -> None:
        with holding(Hold(store, lock)):
            lock.why = "a person took it"
            with suppress(Exception):
                change(store)
            pytest.fail("it went on")

    with pytest.raises(LockLost, match="lost the lock: a person took it"):
        stubborn()

    assert store.read("a.json").data == b"1"  # type: ignore[union-attr]


def test_who_holds_no_lock_writes_on(store: ObjectStore):
    """A trigger writes its request down in another thread, whatever becomes of the run."""
    with holding(Hold(store, OurLock("it is gone"))):
        at_once([lambda: store.write("requests/2.json", b"{}")])

    assert list(store.names("")) == ["requests/2.json"]


def test_a_service_is_not_touched_either_once_the_lock_is_lost(store: ObjectStore):
    """What changes something outside the store asks as well."""
    removed: list[str] = []

    with pytest.raises(LockLost), holding(Hold(store, OurLock("it is gone"))):
        fenced(removed.append)("daily-transactions-v1")

    assert removed == []


def test_an_outer_lock_that_is_lost_ends_the_outer_context(store: ObjectStore):
    """The inner one is let go of on the way."""
    lock = OurLock()
    outer, inner = Hold(store, lock), Hold(store, OurLock())

    def stubborn() -> None:
        with holding(outer):
            with suppress(Exception), holding(inner):
                lock.why = "it is gone"
                store.write("a.json", b"1")
            pytest.fail("it went on")

    with pytest.raises(LockLost):
        stubborn()


def test_a_record_that_another_process_has_changed_is_not_overwritten(
    store: ObjectStore, open_store: Callable[[], ObjectStore]
):
    """The one whose lease ended unnoticed loses; reading it again does not help."""
    other = open_store()
    store.write("runs/1/report.json", b"begun")

    with store.lock("retrain"):
        store.read("runs/1/report.json")
        other.write("runs/1/report.json", b"done by the other")
        store.read("runs/1/report.json")
        for change in (
            lambda: store.write("runs/1/report.json", b"failed"),
            lambda: store.delete("runs/1/report.json"),
        ):
            with pytest.raises(Conflict):
                change()

    assert store.read("runs/1/report.json").data == b"done by the other"  # type: ignore[union-attr]


def test_a_record_that_another_process_has_made_is_not_overwritten(
    store: ObjectStore, open_store: Callable[[], ObjectStore]
):
    """This one has seen that there was none."""
    with store.lock("retrain"):
        assert store.read("promotions/1.json") is None
        open_store().write("promotions/1.json", b"of the other")
        with pytest.raises(Conflict):
            store.write("promotions/1.json", b"mine")


def test_a_holder_replaces_its_own_record_as_often_as_it_likes(store: ObjectStore):
    """Each write is the condition of the next."""
    with store.lock("retrain"):
        for data in (b"1", b"2", b"3"):
            store.write("runs/1/report.json", data)
        store.delete("runs/1/report.json")
        store.write("runs/1/report.json", b"4")

    assert store.read("runs/1/report.json").data == b"4"  # type: ignore[union-attr]


def test_the_next_holder_knows_nothing_of_what_the_first_has_read(
    store: ObjectStore, open_store: Callable[[], ObjectStore]
):
    """Others have changed it in between, and were right to."""
    with store.lock("retrain"):
        store.write("a.json", b"1")
    open_store().write("a.json", b"2")

    with store.lock("retrain"):
        store.write("a.json", b"3")


class Forgetful:
    """Loses the answer to one write of a store."""

    def __init__(self, store: Any) -> None:
        self._put, self.is_due = store._put, True

    def __call__(self, *args: Any) -> str:
        etag: str = self._put(*args)
        if self.is_due:
            self.is_due = False
            raise ServiceTimeout("no answer")
        return etag


def test_a_write_whose_answer_was_lost_does_not_stand_in_the_way_of_the_next(storage: str):
    """What is there is what this holder wrote."""
    service = BlobServiceClient.from_connection_string(storage, retry_total=0)
    store = BlobStore(service, f"fence-{uuid.uuid4().hex[:12]}")

    with store.lock("retrain"):
        assert store.read("runs/1/report.json") is None
        store._put = Forgetful(store)  # type: ignore[assignment]
        with pytest.raises(ServiceTimeout):
            store.write("runs/1/report.json", b"running")
        store.write("runs/1/report.json", b"failed")

    assert store.read("runs/1/report.json").data == b"failed"  # type: ignore[union-attr]


def test_the_folders_lock_is_lost_when_somebody_removes_its_file(tmp_path: Path):
    """The next process takes the lock; what the first one had begun to write is not seen."""
    first, second = FolderStore(tmp_path), FolderStore(tmp_path)

    def goes_on() -> None:
        with second.lock("retrain"):
            second.write("a.json", b"2")

    def loses() -> None:
        with first.lock("retrain"):
            first.write("a.json", b"1")
            (tmp_path / ".locks" / "retrain").unlink()
            at_once([goes_on])
            first.write("a.json", b"3")

    with pytest.raises(LockLost, match=r"somebody has removed .*retrain"):
        loses()

    assert first.read("a.json").data == b"2"  # type: ignore[union-attr]
    assert list((tmp_path / ".unfinished").iterdir()) == []
    with pytest.raises(LockHeld), first.lock("retrain"), second.lock("retrain"):
        pass


@dataclass
class Writer:
    """Adds one to a record, and again; it believes in its lock whatever happens. `added`: how often it did."""

    store: ObjectStore
    added: int = 0
    context: Context = field(default_factory=Context)

    def steps(self, times: int) -> Iterator[Callable[[], None]]:
        """What it does, in steps between which others may act."""
        for _ in range(times):
            yield self._begin
            yield self._read
            yield self._write
            yield self._end

    def _begin(self) -> None:
        self._hold = holding(Hold(self.store, OurLock()))
        self.context.run(self._hold.__enter__)

    def _read(self) -> None:
        stored = self.context.run(self.store.read, "count.json")
        self._count = int(stored.data) if stored else 0

    def _write(self) -> None:
        with suppress(Conflict):
            self.context.run(self.store.write, "count.json", str(self._count + 1).encode())
            self.added += 1

    def _end(self) -> None:
        self.context.run(self._hold.__exit__, None, None, None)


def interleaved(store: ObjectStore, order: tuple[int, ...], times: int) -> int:
    """Two writers in this order of their steps; how many of their updates were lost."""
    store.delete("count.json")
    writers = [Writer(store), Writer(store)]
    steps = [writer.steps(times) for writer in writers]
    for number in order:
        next(steps[number])()
    stored = store.read("count.json")
    return sum(writer.added for writer in writers) - (int(stored.data) if stored else 0)


def test_of_two_writers_that_both_believe_in_their_lock_no_update_is_lost(tmp_path: Path):
    """However the steps of the one fall between those of the other."""
    store = FolderStore(tmp_path)
    orders = [tuple(int(at in chosen) for at in range(8)) for chosen in itertools.combinations(range(8), 4)]

    assert [order for order in orders if interleaved(store, order, 1)] == []


@pytest.mark.parametrize(
    "order", [(0, 0, 1, 1, 1, 1, 0, 0), (0, 0, 1, 1, 0, 0, 1, 1), (0, 1, 1, 0, 1, 0, 1, 0)], ids=str
)
def test_the_same_on_blob_storage(storage: str, order: str):
    """The orders in which one writes between the other's reading and writing."""
    service = BlobServiceClient.from_connection_string(storage, retry_total=0)

    store = BlobStore(service, f"fence-{uuid.uuid4().hex[:12]}")

    assert interleaved(store, tuple(map(int, order)), 1) == 0

"""What the holder of a lock has read or written is not read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.errors import Conflict
from retrain.records.known import MOST_OBJECTS, KnownStore
from tests.faults import Faults, FaultyStore

if TYPE_CHECKING:
    from pathlib import Path

POINTER, REQUEST = "champion.json", "requests/1.json"


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def others(tmp_path: Path) -> FolderStore:
    """The same store as other processes write to it."""
    return FolderStore(tmp_path)


@pytest.fixture
def known(others: FolderStore, faults: Faults) -> KnownStore:
    return KnownStore(FaultyStore(others, faults))


def reads(faults: Faults) -> list[str]:
    return [call.name for call in faults.calls if call.method == "read"]


def test_a_record_is_read_once(known: KnownStore, others: FolderStore, faults: Faults):
    """And its absence is known, too."""
    others.write(POINTER, b"1")

    found = [known.read(POINTER), known.read(POINTER), known.read("models/a/1.json"), known.read("models/a/1.json")]

    assert [each and each.data for each in found] == [b"1", b"1", None, None]
    assert reads(faults) == [POINTER, "models/a/1.json"]


def test_what_was_written_is_known_with_its_etag(known: KnownStore, others: FolderStore, faults: Faults):
    """So the next write of it can depend on that."""
    etag = known.write(POINTER, b"1")
    found = known.read(POINTER)
    known.delete(POINTER)

    assert found is not None
    assert (found.data, found.etag) == (b"1", etag)
    assert known.read(POINTER) is others.read(POINTER) is None
    assert reads(faults) == []


def test_after_a_write_that_failed_everything_is_read_anew(known: KnownStore, others: FolderStore, faults: Faults):
    """Another process has written, or it is not known what took effect."""
    known.write(POINTER, b"1")
    known.write("history.json", b"a")
    others.write(POINTER, b"2")
    others.write("history.json", b"b")

    with pytest.raises(Conflict):
        known.write(POINTER, b"3", if_etag="of another state")

    found = [known.read(name) for name in (POINTER, "history.json")]
    assert [each and each.data for each in found] == [b"2", b"b"]
    assert reads(faults) == [POINTER, "history.json"]


def test_what_others_write_is_not_remembered(known: KnownStore, others: FolderStore):
    """Requests, events and records of services come and go while a lock is held."""
    for name in (REQUEST, "outbox/1.json", "service-states/a.json", "services/a.json"):
        known.write(name, b"1")
        others.write(name, b"2")

        found = known.read(name)
        assert found is not None
        assert found.data == b"2"


def test_only_the_newest_are_kept(known: KnownStore, faults: Faults):
    """A round may make hundreds of runs."""
    known.write(POINTER, b"1")
    for number in range(MOST_OBJECTS):
        known.write(f"runs/202601/{number}/report.json", b"{}")

    assert known.read(POINTER) is not None
    assert reads(faults) == [POINTER]

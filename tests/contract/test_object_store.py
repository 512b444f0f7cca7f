"""What every object store promises: one suite against the folder and Blob Storage, by connection or by identity."""

from __future__ import annotations

import io
import uuid
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.azure.blob import BlobStore
from retrain.adapters.local.folder import FolderStore
from retrain.errors import Conflict, LockHeld, NotFound
from retrain.ports import ABSENT, ObjectStore
from tests.builders import at_once

if TYPE_CHECKING:
    from pathlib import Path

    from tests.azure.cloud import Cloud


@pytest.fixture(params=["folder", "blob", "identity"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store of each kind."""
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    if request.param == "identity":
        cloud: Cloud = request.getfixturevalue("cloud")
        return cloud.context.state
    from azure.storage.blob import BlobServiceClient

    service = BlobServiceClient.from_connection_string(request.getfixturevalue("storage"), retry_total=0)
    return BlobStore(service, f"contract-{uuid.uuid4().hex[:12]}")


def test_what_was_written_is_read_with_the_etag_it_got(store: ObjectStore):
    """And an object that was never written certainly is none."""
    etag = store.write("runs/a/report.json", b"{}")
    stored = store.read("runs/a/report.json")

    assert stored is not None
    assert (stored.data, stored.etag) == (b"{}", etag)
    assert store.read("runs/b/report.json") is None


def test_a_write_replaces_only_the_state_it_has_seen(store: ObjectStore):
    """The ETag is the condition."""
    first = store.write("champion.json", b"1")
    store.write("champion.json", b"2", if_etag=first)

    with pytest.raises(Conflict):
        store.write("champion.json", b"3", if_etag=first)
    assert store.read("champion.json").data == b"2"  # type: ignore[union-attr]


def test_absent_means_create_only(store: ObjectStore):
    """Two that both saw nothing cannot both write."""
    store.write("models/1.json", b"first", if_etag=ABSENT)

    with pytest.raises(Conflict):
        store.write("models/1.json", b"second", if_etag=ABSENT)
    with pytest.raises(Conflict):
        store.write("models/2.json", b"from a state that is gone", if_etag='"0x8D"')


def test_of_many_that_race_one_wins(store: ObjectStore):
    """Sixteen threads move the same record from the same state."""
    seen = store.write("champion.json", b"before")

    def move(number: int) -> int | None:
        try:
            store.write("champion.json", b"%d" % number, if_etag=seen)
        except Conflict:
            return None
        return number

    moved = at_once([partial(move, number) for number in range(16)])
    winners = [number for number in moved if number is not None]

    assert len(winners) == 1
    assert store.read("champion.json").data == b"%d" % winners[0]  # type: ignore[union-attr]


def test_a_large_object_is_read_as_a_seekable_stream(store: ObjectStore):
    """From the middle, from the end, and whole."""
    data = bytes(range(256)) * 40_000
    store.upload("inbox/large.bin", io.BytesIO(data))

    with store.open("inbox/large.bin") as stream:
        stream.seek(5_000_000)
        middle = stream.read(10)
        stream.seek(-3, io.SEEK_END)
        end = stream.read()
        stream.seek(0)
        whole = stream.read()

    assert (middle, end) == (data[5_000_000:5_000_010], data[-3:])
    assert whole == data
    with pytest.raises(NotFound, match=r"nowhere\.csv"):
        store.open("nowhere.csv")


def test_a_stream_is_of_one_state(store: ObjectStore):
    """Where it is replaced while it is read, it is the old one, or the reading ends in a conflict."""
    old, new = b"a" * 10_000_000, b"b" * 10_000_000
    store.upload("inbox/large.bin", io.BytesIO(old))

    with store.open("inbox/large.bin") as stream:
        begin = stream.read(10)
        store.upload("inbox/large.bin", io.BytesIO(new))
        found = begin
        with suppress(Conflict):
            found += stream.read()

    assert found in (old, begin)


def test_names_are_listed_below_a_prefix_in_order(store: ObjectStore):
    """Nested ones too; nothing else."""
    for name in ("runs/b/report.json", "runs/a/report.json", "runsaway.json", "models/1.json"):
        store.write(name, b"{}")

    assert list(store.names("runs/")) == ["runs/a/report.json", "runs/b/report.json"]
    assert list(store.names("nothing/")) == []


def test_a_listing_tells_the_same_state_as_a_look_at_the_object(store: ObjectStore):
    """A landing records the one, and the timer compares it with the other."""
    for name in ("one.csv", "a folder/two.csv"):
        store.write(name, b"x")
    listed = dict(store.listing(""))
    store.write("one.csv", b"y")

    assert listed["a folder/two.csv"] == store.state("a folder/two.csv")
    assert dict(store.listing("")) == {name: store.state(name) for name in listed}
    assert listed["one.csv"] != store.state("one.csv")


def test_names_are_listed_by_the_beginning_of_a_name(store: ObjectStore):
    """A prefix need not end where a part of a name ends."""
    for name in ("runs/2025-1/report", "runs/2026-1/report", "runs/2026-2/log/a", "other/2026"):
        store.write(name, b"")

    assert list(store.names("runs/2026")) == ["runs/2026-1/report", "runs/2026-2/log/a"]
    assert list(store.names("runs/2026-2/l")) == ["runs/2026-2/log/a"]
    assert list(store.names("runs/2027")) == []


def test_every_name_is_listed_without_a_prefix(store: ObjectStore):
    """And nothing that the store keeps for itself, such as unfinished files."""
    for name in ("two.csv", "a folder/one.csv"):
        store.write(name, b"x")

    assert list(store.names("")) == ["a folder/one.csv", "two.csv"]


def test_deleting_twice_is_deleting_once(store: ObjectStore):
    """A request is struck out, by whoever did its work."""
    store.write("requests/1.json", b"{}")

    store.delete("requests/1.json")
    store.delete("requests/1.json")

    assert store.read("requests/1.json") is None


def test_a_lock_is_held_by_one(store: ObjectStore):
    """The other is told at once; afterwards it is free."""
    with store.lock("retrain"), pytest.raises(LockHeld), store.lock("retrain"):
        pytest.fail("two hold the lock")
    with store.lock("retrain"):
        pass


def test_a_lock_is_let_go_when_its_holder_fails(store: ObjectStore):
    """By an exception, for example."""
    with pytest.raises(ZeroDivisionError), store.lock("retrain"):
        raise ZeroDivisionError
    with store.lock("retrain"):
        pass


def test_names_with_spaces_and_other_scripts_are_names(store: ObjectStore):
    """People name files as they like."""
    store.write("inbox/Umsätze 2024 (final).csv", b"x")

    assert list(store.names("inbox/")) == ["inbox/Umsätze 2024 (final).csv"]
    assert store.read("inbox/Umsätze 2024 (final).csv").data == b"x"  # type: ignore[union-attr]


def test_an_object_has_an_address_for_people(store: ObjectStore):
    """It ends in the name and holds no secret."""
    address = store.address("runs/a/report.json")

    assert address.endswith("/runs/a/report.json")
    assert "sig=" not in address
    assert "AccountKey" not in address

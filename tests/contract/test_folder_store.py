"""What only a folder can get wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.errors import Conflict, DamagedRecord, DataError, LockHeld, ServiceError

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from retrain.adapters.local.folder import FolderStore
with FolderStore(Path(sys.argv[1])).lock("retrain"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", ".hidden", "a\\..\\b", ""])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str):
    """Nor hides in it."""
    with pytest.raises(DataError, match="plain name"):
        FolderStore(tmp_path / "store").write(name, b"x")


@pytest.fixture
def linked(tmp_path: Path) -> FolderStore:
    """A store with a file, a link to it, and links to what is outside: to a file, to a folder, to nothing."""
    store = FolderStore(tmp_path / "store")
    store.write("a.csv", b"a")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.csv").write_text("x")
    (store.root / "in.csv").symlink_to(store.root / "a.csv")
    (store.root / "out.csv").symlink_to(tmp_path / "outside" / "secret.csv")
    (store.root / "folder").symlink_to(tmp_path / "outside")
    (store.root / "gone.csv").symlink_to(tmp_path / "gone.csv")
    return store


def test_a_link_that_stays_inside_is_followed(linked: FolderStore):
    """To list what can be read leaves the others out."""
    assert [name for name, _ in linked.listing("")] == ["a.csv", "in.csv"]
    assert linked.read("in.csv") == linked.read("a.csv")


@pytest.mark.parametrize("name", ["out.csv", "folder/secret.csv", "gone.csv"])
def test_nothing_is_read_by_a_link_that_leads_out(linked: FolderStore, name: str):
    """Neither as a record, which concerns its own run alone, nor as a file of transactions."""
    with pytest.raises(DamagedRecord, match="a link leads out of the store"):
        linked.read(name)
    with pytest.raises(DataError, match="a link to outside the store"):
        linked.open(name)
    with pytest.raises(DataError, match="a link to outside the store"):
        linked.state(name)


def test_a_link_that_leads_to_itself_is_no_object(linked: FolderStore):
    """It keeps nobody from the other ones."""
    before = list(linked.names(""))
    (linked.root / "loop.csv").symlink_to("loop.csv")

    assert list(linked.names("")) == before


def test_a_folder_that_is_a_link_itself_is_a_store(tmp_path: Path, linked: FolderStore):
    """As where the data are on another disk."""
    (tmp_path / "link").symlink_to(linked.root)

    assert FolderStore(tmp_path / "link").read("in.csv") == linked.read("a.csv")


def test_a_file_that_is_written_into_while_it_is_read_is_a_conflict(tmp_path: Path):
    """Other programs do not replace a file as a whole."""
    store = FolderStore(tmp_path)
    store.write("inbox/a.csv", b"a" * 100)

    with store.open("inbox/a.csv") as stream:
        with (tmp_path / "inbox" / "a.csv").open("ab") as file:
            file.write(b"b")
        with pytest.raises(Conflict, match=r"a\.csv changed while it was read"):
            stream.read()


def test_a_failed_upload_leaves_what_was_there(tmp_path: Path):
    """And no half of the new one."""
    store = FolderStore(tmp_path)
    store.write("inbox/a.csv", b"whole")

    class Broken:
        def read(self, _size: int) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(ServiceError, match="the disk is full"):
        store.upload("inbox/a.csv", Broken())  # type: ignore[arg-type]

    assert (tmp_path / "inbox" / "a.csv").read_bytes() == b"whole"
    assert list((tmp_path / ".unfinished").iterdir()) == []


def test_the_lock_of_a_killed_holder_is_free_at_once(tmp_path: Path):
    """The operating system lets go for it."""
    store = FolderStore(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockHeld), store.lock("retrain"):
            pass
        holder.kill()
    with store.lock("retrain"):
        pass


def test_a_disk_that_fails_under_a_reader_is_the_stores_trouble(tmp_path: Path):
    """And no fault of the file: it is read again, not set aside."""
    store = FolderStore(tmp_path)
    store.write("a.csv", b"1")

    with store.open("a.csv") as stream:
        real = stream.fileno()
        broken = os.open(tmp_path, os.O_RDONLY)  # what cannot be read, in the place of the file
        os.dup2(broken, real)
        os.close(broken)
        with pytest.raises(ServiceError, match=r"a\.csv"):
            stream.read()

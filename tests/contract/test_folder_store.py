"""What only a folder can get wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.errors import Conflict, DataError, LockHeld, ServiceError

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


def test_a_file_that_is_written_into_while_it_is_read_is_a_conflict(tmp_path: Path):
    """Other programs do not replace a file as a whole."""
    store = FolderStore(tmp_path)
    store.write("inbox/a.csv", b"a" * 100)

    with store.open("inbox/a.csv") as stream:
        with (tmp_path / "inbox" / "a.csv").open("ab") as file:
            file.write(b"b")
        with pytest.raises(Conflict, match=r"a\.csv changed while it was read"):
            stream.read()


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path):
    """It is among the names, and neither read nor listed."""
    (tmp_path / "secret.csv").write_text("x")
    store = FolderStore(tmp_path / "store")
    store.write("a.csv", b"a")
    (tmp_path / "store" / "out.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "store" / "in.csv").symlink_to(tmp_path / "store" / "a.csv")

    assert list(store.names("")) == ["a.csv", "in.csv", "out.csv"]
    assert [name for name, _ in store.listing("")] == ["a.csv", "in.csv"]
    with pytest.raises(DataError, match="a link to outside the store"):
        store.read("out.csv")


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

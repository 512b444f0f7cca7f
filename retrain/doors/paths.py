"""Files that a person names: what stands in the way of reading or writing one is a sentence, not a traceback."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrain.errors import NotFound, ServiceUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDERS = ("--out", "--report")  # options that name a folder, which is made
DEVICES = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Read this file.

    Raises: NotFound for what the system says about it; ServiceUnavailable if what is read does not fit on the disk.
    """
    try:
        yield
    except OSError as exc:
        if exc.errno in FULL:
            folder = tempfile.gettempdir()
            raise ServiceUnavailable(
                f"{path} cannot be read: there is no room in the temporary folder {folder}; free some space, or "
                "set TMPDIR to a folder on a larger disk"
            ) from exc
        raise NotFound(f"{path} cannot be read: {exc.strerror or exc}; name a file that you may read") from exc


def see_that_it_can_be_read(path: Path) -> None:
    """See that this is a file, and one that this user may read. Raises: NotFound."""
    with readable(path):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise NotFound(f"{path} is a folder; name its files, such as {path}/*.csv")
        if not stat.S_ISREG(mode):
            raise NotFound(f"{path} is a pipe or a device, which cannot be read twice; save it as a file")
        path.open("rb").close()


@contextmanager
def writable(option: str, path: Path) -> Iterator[None]:
    """Write the file that an option names. Raises: UsageError for what the system says about it."""
    try:
        yield
    except OSError as exc:
        raise UsageError(f"{option} {path}: {exc.strerror}; choose a path that can be written") from exc


@dataclass(frozen=True, slots=True)
class Target:
    """A file that is to be written, whole or not at all: the option that asks for it, and where."""

    option: str
    path: Path

    @property
    def is_device(self) -> bool:
        """Whether it is there and no file, such as a pipe: it is written to, and never replaced.

        Raises: UsageError if it cannot be looked at.
        """
        with writable(self.option, self.path):
            return self.path.exists() and not self.path.is_file()

    @contextmanager
    def begun(self) -> Iterator[Callable[[bytes], None]]:
        """What writes the file; until then nothing has changed, except that a folder may be new.

        Raises: UsageError if it cannot be written: before the block, as far as that can be told.
        """
        with writable(self.option, self.path):
            if self.path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if self.is_device:  # by its own name: the pipe of a process has no other
                yield lambda data: self._put(self.path, data)
                return
            if self.path.parent in DEVICES:  # the output of a command, which would be replaced
                raise UsageError(f"{self.option} {self.path} leads to a file; name the file itself")
            path = self.path.resolve()  # a link stays, and so does what it leads to
            if self.option in FOLDERS:
                path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".{path.name}.{os.getpid()}")
            aside.touch()
            if path.exists():
                shutil.copymode(path, aside)
        try:
            yield lambda data: self._put(aside, data, path)
        finally:
            aside.unlink(missing_ok=True)

    def _put(self, first: Path, data: bytes, last: Path | None = None) -> None:
        with writable(self.option, self.path):
            first.write_bytes(data)
            if last is not None:
                first.replace(last)

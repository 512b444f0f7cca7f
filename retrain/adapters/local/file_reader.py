"""A file as a stream of one state."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from retrain.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable
    from contextlib import AbstractContextManager
    from pathlib import Path


def state_of(path: Path) -> str:
    """A text that changes whenever the file does."""
    return _written(path.stat())


def _written(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"


class FileReader(io.FileIO):
    """A file whose read errors are errors of the store, and which at its end is as it was opened."""

    def __init__(self, path: Path, name: str, translated: Callable[[str], AbstractContextManager[None]]) -> None:
        """Open it. Args: translated: translates the errors of the system about the object of a name."""
        super().__init__(path)
        self._name, self._translated = name, translated
        self._state = _written(os.fstat(self.fileno()))

    def readinto(self, buffer: Buffer) -> int | None:
        """See io.RawIOBase. Raises: Conflict at the end, if somebody has written into the file."""
        with self._translated(self._name):
            count = super().readinto(buffer)
        if not count:
            self._check()
        return count

    def readall(self) -> bytes:
        """See io.RawIOBase. Raises: Conflict if somebody has written into the file."""
        with self._translated(self._name):
            data = super().readall() or b""
        self._check()
        return data

    def _check(self) -> None:
        if _written(os.fstat(self.fileno())) != self._state:  # one that has taken its place is another file
            raise Conflict(f"{self._name} changed while it was read; it will be read again")

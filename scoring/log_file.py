"""A log of bounded size: at its limit the file becomes NAME.1, and a new one is begun."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG, LIMIT = "SCORING_LOG", "SCORING_LOG_BYTES"
STREAMS = (1, 2)


class BoundedLog(io.TextIOBase):
    """Writes to a file to which standard output and error of this process lead, and exchanges it at its limit."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self._path, self._limit = path, limit_bytes

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Append the text; a disk that is full loses it, and harms no request."""
        with suppress(OSError):
            os.write(STREAMS[1], text.encode(errors="replace"))
            if os.fstat(STREAMS[1]).st_size > self._limit:
                self._exchange()
        return len(text)

    def _exchange(self) -> None:
        """All that writes to either stream, the interpreter included, writes to the new file from now on."""
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        begun = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for stream in STREAMS:
            os.dup2(begun, stream)
        os.close(begun)


def bound_log(environment: Mapping[str, str]) -> None:
    """Bound the log that SCORING_LOG names at SCORING_LOG_BYTES; nothing without both.

    Raises: ValueError if the limit is not a number.
    """
    path, limit = environment.get(LOG), environment.get(LIMIT)
    if path and limit:
        sys.stdout = sys.stderr = BoundedLog(Path(path), int(limit))

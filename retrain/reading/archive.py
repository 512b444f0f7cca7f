"""A file inside a zip archive as a stream whose errors name the landed file."""

from __future__ import annotations

import struct
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from retrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator


BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What zipfile raises for an archive that is not as it should be."""


class Guarded:
    """A seekable stream of bytes; going back decompresses again."""

    closed = False  # Arrow asks for it; the archive is closed with the landed file

    def __init__(self, inside: IO[bytes], file: str) -> None:
        self._inside, self._file = inside, file

    def readable(self) -> bool:
        """Arrow asks for it."""
        return True

    def seekable(self) -> bool:
        """Readers of workbooks ask for it."""
        return True

    def close(self) -> None:
        """See `closed`."""

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes. Raises: DataError if the archive is broken."""
        with self._refusing():
            return self._inside.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """The new place. Raises: DataError if the archive is broken."""
        with self._refusing():
            return self._inside.seek(offset, whence)

    def tell(self) -> int:
        """The place."""
        return self._inside.tell()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except BROKEN as exc:
            raise DataError(
                f"the zip archive cannot be read: {exc}; land the file inside it", file=self._file
            ) from exc

"""The digest of a stream's bytes, made while somebody else reads them."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Buffer

BLOCK_BYTES = 1 << 20


class HashingReader(io.RawIOBase):
    """A seekable stream that digests every byte once, in order, wherever its reader goes.

    What the reader passes by is read at the end; what it reads twice is digested once.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._digest, self._digested = stream, hashlib.sha256(), 0

    def readable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def seekable(self) -> bool:
        """See io.RawIOBase."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See io.RawIOBase."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """See io.RawIOBase."""
        return self._stream.tell()

    def readinto(self, buffer: Buffer) -> int:
        """See io.RawIOBase."""
        at = self._stream.tell()
        view = memoryview(buffer).cast("B")
        count = self._stream.readinto(view)  # type: ignore[attr-defined]
        if at <= self._digested < at + count:
            self._digest.update(view[self._digested - at : count])
            self._digested = at + count
        return int(count)

    def sha256(self) -> str:
        """Of the whole stream; what has not been read yet is read now."""
        self._stream.seek(self._digested)
        while block := self._stream.read(BLOCK_BYTES):
            self._digest.update(block)
            self._digested += len(block)
        return self._digest.hexdigest()

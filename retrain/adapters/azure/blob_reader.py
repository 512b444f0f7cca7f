"""A blob as a stream that is read in ranges."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Buffer, Callable
    from contextlib import AbstractContextManager

    from azure.storage.blob import BlobClient

READ_BYTES = 4 << 20


def open_blob(blob: BlobClient, translated: Callable[[str], AbstractContextManager[None]]) -> BinaryIO:
    """A blob as seekable bytes.

    Args: translated: translates the SDK's exceptions about the blob of a name.
    """
    return io.BufferedReader(_BlobReader(blob, translated), READ_BYTES)


class _BlobReader(io.RawIOBase):
    """A blob as a seekable stream, read in ranges; reading raises Conflict if the blob has changed since."""

    def __init__(self, blob: BlobClient, translated: Callable[[str], AbstractContextManager[None]]) -> None:
        properties = blob.get_blob_properties()
        self._blob, self._translated = blob, translated
        self._etag, self._size, self._at = properties.etag, properties.size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readall(self) -> bytes:
        # The inherited method makes one request for every few kilobytes.
        return self.read(max(self._size - self._at, 0)) or b""

    def readinto(self, buffer: Buffer) -> int:
        from azure.core import MatchConditions

        view = memoryview(buffer).cast("B")
        length = min(len(view), self._size - self._at)
        if length <= 0:
            return 0
        with self._translated(self._blob.blob_name):
            data = self._blob.download_blob(
                offset=self._at,
                length=length,
                etag=self._etag,
                match_condition=MatchConditions.IfNotModified,
            ).readall()
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

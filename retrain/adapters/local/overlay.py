"""Stores on top of others: what is written stays here and is gone at the end. A dry run is made on them."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from retrain.errors import Conflict, NotFound
from retrain.ports import ABSENT, Stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from retrain.ports import ObjectStore


class OverlayStore:
    """An object store that reads another one and writes into a folder of its own."""

    def __init__(self, below: ObjectStore, folder: Path, hidden: str = "") -> None:
        """Begin. Args: hidden: the prefix of objects below that are not seen; empty for none."""
        self._below, self._folder, self._hidden = below, folder, hidden
        self._own: dict[str, Path | None] = {}

    def read(self, name: str) -> Stored | None:
        """See ObjectStore."""
        if name in self._own:
            path = self._own[name]
            return None if path is None else Stored(path.read_bytes(), _etag(path.read_bytes()))
        return None if self._is_hidden(name) else self._below.read(name)

    def write(self, name: str, data: bytes, if_etag: str | None = None) -> str:
        """See ObjectStore."""
        if if_etag is not None:
            there = self.read(name)
            if (ABSENT if there is None else there.etag) != if_etag:
                raise Conflict(f"{self.address(name)} was changed by another process; run again")
        self._path(name).write_bytes(data)
        return _etag(data)

    def open(self, name: str) -> BinaryIO:
        """See ObjectStore."""
        path = self._own.get(name)
        if path is not None:
            return path.open("rb")
        if name in self._own:
            raise NotFound(f"file {name} does not exist")
        return self._below.open(name)

    def state(self, name: str) -> str:
        """See ObjectStore."""
        path = self._own.get(name)
        return str(path.stat().st_mtime_ns) if path is not None else self._below.state(name)

    def upload(self, name: str, stream: BinaryIO) -> None:
        """See ObjectStore."""
        with self._path(name).open("wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)

    def names(self, prefix: str) -> Iterator[str]:
        """See ObjectStore."""
        below = {name for name in self._below.names(prefix) if not self._is_hidden(name)}
        there = {name for name, path in self._own.items() if path is not None and name.startswith(prefix)}
        yield from sorted((below - self._own.keys()) | there)

    def listing(self, prefix: str) -> Iterator[tuple[str, str]]:
        """See ObjectStore."""
        for name in self.names(prefix):
            yield name, self.state(name)

    def delete(self, name: str) -> None:
        """See ObjectStore."""
        self._own[name] = None

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:  # noqa: ARG002 - nobody else writes here
        """See ObjectStore."""
        yield

    def address(self, name: str) -> str:
        """See ObjectStore."""
        return self._below.address(name)

    def _is_hidden(self, name: str) -> bool:
        return bool(self._hidden) and name.startswith(self._hidden)

    def _path(self, name: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / hashlib.sha256(name.encode()).hexdigest()
        self._own[name] = path
        return path


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

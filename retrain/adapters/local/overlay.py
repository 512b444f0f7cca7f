"""Stores on top of others: what is written stays here and is gone at the end. A dry run is made on them."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from retrain.errors import Conflict, NotFound
from retrain.ports import ABSENT, Stored
from retrain.records.ledger import Ledger
from retrain.records.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.ports import ObjectStore
    from retrain.records.context import Context


@contextmanager
def without_trace(context: Context) -> Iterator[Context]:
    """The same context, whose stores forget at the end what was written to them."""
    with tempfile.TemporaryDirectory() as folder:
        inbox = OverlayStore(context.inbox, Path(folder) / "inbox")
        state = OverlayStore(context.state, Path(folder) / "state")
        registry = Registry(state, context.registry.name)
        # What others have asked for is theirs to make; nobody is told of a dry run.
        yield replace(
            context, inbox=inbox, state=state.hiding("requests/"), ledger=Ledger(state), registry=registry, listeners=()
        )


class OverlayStore:
    """An object store that reads another one and writes into a folder of its own."""

    def __init__(self, below: ObjectStore, folder: Path) -> None:
        self._below, self._folder = below, folder
        self._own: dict[str, Path | None] = {}
        self._hidden: tuple[str, ...] = ()

    def hiding(self, *prefixes: str) -> OverlayStore:
        """The same, without the objects below that have these prefixes."""
        self._hidden = prefixes
        return self

    def read(self, name: str) -> Stored | None:
        """See ObjectStore."""
        if name in self._own:
            path = self._own[name]
            return None if path is None else Stored(path.read_bytes(), _etag(path.read_bytes()))
        return None if name.startswith(self._hidden or "\0") else self._below.read(name)

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
        below = {name for name in self._below.names(prefix) if not name.startswith(self._hidden or "\0")}
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
    def lock(self, name: str) -> Iterator[None]:
        """See ObjectStore. Nobody else writes here."""
        yield

    def address(self, name: str) -> str:
        """See ObjectStore."""
        return self._below.address(name)

    def _path(self, name: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / hashlib.sha256(name.encode()).hexdigest()
        self._own[name] = path
        return path


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

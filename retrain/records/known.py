"""What the holder of a lock has read or written is not read again.

Only the holder of the lock changes these records. Should another process have changed one all the same, the next
write of it is refused (see `ObjectStore.lock`), and after a write that failed everything is read anew.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from retrain.ports import Stored
from retrain.records.history import LOG, RECORD
from retrain.records.ledger import POINTER, PROMOTIONS, RUNS
from retrain.records.registry import ARTIFACTS, MODELS, VERSIONS, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from retrain.ports import ObjectStore
    from retrain.records.context import Context

KINDS = (POINTER, RECORD, LOG, MODELS, VERSIONS, ARTIFACTS, PROMOTIONS, RUNS)
"""How the names begin of the records that the holder of the lock alone changes."""
MOST_OBJECTS = 64


def knowing(context: Context) -> Context:
    """The same context for as long as its lock is held: what it has read or written is not read again."""
    state = KnownStore(context.state)
    return replace(
        context, state=state, ledger=context.ledger.over(state), registry=Registry(state, context.registry.name)
    )


class KnownStore:
    """An object store that remembers the records of these kinds, those that were used last."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._known: OrderedDict[str, Stored | None] = OrderedDict()

    def read(self, name: str) -> Stored | None:
        """See ObjectStore."""
        if name in self._known:
            self._known.move_to_end(name)
            return self._known[name]
        stored = self._store.read(name)
        self._remember(name, stored)
        return stored

    def write(self, name: str, data: bytes, if_etag: str | None = None) -> str:
        """See ObjectStore."""
        if not name.startswith(KINDS):
            return self._store.write(name, data, if_etag)
        with self._knowing_nothing_after_a_failure():
            etag = self._store.write(name, data, if_etag)
            self._remember(name, Stored(data, etag))
        return etag

    def delete(self, name: str) -> None:
        """See ObjectStore."""
        with self._knowing_nothing_after_a_failure():
            self._store.delete(name)
            self._remember(name, None)

    @contextmanager
    def _knowing_nothing_after_a_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._known.clear()
            raise

    def _remember(self, name: str, stored: Stored | None) -> None:
        if name.startswith(KINDS):
            self._known[name] = stored
            self._known.move_to_end(name)
            if len(self._known) > MOST_OBJECTS:
                self._known.popitem(last=False)

    def open(self, name: str) -> BinaryIO:
        """See ObjectStore; it is the object as it is now, and what was remembered of it is forgotten."""
        self._known.pop(name, None)
        return self._store.open(name)

    def state(self, name: str) -> str:
        """See ObjectStore."""
        return self._store.state(name)

    def upload(self, name: str, stream: BinaryIO) -> None:
        """See ObjectStore."""
        self._store.upload(name, stream)

    def names(self, prefix: str) -> Iterator[str]:
        """See ObjectStore."""
        return self._store.names(prefix)

    def listing(self, prefix: str) -> Iterator[tuple[str, str]]:
        """See ObjectStore."""
        return self._store.listing(prefix)

    def lock(self, name: str) -> AbstractContextManager[None]:
        """See ObjectStore."""
        return self._store.lock(name)

    def address(self, name: str) -> str:
        """See ObjectStore."""
        return self._store.address(name)

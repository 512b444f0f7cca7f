"""Makes the next items of an iterator while the present one is used."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

DEPTH = 4


def ahead[Item](items: Generator[Item]) -> Generator[Item]:
    """The same items in the same order, made in a thread of their own from the third one on.

    An exception of the iterator is raised where its item would have been. When this one is closed, that one is.
    """
    try:
        for _ in range(2):  # most files are so small that a thread would cost more than it saves
            try:
                item = next(items)
            except StopIteration:
                return
            yield item
        maker = _Maker(items)
        try:
            yield from maker.made()
        finally:
            maker.stop()
    finally:
        items.close()


class _Maker[Item]:
    """Makes items in a thread, a few at most before they are taken."""

    def __init__(self, items: Generator[Item]) -> None:
        self._items = items
        self._made: queue.Queue[Item | BaseException] = queue.Queue(DEPTH)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._make, name="reading ahead", daemon=True)
        self._thread.start()

    def made(self) -> Generator[Item]:
        """The items, as they come."""
        while True:
            item = self._made.get()
            if isinstance(item, StopIteration):
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def stop(self) -> None:
        """Make no more, and wait until the last one is made."""
        self._stopped.set()
        while self._thread.is_alive():
            try:
                self._made.get(timeout=0.01)
            except queue.Empty:
                continue

    def _make(self) -> None:
        end: BaseException = StopIteration()
        try:
            for item in self._items:
                self._made.put(item)
                if self._stopped.is_set():
                    return
        except BaseException as exc:  # noqa: BLE001 - it is raised in the other thread
            end = exc
        self._made.put(end)

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
        yield from _in_a_thread(items)
    finally:
        items.close()


def _in_a_thread[Item](items: Generator[Item]) -> Generator[Item]:
    made: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(DEPTH)
    stopped = threading.Event()

    def make() -> None:
        try:
            for item in items:
                made.put((item, None))
                if stopped.is_set():
                    return
        except BaseException as exc:  # noqa: BLE001 - it is raised in the other thread
            made.put((None, exc))
        else:
            made.put((None, StopIteration()))

    thread = threading.Thread(target=make, name="reading ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, failure = made.get()
            if isinstance(failure, StopIteration):
                return
            if failure is not None:
                raise failure
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        while thread.is_alive():
            try:
                made.get(timeout=0.01)
            except queue.Empty:
                continue
        thread.join()

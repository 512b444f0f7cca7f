"""The fence around a run: what is written while a lock is held is written by its holder, or not at all.

A store says here which lock it holds, and asks before each of its writes. The locks are those of the current
context (`contextvars`): another thread of the same process, which holds none, is not stopped, and a thread that
writes for a run has to be started in a copy of the run's context.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Protocol

from retrain.errors import LockLost
from retrain.ports import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrain.ports import ObjectStore, Stored


class Lock(Protocol):
    """A lock as its store knows it."""

    def lost(self) -> str:
        """Why it is not held any more, as a part of a sentence; empty while it is."""

    def doubt(self) -> None:
        """Believe the next `lost` nothing that is not confirmed anew."""


class Hold:
    """One lock, and what its holder knows of the objects of the store.

    Attributes:
        store: which store's lock it is.
        lock: the lock itself; None if there is none.
        etags: of each object as it was first read or last written since the lock was taken; ABSENT for none.
        unsure: the mark of each write that may have taken effect: its answer was lost.
    """

    def __init__(self, store: ObjectStore, lock: Lock | None) -> None:
        self.store, self.lock = store, lock
        self.etags: dict[str, str] = {}
        self.unsure: dict[str, str] = {}

    def has_read(self, name: str, stored: Stored | None) -> None:
        """Note the state of an object. A later state than the one that is known is the work of somebody else."""
        self.etags.setdefault(name, ABSENT if stored is None else stored.etag)

    def has_written(self, name: str, etag: str) -> None:
        """Note that an object was written or, with ABSENT, removed."""
        self.etags[name] = etag
        self.unsure.pop(name, None)


class _Lost(BaseException):
    """Ends a run whose lock is lost.

    Like `asyncio.CancelledError` it is no Exception: the code that handles the failures of a run, records them,
    takes steps back or tries again must not handle this one. It becomes LockLost where the lock is let go of.
    """

    def __init__(self, hold: Hold, why: str) -> None:
        self.hold = hold
        super().__init__(why)


_HOLDS: ContextVar[tuple[Hold, ...]] = ContextVar("holds", default=())


@contextmanager
def holding(hold: Hold) -> Iterator[None]:
    """Hold a lock inside the context. Raises: LockLost if something was to be written after it was lost."""
    token = _HOLDS.set((*_HOLDS.get(), hold))
    try:
        yield
    except _Lost as lost:
        if lost.hold is not hold:
            raise
        raise LockLost(
            f"this process has lost the lock: {lost}. It has stopped and writes nothing more; the process that has "
            "the lock now continues its work, or the next trigger does (`retrain tick`)"
        ) from lost
    finally:
        _HOLDS.reset(token)


def check() -> None:
    """End the run, up to where its lock is let go of, if a lock of this context is lost.

    Every adapter calls it before it changes something: an object, a service.
    """
    for hold in _HOLDS.get():
        if hold.lock is not None and (why := hold.lock.lost()):
            raise _Lost(hold, why)


def confirm() -> None:
    """The same, after something was found that looks like the work of another holder."""
    for hold in _HOLDS.get():
        if hold.lock is not None:
            hold.lock.doubt()
    check()


def fenced[**Args, Result](change: Callable[Args, Result]) -> Callable[Args, Result]:
    """A function that changes something outside the store, and does nothing once a lock of this context is lost."""

    @wraps(change)
    def checked(*args: Args.args, **options: Args.kwargs) -> Result:
        check()
        return change(*args, **options)

    return checked


def hold_of(store: ObjectStore) -> Hold:
    """The first lock of this store that this context has taken; if there is none, one that knows nothing."""
    return next((hold for hold in _HOLDS.get() if hold.store is store), None) or Hold(store, None)

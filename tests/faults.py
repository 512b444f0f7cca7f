"""Faults on request: functions that raise, a process that is gone, and a store any of whose calls may go wrong."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING, Any, BinaryIO

from retrain.errors import Conflict, ServiceTimeout, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from azure.core.exceptions import AzureError

    from retrain.ports import ObjectStore, Stored

SAYS = "the test broke this call"
CHUNK_BYTES = 256  # of a landed file, a call each


class Killed(BaseException):
    """The process is gone: nothing below the place where it happens runs."""


def fails(error: BaseException) -> Callable[..., Any]:
    """A function that raises this error, whatever it is called with."""

    def fail(*_args: object, **_options: object) -> Any:
        raise error

    return fail


def fails_at(
    real: Callable[..., Any], numbers: Container[int], error: BaseException, calls: Iterator[int] | None = None
) -> Callable[..., Any]:
    """The same function, but its calls of these numbers raise instead.

    Args: calls: where the numbers come from, if several functions share them; otherwise from 1.
    """
    calls = calls or count(1)

    def call(*args: Any, **options: Any) -> Any:
        if next(calls) in numbers:
            raise error
        return real(*args, **options)

    return call


def sdk_errors(*packages: str) -> Iterator[type[AzureError]]:
    """Every error of the Azure SDKs that these packages define, so that a new one is noticed."""
    from azure.core.exceptions import AzureError

    waiting: list[type[AzureError]] = [AzureError]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting.extend(child for child in kind.__subclasses__() if child.__module__.startswith(packages))


class Fault(StrEnum):
    """What goes wrong with a call. The values are the words of the table."""

    AWAY = "failed once"
    LOST = "took effect and timed out"
    RETRIED = "took effect, and an SDK's own retry found the condition gone"
    STALE = "returned the state before"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a store: its number, its method, its object."""

    number: int
    method: str
    name: str


def never(_call: Call) -> bool:
    return False


@dataclass
class Faults:
    """What goes wrong with the calls of all stores that share it, and what these calls have changed.

    Attributes:
        when: chooses the calls that go wrong.
        fault: how they go wrong; a function gives the error that is raised before the call has an effect.
        calls: every call so far.
        hits: how many calls went wrong.
        past: each changed object as it was before its last change; None where there was none.
        originals: each changed object as it was before its first change.
    """

    when: Callable[[Call], bool] = never
    fault: Callable[[Call], Exception] | Fault = Fault.AWAY
    calls: list[Call] = field(default_factory=list)
    hits: int = 0
    past: dict[str, Stored | None] = field(default_factory=dict)
    originals: dict[str, Stored | None] = field(default_factory=dict)

    def before(self, method: str, name: str, *, counted: bool = True) -> Call | None:
        """Note a call, and give it back if it goes wrong. Raises: what happens before it has an effect."""
        call = Call(len(self.calls) if counted else -1, method, name)
        if counted:
            self.calls.append(call)
        if not self.when(call):
            return None
        self.hits += 1
        if not isinstance(self.fault, Fault):
            raise self.fault(call)
        if self.fault is Fault.AWAY:
            raise ServiceUnavailable(f"{SAYS}: {method} {name}")
        return call

    def after(self, call: Call | None, *, conditional: bool = False) -> None:
        """Raises: what happens to a call that has had its effect."""
        if call and self.fault is Fault.RETRIED and conditional:
            raise Conflict(f"{SAYS}: {call.method} {call.name}")
        if call and self.fault in (Fault.LOST, Fault.RETRIED):
            raise ServiceTimeout(f"{SAYS}: {call.method} {call.name}")

    def stop(self) -> None:
        """No call goes wrong any more."""
        self.when = never


class FaultyStore:
    """An object store with these faults. `direct`: the same store without them, for what has to be remembered."""

    def __init__(self, store: ObjectStore, faults: Faults, direct: ObjectStore | None = None) -> None:
        self._store, self._faults, self._direct = store, faults, direct or store

    def read(self, name: str) -> Stored | None:
        call = self._faults.before("read", name)
        found = self._store.read(name)
        self._faults.after(call)
        return self._faults.past.get(name, found) if call else found

    def write(self, name: str, data: bytes, if_etag: str | None = None) -> str:
        call = self._faults.before("write", name)
        self._changes(name)
        etag = self._store.write(name, data, if_etag)
        self._faults.after(call, conditional=if_etag is not None)
        return etag

    def open(self, name: str) -> BinaryIO:
        call = self._faults.before("open", name)
        stream = self._store.open(name)
        if call and self._faults.fault is not Fault.STALE:
            stream.close()
        self._faults.after(call)
        return io.BufferedReader(FaultyStream(stream, name, self._faults), CHUNK_BYTES)

    def state(self, name: str) -> str:
        call = self._faults.before("state", name)
        found = self._store.state(name)
        self._faults.after(call)
        return found

    def upload(self, name: str, stream: BinaryIO) -> None:
        call = self._faults.before("upload", name)
        self._changes(name)
        self._store.upload(name, stream)
        self._faults.after(call)

    def names(self, prefix: str) -> Iterator[str]:
        call = self._faults.before("names", prefix)
        found = list(self._store.names(prefix))
        self._faults.after(call)
        last = next((name for name in reversed(self._faults.past) if name.startswith(prefix)), None)
        if call and last is not None:
            found = sorted({*found, last} if self._faults.past[last] else {*found} - {last})
        return iter(found)

    def listing(self, prefix: str) -> Iterator[tuple[str, str]]:
        call = self._faults.before("listing", prefix)
        found = list(self._store.listing(prefix))
        self._faults.after(call)
        return iter(found)

    def delete(self, name: str) -> None:
        call = self._faults.before("delete", name)
        self._changes(name)
        self._store.delete(name)
        self._faults.after(call)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        call = self._faults.before("lock", name)
        with self._store.lock(name):
            yield
        self._faults.after(call)  # the release took effect, and its answer was lost

    def address(self, name: str) -> str:
        self._faults.before("address", name, counted=False)  # it is computed here: no call over a network
        return self._store.address(name)

    def undo(self) -> None:
        """Bring every changed object back to what it was at first."""
        for name, stored in self._faults.originals.items():
            if stored is None:
                self._direct.delete(name)
            else:
                self._direct.write(name, stored.data)
        self._faults.originals.clear()

    def _changes(self, name: str) -> None:
        before = self._direct.read(name)  # and not afterwards: a change whose answer is lost is one all the same
        self._faults.past.pop(name, None)
        self._faults.past[name] = before
        self._faults.originals.setdefault(name, before)


class StreamWrapper(io.RawIOBase):
    """A seekable stream that reads from another one; whoever inherits defines `readinto`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()
        super().close()


class FaultyStream(StreamWrapper):
    """A landed file, each of whose reads is a call that may go wrong."""

    def __init__(self, stream: BinaryIO, name: str, faults: Faults) -> None:
        super().__init__(stream)
        self._name, self._faults = name, faults

    def readinto(self, buffer: Any) -> int:
        call = self._faults.before("chunk", self._name)
        data = self._stream.read(min(len(buffer), CHUNK_BYTES))
        self._faults.after(call)
        buffer[: len(data)] = data
        return len(data)

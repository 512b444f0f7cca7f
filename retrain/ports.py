"""What the stories need from the outside, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

ABSENT = ""
"""The ETag to expect of an object that must not exist yet."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's bytes and the ETag that names this state of it."""

    data: bytes
    etag: str


class ObjectStore(Protocol):
    """Named bytes, as Blob Storage and a folder both keep them.

    Names are relative paths with forward slashes. Every method may raise ServiceUnavailable, AccessDenied or
    another ServiceError.
    """

    def read(self, name: str) -> Stored | None:
        """The whole of a small object; None when there certainly is none."""

    def write(self, name: str, data: bytes, if_etag: str | None = None) -> str:
        """Replace an object in one step and give its new ETag.

        With `if_etag`, only if the object still has it (ABSENT: only if there is none); otherwise Conflict.
        """

    def open(self, name: str) -> BinaryIO:
        """A large object as seekable bytes. Raises: NotFound."""

    def state(self, name: str) -> str:
        """A word that changes when a large object does. Raises: NotFound."""

    def upload(self, name: str, stream: BinaryIO) -> None:
        """Store a stream; the object appears whole or not at all."""

    def names(self, prefix: str) -> Iterator[str]:
        """Names that begin with the prefix, which ends in a slash; ascending."""

    def delete(self, name: str) -> None:
        """Remove an object if it is there."""

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold a named lock while inside. Raises: LockHeld at once if somebody else holds it.

        A holder that died lets go: at once in a folder, at the end of the lease in Blob Storage.
        """

    def address(self, name: str) -> str:
        """Where a person finds the object."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running version: where it answers, and the key that it wants."""

    name: str
    version: str
    url: str
    key: str = field(repr=False)


class Platform(Protocol):
    """Builds images and runs them, one service a name.

    Every method may raise ServiceUnavailable, AccessDenied or another ServiceError.
    """

    def build(self, name: str, context: Mapping[str, bytes]) -> str:
        """Make an image and give its reference. Idempotent."""

    def deploy(self, name: str, version: str, image: str) -> Service:
        """Start a service beside those that run, and return without waiting. Idempotent by name."""

    def services(self) -> list[Service]:
        """Everything that was deployed and not removed, running or not."""

    def is_running(self, name: str) -> bool:
        """Whether its process or container lives; it may not be ready yet."""

    def log(self, name: str) -> list[str]:
        """The last lines that it wrote."""

    def remove(self, name: str) -> None:
        """Stop a service; requests in flight are finished. Nothing happens if there is none."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a run touches.

    Attributes:
        inbox: where files land; never written to but by `land` on the command line.
        state: history, quarantine, requests, runs, models and the champion pointer.
        platform: where versions answer.
        now: the time, in UTC.
        progress: told of the stage and where in it, for a person who waits.
    """

    inbox: ObjectStore
    state: ObjectStore
    platform: Platform
    now: Callable[[], datetime]
    progress: Callable[[str, str], None]

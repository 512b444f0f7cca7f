"""What the stories need from the outside, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

REGISTER, DEPLOY = "register", "deploy"
"""The two halves in which a job promotes; the second takes every step after the first."""
LOG_LINES = 20
"""So many of the last lines are told of a service or a build."""
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
class Image:
    """What a service is started from, by a reference that never means anything else, and how it was built."""

    reference: str
    log: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Service:
    """A running version: where it answers, and the key that it wants.

    Attributes:
        deployment: which of the versions behind one address is meant; empty where each has its own.
        certificate: the PEM certificate to trust instead of the public authorities; empty to trust those.
    """

    name: str
    version: str
    url: str
    key: str = field(repr=False)
    deployment: str = ""
    certificate: str = field(default="", repr=False)


class Platform(Protocol):
    """Builds images and runs them, one service a name.

    Every method may raise ServiceUnavailable, AccessDenied or another ServiceError.
    """

    def build(self, model: str, version: str, context: Mapping[str, bytes]) -> Image:
        """Make the image of a model's version. Idempotent. Raises: BuildFailed."""

    def deploy(self, name: str, version: str, image: str) -> Service:
        """Start a service beside those that run; it need not be ready yet. Idempotent by name."""

    def point_to(self, name: str) -> None:
        """Send the platform's own stable address to a service; nothing happens where there is no such address."""

    def find(self, version: str) -> Service | None:
        """The service of a version as it is on record, which costs no call to a control plane."""

    def services(self) -> list[Service]:
        """Everything that was deployed and not removed, running or not."""

    def is_running(self, name: str) -> bool:
        """Whether its process or container lives; it may not be ready yet."""

    def log(self, name: str) -> list[str]:
        """The last lines that it wrote."""

    def remove(self, name: str) -> None:
        """Stop a service; requests in flight are finished. Nothing happens if there is none."""


class Job(NamedTuple):
    """How a job is doing.

    Attributes:
        ended: it neither runs nor waits any more.
        failure: why it came to nothing, in its own words; empty if it did not.
    """

    ended: bool
    failure: str = ""


class Jobs(Protocol):
    """Run promotions elsewhere, where minutes do not matter; one job a run.

    Every method may raise ServiceUnavailable, AccessDenied or another ServiceError.
    """

    def submit(self, run_id: str) -> str:
        """Start a run's promotion and give the job's name. Idempotent."""

    def look(self, run_id: str) -> Job | None:
        """How it is doing; None if there certainly is no such job."""

    def cancel(self, run_id: str) -> None:
        """Stop it. Nothing happens if it has ended."""

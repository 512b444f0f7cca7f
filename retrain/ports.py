"""The interfaces to the outside world: storage, platform, catalogue and jobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

REGISTER, DEPLOY = "register", "deploy"
"""The two parts of a job: the first step of a promotion, and all steps after it."""
LOG_LINES = 20
"""Number of last lines that are kept of the output of a service or a build."""
ABSENT = ""
"""The expected ETag of an object that must not exist yet."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's bytes and the ETag of this state."""

    data: bytes
    etag: str


class ObjectStore(Protocol):
    """Objects of bytes by name, in Blob Storage or in a folder.

    Names are relative paths with forward slashes. Every method may raise ServiceUnavailable, AccessDenied or
    another ServiceError.
    """

    def read(self, name: str) -> Stored | None:
        """A small object as a whole; None only if there certainly is no such object."""

    def write(self, name: str, data: bytes, if_etag: str | None = None) -> str:
        """Replace an object atomically and give its new ETag.

        With `if_etag`, only if the object still has it (ABSENT: only if it does not exist). Raises: Conflict.
        """

    def open(self, name: str) -> BinaryIO:
        """A large object as seekable bytes, which are of one state. Raises: NotFound.

        Whoever reads to the end has read one state, or the last read raises Conflict because it has changed.
        """

    def state(self, name: str) -> str:
        """A text that changes whenever a large object changes. Raises: NotFound."""

    def upload(self, name: str, stream: BinaryIO) -> None:
        """Store a stream; a reader sees the whole object or none."""

    def names(self, prefix: str) -> Iterator[str]:
        """The names that begin with the prefix, ascending; all for an empty one."""

    def listing(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Those of them that can be opened by their names, each with its `state`."""

    def delete(self, name: str) -> None:
        """Remove an object if it exists."""

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold a named lock inside the context. Raises: LockHeld at once if another process holds it.

        If the holder dies, the lock is free: at once in a folder, at the end of the lease in Blob Storage. In Blob
        Storage it takes up to 40 s if somebody has broken the lease: its holder has to learn of that first.

        If the lock is lost inside the context, nothing more is written: the first write, upload or delete ends the
        context, past every handler of an Exception in it. Raises: LockLost then.

        Without an `if_etag`, a write or delete inside the context depends on the state in which this holder has
        first read or last written the object. Raises: Conflict if it is another.
        """

    def address(self, name: str) -> str:
        """The path or URL of the object, for a person."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image by its immutable reference, and the log of its build."""

    reference: str
    log: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Service:
    """The service of one version: its URL and its key.

    Attributes:
        deployment: the name of the version behind a shared URL; empty if each version has its own URL.
        certificate: the PEM certificate to trust; empty to trust the public certificate authorities.
        key_before, before_until: the key that is being replaced, and the time (ISO 8601) until which it is good.
        revision: the name of what runs it in a container app; empty elsewhere.
    """

    name: str
    version: str
    url: str
    key: str = field(repr=False)
    deployment: str = ""
    certificate: str = field(default="", repr=False)
    key_before: str = field(default="", repr=False)
    before_until: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image that a platform keeps.

    Attributes:
        name: by which `remove_image` removes it.
        version: of the model in it; empty for one whose build was never finished.
        size: in bytes.
    """

    name: str
    version: str
    size: int


class Platform(Protocol):
    """Builds images and runs services, one for each name.

    Every method may raise ServiceUnavailable, AccessDenied or another ServiceError. Those that change something do
    nothing once a lock of the current context is lost: see ObjectStore.lock.
    """

    def build(self, model: str, version: str, context: Mapping[str, bytes]) -> Image:
        """Build the image of a version. Idempotent. Raises: BuildFailed."""

    restarts_by_itself: bool
    """True if it ends and restarts a service that hangs, as a liveness probe does."""
    wake_seconds: float
    """Time that a service may take to answer the first request after a pause; 0 if it always runs."""

    def deploy(self, name: str, version: str, image: str) -> Service:
        """Start a service; the others keep running, and it may not be ready yet. Idempotent by name.

        One that is on record keeps its key. A record that cannot be read is set aside, and what runs under it is
        ended.
        """

    def point_to(self, name: str) -> None:
        """Route the platform's stable URL to a service; does nothing if there is no such URL."""

    def find(self, version: str) -> Service | None:
        """The recorded service of a version, without a call to a control plane."""

    def services(self) -> list[Service]:
        """All services that were deployed and not removed, running or not."""

    def is_running(self, name: str) -> bool:
        """True if its process or container runs; it may not be ready yet."""

    def log(self, name: str) -> list[str]:
        """The last lines of its output."""

    def stop(self, name: str, *, at_once: bool = False) -> None:
        """End a service and keep its record, from which `deploy` starts it again.

        Args: at_once: without waiting for its current requests, because it hangs.
        """

    def rotate(self, name: str, until: datetime) -> Service:
        """Give a service a new key; the present one is accepted as well until then. It goes on answering if it can.

        Raises: NotFound if there is no such service.
        """

    def remove(self, name: str) -> None:
        """Stop a service after its current requests; does nothing if there is no such service."""

    def images(self, model: str) -> list[StoredImage]:
        """The images of a model's versions that this process may remove, those of no other program among them."""

    def remove_image(self, image: StoredImage) -> None:
        """Remove one of them; does nothing if it is gone."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription to the events of new files, as it is now.

    Attributes:
        name: of the subscription.
        change: what was done.
        topic: the system topic that it belongs to.
        container: the container whose files are told of.
        delivers_to: the webhook, without its key.
        dead_letters: where events are kept that could not be delivered: account and container.
    """

    name: str
    change: Literal["created", "updated", "unchanged"]
    topic: str
    container: str
    delivers_to: str
    dead_letters: str


class Secrets(Protocol):
    """Values that are kept apart from every record, by name and version.

    Every method may raise ServiceUnavailable, AccessDenied or another ServiceError.
    """

    def put(self, name: str, value: str) -> str:
        """Keep a value as the newest version of a name, and give that version."""

    def get(self, name: str, version: str) -> str:
        """The value of a version. Raises: NotFound."""

    def disable(self, name: str, version: str) -> None:
        """Let nobody read a version any more. Raises: NotFound."""

    def remove(self, name: str) -> None:
        """Remove a name with all its versions. Raises: NotFound."""


class Job(NamedTuple):
    """The state of a job.

    Attributes:
        ended: True if it is neither waiting nor running.
        failure: the error message of the job; empty if it did not fail.
    """

    ended: bool
    failure: str = ""


class Jobs(Protocol):
    """Runs promotions outside this process, one job for each run.

    Every method may raise ServiceUnavailable, AccessDenied or another ServiceError.
    """

    def submit(self, run_id: str) -> str:
        """Start the promotion of a run and give the name of the job. Idempotent."""

    def look(self, run_id: str) -> Job | None:
        """The state of the job; None only if there certainly is no such job."""

    def cancel(self, run_id: str) -> None:
        """Cancel the job; does nothing if it has ended."""

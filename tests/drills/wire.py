"""A wire to the storage that breaks at one request of the SDK, on Azurite."""

from __future__ import annotations

import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient

from retrain.adapters.azure.blob import BlobStore
from tests.azurite import end_lease
from tests.faults import SAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.storage.blob import BlobClient


class Unreliable(RequestsTransport):  # type: ignore[misc] # untyped
    """HTTP to the storage that breaks at one request: before it is sent, or when its answer is due."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks_at, self.after = -1, False
        self.asked: list[tuple[str, str]] = []

    def begin(self, number: int, *, after: bool) -> None:
        """Count anew, and break at this request; -1 for none."""
        self.asked, self.breaks_at, self.after = [], number, after

    @property
    def sent(self) -> int:
        return len(self.asked)

    def send(self, request: Any, **options: Any) -> Any:
        if request.headers.get("x-ms-lease-action") == "renew":  # how often depends on the machine
            return super().send(request, **options)
        breaks = self.sent == self.breaks_at
        method, path = request.method, request.url.partition("?")[0].split("/", 5)[5:]
        self.asked.append(("write" if method == "PUT" else method, path[0] if path else ""))
        if breaks and not self.after:
            raise ServiceRequestError(SAYS)
        answer = super().send(request, **options)
        if breaks:
            answer.internal_response.close()
            raise ServiceResponseError(SAYS)
        return answer


@dataclass
class Wired:
    """Stores on Azurite, the wire to them, and what went over it until it was mended.

    Attributes:
        direct: the state over a wire that never breaks.
    """

    inbox: BlobStore
    state: BlobStore
    direct: BlobStore
    wire: Unreliable
    locks: tuple[BlobClient, ...]
    requests: list[tuple[str, str]] = field(default_factory=list)

    def mend(self) -> None:
        """The wire is whole again, and leases whose holder never learned of them have come to their end."""
        assert self.wire.sent > self.wire.breaks_at
        self.requests, self.wire.breaks_at = list(self.wire.asked), -1
        for lock in self.locks:
            with suppress(AzureError):
                end_lease(lock)


@contextmanager
def wired(storage: str) -> Iterator[Wired]:
    """Empty stores on Azurite, without the SDK's own retries."""
    mark, wire = secrets.token_hex(4), Unreliable()
    with (
        BlobServiceClient.from_connection_string(storage, retry_total=0, transport=wire) as service,
        BlobServiceClient.from_connection_string(storage) as quiet,
    ):
        locks = (service.get_blob_client(f"state-{mark}", f"locks/{name}") for name in ("retrain", "outbox"))
        inbox, state = BlobStore(service, f"in-{mark}"), BlobStore(service, f"state-{mark}")
        direct = BlobStore(quiet, f"state-{mark}")
        yield Wired(inbox, state, direct, wire, tuple(locks))

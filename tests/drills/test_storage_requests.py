"""Requests to the storage that break on the wire, on Azurite, the lease among them."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient

from retrain.adapters.azure.blob import BlobStore
from tests.azurite import end_lease
from tests.builders import World
from tests.drills.stage import Stage, confirmed, on_doors, reached, sweep
from tests.drills.table import tell
from tests.faults import SAYS, Fault, never

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.storage.blob import BlobClient


class Unreliable(RequestsTransport):  # type: ignore[misc] # untyped
    """HTTP to the storage that breaks at one request: before it is sent, or when its answer is due."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks_at, self.after = -1, False
        self.asked: list[tuple[str, str]] = []

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
class Cloud:
    """A stage on Azurite, the wire to it, and what went over it when the event was delivered."""

    stage: Stage
    wire: Unreliable
    locks: tuple[BlobClient, ...]
    requests: list[tuple[str, str]] = field(default_factory=list)

    def play(self, number: int, *, after: bool) -> list[str]:
        """Break one request."""
        self.wire.asked, self.wire.breaks_at, self.wire.after = [], number, after
        return self.stage.play(never, Fault.STALE, self._mended)

    def _mended(self) -> list[str]:
        """The wire is whole again, and leases whose holder never learned of them have come to their end."""
        assert self.wire.sent > self.wire.breaks_at
        self.requests, self.wire.breaks_at = list(self.wire.asked), -1
        for lock in self.locks:
            with suppress(AzureError):
                end_lease(lock)
        return []


@pytest.fixture
def cloud(world: World, storage: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """On Azurite, without the SDK's own retries."""
    mark, wire = secrets.token_hex(4), Unreliable()
    with (
        BlobServiceClient.from_connection_string(storage, retry_total=0, transport=wire) as service,
        BlobServiceClient.from_connection_string(storage) as quiet,
    ):
        inbox, state = BlobStore(service, f"in-{mark}"), BlobStore(service, f"state-{mark}")
        stage = on_doors(Stage(world, inbox, state, BlobStore(quiet, f"state-{mark}")), monkeypatch)
        locks = (service.get_blob_client(f"state-{mark}", f"locks/{name}") for name in ("retrain", "outbox"))
        yield Cloud(stage, wire, tuple(locks))


@sweep
@pytest.mark.parametrize("after", [False, True], ids=["before it was sent", "before its answer came"])
@pytest.mark.timeout(600)
def test_one_request_to_the_storage_that_breaks_moves_no_champion_wrongly(
    cloud: Cloud, after: bool, reach: str, request: pytest.FixtureRequest
):
    """Each request of the SDK in its turn, on Azurite; the lease is among them."""
    cloud.play(-1, after=after)
    requests = list(cloud.requests)
    numbers = [number for number in reached(len(requests), reach) if number != confirmed(requests)]

    wrong = [f"{requests[number]}: {each}" for number in numbers for each in cloud.play(number, after=after)]

    how = request.node.callspec.id.removesuffix(f"-{reach}").removeprefix(f"{reach}-")
    tell("storage faults", "Azurite", f"requests, each of which broke {how}", len(numbers), len(wrong))
    assert not wrong, "\n".join(wrong)

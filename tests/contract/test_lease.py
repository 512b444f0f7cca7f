"""The lock of Blob Storage: a lease that is renewed, believed only while it was confirmed, and never outlived."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobLeaseClient, BlobServiceClient, LinearRetry

from retrain.adapters.azure import lease as lease_module
from retrain.adapters.azure.blob import BlobStore
from retrain.adapters.azure.lease import Terms, now
from retrain.adapters.azure.transport import FencedTransport
from retrain.errors import LockHeld, LockLost, ServiceUnavailable
from retrain.poll import poll
from tests.builders import at_once

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST = 15  # seconds that Blob Storage grants
PATIENCE_SECONDS = 120
EAGER = Terms(lease=SHORTEST, margin=2, renew=0.02, retry=0.02, fresh=0.5, answer=1)
FORGOTTEN = replace(EAGER, margin=SHORTEST - 0.5, renew=0.1)
"""A lease that is given up half a second after the last answer to a renewal."""


class Wire(RequestsTransport):  # type: ignore[misc] # untyped
    """HTTP that asks `on` before a request is sent; it may raise."""

    def __init__(self) -> None:
        super().__init__()
        self.on: Callable[[Any], None] = lambda _request: None
        self.sent: list[str] = []

    def send(self, request: Any, **options: Any) -> Any:
        self.on(request)
        self.sent.append(kind_of(request))
        return super().send(request, **options)


def kind_of(request: Any) -> str:
    """`renew` and so on for a lease, otherwise the method."""
    return str(request.headers.get("x-ms-lease-action") or request.method)


def times_out(request: Any) -> None:
    if kind_of(request) == "renew":
        raise ServiceResponseError("the connection was reset")


def is_refused(request: Any) -> None:
    if kind_of(request) == "renew":
        error = HttpResponseError("busy")
        error.status_code = 500
        raise error


def is_slow(request: Any) -> None:
    if kind_of(request) == "renew":
        time.sleep(2 * (SHORTEST - FORGOTTEN.margin))
        raise ServiceResponseError("no answer")


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def store(storage: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
    """An empty container whose leases are renewed all the time."""
    monkeypatch.setattr(lease_module, "TERMS", EAGER)
    service = BlobServiceClient.from_connection_string(storage, transport=FencedTransport(wire), retry_total=0)
    return BlobStore(service, f"lease-{uuid.uuid4().hex[:12]}")


def another(store: BlobStore, storage: str) -> BlobStore:
    """The store as another process sees it."""
    service = BlobServiceClient.from_connection_string(storage, retry_total=0)
    return BlobStore(service, store._container.container_name)


def break_lease(store: BlobStore) -> None:
    """What an operator does in the portal."""
    BlobLeaseClient(store._container.get_blob_client("locks/retrain")).break_lease(0)


def write_until_stopped(store: BlobStore) -> None:
    for number in poll(PATIENCE_SECONDS, 0.01):
        store.write("runs/1/report.json", str(number).encode())


def holds(store: BlobStore, *actions: Callable[[], object]) -> None:
    """Take the lock, do these things, and write until that is refused."""
    with store.lock("retrain"):
        for action in actions:
            action()
        write_until_stopped(store)


def test_a_lease_is_renewed_as_long_as_its_holder_works(store: BlobStore, wire: Wire):
    """By a thread, so that a long fit does not lose it."""
    with store.lock("retrain"):
        for _ in poll(PATIENCE_SECONDS, 0.01):
            if wire.sent.count("renew") >= 3:
                break
        store.write("a.json", b"1")

    assert wire.sent.count("renew") >= 3
    assert wire.sent[-1] == "release"


def test_a_holder_whose_lease_was_broken_stops(store: BlobStore):
    """The sentence says what happened, and who goes on."""
    with pytest.raises(LockLost, match=r"lost the lock: its lease was broken .*LeaseIsBroken.*`retrain tick`"):
        holds(store, lambda: break_lease(store))


def test_a_holder_whose_lease_was_taken_stops(store: BlobStore, storage: str):
    """Nothing of it is written beside the other one's."""
    other = another(store, storage)

    def goes_on() -> None:
        with other.lock("retrain"):
            other.write("runs/1/report.json", b"of the other")

    with pytest.raises(LockLost):
        holds(store, lambda: break_lease(store), lambda: at_once([goes_on]))

    assert other.read("runs/1/report.json").data == b"of the other"  # type: ignore[union-attr]


def test_a_holder_whose_lock_was_deleted_stops(store: BlobStore):
    """The blob of the lock is gone, and so is the lease."""
    with pytest.raises(LockLost, match="404"):
        holds(store, lambda: break_lease(store), lambda: store._container.delete_blob("locks/retrain"))


@pytest.mark.parametrize("answer", [times_out, is_refused, is_slow])
def test_a_lease_without_an_answer_is_given_up_before_it_ends(
    store: BlobStore, wire: Wire, monkeypatch: pytest.MonkeyPatch, answer: Callable[[Any], None]
):
    """The time is counted from the request of the last renewal that was answered."""
    monkeypatch.setattr(lease_module, "TERMS", FORGOTTEN)
    with pytest.raises(LockLost, match="not renewed in time"):
        holds(store, lambda: setattr(wire, "on", answer))


def test_a_renewal_that_fails_once_loses_nothing(store: BlobStore, wire: Wire):
    """It is tried again while there is time."""
    failed: list[str] = []

    def fails_twice(request: Any) -> None:
        if kind_of(request) == "renew" and len(failed) < 2:
            failed.append("renew")
            raise ServiceRequestError("no route")

    with store.lock("retrain"):
        wire.on = fails_twice
        for _ in poll(PATIENCE_SECONDS, 0.01):
            if len(failed) == 2 and wire.sent[-1] == "renew":
                break
        store.write("a.json", b"1")


def test_a_lease_that_was_not_confirmed_lately_is_renewed_before_a_write(
    store: BlobStore, wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    """A process that was frozen wakes up with a belief of the past."""
    monkeypatch.setattr(lease_module, "TERMS", replace(EAGER, renew=PATIENCE_SECONDS, fresh=1))
    with store.lock("retrain"):
        time.sleep(1.1)
        store.write("a.json", b"1")

    since = wire.sent[wire.sent.index("acquire") :]
    assert since.index("renew") < since.index("PUT")


def test_a_write_that_is_tried_again_asks_for_the_lock_again(storage: str, wire: Wire, store: BlobStore):
    """The lease is broken between two attempts of the SDK; the second is never sent."""
    again = LinearRetry(backoff=0, retry_total=3, random_jitter_range=0)
    service = BlobServiceClient.from_connection_string(storage, transport=FencedTransport(wire), retry_policy=again)
    patient, attempts = BlobStore(service, store._container.container_name), list[str]()
    others = renewals()

    def breaks(request: Any) -> None:
        if request.url.partition("?")[0].endswith("report.json"):
            attempts.append(kind_of(request))
            break_lease(another(store, storage))
            for _ in poll(PATIENCE_SECONDS, 0.01):
                if renewals() <= others:
                    break
            raise ServiceRequestError("no route")

    with pytest.raises(LockLost):
        holds(patient, lambda: setattr(wire, "on", breaks))

    assert attempts == ["PUT"]


def renewals() -> set[threading.Thread]:
    """The threads that renew a lease."""
    return {thread for thread in threading.enumerate() if thread.name == "lease renewal"}


def test_the_next_holder_of_a_broken_lease_waits_until_the_first_has_learned_of_it(store: BlobStore, storage: str):
    """For as long as a write of the first may still be on its way."""
    with pytest.raises(LockLost):
        holds(store, lambda: break_lease(store))
    began = now()

    with another(store, storage).lock("retrain"):
        assert now() - began >= EAGER.settled


def test_the_next_holder_of_a_released_lease_does_not_wait(
    store: BlobStore, storage: str, monkeypatch: pytest.MonkeyPatch
):
    """Nobody is there who could still write."""
    monkeypatch.setattr(lease_module, "TERMS", replace(EAGER, answer=10 * PATIENCE_SECONDS))
    with store.lock("retrain"):
        pass

    with another(store, storage).lock("retrain"):
        pass


def test_a_holder_keeps_its_lease_while_it_waits_for_the_one_before(
    store: BlobStore, storage: str, monkeypatch: pytest.MonkeyPatch, wire: Wire
):
    """If it is broken too, the lock is not had."""
    with store.lock("retrain"):
        pass
    BlobLeaseClient(store._container.get_blob_client("locks/retrain")).acquire(SHORTEST)
    break_lease(store)
    monkeypatch.setattr(lease_module, "TERMS", replace(EAGER, answer=10 * PATIENCE_SECONDS))
    quiet = another(store, storage)

    def breaks(request: Any) -> None:
        if kind_of(request) == "renew":
            wire.on = lambda _request: None
            break_lease(quiet)

    wire.on = breaks
    with pytest.raises(LockHeld), store.lock("retrain"):
        pytest.fail("it was broken meanwhile")


def test_a_refused_write_of_a_lock_that_is_ours_is_a_failure_like_any_other(store: BlobStore, wire: Wire):
    """The fence does not make an outage of the storage a lost lock."""

    def is_away(request: Any) -> None:
        if kind_of(request) == "PUT":
            raise ServiceRequestError("no route")

    with store.lock("retrain"):
        wire.on = is_away
        with pytest.raises(ServiceUnavailable):
            store.write("a.json", b"1")
        wire.on = lambda _request: None
        store.write("a.json", b"1")

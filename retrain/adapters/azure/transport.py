"""HTTP to the storage: limits, and a last look at the lock before each request that changes something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrain.adapters import fence
from retrain.adapters.azure.arm import bounds

if TYPE_CHECKING:
    from types import TracebackType

READS = {"GET", "HEAD"}


def storage_limits() -> dict[str, Any]:
    """The arguments of the storage's client."""
    limits = bounds()
    return {**limits, "transport": fenced_transport(**limits), "retry_policy": _retries(limits["retry_total"])}


def _retries(total: int) -> Any:
    """The storage's own retries, but not of signing in.

    Credentials try again themselves, and a person who is not signed in would wait for more than a minute.
    """
    from azure.core.exceptions import ClientAuthenticationError
    from azure.storage.blob import ExponentialRetry

    class Retries(ExponentialRetry):
        def increment(self, settings: Any, request: Any, response: Any = None, error: Any = None) -> bool:
            if isinstance(error, ClientAuthenticationError):
                return False
            return bool(super().increment(settings, request, response, error))

    return Retries(retry_total=total)


def fenced_transport(**limits: Any) -> FencedTransport:
    """The SDK's own transport behind the fence. Args: limits: `connection_timeout` and so on."""
    from azure.core.pipeline.transport import RequestsTransport

    return FencedTransport(RequestsTransport(**limits))


class FencedTransport:
    """Sends no write once the lock is lost: a process may have been frozen in a wait between two attempts.

    It comes after the SDK's retries and its signing in, so it is the last that is done before a request is sent.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def send(self, request: Any, **options: Any) -> Any:
        """Send a request and give its response. Raises: what the transport raises."""
        if request.method not in READS:
            fence.check()
        return self._transport.send(request, **options)

    def sleep(self, seconds: float) -> None:
        """Wait before the next attempt."""
        self._transport.sleep(seconds)

    def open(self) -> None:
        """Begin to keep connections."""
        self._transport.open()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> None:
        self._transport.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.__exit__(kind, error, trace)

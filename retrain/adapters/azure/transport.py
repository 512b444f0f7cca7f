"""HTTP to the storage, with a last look at the lock before each request that changes something."""

from __future__ import annotations

from typing import Any

from azure.core.pipeline.transport import RequestsTransport

from retrain.adapters import fence

READS = {"GET", "HEAD"}


class FencedTransport(RequestsTransport):  # type: ignore[misc] # untyped
    """Sends no write once the lock is lost: a process may have been frozen in a wait between two attempts.

    It comes after the SDK's retries and its signing in, so it is the last that is done before a request is sent.
    """

    def send(self, request: Any, **options: Any) -> Any:
        """See HttpTransport."""
        if request.method not in READS:
            fence.check()
        return super().send(request, **options)

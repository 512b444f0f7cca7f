"""Posts each event to an address, signed, and without following it elsewhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrain.adapters.notify import message
from retrain.adapters.notify.posting import post

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.records.outbox import Event
    from retrain.records.run import Run

CLOUD_EVENT = message.cloud_event, "application/cloudevents+json"
FORMS = {
    "cloudevents": CLOUD_EVENT,
    "eventgrid": CLOUD_EVENT,
    "slack": (message.slack, "application/json"),
    "teams": (message.teams, "application/json"),
}
"""What makes the body of each form, and its media type."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A listener of the outbox.

    Attributes:
        form: what is posted: `cloudevents`, `eventgrid`, `slack` or `teams`.
        key: with which it is signed; empty for no signature.
        token: gives a bearer token; None where none is needed.
    """

    form: str
    url: str
    model: str
    kinds: frozenset[str]
    key: bytes = b""
    amounts: bool = False
    token: Callable[[], str] | None = None

    @property
    def name(self) -> str:
        """See Listener; it does not show the address, which may hold a secret."""
        return f"{self.form}-{hashlib.sha256(self.url.encode()).hexdigest()[:12]}"

    def receive(self, event: Event, run: Run) -> None:
        """See Listener."""
        if event.kind not in self.kinds:
            return
        make, media_type = FORMS[self.form]
        body = json.dumps(make(event, run, self.model, amounts=self.amounts)).encode()
        headers = {"Content-Type": media_type}
        if self.key:
            headers |= signed(event.id, body, self.key, int(time.time()))
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token()}"
        post(self.url, body, headers)


def signed(event_id: str, body: bytes, key: bytes, at: int) -> dict[str, str]:
    """The headers by which a receiver knows who sent it, when, and what comes again.

    Source: Standard Webhooks 1.0, "Signature scheme": HMAC-SHA256 of `id.timestamp.body`.

    Args: at: seconds since 1970.
    """
    content = b".".join((event_id.encode(), str(at).encode(), body))
    signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return {"webhook-id": event_id, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}

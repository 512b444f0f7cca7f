"""A gate before Azurite: what signs in by identity needs a role for each call, as at Azure Storage.

Azurite takes any token. A shared key or a signature in the address is let through: Azurite checks those itself.
"""

from __future__ import annotations

import http.client
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from tests.azure.emulator.access import EMULATED, who_asks
from tests.azure.emulator.gateway import HOP, SECONDS
from tests.azure.emulator.roles import BLOBS, QUEUES, TABLES
from tests.azure.emulator.tls import Certificate
from tests.azure.emulator.web import Request, Response, Server
from tests.azure.emulator.world import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.azure.emulator.world import Switches
    from tests.azurite import SecureAzurite

ACCOUNT_TYPE = "Microsoft.Storage/storageAccounts"
ACCOUNT_PATH = f"{PROVIDERS}{ACCOUNT_TYPE}/{EMULATED[ACCOUNT_TYPE]}"
REFUSED = (
    b'<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthorizationPermissionMismatch</Code><Message>This '
    b"request is not authorized to perform this operation using this permission.</Message></Error>"
)


class Gate:
    """The blob, queue and table services of one account, each on an address of its own."""

    def __init__(self, azurite: SecureAzurite, switches: Switches) -> None:
        self._azurite, self._switches = azurite, switches
        self._trust = ssl.create_default_context(cafile=str(azurite.certificate))
        certificate = Certificate(azurite.certificate, azurite.certificate_key)
        actions = {azurite.url: blob_action, azurite.queue_url: queue_action, azurite.table_url: table_action}
        self._servers = {url: Server(certificate) for url in actions}
        for url, server in self._servers.items():
            server.start(self._answering(url, actions[url]))

    @property
    def storage(self) -> SecureAzurite:
        """The account as those see it who come through the gate."""
        there = self._azurite
        addresses = [self._address(url) for url in (there.url, there.queue_url, there.table_url)]
        return replace(there, url=addresses[0], queue_url=addresses[1], table_url=addresses[2])

    def close(self) -> None:
        """Answer no more."""
        for server in self._servers.values():
            server.close()

    def _address(self, url: str) -> str:
        return f"https://127.0.0.1:{self._servers[url].port}{urlsplit(url).path}"

    def _answering(self, url: str, action: Callable[[Request], tuple[str, str]]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            who = who_asks(request.headers)
            asked, below = action(request)
            if who and not self._switches.access.allows(who, asked, f"{ACCOUNT_PATH}/{below}"):
                headers = {"Content-Type": "application/xml", "x-ms-error-code": "AuthorizationPermissionMismatch"}
                return Response(403, REFUSED, headers)
            return self._forward(url, request)

        return answer

    def _forward(self, url: str, request: Request) -> Response:
        target = urlsplit(url)
        connection = http.client.HTTPSConnection(target.netloc, timeout=SECONDS, context=self._trust)
        sent = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        where = quote(request.path) + (f"?{urlencode(request.query)}" if request.query else "")
        try:
            connection.request(
                request.method, where, request.body, {**sent, "Content-Length": str(len(request.body))}
            )
            got = connection.getresponse()
            hop = HOP - {"content-length"} if request.method == "HEAD" else HOP  # the size of a blob
            kept = {name.title(): value for name, value in got.getheaders() if name.lower() not in hop}
            return Response(got.status, got.read(), kept)
        finally:
            connection.close()


def blob_action(request: Request) -> tuple[str, str]:
    """The action of a call of Blob Storage, and the resource below the account."""
    _, _, container, *blob = request.path.split("/") + [""] * (3 - request.path.count("/"))
    scope = f"blobServices/default/containers/{container}"
    if not any(blob):
        if request.method in ("GET", "HEAD") and request.query.get("comp") == "list" and container:
            return f"{BLOBS}/containers/blobs/read", scope
        return f"{BLOBS}/containers/{_verb(request.method)}", scope
    return f"{BLOBS}/containers/blobs/{_verb(request.method)}", f"{scope}/blobs/{'/'.join(blob)}"


def queue_action(request: Request) -> tuple[str, str]:
    """The action of a call of Queue Storage, and the resource below the account."""
    queue, *messages = request.path.split("/")[2:] or [""]
    scope = f"queueServices/default/queues/{queue}"
    if not messages:
        return f"{QUEUES}/{_verb(request.method)}", scope
    if request.method == "GET" and request.query.get("peekonly") != "true":
        return f"{QUEUES}/messages/process/action", scope
    return f"{QUEUES}/messages/{_verb(request.method)}", scope


def table_action(request: Request) -> tuple[str, str]:
    """The action of a call of Table Storage, and the resource below the account."""
    table = request.path.split("/")[2].partition("(")[0]
    if table == "Tables":
        return f"{TABLES}/{_verb(request.method)}", "tableServices/default/tables"
    return f"{TABLES}/entities/{_verb(request.method)}", f"tableServices/default/tables/{table}"


def _verb(method: str) -> str:
    return {"GET": "read", "HEAD": "read", "DELETE": "delete"}.get(method, "write")

"""The front of a container app: TLS with the platform's certificate, and plain HTTP to the replica behind it."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Protocol

from tests.azure.emulator.gateway import HOP, SECONDS
from tests.azure.emulator.web import HOST, Request, Response, Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.azure.emulator.tls import Certificate


class Behind(Protocol):
    """What an ingress has to know of a revision."""

    def port(self) -> int | None: ...


class Ingress:
    """One address."""

    def __init__(self, certificate: Certificate, target: Callable[[], Behind | None]) -> None:
        self._target, self._server = target, Server(certificate)
        self._server.start(self._answer)

    @property
    def host(self) -> str:
        """The name, and here the port too: many addresses share one machine."""
        return f"localhost:{self._server.port}"

    def close(self) -> None:
        """Answer no more."""
        self._server.close()

    def _answer(self, request: Request) -> Response:
        behind = self._target()
        port = behind.port() if behind else None
        if port is None:
            return Response(404, b"Error 404 - This Container App is stopped or does not exist.")
        connection = http.client.HTTPConnection(HOST, port, timeout=SECONDS)
        sent = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        try:
            connection.request(request.method, request.path, body=request.body or None, headers=sent)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as exc:
            return Response(503, f"upstream connect error: {exc}".encode())
        finally:
            connection.close()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
        return Response(answer.status, body, kept)

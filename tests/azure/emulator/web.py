"""A small threaded HTTP/1.1 server on the loopback, with or without TLS, which ends with all its connections."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.azure.emulator.tls import Certificate

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The parsed body; None where there is none, or it is no JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Response:
    """What the client gets; `bytes` are sent as they are, everything else as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        """The bytes of the body."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


class Dropped(Exception):
    """The connection is to end without an answer."""


class Server:
    """Listens from the start, answers once it was told how, and leaves neither thread nor socket behind."""

    def __init__(self, tls: Certificate | None = None) -> None:
        self._server = _Listening((HOST, 0), _Handler)
        self.port: int = self._server.server_port
        if tls is not None:
            self._server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._server.context.load_cert_chain(tls.certificate, tls.key)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def start(self, answer: Callable[[Request], Response]) -> None:
        """Answer from now on."""
        self._server.answer = answer
        self._thread.start()

    def close(self) -> None:
        """End every connection and every thread."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.hang_up()
        self._server.server_close()


class _Listening(ThreadingHTTPServer):
    daemon_threads = False  # such threads are the ones that server_close waits for
    request_queue_size = 64
    context: ssl.SSLContext | None = None
    answer: Callable[[Request], Response]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.connections: set[socket.socket] = set()
        self.closing = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients come and go: a connection that broke is no news."""

    def hang_up(self) -> None:
        self.closing = True
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listening

    def setup(self) -> None:
        # The handshake happens here, in the connection's own thread: a slow client must not hold up the others.
        if self.server.context is not None:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.server.connections.add(self.request)
        super().setup()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.server.connections.discard(self.request)
        self.request.close()

    def log_message(self, *_args: Any) -> None:
        """The recorder keeps what is worth it."""

    def _go(self) -> None:
        try:
            response = self.server.answer(self._request())
        except Dropped:
            self.close_connection = True
            return
        data = response.data
        self.send_response(response.status)
        if "content-type" not in {name.lower() for name in response.headers}:
            self.send_header("Content-Type", "application/json")
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.command != "HEAD" or "content-length" not in {name.lower() for name in response.headers}:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.close_connection = self.close_connection or self.server.closing

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _go  # noqa: N815 - the names that http.server looks for

    def _request(self) -> Request:
        url = urlsplit(self.path)
        path = re.sub("//+", "/", unquote(url.path))
        return Request(self.command, path, dict(parse_qsl(url.query)), dict(self.headers.items()), self._body())

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

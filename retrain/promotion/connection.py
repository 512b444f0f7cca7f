"""Connections on which a service has proven that it knows its key, before the key is sent.

An address of plain HTTP may belong to another process by now: then it is told nothing, and not believed. Every new
connection asks for the proof before anything else is sent on it. HTTPS needs none: the certificate is the proof.
"""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import time
from typing import TYPE_CHECKING, Any

from retrain.errors import ServiceTimeout, UnprovenService
from scoring.identity import PATH, proof

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

    from retrain.ports import Service

LONGEST_ANSWER_BYTES = 16 << 10
CHALLENGE_BYTES = 32
DEFAULT_PORT = 80


def proven(service: Service, seconds: float) -> HTTPAdapter:
    """Connections for `requests` to this service alone. Args: seconds: for the proof, from its question on."""
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool
    from urllib3.connection import HTTPConnection

    class ProvenConnection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            assert isinstance(self.sock, socket.socket)  # noqa: S101 - it has just been connected
            self.key = _known_key(self.sock, service, self.port or DEFAULT_PORT, seconds)

        def putheader(self, header: Any, *values: Any) -> None:
            if header == "Authorization":
                values = (f"Bearer {self.key}",)
            super().putheader(header, *values)

        def putrequest(self, *args: Any, **options: Any) -> None:
            if self.sock is None:  # the header below depends on which key the service knows
                self.connect()
            super().putrequest(*args, **options)

    class ProvenPool(HTTPConnectionPool):
        ConnectionCls = ProvenConnection

    class Proven(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options)
            self.poolmanager.pool_classes_by_scheme = {"http": ProvenPool}

    return Proven()


def needs_proof(service: Service) -> bool:
    """Whether its address says nothing about who answers; an online endpoint asks for the key itself."""
    return service.url.startswith("http://") and not service.deployment


def _known_key(sock: socket.socket, service: Service, port: int, seconds: float) -> str:
    """The newest of the service's keys that whoever answers has proven to know.

    Raises: UnprovenService if it is none; ServiceTimeout if it says nothing; OSError if the connection breaks.
    """
    challenge = secrets.token_bytes(CHALLENGE_BYTES).hex()
    text = f"GET {PATH}?challenge={challenge} HTTP/1.1\r\nHost: {sock.getpeername()[0]}:{port}\r\n\r\n"
    deadline = time.monotonic() + seconds
    try:
        sock.settimeout(max(seconds, 0.001))
        sock.sendall(text.encode())
        answer = _object(_read(sock, deadline))
    except TimeoutError:
        raise ServiceTimeout(
            f"{service.url} did not answer in time; run `retrain services` to see its state"
        ) from None
    model, version, found = (answer.get(name) for name in ("model", "version", "proofs"))
    if isinstance(model, str) and isinstance(found, list) and version == service.version:
        for key in filter(None, (service.key, service.key_before)):
            expected = proof(key.encode(), challenge, model, service.version, port)
            if any(isinstance(one, str) and hmac.compare_digest(one.encode(), expected.encode()) for one in found):
                return key
    raise UnprovenService(
        f"{service.url} is answered by a process that does not know the key of {service.name}; the key was not "
        "sent. Run `retrain services` to see its state"
    )


def _read(sock: socket.socket, deadline: float) -> bytes:
    """The body of one answer: as long as its head says, and no longer than is needed."""
    received = b""
    while len(received) <= LONGEST_ANSWER_BYTES:
        head, end, body = received.partition(b"\r\n\r\n")
        length = next(
            (line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0"
        )
        if end and (not length.strip().isdigit() or len(body) >= int(length)):
            return body if head.split(b" ")[1:2] == [b"200"] else b""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        more = sock.recv(LONGEST_ANSWER_BYTES)
        if not more:
            break
        received += more
    return b""


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

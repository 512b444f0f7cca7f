"""What hostile requests are made of, and a scoring service to which any bytes can be sent."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEY = "the-key-of-this-drill"
ANSWER_SECONDS = 60.0  # an answer takes milliseconds on an idle machine
ENDLESS_SECONDS = 3600.0
BREAKS = "\r\nX-Injected: 1\r\n\r\n"


BODIES = {
    "oversized": b'{"reason": "' + b"x" * 70_000 + b'"}',
    "oversized blank": b" " * 10_000_000,
    "nested lists": b"[" * 60_000,
    "nested objects": b'{"reason":' * 6_000,
    "nested and closed": b'{"reason": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "no JSON": b"force=true",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "half a body": b'{"force": tr',
    "two bodies": b"{}{}",
    "no UTF-8": b'{"reason": "\xff\xfe"}',
    "half a surrogate": b'{"reason": "\\ud800"}',
    "NaN": b'{"force": NaN}',
    "a list": b"[]",
    "nothing but null": b"null",
    "force as a word": b'{"force": "true"}',
    "force as a number": b'{"force": 1}',
    "force as null": b'{"force": null}',
    "reason as a number": b'{"reason": 1e999}',
    "reason too long": json.dumps({"reason": "x" * 501}).encode(),
    "unknown fields": b'{"run_id": "../champion", "file": "/etc/passwd"}',
    "prototype": b'{"__proto__": {"force": true}, "__class__": "Request"}',
}


@dataclass
class Service:
    """A scoring service on loopback, and how often its model was asked."""

    port: int
    asked: list[str]

    def send(self, raw: bytes, *, closed: bool = True) -> Reply:
        """Send these very bytes and read what comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_SECONDS) as wire:
            try:
                wire.sendall(raw)
                if closed:
                    wire.shutdown(socket.SHUT_WR)
            except OSError:  # it has seen enough
                pass
            return Reply.read(wire)

    def request(
        self, method: str, path: str, headers: tuple[tuple[str, str], ...] = (), body: bytes = b""
    ) -> Reply:
        """Send a request that is well-formed but for what it says."""
        length = [("Content-Length", str(len(body)))] if body else []
        lines = [f"{name}: {value}\r\n" for name, value in (*headers, *length, ("Connection", "close"))]
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{''.join(lines)}\r\n"
        return self.send(head.encode("latin-1") + body, closed=False)


@dataclass
class Reply:
    """An answer as it came over the wire; status 0 where none came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def read(cls, wire: socket.socket) -> Reply:
        """Read until the other side closes."""
        data = b""
        try:
            while chunk := wire.recv(65536):
                data += chunk
        except (ConnectionResetError, TimeoutError):
            pass
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        return cls(int((first.split() or ["", "0"])[1]), {name.lower(): value for name, _, value in pairs}, body)


RIGHT = (("x-api-key", KEY),)
JSON = (("Content-Type", "application/json"),)
ASKED = b'{"horizon_days": 1}'


def see_it_refused(reply: Reply, *statuses: int) -> None:
    """A refusal of its own or of the server's, that tells nothing."""
    assert reply.status in (statuses or range(400, 500)), reply
    assert "x-injected" not in reply.headers
    assert "location" not in reply.headers
    assert not any(word in reply.body for word in (b"Traceback", KEY.encode(), b"root:", str(ROOT).encode()))

"""Hostile requests to a scoring service: bodies, broken bytes and slow senders are refused and cost nobody else."""

from __future__ import annotations

import socket

import pytest

from scoring import guard
from tests.drills.hostile import ASKED, BODIES, ENDLESS_SECONDS, JSON, KEY, RIGHT, Service, see_it_refused
from tests.drills.table import tell

DEEP = {
    "lists": b"[" * 60_000,
    "lists that close": b"[" * 30_000 + b"]" * 30_000,
    "objects": b'{"horizon_days":' * 4_000,
    "observations": b'{"horizon_days": 1, "observations": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "amounts": b'{"horizon_days": 1, "levels": [' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"]}",
}
TYPES = ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]


@pytest.mark.parametrize("path", ["/forecast", "/score"])
def test_no_hostile_body_is_forecast_from(service: Service, path: str):
    """Oversized, nested, of another type: 4xx as problem+json, and the model is not asked."""
    replies = [service.request("POST", path, (*RIGHT, *JSON), body) for body in [*DEEP.values(), *BODIES.values()]]
    replies += [service.request("POST", path, (*RIGHT, ("Content-Type", kind)), ASKED) for kind in TYPES]

    for reply in replies:
        see_it_refused(reply)
        assert reply.headers["content-type"] == "application/problem+json"
    assert service.asked == []
    tell("hostile requests", "service", f"bodies of POST {path}", len(replies))


def head(*lines: str) -> bytes:
    return "\r\n".join(
        ["POST /forecast HTTP/1.1", "Host: x", "Content-Type: application/json", *lines, "", ""]
    ).encode()


RAW = {
    "a length beyond all numbers": head(f"x-api-key: {KEY}", "Content-Length: " + "9" * 5_000),
    "a length that is none": head(f"x-api-key: {KEY}", "Content-Length: many") + ASKED,
    "a negative length": head(f"x-api-key: {KEY}", "Content-Length: -1") + ASKED,
    "two lengths": head(f"x-api-key: {KEY}", "Content-Length: 1", "Content-Length: 19") + ASKED,
    "a length and chunks": head(f"x-api-key: {KEY}", "Content-Length: 19", "Transfer-Encoding: chunked") + ASKED,
    "a chunk beyond all numbers": head(f"x-api-key: {KEY}", "Transfer-Encoding: chunked") + b"F" * 40 + b"\r\n",
    "a chunk that is none": head(f"x-api-key: {KEY}", "Transfer-Encoding: chunked") + b"zz\r\n",
    "a NUL in a header": head(f"x-api-key: {KEY}\0"),
    "a bare return in a header": head("x-api-key: wrong\rX-Injected: 1"),
    "a header without a name": head(": 1"),
    "a header with a blank in its name": head("x-api key: 1"),
    "a folded header": head("x-api-key: wrong", " X-Injected: 1"),
    "a header that is injected": head("x-api-key: wrong", "X-Injected: 1", "Content-Length: 0"),
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" * 100,
    "half a line": b"POST /fore",
    "a version that is none": b"POST /forecast HTTP/9.9\r\n\r\n",
}  # fmt: skip


def test_no_broken_bytes_are_taken_for_a_request(service: Service):
    """4xx, or the connection is closed; the service goes on answering."""
    for raw in RAW.values():
        reply = service.send(raw)
        if reply.status:
            see_it_refused(reply)

    assert service.asked == []
    assert service.request("POST", "/forecast", (*RIGHT, *JSON), ASKED).status == 200
    tell("hostile requests", "service", "requests broken at the level of HTTP", len(RAW))


def test_a_body_that_hides_its_length_is_cut_off(service: Service):
    """Chunks without end: 413 as soon as there are too many."""
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"

    see_it_refused(service.send(head(f"x-api-key: {KEY}", "Transfer-Encoding: chunked") + chunk * 100), 413)
    assert service.asked == []
    tell("hostile requests", "service", "bodies and headers without end", 1)


def test_headers_that_are_too_large_are_refused(service: Service):
    """With the key too: nobody has a megabyte to say before the body."""
    see_it_refused(service.request("GET", "/metrics", (*RIGHT, ("X-Large", "x" * 1_000_000))), 400, 413, 431)
    tell("hostile requests", "service", "bodies and headers without end", 1)


def test_a_slow_body_without_the_key_is_refused_at_once(service: Service, monkeypatch: pytest.MonkeyPatch):
    """The body is not waited for: its limit is longer than this client waits."""
    monkeypatch.setattr(guard, "BODY_SECONDS", ENDLESS_SECONDS)

    see_it_refused(service.send(head("Content-Length: 20", "Connection: close") + b"{", closed=False), 401)
    tell("hostile requests", "service", "slow bodies", 1)


def test_slow_bodies_keep_nobody_else_waiting(service: Service):
    """Fifty callers who never finish, and one who does."""
    slow = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(50)]
    try:
        for wire in slow:
            wire.sendall(head(f"x-api-key: {KEY}", "Content-Length: 20") + b"{")

        assert service.request("POST", "/forecast", (*RIGHT, *JSON), ASKED).status == 200
        assert service.asked == ["observe", "forecast"]
        tell("hostile requests", "service", "slow bodies", len(slow))
    finally:
        for wire in slow:
            wire.close()


def test_a_body_that_does_not_come_is_not_waited_for(service: Service, monkeypatch: pytest.MonkeyPatch):
    """408 after some seconds, so that callers who never finish do not gather."""
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.3)
    raw = head(f"x-api-key: {KEY}", "Content-Length: 20", "Connection: close") + b"{"

    see_it_refused(service.send(raw, closed=False), 408)
    assert service.asked == []
    tell("hostile requests", "service", "slow bodies", 1)

"""What a connection may take of a service: time, bytes and its share, over real sockets."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from retrain.poll import poll
from scoring.app import Served, create_app
from scoring.connections import HEAD_BYTES, PIPELINED, Connections
from tests.builders import series, weekly
from tests.drills.hostile import KEY, Reply
from tests.serving import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scoring.server import Server

PATIENCE_SECONDS = 100
SOON, NEVER = 0.2, 3600.0
HALF_A_HEAD = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Held: "
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
FORECAST = json.dumps({"horizon_days": 365, "levels": [*range(10, 20)]}).encode()


def post(body: bytes, length: int) -> bytes:
    head = f"POST /forecast HTTP/1.1\r\nHost: x\r\nx-api-key: {KEY}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {length}\r\n\r\n".encode() + body


@dataclass
class Running:
    """A server with limits, and what talks to it."""

    port: int
    server: Server
    wires: ExitStack

    def opened(self, sent: bytes = b"") -> socket.socket:
        """A connection over which this was sent; it stays open until the test ends."""
        wire = self.wires.enter_context(
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)
        )
        wire.sendall(sent)
        return wire

    def answer(self, sent: bytes) -> Reply:
        """What comes back until the service closes."""
        return Reply.read(self.opened(sent))

    def wait_for(self, connections: int) -> bool:
        """Whether there come to be so many connections."""
        return any(len(self.server.server_state.connections) == connections for _ in poll(PATIENCE_SECONDS, 0.01))


@contextmanager
def running(**limits: float) -> Iterator[Running]:
    listening = socket.create_server(("127.0.0.1", 0))
    model = fit_pinned(Order(1, 0, 0, mean=True), series(weekly(60)), 7).model
    app = create_app(Served(model, "daily-transactions", "7", "ab" * 32), KEY)
    chosen = {"head_seconds": NEVER, **limits}
    serving = serve(app, listening, Connections(**chosen))  # type: ignore[arg-type]
    with ExitStack() as wires:
        yield Running(listening.getsockname()[1], serving.server, wires)
    serving.end(at_once=True)


@pytest.mark.parametrize("sent", [HALF_A_HEAD, b""])
def test_a_head_that_does_not_end_is_ended(sent: bytes):
    """Also one of which nothing comes."""
    with running(head_seconds=SOON) as service:
        assert service.answer(sent).status == 408
        assert service.wait_for(0)


def test_a_head_after_an_answer_is_ended_too():
    """The time begins anew with the answer."""
    with running(head_seconds=SOON) as service:
        assert service.answer(HEALTH.replace(b"Connection: close\r\n", b"") + b"GET /fore").status == 200
        assert service.wait_for(0)


def test_bytes_now_and_then_do_not_keep_a_head_open():
    """Its time is counted from its beginning."""
    with running(head_seconds=SOON) as service:
        wire = service.opened(HALF_A_HEAD)
        wire.settimeout(0.01)
        for _ in poll(PATIENCE_SECONDS, 0.01):
            try:
                wire.sendall(b"x")
                if wire.recv(100).startswith(b"HTTP/1.1 408"):
                    return
            except TimeoutError:
                continue
        pytest.fail("the head was waited for")


def test_a_head_without_end_is_refused_before_its_end():
    """It is not kept in memory."""
    with running() as service:
        assert service.answer(HALF_A_HEAD + b"x" * 2 * HEAD_BYTES).status == 431


def test_the_connection_that_has_waited_for_longest_makes_room():
    """It is told to come again, and whoever sends a whole request is answered."""
    with running(most=3) as service:
        first, *others = [service.opened(HALF_A_HEAD) for _ in range(3)]
        assert service.wait_for(3)

        health, evicted = service.answer(HEALTH), Reply.read(first)

        assert health.status == 200
        assert evicted.status == 503
        assert evicted.headers["retry-after"] == "5"
        assert len(others) == 2
        assert service.wait_for(2)


def test_of_too_many_requests_the_newest_is_refused_and_a_probe_is_answered():
    """With 503, and when to come again."""
    with running(requests=1) as service:
        service.opened(post(b"{", 20))
        assert any(len(service.server.server_state.tasks) == 1 for _ in poll(PATIENCE_SECONDS, 0.01))

        refused, probe = service.answer(post(FORECAST, len(FORECAST))), service.answer(HEALTH)

        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        assert refused.headers["content-type"] == "application/problem+json"
        assert probe.status == 200


def test_more_requests_before_the_first_answer_end_the_connection():
    """They would be kept in memory."""
    with running() as service:
        reply = service.answer(post(b"{", 2) + b"}" + HEALTH.replace(b"close", b"keep-alive") * (PIPELINED + 3))

        assert b"400" in reply.body or reply.status == 400
        assert service.wait_for(0)


@pytest.mark.parametrize("more", [0, 2], ids=["nothing follows", "requests follow"])
def test_an_answer_that_is_not_read_is_not_kept(more: int, monkeypatch: pytest.MonkeyPatch):
    """It is more than the network holds; requests behind it, which may take longer, give it no more time."""
    monkeypatch.setattr("scoring.connections.REQUEST_SECONDS", NEVER)
    request = post(FORECAST, len(FORECAST))
    with running(answer_seconds=SOON) as service:
        wire = socket.socket()
        service.wires.enter_context(wire)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.connect(("127.0.0.1", service.port))
        assert service.wait_for(1)
        (connection,) = service.server.server_state.connections
        state = service.server.server_state
        with suppress(ConnectionError):  # it has ended already
            while not connection.transport.get_write_buffer_size():
                answered = state.total_requests
                wire.sendall(request)
                assert any(state.total_requests > answered for _ in poll(PATIENCE_SECONDS, 0.001))
            wire.sendall(request * more)

        assert service.wait_for(0)
        # A task that has ended is forgotten by the loop's next turn.
        assert any(len(state.tasks) == 0 for _ in poll(PATIENCE_SECONDS, 0.01))

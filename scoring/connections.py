"""What a connection may take: time for its next request head, bytes of it, and a share of the service.

uvicorn limits neither the time nor the size of a request head, and a refusal of its own (`limit_concurrency`) waits
for a whole head. So its protocol is extended here: a connection that keeps the service waiting is closed, and the
one that has done so for longest makes room for the next when there are too many.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from scoring.guard import PROBES, problem

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    type App = Callable[[Any, Any, Any], Awaitable[None]]

HEAD_SECONDS = 10.0
ANSWER_SECONDS = 30.0
REQUEST_SECONDS = 90.0  # from a head to the answer; the body alone may take 30 s
CLOSING_SECONDS = 5.0  # for reading what was sent before a connection was closed
HEAD_BYTES = 64 << 10
PIPELINED = 8  # requests that a connection may send before the answer to the first
RETRY_SECONDS = 5
# A held connection takes at most HEAD_BYTES and about 10 kB of objects: 80 MB for all.
CONNECTIONS = 1024
# A request takes about 2 MB with its body and its answer, and 20 ms: 130 MB and 1.3 s for all.
REQUESTS = 64
BUSY = "the service has as many requests as it can answer; send this one again in some seconds"
CROWDED = "too many connections wait; send the whole request at once"


@dataclass(slots=True)
class Connections:
    """The connections of one server.

    Attributes:
        most: how many there may be.
        requests: how many may be answered at a time.
        head_seconds: from the connection, or the answer before, to the end of a request head.
        answer_seconds: for reading an answer that does not fit into the buffers of the network.
        waiting: those that are sending a head, or nothing; the one that has done so for longest comes first.
    """

    most: int = CONNECTIONS
    requests: int = REQUESTS
    head_seconds: float = HEAD_SECONDS
    answer_seconds: float = ANSWER_SECONDS
    waiting: dict[LimitedProtocol, None] = field(default_factory=dict)


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, limits: Connections, **options: Any) -> None:
        super().__init__(**options)
        self._limits, self._head_bytes = limits, 0
        self._deadline: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the place of the connection that has waited for longest, if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.most and self._limits.waiting:
            next(iter(self._limits.waiting)).make_room()
        self._await_head(self._limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._limits.waiting.pop(self, None)
        self._end_within(None)
        self._read_within(None)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The answers do not fit into the buffers: they are read in time, whatever else is sent or waits."""
        super().pause_writing()
        self._read_within(self._limits.answer_seconds)

    def resume_writing(self) -> None:
        """They are being read."""
        self._read_within(None)
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Refuse a head without end."""
        super().data_received(data)
        if self in self._limits.waiting:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the headers may have at most {HEAD_BYTES} bytes"
                )

    def on_headers_complete(self) -> None:
        """The head is there. Raises: HttpParserError if too many came before their answers."""
        if len(self.pipeline) >= PIPELINED:
            raise httptools.HttpParserError("too many requests before the first answer")
        self._limits.waiting.pop(self, None)
        self._end_within(REQUEST_SECONDS)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """The next head may come."""
        super().on_response_complete()
        unread = self.transport.get_write_buffer_size() > 0
        if self.transport.is_closing():
            self._end_within(self._limits.answer_seconds if unread else CLOSING_SECONDS)
        elif not self.pipeline and self.cycle.response_complete:
            self._await_head(self._limits.answer_seconds if unread else self._limits.head_seconds)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Answer the request, or refuse it if too many are being answered; probes are always answered."""
        if len(self.tasks) >= self._limits.requests and cycle.scope["path"] not in PROBES:
            app = problem(HTTPStatus.SERVICE_UNAVAILABLE, BUSY, {"Retry-After": str(RETRY_SECONDS)} | CLOSE)
        super()._start_asgi_task(cycle, self._until_read(app))

    def _until_read(self, app: App) -> Any:
        """The same; it counts as being answered until the answer has been read."""

        async def read(scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)
            await self.flow.drain()

        return read

    def _read_within(self, seconds: float | None) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._reading = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)

    def _await_head(self, seconds: float) -> None:
        self._head_bytes = 0
        self._limits.waiting.pop(self, None)
        self._limits.waiting[self] = None
        self._end_within(seconds)

    def _end_within(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._expired)

    def _expired(self) -> None:
        is_unread = self.transport.is_closing() or self.transport.get_write_buffer_size() > 0
        if is_unread or self not in self._limits.waiting:
            self.transport.abort()
        else:
            limit = f"the head did not arrive within {self._limits.head_seconds:g} seconds"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, limit)

    def make_room(self) -> None:
        """End this connection, which waits, for another."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, CROWDED)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Say why, unless nothing was sent that would expect an answer, and close."""
        self._limits.waiting.pop(self, None)
        if not self.transport.is_closing():
            if self._head_bytes or self.cycle is None:
                self.transport.write(_raw(status, detail))
            self.transport.close()
        self._end_within(CLOSING_SECONDS)


CLOSE = {"Connection": "close"}


def _raw(status: HTTPStatus, detail: str) -> bytes:
    """A refusal as it goes over the wire, before there is a request."""
    retry = {"Retry-After": str(RETRY_SECONDS)} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    answer = problem(status, detail, retry | CLOSE)
    head = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    head += [name + b": " + value for name, value in answer.raw_headers]
    return b"\r\n".join([*head, b"", bytes(answer.body)])

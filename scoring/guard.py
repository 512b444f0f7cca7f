"""Middleware of every route: checks the key and the size of the request, and counts requests for `/metrics`."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.exceptions import HTTPException
from starlette.responses import Response

from scoring.documents import OPEN_DOCUMENTS
from scoring.identity import PATH as IDENTITY
from scoring.trace import HEADER as TRACE
from scoring.trace import log_answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from scoring.keys import Keys

BODY_BYTES = 64 << 10
BODY_SECONDS = 30.0
HEADER_BYTES = 32 << 10
PROBES = frozenset({"/healthz", "/readyz"})
OPEN_ROUTES = PROBES | OPEN_DOCUMENTS | {IDENTITY}
PROBLEM = "application/problem+json"


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """An error response as RFC 9457 defines it."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(json.dumps(body), status, headers, PROBLEM)


class Metrics:
    """Requests and seconds by route, in their own registry."""

    def __init__(self, model: str, version: str) -> None:
        self.registry = CollectorRegistry()
        info = Gauge(
            "scoring_model_info", "The version that is served.", ["model", "version"], registry=self.registry
        )
        info.labels(model, version).set(1)
        self._requests = Counter("scoring_requests", "Requests.", ["route", "status"], registry=self.registry)
        self._seconds = Histogram("scoring_seconds", "Seconds per request.", ["route"], registry=self.registry)

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)


class Guard:
    """ASGI middleware.

    Args:
        keys: what callers may send; None for no key.
    """

    def __init__(self, app: ASGIApp, keys: Keys | None, metrics: Metrics) -> None:
        self._app, self._keys, self._metrics = app, keys, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, _bounded(receive), send_and_note_status)
        route, seconds = getattr(scope.get("route"), "path", "other"), time.perf_counter() - started
        self._metrics.count(route, status, seconds)
        if refusal is None and scope["path"] not in OPEN_ROUTES:  # only who has the key can add to the log
            log_answer(_header(scope, TRACE), route, status, seconds)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = dict(scope["headers"])
        if scope["path"] not in OPEN_ROUTES and not self._admits(headers):
            detail = "send the key as Authorization: Bearer KEY or as x-api-key"
            return problem(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})
        if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADER_BYTES:
            return problem(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the headers may have at most {HEADER_BYTES} bytes"
            )
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > BODY_BYTES:
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE)
        return None

    def _admits(self, headers: dict[bytes, bytes]) -> bool:
        if self._keys is None:
            return True
        presented = headers.get(b"x-api-key", b"")
        if b"authorization" in headers:  # a wrong credential is refused, even together with a correct one
            scheme, _, bearer = headers[b"authorization"].partition(b" ")
            presented = bearer if scheme.lower() == b"bearer" else b""
        found = [hmac.compare_digest(presented, key) for key in self._keys.accepted()]
        return any(found)


def _header(scope: Scope, name: str) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name.encode()), "")


_TOO_LARGE = f"the body may have at most {BODY_BYTES} bytes"


def _bounded(receive: Receive) -> Receive:
    """The same stream; raises HTTPException 413 if the body is too long, 408 if it takes too long."""
    size, started, complete = 0, 0.0, False

    async def bounded() -> Message:
        nonlocal size, started, complete
        if complete:  # the next message is the disconnect of the caller
            return await receive()
        started = started or asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(started + BODY_SECONDS):
                message = await receive()
        except TimeoutError:
            raise HTTPException(
                HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {BODY_SECONDS:g} seconds"
            ) from None
        complete = not message.get("more_body", False)
        size += len(message.get("body", b""))
        if size > BODY_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE)
        return message

    return bounded

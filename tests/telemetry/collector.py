"""A collector on the loopback address: takes OTLP in JSON, and what Application Insights takes at /v2.1/track."""

from __future__ import annotations

import gzip
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.azure.emulator.web import HOST, Request, Response, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.azure.emulator.tls import Certificate

KEY = "00000000-0000-0000-0000-000000000001"
TRACK = "/v2.1/track"


@dataclass
class Collector:
    """What was sent, by path, and with which `Authorization`; `refuses` answers 400 instead."""

    url: str = ""
    refuses: bool = False
    took: list[tuple[str, Any]] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)

    @property
    def connection_string(self) -> str:
        return f"InstrumentationKey={KEY};IngestionEndpoint={self.url}/"

    def answer(self, path: str, body: Any, authorization: str) -> tuple[int, dict[str, Any]]:
        """As the genuine one does."""
        self.authorizations.add(authorization)
        if self.refuses:
            return 400, {}
        self.took.append((path, body))
        count = len(body) if isinstance(body, list) else 1
        return 200, {"itemsReceived": count, "itemsAccepted": count, "errors": []} if path == TRACK else {}

    def _sent(self, path: str, resource: str, scope: str, kind: str) -> list[dict[str, Any]]:
        """What came by OTLP at one path: each of the parts of each scope of each resource."""
        bodies = (body for at, body in self.took if at == path)
        return [one for body in bodies for each in body[resource] for part in each[scope] for one in part[kind]]

    def spans(self) -> list[dict[str, Any]]:
        """By OTLP."""
        return self._sent("/v1/traces", "resourceSpans", "scopeSpans", "spans")

    def records(self) -> list[dict[str, Any]]:
        """Log records by OTLP."""
        return self._sent("/v1/logs", "resourceLogs", "scopeLogs", "logRecords")

    def metrics(self) -> dict[str, dict[str, Any]]:
        """By OTLP: the last of each name."""
        return {one["name"]: one for one in self._sent("/v1/metrics", "resourceMetrics", "scopeMetrics", "metrics")}

    def envelopes(self, kind: str) -> list[dict[str, Any]]:
        """What Application Insights was sent of a kind, such as MessageData."""
        every = (envelope for path, body in self.took if path == TRACK for envelope in body)
        return [envelope for envelope in every if envelope["data"]["baseType"] == kind]


@contextmanager
def collecting(tls: Certificate | None = None) -> Iterator[Collector]:
    """A collector while the context lasts. Args: tls: Azure's libraries send a token over TLS alone."""
    server = Server(tls)
    collector = Collector(f"{'https' if tls else 'http'}://{HOST}:{server.port}")

    def answer(request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        is_packed = headers.get("content-encoding") == "gzip"
        body = json.loads(gzip.decompress(request.body) if is_packed else request.body)
        return Response(*collector.answer(request.path, body, headers.get("authorization", "")))

    server.start(answer)
    try:
        yield collector
    finally:
        server.close()

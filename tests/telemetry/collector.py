"""A collector on the loopback address: takes OTLP in JSON, and what Application Insights takes at /v2.1/track."""

from __future__ import annotations

import gzip
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "00000000-0000-0000-0000-000000000001"
TRACK = "/v2.1/track"


@dataclass
class Collector:
    """What was sent, by path; `refuses` answers 400 instead."""

    url: str = ""
    refuses: bool = False
    took: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def connection_string(self) -> str:
        return f"InstrumentationKey={KEY};IngestionEndpoint={self.url}/"

    def answer(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        """As the genuine one does."""
        if self.refuses:
            return 400, {}
        self.took.append((path, body))
        count = len(body) if isinstance(body, list) else 1
        return 200, {"itemsReceived": count, "itemsAccepted": count, "errors": []} if path == TRACK else {}

    def spans(self) -> list[dict[str, Any]]:
        """By OTLP."""
        return [
            span
            for path, body in self.took
            if path == "/v1/traces"
            for each in body["resourceSpans"]
            for scope in each["scopeSpans"]
            for span in scope["spans"]
        ]

    def records(self) -> list[dict[str, Any]]:
        """Log records by OTLP."""
        return [
            record
            for path, body in self.took
            if path == "/v1/logs"
            for each in body["resourceLogs"]
            for scope in each["scopeLogs"]
            for record in scope["logRecords"]
        ]

    def metrics(self) -> dict[str, dict[str, Any]]:
        """By OTLP: the last of each name."""
        return {
            metric["name"]: metric
            for path, body in self.took
            if path == "/v1/metrics"
            for each in body["resourceMetrics"]
            for scope in each["scopeMetrics"]
            for metric in scope["metrics"]
        }

    def envelopes(self, kind: str) -> list[dict[str, Any]]:
        """What Application Insights was sent of a kind, such as MessageData."""
        every = (envelope for path, body in self.took if path == TRACK for envelope in body)
        return [envelope for envelope in every if envelope["data"]["baseType"] == kind]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector while the context lasts."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                data = gzip.decompress(data)
            status, said = collector.answer(self.path, json.loads(data))
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

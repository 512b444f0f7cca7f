"""Secrets that are planted in every setting, and all that is said and kept, to look for them in."""

from __future__ import annotations

import base64
import json
import threading
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from retrain.doors import http as doors
from retrain.doors.cli import main
from retrain.errors import RetrainError
from tests.drills.table import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = "http://127.0.0.1:9"

ACCOUNT_KEY = base64.b64encode(b"planted account key, planted account key").decode()
SIGNATURE = "planted-signature-of-the-storage"
DOWNLOAD = "planted-signature-of-the-download"
PASSWORD = "planted-password-of-the-download"
SERVICE_KEY = "planted-key-of-a-service"
SCORING_KEY = "planted-key-of-scoring"
CLIENT_SECRET = "planted~8Q.client-secret-of-forty-letters"
HEX = "0123456789abcdef" * 2
MARKS = (ACCOUNT_KEY, SIGNATURE, DOWNLOAD, PASSWORD, SERVICE_KEY, SCORING_KEY, CLIENT_SECRET, HEX)


AWAY = f"DefaultEndpointsProtocol=http;AccountName=x;AccountKey={ACCOUNT_KEY};BlobEndpoint={NOBODY}/x;"
COMMANDS = [
    "run", "run --force", "tick", "runs", "show 20240101T000000000Z-0000", "champion", "forecast", "services",
    "promote --run 20240101T000000000Z-0000", "rollback", "release", "events", "land FILE", "acquire",
    "rebuild", "rebuild --yes", "run --no-such-option",
]  # fmt: skip


@dataclass
class Evidence:
    """All that has been said and kept."""

    environment: dict[str, str]
    root: Path
    caplog: pytest.LogCaptureFixture
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    said: list[str] = field(default_factory=list)
    ways: int = 0

    def set(self, **settings: str) -> None:
        """Change settings."""
        for name, value in settings.items():
            self.environment[name] = value
            self.monkeypatch.setenv(name, value)

    def hears(self, action: Callable[[], object]) -> str:
        """Do something that may fail, keep what comes of it, and give that."""
        self.ways += 1
        try:
            came = [repr(action())]
        except Exception as error:  # noqa: BLE001 - whatever is raised is shown to somebody
            came = [str(error), repr(error), *traceback.format_exception(error)]
            came += [json.dumps(error.as_json())] if isinstance(error, RetrainError) else []
        printed = self.capsys.readouterr()
        self.said += [*came, printed.out, printed.err]
        return "\n".join([*came, printed.out, printed.err])

    def command(self, line: str) -> str:
        """A command line."""
        return self.hears(lambda: main(line.replace("FILE", str(self.root / "land.csv")).split()))

    def kept(self) -> Iterator[tuple[str, str]]:
        """Every file below the root, but the records of services."""
        for path in self.root.rglob("*"):
            if path.is_file() and path.parent != self.root / "platform" / "services":
                yield str(path), path.read_text(errors="replace")

    def found(self) -> list[str]:
        """Where a mark is."""
        everywhere = [("said", text) for text in self.said]
        everywhere += [("log", self.caplog.text)]
        everywhere += [("log record", repr(record.__dict__)) for record in self.caplog.records]
        everywhere += list(self.kept())
        everywhere += [("process", " ".join(command)) for command in command_lines()]
        return [f"{mark} in {where}: {text[:2000]}" for where, text in everywhere for mark in MARKS if mark in text]


def command_lines() -> list[list[str]]:
    """The list of processes, as anybody on this machine sees it."""
    return [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]


def doors_of(evidence: Evidence) -> list[str]:
    """Every door of the Function App, by whatever it leads to."""
    answers: list[Callable[[], doors.Answer]] = [
        lambda: doors.list_runs("20"),
        lambda: doors.show_run("20240101T000000000Z-0000"),
        lambda: doors.forecast_days("7", lambda _run_id: None),
        lambda: doors.accept(b'{"reason": "drill"}', lambda _run_id: None),
    ]
    events: list[Callable[[], None]] = [
        lambda: doors.on_blob("two.csv"),
        lambda: doors.on_timer(is_late=False),
        doors.on_queue,
    ]
    told = [evidence.hears(partial(answer_of, action)) for action in answers]
    return told + [evidence.hears(event) for event in events]


def answer_of(action: Callable[[], doors.Answer]) -> str:
    """What goes over the wire."""
    return doors.as_text(doors.answered(action))


def see_no_mark(evidence: Evidence, what: str, store: str = "folder") -> None:
    """Look everywhere, and note how many ways there were to tell."""
    found = evidence.found()

    tell("secrets", store, what, evidence.ways, len(found))
    assert not found, "\n".join(found)


@contextmanager
def answering(status: int, body: bytes = b"{}") -> Iterator[str]:
    """An HTTP server with one answer, which echoes the headers that it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            echo = json.dumps(dict(self.headers.items())).encode() if status != 200 else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body + echo)))
            self.end_headers()
            self.wfile.write(body + echo)

        def log_message(self, *_args: object) -> None:
            """Not a word."""

    for method in ("GET", "POST"):
        setattr(Handler, f"do_{method}", Handler.answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Secrets: every one that can be set is marked, every way to fail is gone, and the marks are looked for everywhere.

Everywhere is what is logged, printed, answered, kept in the stores, raised as it would be shown, and the list of
processes. Only a service's own record, which its user alone may read, holds its key.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import secrets
import stat
import subprocess
import sys
import threading
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import requests
from azure.storage.blob import BlobServiceClient

from retrain.adapters.azure import arm
from retrain.adapters.local import process
from retrain.doors import http as doors
from retrain.doors.acquire import acquire
from retrain.doors.cli import main
from retrain.errors import ConfigError, RetrainError, ServiceError, ServiceUnavailable
from retrain.ports import Service
from retrain.records.request import Trigger
from retrain.settings import parse
from tests.builders import FIRST_DAY, QUICK, csv_file, weekly
from tests.drills.table import tell
from tests.faults import fails
from tests.platforms import ThreadPlatform, stop_services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ONE = csv_file(weekly(60, seed=1))
TWO = csv_file(weekly(30, seed=2, level=180), FIRST_DAY + timedelta(days=60))
ROOT = Path(__file__).parents[2]
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
    "promote --run 20240101T000000000Z-0000", "rollback", "release", "land FILE", "acquire", "run --no-such-option",
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


@pytest.fixture
def evidence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Evidence]:
    """Marks in every setting that may hold a secret, and a folder for whatever is kept."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(arm, "RETRIES", 0)
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _bytes: SERVICE_KEY)
    made = Evidence({}, tmp_path, caplog, capsys, monkeypatch)
    made.set(
        **QUICK,
        RETRAIN_ROOT=str(tmp_path),
        RETRAIN_MIN_UNSEEN_DAYS="14",
        TRANSACTIONS_STORAGE=AWAY,
        RETRAIN_ACQUIRE_URL=f"{NOBODY}/history.csv?sig={DOWNLOAD}",
        SCORING_KEY=SCORING_KEY,
    )
    (tmp_path / "land.csv").write_bytes(ONE)
    yield made
    stop_services(tmp_path)


def doors_of(evidence: Evidence) -> list[str]:
    """Every door of the Function App, by whatever it leads to."""
    answers: list[Callable[[], doors.Answer]] = [
        lambda: doors.list_runs("20"),
        lambda: doors.show_run("20240101T000000000Z-0000"),
        lambda: doors.forecast_days("7"),
        lambda: doors.accept(b'{"reason": "drill"}', lambda _run_id: None),
    ]
    events: list[Callable[[], None]] = [
        lambda: doors.on_event(Trigger.BLOB, file="two.csv"),
        lambda: doors.on_event(Trigger.TIMER),
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


def test_a_storage_that_is_away_is_told_without_its_key(evidence: Evidence):
    """Through every door and every command, for people and for machines."""
    evidence.set(RETRAIN_STORE="blob")

    told = doors_of(evidence)
    for command in COMMANDS:
        evidence.command(command)
        evidence.command(f"{command} --json")

    assert any("does not answer" in each for each in told)
    see_no_mark(evidence, "doors and commands while the storage is away")


def test_a_storage_that_refuses_the_key_is_told_without_it(evidence: Evidence, storage: str):
    """A wrong key, one that is no key, a container that is not there."""
    endpoint = storage.partition("BlobEndpoint=")[2]
    wrong = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={ACCOUNT_KEY}"
    evidence.set(RETRAIN_STORE="blob", TRANSACTIONS_STORAGE=f"{wrong};BlobEndpoint={endpoint}")

    told = doors_of(evidence)
    evidence.set(TRANSACTIONS_STORAGE=f"{wrong}?;BlobEndpoint={endpoint}")
    told += doors_of(evidence)
    for command in COMMANDS:
        evidence.command(command)

    assert any("refused" in each for each in told)
    see_no_mark(evidence, "doors and commands while the storage refuses", "Azurite")


def test_a_container_that_is_not_there_and_a_refused_file_are_told_without_the_key(
    evidence: Evidence, storage: str, monkeypatch: pytest.MonkeyPatch
):
    """On Azurite with the key that it takes; all that is kept there is looked through too."""
    key = storage.partition("AccountKey=")[2].partition(";")[0]
    monkeypatch.setattr(f"{__name__}.MARKS", (*MARKS, key))
    names = {"TRANSACTIONS_CONTAINER": f"in-{os.urandom(4).hex()}", "RETRAIN_STATE_CONTAINER": os.urandom(4).hex()}
    evidence.set(RETRAIN_STORE="blob", TRANSACTIONS_STORAGE=storage, **names)

    doors_of(evidence)
    evidence.command("land FILE")
    (evidence.root / "land.csv").write_bytes(b"%PDF-1.7")
    refused = evidence.command("land FILE --json")
    evidence.command("runs --json")

    assert "found" in refused
    with BlobServiceClient.from_connection_string(storage) as service:
        for container in names.values():
            client = service.get_container_client(container)
            evidence.said += [client.download_blob(name).readall().decode() for name in client.list_blob_names()]
    see_no_mark(evidence, "doors and commands without a container, with a refused file", "Azurite")


REFUSED = {
    "a connection string without an account": ("TRANSACTIONS_STORAGE", f"AccountKey={ACCOUNT_KEY}"),
    "a key alone": ("TRANSACTIONS_STORAGE", ACCOUNT_KEY),
    "a signature after the container": (
        "TRANSACTIONS_STORAGE__blobServiceUri", f"https://x.blob.core.windows.net/a?sv=1&sig={SIGNATURE}"),
    "a signature after a slash": (
        "TRANSACTIONS_STORAGE__blobServiceUri", f"https://x.blob.core.windows.net/?sv=1&sig={SIGNATURE}"),
    "an address without TLS": (
        "TRANSACTIONS_STORAGE__blobServiceUri", f"http://x.blob.core.windows.net?sig={SIGNATURE}"),
    "a download by another way": ("RETRAIN_ACQUIRE_URL", f"ftp://x/history.csv?sig={DOWNLOAD}"),
}  # fmt: skip
ACCEPTED = {
    "a signature after the host": f"https://x.blob.core.windows.net?sv=1&sig={SIGNATURE}",
    "a signature after a hash": f"https://x.blob.core.windows.net#{SIGNATURE}",
    "a user before the host": f"https://x:{SIGNATURE}@x.blob.core.windows.net",
}


@pytest.mark.parametrize("refused", REFUSED)
def test_a_setting_that_is_refused_is_not_shown_if_it_may_hold_a_secret(evidence: Evidence, refused: str):
    """Its name and what it may be are told, not what it is."""
    name, value = REFUSED[refused]
    evidence.set(RETRAIN_STORE="blob", **{name: value})

    told = [*doors_of(evidence), evidence.command("runs"), evidence.command("runs --json")]

    assert all(name in each for each in told)
    see_no_mark(evidence, "doors that met a refused setting")


@pytest.mark.parametrize("value", ACCEPTED.values(), ids=ACCEPTED)
def test_an_endpoint_with_a_secret_in_it_is_refused_however_it_is_written(evidence: Evidence, value: str):
    """It is signed in to by identity; the signature would be told to every job."""
    evidence.monkeypatch.delenv("TRANSACTIONS_STORAGE")
    evidence.set(RETRAIN_STORE="blob", TRANSACTIONS_STORAGE__blobServiceUri=value)

    with pytest.raises(ConfigError, match="TRANSACTIONS_STORAGE__blobServiceUri"):
        parse(os.environ)


@pytest.mark.parametrize(
    ("name", "value"), [("RETRAIN_ORDER", "many"), ("RETRAIN_HORIZON_DAYS", "90"), ("RETRAIN_STOER", "blob")]
)
def test_another_setting_that_is_refused_shows_no_secret_beside_it(evidence: Evidence, name: str, value: str):
    """Its own value only."""
    evidence.set(**{name: value})

    assert all(name in each for each in doors_of(evidence))
    see_no_mark(evidence, "doors that met a refused setting")


def test_a_secret_in_the_wrong_setting_is_not_shown(evidence: Evidence):
    """Whatever setting it was pasted into, where that does not take it."""

    def refused(name: str, secret: str) -> None:
        parse({**evidence.environment, name: secret})

    for name in json.loads((ROOT / "local.settings.sample.json").read_bytes())["Values"]:
        for secret in (AWAY, ACCOUNT_KEY, CLIENT_SECRET, HEX, f"https://x.blob.core.windows.net?sig={SIGNATURE}"):
            evidence.hears(partial(refused, name, secret))

    see_no_mark(evidence, "secrets in a setting that is for something else")


@pytest.mark.usefixtures("evidence")
def test_settings_that_are_printed_hide_the_storage():
    """So does what a job is told."""
    settings = parse(os.environ)
    told = repr(settings.storage_connection) + json.dumps(settings.as_environment)

    assert not any(mark in told for mark in MARKS)


def test_settings_that_are_printed_hide_the_download(evidence: Evidence):
    """An error may show the arguments of a call, and settings are one of most calls."""
    evidence.hears(lambda: parse(os.environ))

    see_no_mark(evidence, "settings that were printed")


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
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("status", [200, 403, 404, 500])
def test_a_download_that_fails_is_told_without_its_signature(evidence: Evidence, status: int):
    """Refused, away, no table, another sha256."""
    with answering(status, b"nothing") as url:
        evidence.set(RETRAIN_ACQUIRE_URL=f"{url}/history.csv?sig={DOWNLOAD}")
        told = evidence.command("acquire")
        evidence.command("acquire --json")
        evidence.set(RETRAIN_ACQUIRE_SHA256="0" * 64)
        evidence.command("acquire")
        evidence.set(RETRAIN_ACQUIRE_URL=url.replace("//", f"//me:{PASSWORD}@") + "/history.csv")
        evidence.command("acquire")

    assert "/history.csv" in told
    see_no_mark(evidence, "downloads")


NO_ADDRESS = {
    "a port that is none": f"http://127.0.0.1:port/history.csv?sig={DOWNLOAD}",
    "half an IPv6": f"http://[::1/history.csv?sig={DOWNLOAD}",
    "no host": f"http:///history.csv?sig={DOWNLOAD}",
    "a password and nobody there": f"http://me:{PASSWORD}@127.0.0.1:9/history.csv?sig={DOWNLOAD}",
    "a signature after a hash": f"http://127.0.0.1:9/history.csv#sig={DOWNLOAD}",
    "a password with an at sign": f"http://me:x@{PASSWORD}@127.0.0.1:9/history.csv",
    "a blank in the signature": f"http://127.0.0.1:9/history.csv?sig= {DOWNLOAD}",
}


@pytest.mark.parametrize("address", NO_ADDRESS.values(), ids=NO_ADDRESS)
def test_an_address_that_is_none_is_told_without_its_secrets(evidence: Evidence, address: str):
    """By the command line, which prints one sentence, and by the error with its causes, as a log would show it."""
    evidence.set(RETRAIN_ACQUIRE_URL=address)

    evidence.command("acquire")
    evidence.command("acquire --json")
    evidence.hears(lambda: acquire(parse(os.environ), evidence.root, FIRST_DAY, lambda _detail: None))
    see_no_mark(evidence, "downloads from an address that is none")


STEPS = {
    "build": "tests.platforms.ThreadPlatform.build",
    "deploy": "tests.platforms.ThreadPlatform.deploy",
    "ready": "retrain.promotion.steps.wait_until_ready",
    "prove": "retrain.promotion.steps.prove",
    "switch": "retrain.records.ledger.Ledger.switch",
    "confirm": "retrain.promotion.steps.confirm",
    "retire": "retrain.records.ledger.Ledger.conclude",
}


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadPlatform]:
    """Services in threads, whose key is marked."""
    threads = ThreadPlatform()
    monkeypatch.setattr(f"{__name__}.MARKS", (*MARKS, "key-of-a-test"))
    monkeypatch.setattr(process, "ProcessPlatform", lambda _root: threads)
    yield threads
    threads.close()


@pytest.mark.parametrize(
    "fault",
    [ServiceUnavailable, pytest.param(ServiceError, marks=pytest.mark.long), ZeroDivisionError],
    ids=lambda kind: kind.__name__,
)
def test_a_promotion_that_fails_at_any_step_is_told_without_a_key(
    evidence: Evidence, platform: ThreadPlatform, fault: type[Exception]
):
    """What is away, what refuses, and a bug, whose traceback the ledger keeps."""
    assert "PROMOTE" in evidence.command("land FILE")
    (evidence.root / "inbox" / "two.csv").write_bytes(TWO)
    for place in STEPS.values():
        with evidence.monkeypatch.context() as broken:
            broken.setattr(place, fails(fault("the drill broke this step")))
            evidence.hears(lambda: doors.on_event(Trigger.BLOB, file="two.csv"))
    doors_of(evidence)
    evidence.command("runs --json")

    assert platform.find("1") is not None
    see_no_mark(evidence, "steps of a promotion that failed")


def test_a_bug_anywhere_in_a_run_keeps_a_traceback_without_a_secret(evidence: Evidence):
    """The ledger keeps it for whoever mends the bug; no route shows it."""
    evidence.monkeypatch.setattr("retrain.runs.dispatch.retrain", fails(ZeroDivisionError("division by zero")))
    doors_of(evidence)
    evidence.command("land FILE --json")
    kept = [path for path in evidence.root.rglob("traceback.txt") if "ZeroDivisionError" in path.read_text()]
    answers = [evidence.hears(partial(doors.show_run, path.parent.name)) for path in kept]

    assert kept
    assert not any("Traceback" in answer for answer in answers)
    see_no_mark(evidence, "runs that met a bug")


@pytest.mark.parametrize("status", [401, 500, 503])
def test_a_service_that_answers_with_an_error_is_told_without_its_key(evidence: Evidence, status: int):
    """Though the body of its answer holds all the headers that it was sent."""
    from retrain.promotion.client import ask

    with answering(status) as url:
        service = Service("daily-transactions-v1", "1", url, SERVICE_KEY)
        evidence.hears(lambda: ask(service, "/readyz"))
        evidence.hears(lambda: ask(service, "/forecast", {"horizon_days": 1}))
        evidence.hears(lambda: service)

    see_no_mark(evidence, "questions that a service answered with an error", "service")


def test_a_service_is_started_without_a_secret_in_the_list_of_processes(evidence: Evidence):
    """Its key lies in its environment and in a record for this user alone; nothing of the storage is told to it."""
    assert "PROMOTE" in evidence.command("land FILE")
    found = [each for each in psutil.process_iter(["cmdline"]) if "scoring" in (each.info["cmdline"] or [])]
    mine = [each for each in found if each.environ().get(process.MARK, "").startswith(str(evidence.root))]
    told = mine[0].environ()
    records = list((evidence.root / "platform" / "services").glob("*.json"))
    logs = [path.read_text() for path in (evidence.root / "platform" / "services").glob("*.log")]
    evidence.said += logs
    evidence.command("services")
    evidence.command("services --json")
    evidence.command("forecast --json")

    assert told["SCORING_KEY"] == SERVICE_KEY
    assert not [name for name, value in told.items() if any(mark in value for mark in MARKS if mark != SERVICE_KEY)]
    assert [stat.S_IMODE(record.stat().st_mode) for record in records] == [0o600]
    see_no_mark(evidence, "looks at a service that runs", "service")


@pytest.mark.parametrize(
    "environment",
    [
        {"SCORING_MODEL": "nowhere"},
        {"SCORING_PORT": "many"},
        {"SCORING_TLS_CERTIFICATE": "nowhere.pem"},
    ],
    ids=lambda environment: next(iter(environment)),
)
def test_a_service_that_does_not_start_says_why_without_its_key(evidence: Evidence, environment: dict[str, str]):
    """No model, no port, half of a certificate."""
    done = subprocess.run(
        [sys.executable, "-m", "scoring"],
        env={"PATH": os.environ["PATH"], "SCORING_KEY": SCORING_KEY, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    evidence.ways += 1
    evidence.said += [done.stdout, done.stderr]

    assert done.returncode == 1
    assert "scoring:" in done.stderr
    see_no_mark(evidence, "services that did not start", "service")


def test_no_answer_of_a_service_holds_its_key(evidence: Evidence):
    """With the key and without, right and wrong, as JSON, as metrics and as a page."""
    evidence.command("land FILE")
    record = next((evidence.root / "platform" / "services").glob("*.json"))
    url, key = (json.loads(record.read_bytes())[name] for name in ("url", "key"))
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/forecast", "/nowhere"):
        for shown in (key, key[:-1]):
            for method, body in (("GET", None), ("POST", b"{"), ("POST", b'{"horizon_days": 1}')):
                answer = requests.request(
                    method, url + path, data=body, headers={"x-api-key": shown}, timeout=100, allow_redirects=False
                )
                evidence.ways += 1
                evidence.said += [answer.text, repr(answer.headers)]

    assert key == SERVICE_KEY
    see_no_mark(evidence, "answers of a service", "service")

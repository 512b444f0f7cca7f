"""No key of a service is told: not by a failing promotion, an answer, a process or its log."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from retrain.adapters.local import process
from retrain.doors import http as doors
from retrain.errors import ServiceError, ServiceUnavailable
from retrain.ports import Service
from tests.drills.evidence import MARKS, SCORING_KEY, SERVICE_KEY, Evidence, answering, doors_of, see_no_mark
from tests.drills.stage import TWO
from tests.faults import fails
from tests.platforms import ThreadPlatform
from tests.sweeps import in_drills

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
STEPS = {
    "build": "tests.platforms.ThreadPlatform.build",
    "deploy": "tests.platforms.ThreadPlatform.deploy",
    "ready": "retrain.promotion.steps.wait_until_ready",
    "prove": "retrain.promotion.steps.prove",
    "switch": "retrain.records.ledger.Ledger.switch",
    "confirm": "retrain.promotion.steps.confirm",
    "retire": "retrain.promotion.steps._retired",
}


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadPlatform]:
    """Services in threads, whose key is marked."""
    threads = ThreadPlatform()
    monkeypatch.setattr("tests.drills.evidence.MARKS", (*MARKS, "key-of-a-test"))
    monkeypatch.setattr(process, "ProcessPlatform", lambda _root, _keys: threads)
    yield threads
    threads.close()


@pytest.mark.parametrize(
    "fault",
    [ServiceUnavailable, *in_drills(ServiceError), ZeroDivisionError],
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
            evidence.hears(lambda: doors.on_blob("two.csv"))
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
    """Its key lies in files for this user alone, and nothing of the storage is told to it."""
    assert "PROMOTE" in evidence.command("land FILE")
    found = [each for each in psutil.process_iter(["cmdline"]) if "scoring" in (each.info["cmdline"] or [])]
    mine = [each for each in found if each.environ().get(process.MARK, "").startswith(str(evidence.root))]
    told = mine[0].environ()
    keys = evidence.root / "platform" / "services" / "daily-transactions-v1.keys"
    records = [*(evidence.root / "platform" / "services").glob("*.json"), keys]
    logs = [path.read_text() for path in (evidence.root / "platform" / "services").glob("*.log")]
    evidence.said += logs
    evidence.command("services")
    evidence.command("services --json")
    evidence.command("forecast --json")

    assert told["SCORING_KEY_FILE"] == str(keys)
    assert SERVICE_KEY in keys.read_text()
    assert not [name for name, value in told.items() if any(mark in value for mark in MARKS)]
    assert [stat.S_IMODE(record.stat().st_mode) for record in records] == [0o600, 0o600]
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

"""The log of the Function App: one line of JSON a run, one a tick of what waits, and nothing of the SDKs."""

from __future__ import annotations

import json
import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from retrain.promotion.resume import LOCK
from retrain.records.leftovers import LastSweep, keep_sweep
from tests.builders import FIRST_DAY, csv_file
from tests.functions.app import ROOT, YEAR_ONE, YEAR_TWO, App
from tests.functions.worker import Worker

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{SPAN}-01"
OF_THE_HOST = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """As the worker sends it to the host: from INFO on."""
    caplog.set_level(logging.INFO)
    return caplog


def lines(log: pytest.LogCaptureFixture, kind: str) -> list[dict[str, Any]]:
    """The records of a kind."""
    records = [json.loads(record.message) for record in log.records if record.name == "retrain.telemetry"]
    return [record for record in records if record["retrain"] == kind]


def test_a_run_is_one_line_and_nothing_else(app: App, log: pytest.LogCaptureFixture):
    """From a blob to a champion: the SDKs logged 68 lines of their own before they were told not to."""
    app.upload("one.csv", csv_file(YEAR_ONE))
    log.clear()
    app.blob_event("one.csv")

    counted = Counter(record.name for record in log.records if not record.name.startswith("azure_functions"))
    (line,) = lines(log, "run")
    assert counted == {"retrain.telemetry": 1}
    assert (line["trigger"], line["verdict"], line["version"], line["file"]) == ("blob", "promote", "1", "one.csv")
    assert line["challenger_loss"] < line["naive_loss"]
    assert line["seconds"] > 0


def test_a_comparison_tells_both_losses_and_coverages(app: App, log: pytest.LogCaptureFixture):
    app.upload("one.csv", csv_file(YEAR_ONE))
    app.blob_event("one.csv")
    app.upload("two.csv", csv_file(YEAR_TWO, FIRST_DAY + timedelta(days=150)))
    app.blob_event("two.csv")

    line = lines(log, "run")[-1]
    assert (line["champion"], line["unseen_days"]) == ("1", 100)
    assert line["challenger_loss"] < line["champion_loss"]
    assert 0 <= line["champion_coverage_80"] <= line["challenger_coverage_80"] <= 1


def test_a_run_that_fails_in_the_queue_is_an_error_with_its_reason(app: App, log: pytest.LogCaptureFixture):
    """Nobody waits for its answer, so the log is where it is seen."""
    app.upload("bad.csv", b"%PDF-1.7")
    with app.context.state.lock(LOCK):
        app.blob_event("bad.csv")
    app.worker.queue("retrain_from_queue", "wake up")

    (line,) = lines(log, "run")
    (level,) = {record.levelname for record in log.records if record.name == "retrain.telemetry"}
    assert (line["status"], line["error"], level) == ("failed", "data", "ERROR")
    assert "bad.csv" in line["reason"]


def test_the_timer_tells_what_waits_and_what_answers(app: App, log: pytest.LogCaptureFixture):
    """After its run; the service answers, and nothing is in trouble."""
    app.upload("one.csv", csv_file(YEAR_ONE))
    app.worker.timer("retrain_on_schedule")

    (state,) = lines(log, "state")
    assert (state["requests"], state["trouble"], state["unreadable"]) == (0, None, None)
    assert (state["services"], state["services_answering"], state["champion_answers"]) == (1, 1, True)


def test_the_timer_tells_of_a_storage_that_is_away(
    app: App, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """The parts that cannot be read are null, and the line is a warning."""
    from retrain.adapters.azure import arm
    from retrain.doors import http
    from retrain.settings import parse
    from retrain.telemetry.channel import measure

    monkeypatch.setattr(arm, "RETRIES", 0)
    account = app.environment["TRANSACTIONS_STORAGE"].split("BlobEndpoint=")[0]
    away = {**app.environment, "TRANSACTIONS_STORAGE": f"{account}BlobEndpoint=http://127.0.0.1:9/x;"}

    measure(http._heard(parse(away)))

    (state,) = lines(log, "state")
    assert (state["requests"], state["champion"], state["services"]) == (None, None, None)
    assert "does not answer" in state["unreadable"]


def test_one_trace_from_the_callers_header_to_the_line_of_the_service(app: App, log: pytest.LogCaptureFixture):
    """The request is asked for by one invocation and made by another, whose own trace is another one."""
    app.upload("one.csv", csv_file(YEAR_ONE))
    with app.context.state.lock(LOCK):
        app.blob_event("one.csv")
    app.worker.trace_parent = OF_THE_HOST
    try:
        asked = app.worker.http("retrain_on_request", "POST", headers={"traceparent": GIVEN})
        app.worker.queue("retrain_from_queue", str(asked.queued))
        app.worker.http("forecast", "GET", headers={"traceparent": GIVEN})
    finally:
        app.worker.trace_parent = Worker.trace_parent

    line = next(line for line in lines(log, "run") if line["run_id"] == asked.queued)
    logged = "\n".join(path.read_text() for path in Path(app.environment["RETRAIN_ROOT"]).rglob("*.log"))
    answered = [json.loads(line.partition("INFO ")[2]) for line in logged.splitlines() if TRACE in line]
    assert line["trace_id"] == TRACE
    assert [(one["route"], one["parent_id"]) for one in answered][-1] == ("/forecast", SPAN)


def test_an_upload_is_in_the_trace_that_the_host_begins_for_its_event(app: App, log: pytest.LogCaptureFixture):
    """So that the host's own request record and the run are one operation in Application Insights."""
    app.upload("one.csv", csv_file(YEAR_ONE[:20]))
    app.worker.trace_parent = OF_THE_HOST
    try:
        app.blob_event("one.csv")
    finally:
        app.worker.trace_parent = Worker.trace_parent

    assert [line["trace_id"] for line in lines(log, "run")] == ["a" * 32]


def test_host_json_lets_the_lines_through_and_samples_none_of_them():
    """They are lines of the category `Function.NAME.User`; what else the host logs is told from warnings on."""
    logging_of_host = json.loads((ROOT / "host.json").read_text())["logging"]
    sampling = logging_of_host["applicationInsights"]["samplingSettings"]

    assert {"Request", "Exception", "Trace"} == set(sampling["excludedTypes"].split(";"))
    assert logging_of_host["logLevel"] == {
        "default": "Warning",
        "Host.Results": "Information",
        "Function": "Information",
    }


def test_the_timer_tells_what_it_has_swept(app: App, log: pytest.LogCaptureFixture):
    """By name, with the reason; a day after it was found."""
    sha256 = app.context.registry.keep(b"{}")
    now = datetime.now(UTC)
    known = LastSweep(at=now - timedelta(days=1), since={f"artifact {sha256}": now - timedelta(days=2)})
    keep_sweep(known, app.context.state)
    log.clear()
    app.worker.timer("retrain_on_schedule")

    told = [record.getMessage() for record in log.records if record.name == "retrain"]
    why = "its run ended before it was submitted, so it is no version"
    assert told == [f"sweep has removed artifact {sha256}: {why}"]

"""The genuine worker loads `function_app.py`, and each trigger reaches a verdict on Azurite."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from retrain.promotion.resume import LOCK
from retrain.settings import parse
from tests.builders import FIRST_DAY, csv_file
from tests.functions.app import ROOT, YEAR_ONE, YEAR_TWO, App
from tests.functions.worker import InvocationFailed, Worker

SHARED = ROOT.parent / "shared" / "data" / "adventureworks"


def test_every_function_is_indexed_with_its_trigger(worker: Worker):
    """No function found and no error is the commonest complaint about this platform."""
    triggers = {
        name: next(kind for kind in worker.bindings(name) if kind.endswith("Trigger")) for name in worker.functions
    }

    assert triggers == {
        "retrain_on_new_data": "blobTrigger",
        "retrain_on_schedule": "timerTrigger",
        "retrain_on_request": "httpTrigger",
        "retrain_from_queue": "queueTrigger",
        "list_runs": "httpTrigger",
        "show_run": "httpTrigger",
        "decide_on_a_run": "httpTrigger",
        "show_page": "httpTrigger",
        "look_at_deployment": "httpTrigger",
        "forecast": "httpTrigger",
    }  # fmt: skip


def test_bindings_say_what_the_platform_has_to_know(worker: Worker):
    """Event Grid, the path and not the bytes, no run at start-up, a key on every route."""
    blob = worker.bindings("retrain_on_new_data")["blobTrigger"]
    timer = worker.bindings("retrain_on_schedule")["timerTrigger"]
    routes = {
        name: worker.bindings(name)["httpTrigger"]
        for name in (
            "retrain_on_request",
            "list_runs",
            "show_run",
            "decide_on_a_run",
            "show_page",
            "look_at_deployment",
            "forecast",
        )
    }

    assert (blob["path"], blob["source"]) == (f"{parse({}).storage.transactions_container}/{{name}}", "EventGrid")
    assert blob["properties"]["SupportsDeferredBinding"] is True
    assert (timer["schedule"], timer["runOnStartup"]) == (parse({}).triggers.schedule, False)
    assert {route["authLevel"].upper() for route in routes.values()} == {"FUNCTION"}
    assert [routes[name]["route"] for name in routes] == [
        "retrain",
        "runs",
        "runs/{id}",
        "runs/{id}/{decision:regex(^(accept|drop|approve|reject)$)}",
        "runs/{id}/page",
        "doctor",
        "forecast",
    ]


def test_loading_is_light_and_reads_the_source_of_blob_events():
    """A process of its own loads and indexes the app, for each setting: no library of models among its modules."""
    sources = {
        "": "EventGrid",
        "LogsAndContainerScan": "LogsAndContainerScan",
        "eventgrid": "EventGrid",  # the first call of any function then names the setting
    }
    script = f"""
import json, os, sys
from pathlib import Path
from tests.functions.worker import Worker
os.environ["APPLICATIONINSIGHTS_CONNECTION_STRING"] = "InstrumentationKey=0"  # the host reads it, and nobody else
read = []
for setting in [None, *{list(sources)!r}]:
    os.environ.update({{"RETRAIN_BLOB_SOURCE": setting}} if setting is not None else {{}})
    with Worker(Path({str(ROOT)!r})) as worker:
        read.append(worker.bindings("retrain_on_new_data")["blobTrigger"]["source"])
print(json.dumps([read, sorted(sys.modules)]))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
    (unset, *read), modules = json.loads(done.stdout)

    assert (unset, dict(zip(sources, read, strict=True))) == ("EventGrid", sources)
    assert not {"pandas", "statsmodels", "scipy", "pyarrow"} & set(modules)
    heavy = ("azure.ai", "azure.mgmt", "azure.monitor", "opentelemetry.sdk", "opentelemetry.exporter")
    assert not [module for module in modules if module.startswith(heavy)]


def test_a_landed_blob_becomes_the_first_champion_and_the_next_one_a_comparison(app: App):
    """From Azurite through the worker to a verdict."""
    app.upload("one.csv", csv_file(YEAR_ONE))
    app.blob_event("one.csv")
    first = app.newest_run()
    app.upload("years/two.csv", csv_file(YEAR_TWO, FIRST_DAY + timedelta(days=150)))
    app.blob_event("years/two.csv")
    second = app.newest_run()

    assert (first["trigger"], first["verdict"], first["champion"]) == ("blob", "promote", None)
    assert (second["verdict"], second["evidence"]["origins"]) == ("promote", 94)
    assert second["data"]["files"] == 2


def test_one_upload_that_makes_many_events_makes_one_model(app: App):
    """The platform delivers at least once."""
    app.upload("one.csv", csv_file(YEAR_ONE))
    for _ in range(3):
        app.blob_event("one.csv")

    runs = app.worker.http("list_runs", "GET").body["runs"]

    assert [run["verdict"] for run in runs] == ["unchanged", "unchanged", "promote"]


def test_a_tick_of_the_timer_reaches_a_verdict(app: App):
    """Also a late one, and the run says that it was."""
    app.worker.timer("retrain_on_schedule", past_due=True)

    run = app.newest_run()

    assert (run["trigger"], run["verdict"]) == ("timer", "waiting")
    assert run["request"]["note"] == "the schedule fired late"


def test_a_request_is_answered_at_once_and_worked_off_from_the_queue(app: App):
    """202 with the place to look; queued until the queue's trigger fires; then a verdict."""
    app.upload("one.csv", csv_file(YEAR_ONE))
    app.blob_event("one.csv")

    accepted = app.worker.http("retrain_on_request", "POST", b'{"force": true, "reason": "drift?"}')
    run_id = accepted.headers["Location"].removeprefix("/api/runs/")
    waiting = app.worker.http("show_run", "GET", route={"id": run_id})
    assert accepted.queued is not None
    app.worker.queue("retrain_from_queue", accepted.queued)
    done = app.worker.http("show_run", "GET", route={"id": run_id})

    assert (accepted.status, accepted.queued) == (202, run_id)
    assert (waiting.status, waiting.body["status"]) == (200, "queued")
    assert (done.body["verdict"], done.body["request"]["note"]) == ("waiting", "drift?")


def test_a_browser_is_shown_a_page(app: App):
    """HTML that may load and run nothing."""
    app.upload("<b>one</b>.csv", csv_file(YEAR_ONE))
    app.blob_event("<b>one</b>.csv")
    run_id = app.newest_run()["run_id"]

    shown = app.worker.http("show_page", "GET", route={"id": run_id})

    assert (shown.status, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert shown.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert f"PROMOTE: run {run_id}" in shown.body
    assert "&lt;b&gt;one&lt;/b&gt;.csv" in shown.body


def test_a_bad_blob_is_set_aside_and_not_retried(app: App):
    """The function returns: trying again would find the same file."""
    app.upload("bad.csv", b"%PDF-1.7")

    app.blob_event("bad.csv")

    assert app.newest_run()["error"]["kind"] == "data"
    assert [name.rsplit("/", 1)[1] for name in app.context.state.names("quarantine/")] == [
        "bad.csv",
        "bad.csv.reason.json",
    ]


def test_an_event_that_finds_a_retrain_going_on_is_left_to_it(app: App):
    """It returns at once; the next trigger makes the run."""
    app.upload("one.csv", csv_file(YEAR_ONE))
    with app.context.state.lock(LOCK):
        app.blob_event("one.csv")
        assert [run["status"] for run in app.worker.http("list_runs", "GET").body["runs"]] == ["queued"]

    app.worker.timer("retrain_on_schedule")

    runs = app.worker.http("list_runs", "GET").body["runs"]
    assert {run["trigger"]: run["verdict"] for run in runs} == {"blob": "promote", "timer": "unchanged"}


def test_a_storage_that_is_away_makes_the_platform_try_again(app: App, monkeypatch: pytest.MonkeyPatch):
    """Events raise, routes answer 503; neither says more than it should."""
    from retrain.adapters.azure import arm

    monkeypatch.setattr(arm, "RETRIES", 0)
    key = app.environment["TRANSACTIONS_STORAGE"].split("AccountKey=")[1].split(";")[0]
    away = f"DefaultEndpointsProtocol=http;AccountName=x;AccountKey={key};BlobEndpoint=http://127.0.0.1:9/x;"
    monkeypatch.setenv("TRANSACTIONS_STORAGE", away)

    with pytest.raises(InvocationFailed) as failed:
        app.blob_event("one.csv")
    answer = app.worker.http("list_runs", "GET")

    assert "does not answer" in str(failed.value)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert key not in str(failed.value) + str(answer.body)


@pytest.mark.skipif(not SHARED.exists(), reason="the AdventureWorks files are not beside this checkout")
def test_the_real_years_of_adventureworks_reach_a_verdict(app: App):
    """2013, then 2014, as they would land."""
    for name in ("transactions_2013.csv", "transactions_2014.csv"):
        app.upload(name, (SHARED / name).read_bytes())
        app.blob_event(name)

    run = app.newest_run()

    assert run["verdict"] in {"promote", "keep"}
    assert run["evidence"]["origins"] == 145

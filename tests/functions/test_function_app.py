"""The genuine worker loads `function_app.py`, and each trigger reaches a verdict on Azurite."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import BlobServiceClient

from retrain.promotion.resume import LOCK
from retrain.settings import parse
from retrain.wiring import connect
from tests.builders import FIRST_DAY, QUICK, csv_file, weekly
from tests.functions.worker import InvocationFailed, Worker
from tests.platforms import stop_services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.records.context import Context


ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data" / "adventureworks"
YEAR_ONE, YEAR_TWO = weekly(150, seed=1), weekly(100, seed=2, level=180)


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """The app, loaded once, as the platform does."""
    with Worker(ROOT) as loaded:
        yield loaded


@dataclass
class App:
    """The loaded app with a storage account of its own."""

    worker: Worker
    environment: dict[str, str]
    service: BlobServiceClient

    @property
    def context(self) -> Context:
        return connect(parse(self.environment))

    def upload(self, name: str, data: bytes) -> None:
        """A file lands in the container."""
        container = self.environment["TRANSACTIONS_CONTAINER"]
        self.service.get_blob_client(container, name).upload_blob(data, overwrite=True)

    def blob_event(self, name: str) -> None:
        """The platform noticed it."""
        container = self.environment["TRANSACTIONS_CONTAINER"]
        self.worker.blob("retrain_on_new_data", container, name, "TRANSACTIONS_STORAGE")

    def newest_run(self) -> dict[str, Any]:
        """What the app itself tells about its last run."""
        runs: list[dict[str, Any]] = self.worker.http("list_runs", "GET", newest="1").body["runs"]
        return runs[0]


@pytest.fixture
def app(worker: Worker, storage: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[App]:
    """Fresh containers in Azurite, and the settings that point there."""
    mark = uuid.uuid4().hex[:12]
    environment = {
        **QUICK,
        "RETRAIN_STORE": "blob",
        "RETRAIN_ROOT": str(tmp_path),
        "TRANSACTIONS_STORAGE": storage,
        "TRANSACTIONS_CONTAINER": f"transactions-{mark}",
        "RETRAIN_STATE_CONTAINER": f"retrain-{mark}",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    service = BlobServiceClient.from_connection_string(storage)
    service.create_container(environment["TRANSACTIONS_CONTAINER"])
    yield App(worker, environment, service)
    stop_services(tmp_path)


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
        "show_page": "httpTrigger",
        "forecast": "httpTrigger",
    }  # fmt: skip


def test_bindings_say_what_the_platform_has_to_know(worker: Worker):
    """Event Grid, the path and not the bytes, no run at start-up, a key on every route."""
    blob = worker.bindings("retrain_on_new_data")["blobTrigger"]
    timer = worker.bindings("retrain_on_schedule")["timerTrigger"]
    routes = {
        name: worker.bindings(name)["httpTrigger"]
        for name in ("retrain_on_request", "list_runs", "show_run", "show_page", "forecast")
    }

    assert (blob["path"], blob["source"]) == ("%TRANSACTIONS_CONTAINER%/{name}", "EventGrid")
    assert blob["properties"]["SupportsDeferredBinding"] is True
    assert (timer["schedule"], timer["runOnStartup"]) == ("%RETRAIN_SCHEDULE%", False)
    assert {route["authLevel"].upper() for route in routes.values()} == {"FUNCTION"}
    assert [routes[name]["route"] for name in routes] == [
        "retrain",
        "runs",
        "runs/{id}",
        "runs/{id}/page",
        "forecast",
    ]


@pytest.mark.parametrize(
    ("setting", "source"), [(None, "EventGrid"), ("LogsAndContainerScan", "LogsAndContainerScan")]
)
def test_loading_is_light_and_reads_the_source_of_blob_events(setting: str | None, source: str):
    """A process of its own loads and indexes the app: no library of models among its modules."""
    script = f"""
import json, os, sys
from pathlib import Path
from tests.functions.worker import Worker
os.environ.update({{"RETRAIN_BLOB_SOURCE": {setting!r}}} if {setting!r} else {{}})
with Worker(Path({str(ROOT)!r})) as worker:
    print(json.dumps([worker.bindings("retrain_on_new_data")["blobTrigger"]["source"], sorted(sys.modules)]))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
    read, modules = json.loads(done.stdout)

    assert read == source
    assert not {"pandas", "statsmodels", "scipy", "pyarrow"} & set(modules)
    assert not [module for module in modules if module.startswith(("azure.ai", "azure.mgmt"))]


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
    assert second["data"]["files"] == ["one.csv", "years/two.csv"]


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


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "the body"),
        (b'{"force": "yes"}', "force"),
        (b'{"forse": true}', "forse"),
        (b"[]", "the body"),
        (b'{"reason": "' + b"x" * 70_000 + b'"}', "70014 bytes"),
    ],
)
def test_a_body_that_is_off_is_a_problem_and_asks_for_nothing(app: App, body: bytes, detail: str):
    """400 as problem+json; nothing is queued."""
    answer = app.worker.http("retrain_on_request", "POST", body)

    assert (answer.status, answer.queued) == (400, None)
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.body["detail"]
    assert not list(app.context.state.names("requests/"))


@pytest.mark.parametrize("route", ["show_run", "show_page"])
@pytest.mark.parametrize("run_id", ["20240101T000000000Z-0000", "../champion", "%00"])
def test_a_run_that_does_not_exist_is_not_found(app: App, run_id: str, route: str):
    """404 as problem+json."""
    answer = app.worker.http(route, "GET", route={"id": run_id})

    assert (answer.status, answer.body["title"]) == (404, "NotFound")


@pytest.mark.parametrize("newest", ["0", "101", "many", "-1"])
def test_an_absurd_number_of_runs_is_refused(app: App, newest: str):
    """400, with what is allowed."""
    assert app.worker.http("list_runs", "GET", newest=newest).status == 400


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
        assert app.worker.http("list_runs", "GET").body["runs"] == []

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


def test_one_address_forecasts_through_promotions(app: App):
    """The champion's answer, from the last accepted day; 404 before there is one, 502 when its service is away."""
    before = app.worker.http("forecast", "GET")
    app.upload("one.csv", csv_file(YEAR_ONE))
    app.blob_event("one.csv")
    first = app.worker.http("forecast", "GET", days="3")
    app.upload("week.csv", csv_file(YEAR_TWO[:7], FIRST_DAY + timedelta(days=150)))
    app.blob_event("week.csv")
    told = app.worker.http("forecast", "GET", days="3")
    app.context.platform.remove("daily-transactions-v1")
    away = app.worker.http("forecast", "GET")

    assert (before.status, before.body["title"]) == (404, "NotFound")
    assert (first.status, first.body["version"], len(first.body["forecast"])) == (200, "1", 3)
    assert told.body["trained_through"] == first.body["origin"]
    assert told.body["origin"] == (FIRST_DAY + timedelta(days=156)).isoformat()
    assert (away.status, away.headers["content-type"]) == (502, "application/problem+json")


def test_a_service_that_takes_too_long_is_a_gateway_timeout(app: App, monkeypatch: pytest.MonkeyPatch):
    """It accepts the connection and never answers."""
    app.upload("one.csv", csv_file(YEAR_ONE))
    app.blob_event("one.csv")
    monkeypatch.setattr("retrain.promotion.client.ANSWER_SECONDS", 0.2)
    service = app.context.platform.services()[0]
    app.context.platform.remove(service.name)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_one = replace(service, url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        app.context.platform._write(silent_one)  # type: ignore[attr-defined]
        answer = app.worker.http("forecast", "GET")

    assert (answer.status, answer.body["title"]) == (504, "ServiceTimeout")


@pytest.mark.parametrize("days", ["0", "366", "week", "9" * 5000])
def test_an_absurd_horizon_is_refused(app: App, days: str):
    """400, with what is allowed."""
    assert app.worker.http("forecast", "GET", days=days).status == 400


@pytest.mark.skipif(not SHARED.exists(), reason="the AdventureWorks files are not beside this checkout")
def test_the_real_years_of_adventureworks_reach_a_verdict(app: App):
    """2013, then 2014, as they would land."""
    for name in ("transactions_2013.csv", "transactions_2014.csv"):
        app.upload(name, (SHARED / name).read_bytes())
        app.blob_event(name)

    run = app.newest_run()

    assert run["verdict"] in {"promote", "keep"}
    assert run["evidence"]["origins"] == 145

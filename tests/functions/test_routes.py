"""The routes of the Function App: what they refuse, and what the forecast route answers."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import FIRST_DAY, csv_file
from tests.functions.app import YEAR_ONE, YEAR_TWO, App


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
@pytest.mark.parametrize(
    ("run_id", "refusal"),
    [
        ("20240101T000000000Z-0000", (404, "NotFound")),
        ("../champion", (400, "UsageError")),
        ("%00", (400, "UsageError")),
    ],
)
def test_a_run_that_does_not_exist_is_not_found_and_one_that_cannot_is_a_wrong_parameter(
    app: App, run_id: str, refusal: tuple[int, str], route: str
):
    """As problem+json."""
    answer = app.worker.http(route, "GET", route={"id": run_id})

    assert (answer.status, answer.body["title"]) == refusal


@pytest.mark.parametrize("newest", ["0", "101", "many", "-1"])
def test_an_absurd_number_of_runs_is_refused(app: App, newest: str):
    """400, with what is allowed."""
    assert app.worker.http("list_runs", "GET", newest=newest).status == 400


def test_the_app_looks_at_its_own_deployment(app: App, monkeypatch: pytest.MonkeyPatch):
    """200 with a line each; 503 if anything has a fault, also if little can be looked at because of it."""
    well = app.worker.http("look_at_deployment", "GET")
    monkeypatch.setenv("RETRAIN_HORIZON_DAYS", "many")
    wrong = app.worker.http("look_at_deployment", "GET")

    assert (well.status, well.body["outcome"]) == (200, "ok"), well.body
    assert "store" in {line["name"] for line in well.body["checks"]}
    assert (wrong.status, wrong.body["checks"][0]["outcome"]) == (503, "fault")


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
    monkeypatch.setattr("retrain.promotion.client.PROOF_SECONDS", 0.2)
    service = app.context.platform.services()[0]
    app.context.platform.remove(service.name)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_one = replace(service, url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        app.context.platform._files.save(silent_one)  # type: ignore[attr-defined]
        answer = app.worker.http("forecast", "GET")

    assert (answer.status, answer.body["title"]) == (504, "ServiceTimeout")


@pytest.mark.parametrize("days", ["0", "366", "week", "9" * 5000])
def test_an_absurd_horizon_is_refused(app: App, days: str):
    """400, with what is allowed."""
    assert app.worker.http("forecast", "GET", days=days).status == 400

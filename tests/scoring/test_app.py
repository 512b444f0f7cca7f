"""The service of one version, over HTTP."""

from __future__ import annotations

import json
import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from scoring.app import Served, create_app
from tests.builders import series, weekly
from tests.serving import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "a-key-for-tests"
PATIENCE_SECONDS = 100
VALUES = weekly(150)
MODEL = fit_pinned(Order(1, 0, 1, 1, 0, 0, 7, mean=True), series(VALUES[:120]), 7).model
SERVED = Served(MODEL, "daily-transactions", "7", "ab" * 32)
APP = create_app(SERVED, KEY)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The app, listening on the loopback address."""
    listening = socket.create_server(("127.0.0.1", 0))
    serving = serve(create_app(SERVED, KEY), listening)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    serving.end()


def post(url: str, path: str, body: Any, **headers: str) -> requests.Response:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"x-api-key": KEY, "content-type": "application/json", **headers}
    return requests.post(url + path, data=data, headers=sent, timeout=PATIENCE_SECONDS)


def test_a_forecast_has_dates_and_the_identity_of_its_model(url: str):
    """Means and intervals equal the artifact's own."""
    answer = post(url, "/forecast", {"horizon_days": 3, "levels": [50, 95]}).json()
    expected = MODEL.forecast(3)

    assert (answer["model"], answer["version"], answer["data_sha256"]) == ("daily-transactions", "7", "ab" * 32)
    assert answer["trained_through"] == answer["origin"] == MODEL.origin.isoformat()
    assert [row["date"] for row in answer["forecast"]] == [day.isoformat() for day in expected.days]
    assert [row["mean"] for row in answer["forecast"]] == expected.mean.tolist()
    assert [row["intervals"][1]["upper"] for row in answer["forecast"]] == expected.interval(95)[1].tolist()


def test_observations_move_the_origin(url: str):
    """In any order and with missing days; the forecast equals the model's own."""
    newer = VALUES[120:130].copy()
    newer[4] = np.nan
    observed = [
        {"date": (MODEL.origin + timedelta(days=ahead + 1)).isoformat(), "amount": amount}
        for ahead, amount in enumerate(newer.tolist())
        if ahead != 4
    ]

    answer = post(url, "/forecast", {"horizon_days": 7, "observations": observed[::-1]}).json()

    assert answer["origin"] == (MODEL.origin + timedelta(days=10)).isoformat()
    assert answer["trained_through"] == MODEL.origin.isoformat()
    assert [row["mean"] for row in answer["forecast"]] == MODEL.observe(newer).forecast(7).mean.tolist()


def test_clients_of_the_previous_service_still_work(url: str):
    """The number of days in, that number of means out."""
    assert post(url, "/score", {"data": [3]}).json() == {"result": MODEL.forecast(3).mean.tolist()}


DAY_AFTER = (MODEL.origin + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 422, "the body"),
        (b"{", 422, "JSON"),
        (b"[" * 60_000, 400, "parsing"),
        (b"\xff\xfe", 422, "JSON"),
        ([], 422, "the body"),
        ({}, 422, "horizon_days"),
        ({"horizon_days": 0}, 422, "horizon_days"),
        ({"horizon_days": 366}, 422, "365"),
        ({"horizon_days": "7"}, 422, "horizon_days"),
        ({"horizon_days": True}, 422, "horizon_days"),
        ({"horizon_days": 7.5}, 422, "horizon_days"),
        ({"horizon_days": 7, "horizont": 1}, 422, "horizont"),
        ({"horizon_days": 7, "levels": [100]}, 422, "levels.0"),
        ({"horizon_days": 7, "levels": [80] * 11}, 422, "levels"),
        (b'{"horizon_days": 7, "levels": [NaN]}', 422, "levels.0"),
        (b'{"horizon_days": 7, "levels": [1e999]}', 422, "levels.0"),
        ({"horizon_days": 7, "observations": [{"date": DAY_AFTER, "amount": 1e300}]}, 422, "amount"),
        ({"horizon_days": 7, "observations": [{"date": DAY_AFTER, "amount": 1}] * 2}, 409, "given twice"),
        ({"horizon_days": 7, "observations": [{"date": "2001-01-01", "amount": 1}]}, 409, "days after"),
        ({"horizon_days": 7, "observations": [{"date": "9999-12-31", "amount": 1}]}, 409, "days after"),
        ({"horizon_days": 7, "observations": [{"date": "31/12/2024", "amount": 1}]}, 422, "date"),
        (b'{"horizon_days": 7}' + b" " * 70_000, 413, "65536"),
    ],
)  # fmt: skip
def test_an_invalid_request_is_a_problem(url: str, body: Any, status: int, detail: str):
    """4xx as problem+json with the place; never a 500 or a traceback."""
    answer = post(url, "/forecast", body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.json()["detail"]
    assert "Traceback" not in answer.text


def test_a_chunked_body_that_is_too_large_is_refused(url: str):
    """It has no Content-Length."""
    chunks = (b" " * 10_000 for _ in range(10))

    answer = requests.post(url + "/forecast", data=chunks, headers={"x-api-key": KEY}, timeout=PATIENCE_SECONDS)

    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/forecast", "/score", "/metrics", "/nowhere"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": "wrong"},
        {"x-api-key": ""},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {KEY}"},
    ],
    ids=str,
)  # fmt: skip
def test_every_route_except_health_needs_the_key(url: str, path: str, headers: dict[str, str]):
    """Refused before the body is read; the response says how to authenticate."""
    answer = requests.get(url + path, headers=headers, timeout=PATIENCE_SECONDS)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["title"] == "Unauthorized"


def test_a_key_in_the_query_is_not_accepted(url: str):
    """URLs are written to logs."""
    assert requests.get(f"{url}/metrics?x-api-key={KEY}&key={KEY}", timeout=PATIENCE_SECONDS).status_code == 401


def test_the_key_may_be_a_bearer_token(url: str):
    """Both headers are accepted."""
    assert requests.get(url + "/metrics", headers={"Authorization": f"Bearer {KEY}"}, timeout=PATIENCE_SECONDS).ok


def test_health_is_open_and_readiness_names_the_version(url: str):
    """Probes do not send a key."""
    assert requests.get(url + "/healthz", timeout=PATIENCE_SECONDS).json() == {"status": "alive"}
    assert requests.get(url + "/readyz", timeout=PATIENCE_SECONDS).json()["version"] == "7"


def test_metrics_count_requests_by_route_and_status(url: str):
    """In the text format of Prometheus."""
    post(url, "/forecast", {"horizon_days": 1})
    text = requests.get(url + "/metrics", headers={"x-api-key": KEY}, timeout=PATIENCE_SECONDS).text

    assert 'scoring_requests_total{route="/forecast",status="200"}' in text
    assert 'scoring_model_info{model="daily-transactions",version="7"} 1.0' in text


def test_the_document_names_every_public_route_and_the_key(url: str):
    """For client generators; it holds nothing secret and needs no key."""
    document = requests.get(url + "/openapi.json", timeout=PATIENCE_SECONDS).json()

    assert set(document["paths"]) == {"/forecast", "/score", "/healthz", "/readyz", "/identity"}
    assert set(document["components"]["securitySchemes"]) == {"bearer", "apiKey"}


@pytest.mark.parametrize("path", ["/docs", "/docs.css", "/docs.js"])
def test_the_page_of_the_documents_loads_nothing_from_elsewhere(url: str, path: str):
    """It is open, and its policy forbids what it does not bring."""
    answer = requests.get(url + path, timeout=PATIENCE_SECONDS)

    assert answer.ok
    assert "//" not in answer.text.replace("// ", "")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")


schema = schemathesis.openapi.from_asgi("/openapi.json", APP, headers={"x-api-key": KEY})


@schema.parametrize()
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_every_generated_request_gets_a_documented_response(case: schemathesis.Case[Any]):
    """Generated from the OpenAPI document: no 5xx, and no response that it does not describe."""
    case.call_and_validate(headers={"x-api-key": KEY})

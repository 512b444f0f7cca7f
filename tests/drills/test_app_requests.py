"""Hostile requests to the Function App: its bindings want a key, and no store is reached for what is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.local.folder import FolderStore
from tests.builders import QUICK, World, csv_file, weekly
from tests.drills.hostile import BODIES, BREAKS
from tests.drills.table import tell
from tests.functions.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.functions.worker import HttpAnswer

ROOT = Path(__file__).parents[2]


RUN = "20240101T000000000Z-0000"

PATHS = [
    "../champion",
    "..%2fchampion",
    "..\\champion",
    "....//champion",
    "/etc/passwd",
    "%2e%2e%2fchampion",
    f"{RUN}/../../champion",
    f"../runs/{RUN}",
    f"{RUN}/report.json",
    f"{RUN}\n",
    f"{RUN}\0",
    f"{RUN}{BREAKS}",
    f" {RUN}",
    RUN.lower(),
    f"{RUN}00000",
    "%00",
    "\0",
    "",
    ".",
    "*",
    "champion.json",
    "<script>alert(1)</script>",
    "\ud800",
    "x" * 100_000,
]
OTHER_DIGITS = RUN.replace("2024", "\u0662\u0660\u0662\u0664")

NUMBERS = [
    "",
    "0",
    "-1",
    "+1",
    "1e2",
    "0x10",
    "1.0",
    " 7",
    "7 ",
    "7\n",
    f"7{BREAKS}",
    "9" * 5_000,
    "NaN",
    "7;8",
    "[]",
]


@dataclass
class App:
    """The loaded Function App over a store that notes what is asked of it."""

    worker: Worker
    root: Path
    touched: list[str] = field(default_factory=list)

    def files(self) -> dict[str, bytes]:
        """All that the store holds."""
        return {str(path): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """The app, loaded as the platform does."""
    with Worker(ROOT) as loaded:
        yield loaded


@pytest.fixture
def app(worker: Worker, world: World, monkeypatch: pytest.MonkeyPatch) -> App:
    """A store with one run in it."""
    world.land("one.csv", csv_file(weekly(10)))
    for name, value in {**QUICK, "RETRAIN_ROOT": str(world.root)}.items():
        monkeypatch.setenv(name, value)
    app, path_of = App(worker, world.root), FolderStore._path

    def noted(store: FolderStore, name: str) -> Path:
        app.touched.append(name)
        return path_of(store, name)

    monkeypatch.setattr(FolderStore, "_path", noted)
    return app


def see_a_refusal(answer: HttpAnswer, *statuses: int) -> None:
    """Problem+json, no header of the caller's making, nothing of the inside."""
    assert answer.status in statuses
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.queued is None
    assert not any("\n" in part or "\r" in part for pair in answer.headers.items() for part in pair)
    assert "x-injected" not in {name.lower() for name in answer.headers}
    assert answer.body["status"] == answer.status
    assert len(answer.body["detail"]) < 500
    assert not any(word in json.dumps(answer.body) for word in ("Traceback", "root:", "File \\", str(ROOT)))


def asked(app: App, function: str, parameter: str, value: str) -> HttpAnswer:
    """GET with one parameter."""
    query: dict[str, Any] = {parameter: value}
    return app.worker.http(function, "GET", **query)


def test_every_route_of_the_app_wants_a_key_and_takes_one_method(worker: Worker):
    """The host lets nothing else through: a key of the function, and the method that the route is for."""
    routes = {name: worker.bindings(name).get("httpTrigger") for name in worker.functions}
    found = {
        route["route"]: (route["authLevel"].upper(), [method.upper() for method in route["methods"]])
        for route in routes.values()
        if route
    }

    assert found == {
        "retrain": ("FUNCTION", ["POST"]),
        "runs": ("FUNCTION", ["GET"]),
        "runs/{id}": ("FUNCTION", ["GET"]),
        "runs/{id}/page": ("FUNCTION", ["GET"]),
        "runs/{id}/{decision:regex(^(accept|drop|approve|reject)$)}": ("FUNCTION", ["POST"]),
        "forecast": ("FUNCTION", ["GET"]),
        "doctor": ("FUNCTION", ["GET"]),
    }


def test_no_hostile_body_asks_for_a_run(app: App):
    """400 as problem+json; nothing is written, queued or even looked at."""
    before = app.files()

    for body in BODIES.values():
        see_a_refusal(app.worker.http("retrain_on_request", "POST", body), 400)

    assert (app.files(), app.touched) == (before, [])
    tell("hostile requests", "Function App", "bodies of POST /api/retrain", len(BODIES))


@pytest.mark.parametrize("way", ["approve", "reject"])
def test_no_hostile_answer_for_a_winner_reaches_a_store(app: App, way: str):
    """400 at the door for bodies and for names of runs, whatever the caller calls itself."""
    bodies = [(RUN, body) for body in BODIES.values()]
    for run_id, body in [*bodies, *((path, b"{}") for path in PATHS)]:
        route, named = {"id": run_id, "decision": way}, {"x-ms-client-principal-name": "a" * 10_000}
        see_a_refusal(app.worker.http("decide_on_a_run", "POST", body, route=route, headers=named), 400)

    assert app.touched == []
    tell("hostile requests", "Function App", f"bodies and run ids of /{way}", len(bodies) + len(PATHS))


def test_a_run_id_that_is_none_reaches_no_store(app: App):
    """400 at the door: no name is made of it."""
    for run_id in PATHS:
        for route in ("show_run", "show_page"):
            see_a_refusal(app.worker.http(route, "GET", route={"id": run_id}), 400)

    assert app.touched == []
    tell("hostile requests", "Function App", "run ids that are not valid", 2 * len(PATHS))


def test_a_run_id_in_other_digits_reaches_no_store(app: App):
    """Arabic digits are digits to a regular expression, and no run is named so."""
    see_a_refusal(app.worker.http("show_run", "GET", route={"id": OTHER_DIGITS}), 400)

    assert app.touched == []


@pytest.mark.parametrize(("function", "parameter"), [("list_runs", "newest"), ("forecast", "days")])
def test_a_number_that_is_none_reaches_no_store(app: App, function: str, parameter: str):
    """400 at the door, and the detail shows no more than a few of its characters."""
    for number in NUMBERS:
        see_a_refusal(asked(app, function, parameter, number), 400)

    assert app.touched == []
    tell("hostile requests", "Function App", f"values of `{parameter}` that are not valid", len(NUMBERS))


@pytest.mark.parametrize(("function", "parameter"), [("list_runs", "newest"), ("forecast", "days")])
def test_a_number_in_other_digits_is_refused(app: App, function: str, parameter: str):
    """The numbers of an address are written in ASCII."""
    see_a_refusal(asked(app, function, parameter, "\u0667"), 400)


def test_a_reason_that_would_be_a_header_is_only_a_reason(app: App):
    """What a person writes is kept as it is and never becomes part of an address."""
    answer = app.worker.http("retrain_on_request", "POST", json.dumps({"reason": BREAKS}).encode())

    assert answer.status == 202
    assert answer.headers["Location"] == f"/api/runs/{answer.queued}"
    assert not any("\n" in value for value in answer.headers.values())

"""Hostile requests: every route refuses what it should with 4xx, runs nothing for it, and tells nothing.

The host of the Function App checks its keys, so there it is the bindings that are looked at; a scoring service
checks its own. Keys are compared in constant time by `hmac.compare_digest`, which is seen to be asked, not timed.
"""

from __future__ import annotations

import hmac
import json
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.arima.order import Order
from scoring import guard
from scoring.app import Served, create_app
from scoring.model import ForecastModel
from tests.builders import QUICK, World, csv_file, series, weekly
from tests.drills.table import tell
from tests.functions.worker import Worker
from tests.platforms import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.functions.worker import HttpAnswer

ROOT = Path(__file__).parents[2]
KEY = "the-key-of-this-drill"
ANSWER_SECONDS = 60.0  # an answer takes milliseconds on an idle machine
ENDLESS_SECONDS = 3600.0
BREAKS = "\r\nX-Injected: 1\r\n\r\n"
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
    f"{RUN}0",
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

BODIES = {
    "oversized": b'{"reason": "' + b"x" * 70_000 + b'"}',
    "oversized blank": b" " * 10_000_000,
    "nested lists": b"[" * 60_000,
    "nested objects": b'{"reason":' * 6_000,
    "nested and closed": b'{"reason": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "no JSON": b"force=true",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "half a body": b'{"force": tr',
    "two bodies": b"{}{}",
    "no UTF-8": b'{"reason": "\xff\xfe"}',
    "half a surrogate": b'{"reason": "\\ud800"}',
    "NaN": b'{"force": NaN}',
    "a list": b"[]",
    "nothing but null": b"null",
    "force as a word": b'{"force": "true"}',
    "force as a number": b'{"force": 1}',
    "force as null": b'{"force": null}',
    "reason as a number": b'{"reason": 1e999}',
    "reason too long": json.dumps({"reason": "x" * 501}).encode(),
    "unknown fields": b'{"run_id": "../champion", "file": "/etc/passwd"}',
    "prototype": b'{"__proto__": {"force": true}, "__class__": "Request"}',
}
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
        "forecast": ("FUNCTION", ["GET"]),
    }


def test_no_hostile_body_asks_for_a_run(app: App):
    """400 as problem+json; nothing is written, queued or even looked at."""
    before = app.files()

    for body in BODIES.values():
        see_a_refusal(app.worker.http("retrain_on_request", "POST", body), 400)

    assert (app.files(), app.touched) == (before, [])
    tell("hostile requests", "Function App", "bodies of POST /api/retrain", len(BODIES))


def test_a_run_id_that_is_none_reaches_no_store(app: App):
    """404 at the door: no name is made of it."""
    for run_id in PATHS:
        for route in ("show_run", "show_page"):
            see_a_refusal(app.worker.http(route, "GET", route={"id": run_id}), 404)

    assert app.touched == []
    tell("hostile requests", "Function App", "run ids that are none", 2 * len(PATHS))


def test_a_run_id_in_other_digits_reaches_no_store(app: App):
    """Arabic digits are digits to a regular expression, and no run is named so."""
    see_a_refusal(app.worker.http("show_run", "GET", route={"id": OTHER_DIGITS}), 404)

    assert app.touched == []


@pytest.mark.parametrize(("function", "parameter"), [("list_runs", "newest"), ("forecast", "days")])
def test_a_number_that_is_none_reaches_no_store(app: App, function: str, parameter: str):
    """400 at the door, and the detail shows no more than a few of its characters."""
    for number in NUMBERS:
        see_a_refusal(asked(app, function, parameter, number), 400)

    assert app.touched == []
    tell("hostile requests", "Function App", f"values of `{parameter}` that are none", len(NUMBERS))


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


@dataclass
class Service:
    """A scoring service on loopback, and how often its model was asked."""

    port: int
    asked: list[str]

    def send(self, raw: bytes, *, closed: bool = True) -> Reply:
        """Send these very bytes and read what comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_SECONDS) as wire:
            try:
                wire.sendall(raw)
                if closed:
                    wire.shutdown(socket.SHUT_WR)
            except OSError:  # it has seen enough
                pass
            return Reply.read(wire)

    def request(
        self, method: str, path: str, headers: tuple[tuple[str, str], ...] = (), body: bytes = b""
    ) -> Reply:
        """Send a request that is well-formed but for what it says."""
        length = [("Content-Length", str(len(body)))] if body else []
        lines = [f"{name}: {value}\r\n" for name, value in (*headers, *length, ("Connection", "close"))]
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{''.join(lines)}\r\n"
        return self.send(head.encode("latin-1") + body, closed=False)


@dataclass
class Reply:
    """An answer as it came over the wire; status 0 where none came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def read(cls, wire: socket.socket) -> Reply:
        """Read until the other side closes."""
        data = b""
        try:
            while chunk := wire.recv(65536):
                data += chunk
        except (ConnectionResetError, TimeoutError):
            pass
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        return cls(int((first.split() or ["", "0"])[1]), {name.lower(): value for name, _, value in pairs}, body)


@pytest.fixture(scope="module")
def listener() -> Iterator[int]:
    """The port of the app, started once."""
    from retrain.arima.fit import fit

    model = fit(Order(1, 0, 0, 0, 0, 0, 0, mean=True), series(weekly(60))).model
    listening = socket.create_server(("127.0.0.1", 0))
    server, thread = serve(create_app(Served(model, "daily-transactions", "7", "ab" * 32), KEY), listening)
    yield listening.getsockname()[1]
    server.should_exit = server.force_exit = True
    thread.join()


@pytest.fixture
def service(listener: int, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The app, with a model that notes whether it is asked."""
    asked: list[str] = []

    def noting(name: str) -> Any:
        method = getattr(ForecastModel, name)

        def noted(*args: Any) -> Any:
            asked.append(name)
            return method(*args)

        return noted

    for name in ("forecast", "observe"):
        monkeypatch.setattr(ForecastModel, name, noting(name))
    return Service(listener, asked)


ROUTES = [
    ("POST", "/forecast"),
    ("POST", "/score"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/nowhere"),
    ("DELETE", "/forecast"),
    ("TRACE", "/score"),
]
RIGHT = (("x-api-key", KEY),)
JSON = (("Content-Type", "application/json"),)
ASKED = b'{"horizon_days": 1}'
WRONG_KEYS = {
    "none": (),
    "empty": (("x-api-key", ""),),
    "wrong": (("x-api-key", "wrong"),),
    "of the right length": (("x-api-key", "x" * len(KEY)),),
    "all but its last letter": (("x-api-key", KEY[:-1]),),
    "one letter more": (("x-api-key", KEY + "x"),),
    "in capitals": (("x-api-key", KEY.upper()),),
    "quoted": (("x-api-key", f'"{KEY}"'),),
    "beyond ASCII": (("x-api-key", "\xff\xfe"),),
    "very long": (("x-api-key", KEY * 1000),),
    "as Basic": (("Authorization", f"Basic {KEY}"),),
    "without a scheme": (("Authorization", KEY),),
    "a wrong bearer beside the right key": (("x-api-key", KEY), ("Authorization", "Bearer wrong")),
    "in a cookie": (("Cookie", f"x-api-key={KEY}"),),
    "in the function's header": (("x-functions-key", KEY),),
    "in the referrer": (("Referer", f"http://127.0.0.1/?x-api-key={KEY}"),),
    "under a name with underscores": (("x_api_key", KEY),),
}


def see_it_refused(reply: Reply, *statuses: int) -> None:
    """A refusal of its own or of the server's, that tells nothing."""
    assert reply.status in (statuses or range(400, 500)), reply
    assert "x-injected" not in reply.headers
    assert "location" not in reply.headers
    assert not any(word in reply.body for word in (b"Traceback", KEY.encode(), b"root:", str(ROOT).encode()))


def test_no_route_of_the_service_opens_without_its_key(service: Service):
    """401 for every wrong key on every route and method; the model is not asked."""
    for method, path in ROUTES:
        for headers in WRONG_KEYS.values():
            reply = service.request(method, path, (*headers, *JSON), ASKED if method == "POST" else b"")
            see_it_refused(reply, 401)
            assert reply.headers["www-authenticate"] == "Bearer"

    assert service.asked == []
    tell("hostile requests", "service", "routes and wrong keys", len(ROUTES) * len(WRONG_KEYS))


def test_the_key_anywhere_but_in_its_header_is_no_key(service: Service):
    """Neither in the address nor in the body; addresses end up in logs."""
    places = [
        service.request("POST", f"/forecast?x-api-key={KEY}&code={KEY}", JSON, ASKED),
        service.request("POST", f"/forecast/{KEY}", JSON, ASKED),
        service.request("POST", f"http://user:{KEY}@127.0.0.1/forecast", JSON, ASKED),
        service.request("POST", "/forecast", JSON, json.dumps({"horizon_days": 1, "x-api-key": KEY}).encode()),
    ]

    for reply in places:
        see_it_refused(reply, 401)
    assert service.asked == []
    tell("hostile requests", "service", "the key in the wrong place", len(places))


def test_all_wrong_keys_get_one_answer_from_a_comparison_in_constant_time(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    """Whatever the length and however many letters are right: `hmac.compare_digest` decides, nothing before it."""
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def noted(shown: bytes, key: bytes) -> bool:
        compared.append(shown)
        assert key == KEY.encode()
        return compare(shown, key)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    replies = [service.request("GET", "/metrics", headers) for headers in WRONG_KEYS.values()]
    let_in = service.request("GET", "/metrics", RIGHT)

    assert let_in.status == 200
    assert len(compared) == len(WRONG_KEYS) + 1
    answers = {(reply.status, reply.body, frozenset(reply.headers)) for reply in replies}
    assert len(answers) == 1
    tell("hostile requests", "service", "wrong keys compared in constant time", len(WRONG_KEYS))


@pytest.mark.parametrize(
    "path",
    [
        "/healthz/../metrics",
        "/healthz/%2e%2e/metrics",
        "/healthz/..%2fmetrics",
        "/healthz;/metrics",
        "/healthz%00/metrics",
        "/healthz%0d%0aX-Injected:%201",
        "//metrics",
        "/./metrics",
        "/../../../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/METRICS",
        "/metrics/",
        "http://127.0.0.1/metrics",
        "/" + "x" * 60_000,
    ],
    ids=lambda path: path[:30],
)
def test_no_way_of_writing_an_address_leads_past_the_key(service: Service, path: str):
    """Only the two addresses that are open are open, as they are written."""
    see_it_refused(service.request("GET", path))
    see_it_refused(service.request("POST", path, JSON, ASKED))

    assert service.asked == []
    tell("hostile requests", "service", "addresses that would lead past the key", 2)


def test_an_address_with_a_slash_too_many_is_not_found(service: Service):
    """A redirect would carry the caller, and the key, to whatever host the request named."""
    evil = (*RIGHT, *JSON, ("X-Forwarded-Host", "evil.example"))
    head = "".join(f"{name}: {value}\r\n" for name, value in evil)
    raw = f"POST /forecast/ HTTP/1.1\r\nHost: evil.example\r\n{head}Content-Length: {len(ASKED)}\r\n"

    see_it_refused(service.send(f"{raw}Connection: close\r\n\r\n".encode() + ASKED), 404)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/forecast", 405),
        ("PUT", "/forecast", 405),
        ("DELETE", "/score", 405),
        ("PATCH", "/metrics", 405),
        ("POST", "/metrics", 405),
        ("POST", "/healthz", 405),
        ("TRACE", "/readyz", 405),
        ("CONNECT", "127.0.0.1:22", 404),
        ("BREW", "/forecast", 400),
        ("OPTIONS", "*", 404),
    ],
)
def test_a_wrong_method_is_refused_with_the_key_too(service: Service, method: str, path: str, status: int):
    """405, or 404 where there is nothing; 400 where HTTP has no such method."""
    see_it_refused(service.request(method, path, RIGHT), status, 400, 404)

    assert service.asked == []
    tell("hostile requests", "service", "wrong methods", 1)


DEEP = {
    "lists": b"[" * 60_000,
    "lists that close": b"[" * 30_000 + b"]" * 30_000,
    "objects": b'{"horizon_days":' * 4_000,
    "observations": b'{"horizon_days": 1, "observations": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "amounts": b'{"horizon_days": 1, "levels": [' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"]}",
}
TYPES = ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]


@pytest.mark.parametrize("path", ["/forecast", "/score"])
def test_no_hostile_body_is_forecast_from(service: Service, path: str):
    """Oversized, nested, of another type: 4xx as problem+json, and the model is not asked."""
    replies = [service.request("POST", path, (*RIGHT, *JSON), body) for body in [*DEEP.values(), *BODIES.values()]]
    replies += [service.request("POST", path, (*RIGHT, ("Content-Type", kind)), ASKED) for kind in TYPES]

    for reply in replies:
        see_it_refused(reply)
        assert reply.headers["content-type"] == "application/problem+json"
    assert service.asked == []
    tell("hostile requests", "service", f"bodies of POST {path}", len(replies))


def head(*lines: str) -> bytes:
    return "\r\n".join(
        ["POST /forecast HTTP/1.1", "Host: x", "Content-Type: application/json", *lines, "", ""]
    ).encode()


RAW = {
    "a length beyond all numbers": head(f"x-api-key: {KEY}", "Content-Length: " + "9" * 5_000),
    "a length that is none": head(f"x-api-key: {KEY}", "Content-Length: many") + ASKED,
    "a negative length": head(f"x-api-key: {KEY}", "Content-Length: -1") + ASKED,
    "two lengths": head(f"x-api-key: {KEY}", "Content-Length: 1", "Content-Length: 19") + ASKED,
    "a length and chunks": head(f"x-api-key: {KEY}", "Content-Length: 19", "Transfer-Encoding: chunked") + ASKED,
    "a chunk beyond all numbers": head(f"x-api-key: {KEY}", "Transfer-Encoding: chunked") + b"F" * 40 + b"\r\n",
    "a chunk that is none": head(f"x-api-key: {KEY}", "Transfer-Encoding: chunked") + b"zz\r\n",
    "a NUL in a header": head(f"x-api-key: {KEY}\0"),
    "a bare return in a header": head("x-api-key: wrong\rX-Injected: 1"),
    "a header without a name": head(": 1"),
    "a header with a blank in its name": head("x-api key: 1"),
    "a folded header": head("x-api-key: wrong", " X-Injected: 1"),
    "a header that is injected": head("x-api-key: wrong", "X-Injected: 1", "Content-Length: 0"),
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" * 100,
    "half a line": b"POST /fore",
    "a version that is none": b"POST /forecast HTTP/9.9\r\n\r\n",
}  # fmt: skip


def test_no_broken_bytes_are_taken_for_a_request(service: Service):
    """4xx, or the connection is closed; the service goes on answering."""
    for raw in RAW.values():
        reply = service.send(raw)
        if reply.status:
            see_it_refused(reply)

    assert service.asked == []
    assert service.request("POST", "/forecast", (*RIGHT, *JSON), ASKED).status == 200
    tell("hostile requests", "service", "requests broken at the level of HTTP", len(RAW))


def test_a_body_that_hides_its_length_is_cut_off(service: Service):
    """Chunks without end: 413 as soon as there are too many."""
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"

    see_it_refused(service.send(head(f"x-api-key: {KEY}", "Transfer-Encoding: chunked") + chunk * 100), 413)
    assert service.asked == []
    tell("hostile requests", "service", "bodies and headers without end", 1)


def test_headers_that_are_too_large_are_refused(service: Service):
    """With the key too: nobody has a megabyte to say before the body."""
    see_it_refused(service.request("GET", "/metrics", (*RIGHT, ("X-Large", "x" * 1_000_000))), 400, 413, 431)
    tell("hostile requests", "service", "bodies and headers without end", 1)


def test_a_slow_body_without_the_key_is_refused_at_once(service: Service, monkeypatch: pytest.MonkeyPatch):
    """The body is not waited for: its limit is longer than this client waits."""
    monkeypatch.setattr(guard, "BODY_SECONDS", ENDLESS_SECONDS)

    see_it_refused(service.send(head("Content-Length: 20", "Connection: close") + b"{", closed=False), 401)
    tell("hostile requests", "service", "slow bodies", 1)


def test_slow_bodies_keep_nobody_else_waiting(service: Service):
    """Fifty callers who never finish, and one who does."""
    slow = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(50)]
    try:
        for wire in slow:
            wire.sendall(head(f"x-api-key: {KEY}", "Content-Length: 20") + b"{")

        assert service.request("POST", "/forecast", (*RIGHT, *JSON), ASKED).status == 200
        assert service.asked == ["observe", "forecast"]
        tell("hostile requests", "service", "slow bodies", len(slow))
    finally:
        for wire in slow:
            wire.close()


def test_a_body_that_does_not_come_is_not_waited_for(service: Service, monkeypatch: pytest.MonkeyPatch):
    """408 after some seconds, so that callers who never finish do not gather."""
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.3)
    raw = head(f"x-api-key: {KEY}", "Content-Length: 20", "Connection: close") + b"{"

    see_it_refused(service.send(raw, closed=False), 408)
    assert service.asked == []
    tell("hostile requests", "service", "slow bodies", 1)

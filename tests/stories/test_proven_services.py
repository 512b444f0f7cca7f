"""A key goes to the process that has proven to know it, and to no other."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import requests

from retrain.doors.champion_forecast import champion_forecast as forecast
from retrain.errors import ServiceTimeout, UnprovenService
from retrain.promotion.client import ask
from scoring.identity import proof
from tests.builders import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrain.ports import Service

FORECAST = {"horizon_days": 3}


@contextmanager
def stranger(answer: Callable[[str], bytes]) -> Iterator[tuple[str, list[str]]]:
    """A process that answers 200 to everything; its address, and every byte that it was sent."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer_all(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            seen.append(f"{self.command} {self.path} {dict(self.headers)} {self.rfile.read(length).decode()}")
            body = answer(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Not a word."""

    for method in ("GET", "POST"):
        setattr(Handler, f"do_{method}", Handler.answer_all)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def service(serving: World) -> Service:
    """The champion's."""
    found = serving.platform.find("1")
    assert found is not None
    return found


def test_a_service_that_knows_its_key_is_asked(service: Service):
    """By the very connection on which it has proven itself."""
    assert ask(service, "/forecast", FORECAST)["version"] == "1"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"nonsense",
        b"[]",
        json.dumps({"model": "daily-transactions", "version": "1", "proofs": ["0" * 64, None, 5]}).encode(),
    ],
    ids=["empty", "nonsense", "list", "false-proofs"],
)
def test_a_stranger_at_the_address_is_not_sent_the_key_and_not_believed(service: Service, body: bytes):
    """Whatever it answers, and whatever it is asked for."""
    with stranger(lambda _path: body) as (url, seen):
        for path, asked in (("/readyz", None), ("/forecast", FORECAST)):
            with pytest.raises(UnprovenService, match="the key was not sent"):
                ask(replace(service, url=url), path, asked)

    assert seen
    assert not [text for text in seen if service.key in text or "forecast" in text]


def test_a_stranger_that_passes_the_challenge_on_to_a_genuine_service_is_found_out(service: Service):
    """The proof holds for the port on which the service was asked."""

    def passed_on(path: str) -> bytes:
        return requests.get(f"{service.url}{path}", timeout=60).content

    with stranger(passed_on) as (url, seen), pytest.raises(UnprovenService):
        ask(replace(service, url=url), "/forecast", FORECAST)

    assert "proofs" in requests.get(f"{service.url}/identity?challenge={'0' * 64}", timeout=60).json()
    assert not [text for text in seen if service.key in text]


def test_another_version_with_the_same_key_is_another_service(service: Service):
    """It proves what it is, and that is not what was asked for."""
    with pytest.raises(UnprovenService):
        ask(replace(service, version="2", name="daily-transactions-v2"), "/forecast", FORECAST)


def test_a_process_that_takes_the_connection_and_says_nothing_is_a_timeout(service: Service):
    """Within the limit of the question."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServiceTimeout):
            ask(replace(service, url=url), "/readyz", answer_seconds=0.2)


def test_a_challenge_that_is_no_random_number_is_refused(service: Service):
    """Nobody gets anything else proven."""
    for challenge in ("", "a" * 31, "g" * 64, "a" * 129):
        answer = requests.get(f"{service.url}/identity", {"challenge": challenge}, timeout=60)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_a_proof_is_of_one_key_question_version_and_port():
    """Any other gives another."""
    one = proof(b"key", "a" * 64, "m", "1", 80)
    others = {
        proof(b"yek", "a" * 64, "m", "1", 80),
        proof(b"key", "b" * 64, "m", "1", 80),
        proof(b"key", "a" * 64, "n", "1", 80),
        proof(b"key", "a" * 64, "m", "2", 80),
        proof(b"key", "a" * 64, "m", "1", 81),
    }

    assert len({one, *others}) == 6


def test_the_forecast_goes_on_while_the_key_is_rotated(serving: World, service: Service):
    """Whoever has the old record is answered, and whoever has the new one, before the service knows it too."""
    until = datetime.now(UTC) + timedelta(hours=1)
    new = serving.platform.rotate(service.name, until)
    early = replace(new, key="not known yet", key_before=new.key)

    assert new.key != service.key
    for one in (service, new, early):
        assert ask(one, "/forecast", FORECAST)["version"] == "1"
    assert forecast(3, serving.settings, serving.context)["version"] == "1"


def test_after_the_overlap_the_key_before_is_refused(serving: World, service: Service):
    """By proof and by key."""
    serving.platform.rotate(service.name, datetime.now(UTC))

    with pytest.raises(UnprovenService):
        ask(service, "/forecast", FORECAST)
    refused = requests.post(
        f"{service.url}/forecast", json=FORECAST, headers={"x-api-key": service.key}, timeout=60
    )
    assert refused.status_code == 401
    assert forecast(3, serving.settings, serving.context)["version"] == "1"

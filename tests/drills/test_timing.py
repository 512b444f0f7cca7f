"""What only a clock can tell of the service; measured, and so no part of `make test`."""

from __future__ import annotations

import socket
import statistics
import time
from typing import TYPE_CHECKING

import pytest
import requests

from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from scoring.app import Served, create_app
from tests.builders import series, weekly
from tests.serving import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.long

KEY = "a-key-for-tests"
REQUESTS = 200


@pytest.fixture
def url() -> Iterator[str]:
    """The service, listening on loopback."""
    model = fit_pinned(Order(1, 0, 0, mean=True), series(weekly(60)), 7).model
    listening = socket.create_server(("127.0.0.1", 0))
    serving = serve(create_app(Served(model, "m", "1", "ab" * 32), KEY), listening)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    serving.end()


def test_wrong_keys_take_the_same_time(url: str):
    """However many of their letters are right: keys are compared in constant time."""

    def seconds(key: str) -> float:
        began = time.perf_counter()
        requests.get(url + "/metrics", headers={"x-api-key": key}, timeout=100)
        return time.perf_counter() - began

    pairs = [(seconds("x" * len(KEY)), seconds(KEY[:-1] + "x")) for _ in range(REQUESTS)]
    none_right, most_right = (statistics.median(times) for times in zip(*pairs, strict=True))

    assert 0.5 < none_right / most_right < 2

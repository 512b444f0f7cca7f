"""A service under hostile load: held request heads, the costliest forecasts and garbage, while its health is asked.

    python -m benchmarks.overload heads|forecasts|garbage PORT

is one attacker, a process of its own until it is killed; `make bench-serving` measures what they do to a service.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import psutil

from retrain.arima.ensemble import fit_with_companions
from retrain.arima.order import Order
from retrain.data.series import DailySeries
from scoring.connections import HEAD_SECONDS
from scoring.observations import MAX_OBSERVATION_DAYS
from scoring.schema import MAX_OBSERVATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from scoring.model import ForecastModel

KEY = "key"
HEADS, CLIENTS, GARBAGE_BYTES = 1000, 10, 64 << 20
ATTACKS = ("heads", "forecasts", "garbage")
HEADERS = {"content-type": "application/json", "x-api-key": KEY}
WHOLE = (*range(1, 11),)
DAYS = 400


def costliest_model(first_day: date) -> ForecastModel:
    """Four members, the searched one with most states, of logarithms, with regressors."""
    noise = np.random.default_rng(0).normal(0, 5, DAYS)
    values = 100 * np.resize([1.2, 1.1, 1.0, 1.0, 0.9, 0.7, 0.6], DAYS) + noise
    order = Order(3, 1, 3, 2, 0, 2, 7, log=True, regressors=("month_end", "weekdays"))
    return fit_with_companions(order, DailySeries(first_day, values), 7).model


def costliest_body(origin: date, every: float = MAX_OBSERVATION_DAYS / MAX_OBSERVATIONS) -> bytes:
    """As many observations as are read, as far apart as they may be, each a surprise; all days and levels."""
    amounts = cycle([1.0, 1e9])
    days = [origin + timedelta(days=int(every * (at + 1))) for at in range(MAX_OBSERVATIONS)]
    body = {
        "horizon_days": 365,
        "levels": [8 * level for level in WHOLE],
        "observations": [
            {"date": day.isoformat(), "amount": amount} for day, amount in zip(days, amounts, strict=False)
        ],
    }
    return json.dumps(body, separators=(",", ":")).encode()


def post(connection: http.client.HTTPConnection, body: bytes) -> int:
    """The status of a forecast."""
    connection.request("POST", "/forecast", body, HEADERS)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def cpu_of_costliest(pid: int, port: int, origin: date, times: int) -> list[float]:
    """Seconds of the service's CPU in each of so many requests for the costliest forecast."""
    process, body = psutil.Process(pid), costliest_body(origin)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    spent = []
    for _ in range(times + 1):  # the first one warms up
        before = process.cpu_times()
        if post(connection, body) != 200:
            raise SystemExit("the costliest forecast was refused")
        after = process.cpu_times()
        spent.append(after.user + after.system - before.user - before.system)
    connection.close()
    return spent[1:]


def hold_heads(port: int) -> None:
    """A thousand connections whose heads grow by a byte a second and never end; what is closed is opened again."""
    held: list[tuple[socket.socket, float]] = []
    while True:
        now = time.monotonic()
        held = [(wire, since) for wire, since in held if now - since < HEAD_SECONDS and _sends(wire, b"x")]
        while len(held) < HEADS:
            with suppress(OSError):
                wire = socket.create_connection(("127.0.0.1", port), timeout=10)
                wire.sendall(b"GET /forecast HTTP/1.1\r\nHost: x\r\nX-Held: ")
                held.append((wire, time.monotonic()))
        time.sleep(1)


def _sends(wire: socket.socket, data: bytes) -> bool:
    try:
        wire.sendall(data)
    except OSError:
        wire.close()
        return False
    return True


def ask_forecasts(port: int, body: bytes) -> None:
    """Ten clients, each asking again as soon as it has its answer."""

    def ask() -> None:
        while True:
            with suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                while True:
                    post(connection, body)

    _at_once([ask] * CLIENTS)


def send_garbage(port: int) -> None:
    """Random bytes, again and again: as requests that are not valid, and as the body of one without a key."""
    rng = np.random.default_rng(0)
    block = rng.bytes(1 << 20)
    head = f"POST /forecast HTTP/1.1\r\nHost: x\r\nContent-Length: {GARBAGE_BYTES}\r\n\r\n".encode()

    def send(first: bytes) -> None:
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
                wire.sendall(first)
                for _ in range(GARBAGE_BYTES // len(block)):
                    wire.sendall(block)

    _at_once([partial(send, b""), partial(send, head)])


def _at_once(actions: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=action, daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def attackers(port: int, origin: date) -> Iterator[list[subprocess.Popen[bytes]]]:
    """All of them, at once; they end with the block."""
    running = [
        subprocess.Popen([sys.executable, "-m", "benchmarks.overload", attack, str(port), origin.isoformat()])  # noqa: S603
        for attack in ATTACKS
    ]
    try:
        yield running
    finally:
        for one in running:
            one.kill()
            one.wait()


def health_seconds(port: int, times: int) -> list[float]:
    """Seconds from the connection to the answer of `/healthz`, each on a connection of its own."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/healthz")
        if connection.getresponse().status != 200:
            raise SystemExit("/healthz was refused")
        connection.close()
        spent.append(time.perf_counter() - began)
        time.sleep(0.02)
    return spent


def held_connections(pid: int) -> int:
    """How many connections the service has."""
    return sum(one.status == psutil.CONN_ESTABLISHED for one in psutil.Process(pid).net_connections("tcp"))


def main() -> None:
    """One attacker."""
    from datetime import date

    attack, port, origin = sys.argv[1], int(sys.argv[2]), date.fromisoformat(sys.argv[3])
    if attack == "heads":
        hold_heads(port)
    elif attack == "forecasts":
        ask_forecasts(port, costliest_body(origin))
    else:
        send_garbage(port)


if __name__ == "__main__":
    main()

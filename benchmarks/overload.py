"""A service under hostile load: held request heads, the costliest forecasts and garbage, while its health is asked.

    python -m benchmarks.overload heads|forecasts|garbage PORT ORIGIN

is one attacker, a process of its own until it is killed; `make bench-serving` measures what they do to a service.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from benchmarks.processes import ROOT
from retrain.adapters.local.process import free_port
from retrain.arima.ensemble import fit_with_companions
from retrain.arima.order import Order
from retrain.data.series import DailySeries
from scoring.connections import HEAD_SECONDS
from scoring.schema import MAX_OBSERVATION_DAYS, MAX_OBSERVATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scoring.model import ForecastModel

KEY = "key"
HEADS, CLIENTS, GARBAGE_BYTES = 1000, 10, 64 << 20
ATTACKS = ("heads", "forecasts", "garbage")
HEADERS = {"content-type": "application/json", "x-api-key": KEY}
WHOLE = (*range(1, 11),)
DAYS = 400
MOST_HELD = 0.9


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


def cpu_of(service: Running, body: bytes, times: int) -> float:
    """Seconds of the service's CPU for a forecast, the mean of so many."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    post(connection, body)  # warms up
    before = service.process.cpu_times()
    for _ in range(times):
        if post(connection, body) != 200:
            raise SystemExit("the costliest forecast was refused")
    after = service.process.cpu_times()
    connection.close()
    return float(after.user + after.system - before.user - before.system) / times


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
def attacked(service: Running) -> Iterator[None]:
    """By all of them at once, from when most of the heads are held; they end with the block."""
    options = [str(service.port), service.origin.isoformat()]
    running = [
        subprocess.Popen([sys.executable, "-m", "benchmarks.overload", attack, *options], cwd=ROOT)  # noqa: S603
        for attack in ATTACKS
    ]
    try:
        while service.connections < MOST_HELD * HEADS and all(one.poll() is None for one in running):
            time.sleep(0.1)
        yield
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


@dataclass(frozen=True, slots=True)
class Running:
    """A service that is a process of its own.

    Attributes:
        origin: the last day of training of its model.
    """

    process: psutil.Process
    port: int
    origin: date
    log: Path

    @property
    def connections(self) -> int:
        """How many it has."""
        return sum(one.status == psutil.CONN_ESTABLISHED for one in self.process.net_connections("tcp"))

    @property
    def resident(self) -> float:
        """Its resident memory, MB."""
        return float(self.process.memory_info().rss / 1e6)


@contextmanager
def costliest_service(folder: Path) -> Iterator[Running]:
    """A service of the costliest model, on a free port; it ends with the block."""
    model, port, log = costliest_model(date(2023, 1, 2)), free_port(), folder / "log"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "artifact.json").write_bytes(model.to_json())
    (folder / "version.json").write_text(json.dumps({"name": "m", "version": "1", "data_sha256": "ab" * 32}))
    settings = {"SCORING_HOST": "127.0.0.1", "SCORING_PORT": str(port), "SCORING_KEY": KEY}
    environment = {**os.environ, **settings, "SCORING_MODEL": str(folder)}
    with log.open("w") as file:
        process = psutil.Popen([sys.executable, "-m", "scoring"], env=environment, stderr=file, cwd=ROOT)
        try:
            while process.poll() is None and not _is_ready(port):
                time.sleep(0.05)
            yield Running(process, port, model.origin, log)
        finally:
            process.kill()
            process.wait()


def _is_ready(port: int) -> bool:
    try:
        return health_seconds(port, 1) != []
    except OSError:
        return False


def main() -> None:
    """One attacker."""
    attack, port, origin = sys.argv[1], int(sys.argv[2]), date.fromisoformat(sys.argv[3])
    if attack == "heads":
        hold_heads(port)
    elif attack == "forecasts":
        ask_forecasts(port, costliest_body(origin))
    else:
        send_garbage(port)


if __name__ == "__main__":
    main()

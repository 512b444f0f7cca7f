"""The same model served by us and by `mlflow models serve` (statsmodels flavour, its default server), in one run.

    make bench-serving

Each is started, asked for a seven-day forecast over two connections by the same client, and stopped, in turn.
Seconds to readiness, resident memory and the installed size of scoring/requirements.txt are measured besides.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from retrain.adapters.local.process import free_port
from retrain.arima.fit import fit
from retrain.arima.order import Order
from retrain.data.series import DailySeries
from retrain.records.image import build_context
from retrain.records.registry import Lineage, RegisteredModel

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 10
CONNECTIONS = 2
DAYS = 300
ROUNDS = 2
PEER = """
import sys
import mlflow, numpy as np, pandas as pd
from statsmodels.tsa.arima.model import ARIMA
values = np.load(sys.argv[1])
result = ARIMA(values, order=(1, 0, 1), seasonal_order=(1, 0, 0, 7), trend="c").fit()
mlflow.statsmodels.save_model(result, sys.argv[2])
"""


@contextmanager
def served(command: list[str], port: int, health: str, **options: object) -> Iterator[tuple[float, float]]:
    """Run a server; gives seconds from start to ready and its resident MB, children included."""
    began = time.perf_counter()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, start_new_session=True, **quiet, **options)  # type: ignore[call-overload] # noqa: S603
    try:
        while not answers(port, health):
            if process.poll() is not None or time.perf_counter() - began > 120:
                raise SystemExit(f"{command[0]} did not get ready")
            time.sleep(0.01)
        ready = time.perf_counter() - began
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        yield ready, sum(one.memory_info().rss for one in family) / 1e6
    finally:
        for one in [*psutil.Process(process.pid).children(recursive=True), process]:
            one.kill()
        process.wait()


def answers(port: int, path: str) -> bool:
    """Whether it is ready."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        ok = connection.getresponse().status == 200
        connection.close()
    except OSError:
        return False
    return ok


def hammer(port: int, path: str, body: bytes) -> tuple[float, float]:
    """Requests a second and the 99th percentile in ms, over two kept connections."""
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    headers = {"content-type": "application/json", "x-api-key": "key"}

    def one() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.perf_counter() < end:
            began = time.perf_counter()
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"{path} answers {answer.status}")
            times.append(time.perf_counter() - began)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(times) / SECONDS, 1000 * float(np.percentile(times, 99))


def ours(folder: Path, values: np.ndarray) -> tuple[float, float, float, float]:
    """Requests a second, p99, seconds to ready, MB."""
    series = DailySeries(date(2023, 1, 2), values)
    artifact = fit(Order(1, 0, 1, 1, 0, 0, 7, mean=True), series).model.to_json()
    lineage = Lineage(series.sha256, series.first_day, series.last_day, "(1,0,1)(1,0,0)7", "benchmark")
    image, port = folder / "image", free_port()
    for path, data in build_context(RegisteredModel("m", "1", "", lineage, "run"), artifact).items():
        (image / path).parent.mkdir(parents=True, exist_ok=True)
        (image / path).write_bytes(data)
    subprocess.run([sys.executable, "-m", "compileall", "-q", "scoring"], cwd=image, check=True)
    environment = {**os.environ, "SCORING_HOST": "127.0.0.1", "SCORING_PORT": str(port), "SCORING_KEY": "key"}
    with served([sys.executable, "-m", "scoring"], port, "/readyz", cwd=image, env=environment) as (ready, memory):
        rate, p99 = hammer(port, "/forecast", json.dumps({"horizon_days": 7}).encode())
    return rate, p99, ready, memory


def mlflow(folder: Path, values: np.ndarray, python: str) -> tuple[float, float, float, float]:
    """The same of the peer, whose environment has its own Python."""
    data, model, port = folder / "values.npy", folder / "mlflow-model", free_port()
    if not model.exists():
        np.save(data, values)
        subprocess.run([python, "-W", "ignore", "-c", PEER, data, model], check=True, capture_output=True)  # noqa: S603
    body = {"dataframe_split": {"columns": ["start", "end"], "data": [[DAYS, DAYS + 6]]}}
    command = [
        python,
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        str(model),
        "-p",
        str(port),
        "--env-manager",
        "local",
    ]
    environment = {**os.environ, "PATH": f"{Path(python).parent}:{os.environ['PATH']}"}
    with served(command, port, "/ping", env=environment) as (ready, memory):
        rate, p99 = hammer(port, "/invocations", json.dumps(body).encode())
    return rate, p99, ready, memory


def installed_mb(requirements: Path, uv: str) -> float:
    """What the container's requirements weigh when installed."""
    with tempfile.TemporaryDirectory() as target:
        command = [uv, "pip", "install", "--quiet", "--link-mode", "copy", "--python", sys.executable]
        subprocess.run([*command, "--target", target, "--require-hashes", "-r", requirements], check=True)  # noqa: S603
        return sum(path.stat().st_size for path in Path(target).rglob("*") if path.is_file()) / 1e6


def main() -> None:
    """Print both and the ratios."""
    peer_python, uv = sys.argv[1:3]
    rng = np.random.default_rng(0)
    values = 100 * np.resize([1.2, 1.1, 1.0, 1.0, 0.9, 0.7, 0.6], DAYS) + rng.normal(0, 5, DAYS)
    with tempfile.TemporaryDirectory() as name:
        rounds = [(ours(Path(name), values), mlflow(Path(name), values, peer_python)) for _ in range(ROUNDS)]
    for who, results in zip(("ours", "mlflow"), zip(*rounds, strict=True), strict=True):
        rate, p99, ready, memory = (statistics.median(column) for column in zip(*results, strict=True))
        print(
            f"{who:<8}{rate:9.1f} requests/s  p99 {p99:8.2f} ms  ready in {ready:5.2f} s  {memory:6.0f} MB resident"
        )
    rates = [our[0] / peer[0] for our, peer in rounds]
    tails = [our[1] / peer[1] for our, peer in rounds]
    print(
        f"ours / mlflow: throughput {min(rates):.1f} to {max(rates):.1f}, p99 {min(tails):.3f} to {max(tails):.3f}"
    )
    requirements = Path(__file__).parents[1] / "scoring" / "requirements.txt"
    print(f"scoring/requirements.txt installed: {installed_mb(requirements, uv):.0f} MB")


if __name__ == "__main__":
    main()

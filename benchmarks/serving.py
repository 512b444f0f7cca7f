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
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
from packaging.requirements import Requirement

from benchmarks.overload import attacked, costliest_body, costliest_service, cpu_of, health_seconds
from benchmarks.processes import ROOT
from benchmarks.result import Result, Row, Table, finish, parser, progress, spread
from retrain.adapters.local.process import free_port
from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from retrain.data.series import DailySeries
from retrain.records.image import build_context
from retrain.records.registry import Lineage, RegisteredModel

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS, QUICK_SECONDS = 10.0, 0.2
CONNECTIONS = 2
DAYS = 300
ROUNDS, QUICK_ROUNDS = 2, 1
READY_SECONDS = 120
ASKED, QUICK_ASKED = 200, 5  # costliest forecasts, and looks at `/healthz`
PEER = "mlflow"
MAKE_PEER_MODEL = """
import sys
import mlflow, numpy as np, pandas as pd
from statsmodels.tsa.arima.model import ARIMA
values = np.load(sys.argv[1])
result = ARIMA(values, order=(1, 0, 1), seasonal_order=(1, 0, 0, 7), trend="c").fit()
mlflow.statsmodels.save_model(result, sys.argv[2])
"""


@dataclass(frozen=True, slots=True)
class Served:
    """What one server came to: requests a second, 99th percentile in ms, seconds to ready, resident MB."""

    rate: float
    p99: float
    ready: float
    memory: float


@contextmanager
def server(command: list[str], port: int, health: str, **options: object) -> Iterator[tuple[float, float]]:
    """Run a server; gives seconds from start to ready and its resident MB, children included."""
    began = time.perf_counter()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = psutil.Popen(command, start_new_session=True, **quiet, **options)  # type: ignore[arg-type]
    try:
        while not answers(port, health):
            if process.poll() is not None or time.perf_counter() - began > READY_SECONDS:
                raise SystemExit(f"{' '.join(command[1:3])} did not get ready in {READY_SECONDS} s, or ended")
            time.sleep(0.01)
        ready = time.perf_counter() - began
        family = [process, *process.children(recursive=True)]
        yield ready, sum(one.memory_info().rss for one in family) / 1e6
    finally:
        if process.is_running():
            for one in [*process.children(recursive=True), process]:
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


def ask(port: int, path: str, body: bytes, until: float) -> list[float]:
    """Ask over one kept connection until the clock says so, once at least; the seconds of each answer."""
    headers = {"content-type": "application/json", "x-api-key": "key"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    times: list[float] = []
    while not times or time.perf_counter() < until:
        began = time.perf_counter()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path} answers {answer.status}")
        times.append(time.perf_counter() - began)
    connection.close()
    return times


def hammer(port: int, path: str, body: bytes, seconds: float) -> tuple[float, float]:
    """Requests a second and the 99th percentile in ms, over kept connections."""
    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        asking = [pool.submit(ask, port, path, body, began + seconds) for _ in range(CONNECTIONS)]
        times = [spent for one in asking for spent in one.result()]
    return len(times) / (time.perf_counter() - began), 1000 * float(np.percentile(times, 99))


def ours(folder: Path, values: np.ndarray, seconds: float) -> Served:
    """Our service, from the files of its image."""
    series = DailySeries(date(2023, 1, 2), values)
    artifact = fit_pinned(Order(1, 0, 1, 1, 0, 0, 7, mean=True), series, 7).model.to_json()
    lineage = Lineage(series.sha256, "", series.first_day, series.last_day, "(1,0,1)(1,0,0)7", "benchmark")
    image, port = folder / "image", free_port()
    for path, data in build_context(RegisteredModel("m", "1", "", lineage, "run"), artifact).items():
        (image / path).parent.mkdir(parents=True, exist_ok=True)
        (image / path).write_bytes(data)
    subprocess.run([sys.executable, "-m", "compileall", "-q", "scoring"], cwd=image, check=True)
    environment = {**os.environ, "SCORING_HOST": "127.0.0.1", "SCORING_PORT": str(port), "SCORING_KEY": "key"}
    with server([sys.executable, "-m", "scoring"], port, "/readyz", cwd=image, env=environment) as (ready, memory):
        rate, p99 = hammer(port, "/forecast", json.dumps({"horizon_days": 7}).encode(), seconds)
    return Served(rate, p99, ready, memory)


def mlflow(folder: Path, values: np.ndarray, seconds: float, python: str) -> Served:
    """The same of the peer, whose environment has its own Python."""
    data, model, port = folder / "values.npy", folder / "mlflow-model", free_port()
    if not model.exists():
        np.save(data, values)
        command = [python, "-W", "ignore", "-c", MAKE_PEER_MODEL, str(data), str(model)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    body = {"dataframe_split": {"columns": ["start", "end"], "data": [[DAYS, DAYS + 6]]}}
    serve = f"-m mlflow models serve -p {port} --env-manager local -m".split()
    environment = {**os.environ, "PATH": f"{Path(python).parent}:{os.environ['PATH']}"}
    with server([python, *serve, str(model)], port, "/ping", env=environment) as (ready, memory):
        rate, p99 = hammer(port, "/invocations", json.dumps(body).encode(), seconds)
    return Served(rate, p99, ready, memory)


def installed_mb(requirements: Path) -> float:
    """What the container's requirements weigh, as installed here: all of them are in the development lock."""
    lines = requirements.read_text().replace("\\\n", " ").splitlines()
    pins = [Requirement(line.split(" --hash")[0]) for line in lines if line[:1].isalnum()]
    packages = [distribution(pin.name) for pin in pins if pin.marker is None or pin.marker.evaluate()]
    files = [Path(str(file.locate())) for package in packages for file in package.files or []]
    return sum(file.stat().st_size for file in files if file.suffix != ".pyc" and file.exists()) / 1e6


def row(name: str, rounds: list[Served]) -> Row:
    """The medians of one server."""
    return {
        "server": name,
        "requests/s": statistics.median(one.rate for one in rounds),
        "p99, ms": statistics.median(one.p99 for one in rounds),
        "ready in, s": statistics.median(one.ready for one in rounds),
        "resident memory, MB": statistics.median(one.memory for one in rounds),
    }


def ratios(our: list[Served], peer: list[Served]) -> tuple[Row, ...]:
    """Ours / peer, round by round."""
    pairs = list(zip(our, peer, strict=True))
    return (
        spread("requests/s", [mine.rate / theirs.rate for mine, theirs in pairs]),
        spread("p99", [mine.p99 / theirs.p99 for mine, theirs in pairs]),
        spread("time to ready", [mine.ready / theirs.ready for mine, theirs in pairs]),
        spread("resident memory", [mine.memory / theirs.memory for mine, theirs in pairs]),
    )


def under_load(folder: Path, times: int) -> Table:
    """Ours alone: what the costliest forecast costs, and how long `/healthz` takes while it is attacked.

    A thousand request heads are held, ten clients ask for the costliest forecast, and garbage of 64 MB comes.
    """
    with costliest_service(folder) as service:
        cpu = cpu_of(service, costliest_body(service.origin), times)
        idle, memory = health_seconds(service.port, times), service.resident
        with attacked(service):
            busy, held = health_seconds(service.port, times), service.connections
        figures = {
            "CPU of the costliest forecast, ms": 1000 * cpu,
            "/healthz, idle, median, ms": 1000 * statistics.median(idle),
            "/healthz, attacked, median, ms": 1000 * statistics.median(busy),
            "/healthz, attacked, 95 %, ms": 1000 * float(np.percentile(busy, 95)),
            "connections held": held,
            "resident memory before, MB": memory,
            "resident memory, attacked, MB": service.resident,
        }
    rows: list[Row] = [{"what": what, "figure": figure} for what, figure in figures.items()]
    return Table("under hostile load", tuple(rows))


def main() -> None:
    """Serve both in turn; in the quick form ours alone."""
    options = parser(__doc__)
    options.add_argument("--peer", help="the Python of an environment that has mlflow; not in the quick form")
    asked = options.parse_args()
    if not asked.quick and not asked.peer:
        options.error("name the peer's Python with --peer, or ask for --quick; make bench-serving does it")
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if asked.quick else (ROUNDS, SECONDS)
    rng = np.random.default_rng(0)
    values = 100 * np.resize([1.2, 1.1, 1.0, 1.0, 0.9, 0.7, 0.6], DAYS) + rng.normal(0, 5, DAYS)
    measured: dict[str, list[Served]] = {"ours": [], **({} if asked.quick else {PEER: []})}
    with tempfile.TemporaryDirectory() as name:
        for number in range(1, rounds + 1):
            measured["ours"].append(ours(Path(name), values, seconds))
            if PEER in measured:
                measured[PEER].append(mlflow(Path(name), values, seconds, asked.peer))
            progress(f"round {number} of {rounds}")
    tables = [Table("servers", tuple(row(name, served) for name, served in measured.items()))]
    if PEER in measured:
        tables.append(Table(f"ours / {PEER}", ratios(measured["ours"], measured[PEER])))
    with tempfile.TemporaryDirectory() as name:
        tables.append(under_load(Path(name), QUICK_ASKED if asked.quick else ASKED))
    size = installed_mb(ROOT / "scoring" / "requirements.txt")
    tables.append(Table("size of the service", ({"what": "scoring/requirements.txt", "installed, MB": size},)))
    result = Result(
        "Our service against `mlflow models serve` (statsmodels flavour), the same seasonal ARIMA.",
        f"Forecasts of 7 days over {CONNECTIONS} connections, {rounds} round(s) of {seconds:g} s in turn; medians. "
        "Hostile load: 1,000 held heads, ten clients with the costliest forecast, garbage of 64 MB.",
        tuple(tables),
        () if PEER in measured else (PEER,),
        asked.quick,
    )
    finish(result, asked.json)


if __name__ == "__main__":
    main()

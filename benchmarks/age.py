"""Every command and route on a store that is years old, against the same on its first day.

    make bench-age JSON=file

Both stores have the same days and one service. The young one has them from one file, with one version and 20 runs.
The aged one has them from a file a day, with hundreds of versions and champions and thousands of runs. A command is
a process, from its start to its end; a route is called in this process, as in a Function App that is warm, with its
stores opened anew each time. Then requests wait in the aged store, as behind a run that takes long, and what does
not process them is measured again. The two stores take turns; times are those of the processor. The quick form has
a store of weeks and some of the commands.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.aged_store import Age, add_requests, aged, opened, variables, young
from benchmarks.processes import processor_seconds
from benchmarks.result import Result, Row, Table, finish, parser, progress
from retrain.doors import http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FULL, QUICK = Age(runs=5000, files=3000, versions=500, requests=500), Age(30, 120, 5, 10)
YOUNG_RUNS = 20
ROUNDS, QUICK_ROUNDS = 4, 1
ROUTE_CALLS, QUICK_ROUTE_CALLS = 20, 1
LIMIT = 1.5

type Timed = Callable[[Path], float]


def commands(run_id: str, file: Path) -> dict[str, list[str]]:
    """Those that only look, then those that act."""
    return {
        "runs": ["runs"],
        "show RUN": ["show", run_id],
        "champion": ["champion"],
        "services": ["services"],
        "forecast": ["forecast"],
        "landings": ["landings"],
        "history": ["history", "--from", "2015-01-05", "--to", "2015-02-05"],
        "quarantine": ["quarantine"],
        "events": ["events"],
        "settings": ["settings"],
        "check FILE": ["check", str(file)],
        "run": ["run"],
        "tick": ["tick"],
        "land FILE": ["land", str(file)],
    }


ACTING = {"run", "tick", "land FILE"}
QUICK_COMMANDS = {"runs", "land FILE"}  # one that looks, one that acts


def routes(run_id: str) -> dict[str, Callable[[], http.Answer]]:
    """The routes of the Function App."""
    return {
        "GET /api/runs": lambda: http.list_runs(str(YOUNG_RUNS)),
        "GET /api/runs/{id}": lambda: http.show_run(run_id),
        "GET /api/runs/{id}/page": lambda: http.show_page(run_id),
        "GET /api/forecast": lambda: http.forecast_days("7", lambda _run_id: None),
        "POST /api/retrain": lambda: http.accept(b"{}", lambda _run_id: None),
    }


def command_seconds(words: list[str], root: Path) -> float:
    """Processor seconds of one command on a store."""
    return processor_seconds("-m", "retrain", *words, variables=variables(root))


def route_seconds(route: Callable[[], http.Answer], calls: int, root: Path) -> float:
    """Processor seconds of one call of a route on a store, the median of several."""
    found = []
    with _environment(root):
        for _ in range(calls):
            began = time.process_time()
            answer = http.answered(route)
            found.append(time.process_time() - began)
            if answer.status >= 400:
                raise SystemExit(f"a route answered {answer.status}: {answer.body}")
    return statistics.median(found)


@contextmanager
def _environment(root: Path) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables(root))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def compared(what: Mapping[str, Timed], stores: tuple[Path, Path], rounds: int) -> tuple[Row, ...]:
    """The young store and the aged one in turn, by command or route; of several rounds the first warms up."""
    rows: list[Row] = []
    for name, timed in what.items():
        progress(name)
        pairs = [(timed(stores[0]), timed(stores[1])) for _ in range(rounds)][rounds > 1 :]
        young_seconds, aged_seconds = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(old / new for new, old in pairs)
        rows.append(
            {
                "what": name,
                "young, ms": 1000 * young_seconds,
                "aged, ms": 1000 * aged_seconds,
                "aged / young": ratio,
            }
        )
    return tuple(rows)


def main() -> None:
    """Make both stores, measure, let requests wait, measure again."""
    options = parser(__doc__)
    asked = options.parse_args()
    age, rounds = (QUICK, QUICK_ROUNDS) if asked.quick else (FULL, ROUNDS)
    calls = QUICK_ROUTE_CALLS if asked.quick else ROUTE_CALLS
    with tempfile.TemporaryDirectory() as folder:
        stores = Path(folder) / "young", Path(folder) / "aged"
        try:
            young(stores[0], age, YOUNG_RUNS)
            aged(stores[1], age, YOUNG_RUNS)
            tables = tuple(_tables(stores, age, rounds, calls, QUICK_COMMANDS if asked.quick else None))
        finally:
            for store in stores:
                _stop_services(store)
    worst = max(float(row["aged / young"]) for table in tables for row in table.rows)
    result = Result(
        "Every command and route on a store that is years old, against the same on its first day.",
        f"{age.files} days; aged: {age.runs} runs, {age.files} files, {age.versions} versions, and "
        f"{age.requests} requests that wait in the second pair of tables; {rounds} round(s) in turn, of several "
        "the first warms up; medians of processor time.",
        tables,
        quick=asked.quick,
        figures={"worst": worst, "limit": LIMIT},
    )
    finish(result, asked.json)


def _tables(stores: tuple[Path, Path], age: Age, rounds: int, calls: int, only: set[str] | None) -> Iterator[Table]:
    file = stores[0].parent / "next.csv"
    file.write_text("TransactionDate,PaidAmount\n2015-01-06,112.5\n")
    named = {
        name: partial(_on_own_run, words)
        for name, words in commands("RUN", file).items()
        if only is None or name in only
    }
    by_route = {name: partial(_route, name, calls) for name in routes("")}
    yield Table("commands", compared(named, stores, rounds))
    yield Table("routes", compared(by_route, stores, rounds))
    add_requests(stores[1], age)
    looking = {name: timed for name, timed in named.items() if name not in ACTING}
    yield Table("commands, while requests wait", compared(looking, stores, rounds))
    yield Table("routes, while requests wait", compared(by_route, stores, rounds))


def _on_own_run(words: list[str], root: Path) -> float:
    """A command on a store; RUN is the run that made its champion."""
    return command_seconds([_made(root) if word == "RUN" else word for word in words], root)


def _route(name: str, calls: int, root: Path) -> float:
    return route_seconds(routes(_made(root))[name], calls, root)


def _made(root: Path) -> str:
    """The run that made the champion."""
    _, context = opened(root)
    champion = context.ledger.pointer().champion
    if champion is None:
        raise SystemExit(f"{root} has no champion")
    return champion.run_id


def _stop_services(root: Path) -> None:
    _, context = opened(root)
    for service in context.platform.services():
        context.platform.remove(service.name)


if __name__ == "__main__":
    main()

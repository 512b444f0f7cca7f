"""The start of the Function App: this code, in the package that is deployed, against a commit before it.

    make bench-cold BASE=commit JSON=file

Each side is built into a folder as it is deployed. A base that cannot build its package gets what Azure makes
of it: all files of its packages as an installer compiles them, and its own code without bytecode, because a
read-only folder gets none. A process sees nothing but the folder of its side, so that what was left out of a
package is not missed, or the benchmark fails. The sides take turns. The first request lands a file on a store
that has a champion, as a dry run, and ends with a verdict. The quick form has this code and the packages of
this environment on both sides, and few days.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.processes import ROOT
from benchmarks.result import Result, Row, Table, finish, parser, progress, spread
from infra.package import PACKAGES, build, uv, weighed
from retrain.records.request import Land, Trigger
from retrain.runs.asking import ask
from retrain.runs.dispatch import work_off
from retrain.settings import parse
from retrain.wiring import connect

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_DAY = date(2023, 1, 2)  # a Monday
WEEK = np.array([1.2, 1.1, 1.0, 1.0, 0.9, 0.7, 0.6])
NEXT = "next.csv"
PINNED = {"RETRAIN_ORDER": "1,0,1"}  # in the quick form
ROUNDS, QUICK_ROUNDS = 7, 1
LARGEST = 12
HEAVY = {"azure.ai.ml", "pandas", "scipy.optimize", "scipy.signal", "scipy.stats", "statsmodels"}
MEASURED = """
import builtins, json, os, sys, time
imported, depth, real = 0.0, 0, builtins.__import__
def counted(*names, **options):
    global imported, depth
    depth, began = depth + 1, time.perf_counter()
    try:
        return real(*names, **options)
    finally:
        depth -= 1
        imported += 0.0 if depth else time.perf_counter() - began
builtins.__import__ = counted

began = time.perf_counter()
import function_app
functions = function_app.app.get_functions()
index = time.perf_counter() - began
with open("/proc/self/status") as status:
    resident = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS:"))

from retrain.doors import http
from retrain.records.request import Land
asked = []
def landed(run_id):
    asked.append(run_id)
    return Land(run_id=run_id, file=sys.argv[1], dry_run=True)
http.on_event(landed)
whole = time.perf_counter() - began
from retrain.settings import parse
from retrain.wiring import connect
run = connect(parse(os.environ)).ledger.run(asked[0])
print(json.dumps({
    "functions": len(functions), "verdict": run.verdict, "reason": run.reason, "modules": len(sys.modules),
    "heavy": sorted({heavy!r} & sys.modules.keys()),
    "index, s": index, "resident memory, MB": resident, "first request, s": whole, "of them imports, s": imported,
}))
"""
MEASURED = MEASURED.replace("{heavy!r}", repr(HEAVY))
FIGURES = ("index, s", "resident memory, MB", "first request, s", "of them imports, s")


@dataclass(frozen=True, slots=True)
class Store:
    """A store in a folder, and its settings."""

    root: Path
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class Side:
    """What is deployed of one commit: a folder with its code, and the folder of its packages."""

    name: str
    place: Path
    packages: Path

    def first_request(self, store: Store) -> dict[str, Any]:
        """The figures of a fresh process on a copy of the store. Raises: SystemExit with its standard error."""
        with tempfile.TemporaryDirectory() as name:
            root = shutil.copytree(store.root, Path(name) / "store")
            return self._on({**store.variables, "RETRAIN_ROOT": str(root)})

    def _on(self, variables: Mapping[str, str]) -> dict[str, Any]:
        path = os.pathsep.join(map(str, (self.place, self.packages)))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RETRAIN_"))}
        environment = {**kept, **variables, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-S", "-c", MEASURED, NEXT]  # -S: without the packages of this environment
        done = subprocess.run(  # noqa: S603 - our own command
            command, cwd=self.place, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"the first request of {self.name} ended with {done.returncode}:\n{done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        if not found["functions"] or not found["verdict"]:
            raise SystemExit(f"the first request of {self.name} has no verdict: {found['reason']}")
        return found


def csv(days: range, seed: int) -> bytes:
    """A weekly pattern that never changes, one row a day."""
    noise = np.random.default_rng(seed).normal(0, 5, len(days))
    amounts = 100 * WEEK[np.array(days) % 7] + noise
    rows = (
        f"{FIRST_DAY + timedelta(days=day)},{amount:.2f}"
        for day, amount in zip(days, amounts.tolist(), strict=True)
    )
    return "\n".join(["TransactionDate,PaidAmount", *rows, ""]).encode()


def store_with_champion(root: Path, known: int, new: int, settings: Mapping[str, str]) -> Store:
    """Make a store whose champion knows the first days, and a file of new ones in its inbox."""
    variables = {"RETRAIN_CONFIRM_SECONDS": "0", **settings}
    parsed = parse({**variables, "RETRAIN_ROOT": str(root)})
    context = connect(parsed)
    context.inbox.write("first.csv", csv(range(known), 1))
    asked = ask(lambda run_id: Land(run_id=run_id, file="first.csv", trigger=Trigger.PERSON), context)
    work_off(parsed, context)
    try:
        if context.ledger.run(asked.run_id).model is None:
            raise SystemExit(f"no champion was made: {context.ledger.run(asked.run_id).reason}")
    finally:
        for service in context.platform.services():
            context.platform.remove(service.name)
    context.inbox.write(NEXT, csv(range(known, known + new), 2))
    return Store(root, variables)


def sides(base: str, folder: Path) -> tuple[Side, Side]:
    """This code and the base, each as it is deployed."""
    progress("building the package of this code")
    here, there, before = folder / "this", folder / "base", folder / "checkout"
    build(here)
    progress(f"building what is deployed of {base}")
    archive = subprocess.run(  # noqa: S603
        ["git", "archive", base],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(before, filter="data")
    if (before / "infra" / "package.py").exists():
        command = [sys.executable, "-m", "infra.package", str(there)]
        found = os.pathsep.join((str(Path(uv()).parent), os.environ["PATH"]))  # the base has none of its own
        environment = {**os.environ, "PYTHONPATH": str(before), "PATH": found}
        subprocess.run(command, cwd=before, env=environment, check=True)  # noqa: S603
    else:
        build(there, before, lean=False)
    return Side("this code", here, here / PACKAGES), Side(f"base, {base}", there, there / PACKAGES)


def quick_sides() -> tuple[Side, Side]:
    """This code twice, with the packages of this environment."""
    packages = Path(np.__file__).parents[1]
    return Side("this code", ROOT, packages), Side("this code again", ROOT, packages)


def measured(both: tuple[Side, Side], store: Store, rounds: int) -> tuple[Table, Table, list[str]]:
    """Figures, ratios, and the heavy libraries that this code loads; of several rounds the first warms up."""
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for number in range(1, rounds + 1):
        progress(f"round {number} of {rounds}")
        this, base = (side.first_request(store) for side in both)
        found.append((this, base))
    kept = found[1:] or found
    rows = tuple(_row(side.name, figures) for side, figures in zip(both, zip(*kept, strict=True), strict=True))
    ratios = tuple(spread(name, [this[name] / base[name] for this, base in kept]) for name in FIGURES)
    return Table("in a fresh process", rows), Table("this code / base", ratios), kept[0][0]["heavy"]


def _row(name: str, figures: tuple[dict[str, Any], ...]) -> Row:
    medians = {key: statistics.median(each[key] for each in figures) for key in (*FIGURES, "modules")}
    return {"side": name, "verdict": str(figures[0]["verdict"]), **medians}


def packaged(both: tuple[Side, Side]) -> tuple[Table, Table]:
    """How large each side is, and its largest packages."""
    folders = {side.packages for side in both}  # one in the quick form
    found = {folder: weighed(folder) for folder in folders}
    this, base = (found[side.packages][0] for side in both)
    rows: list[Row] = [
        {
            "side": side.name,
            "files, MB": sum(found[side.packages][0].values()),
            "bytecode, MB": found[side.packages][1],
        }
        for side in both
    ]
    largest = sorted(base, key=lambda name: base[name], reverse=True)[:LARGEST]
    parts: list[Row] = [
        {"package": name, "base, MB": base[name], "this code, MB": this.get(name, 0.0)} for name in largest
    ]
    return Table("deployed packages", tuple(rows)), Table("largest packages", tuple(parts))


def main() -> None:
    """Build both sides and a store, and measure."""
    options = parser(__doc__)
    options.add_argument("--base", default="HEAD^", help="commit to compare with")
    asked = options.parse_args()
    rounds, known, new = (QUICK_ROUNDS, 60, 30) if asked.quick else (ROUNDS, 365, 60)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        both = quick_sides() if asked.quick else sides(asked.base, folder)
        store = store_with_champion(folder / "store", known, new, PINNED if asked.quick else {})
        fresh, ratios, heavy = measured(both, store, rounds)
        tables = (fresh, ratios, *packaged(both))
    result = Result(
        "The start of the Function App: this code against a commit before it, each as it is deployed.",
        f"{rounds} round(s) in turn, of several the first warms up; medians. The champion knows {known} days, the "
        f"first request lands {new}.",
        tables,
        quick=asked.quick,
        figures={"heavy": heavy},
    )
    finish(result, asked.json)


if __name__ == "__main__":
    main()

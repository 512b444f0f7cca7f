"""Every benchmark of the Makefile runs in a quick form, with the figures of the full one; no speed is judged."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest

from benchmarks.all import targets
from benchmarks.daily import files_of
from benchmarks.result import Result
from tests.builders import csv_file, weekly
from tests.project.test_architecture import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.timeout(900)  # the limit of a run that hangs, not of a slow one

SPREAD = {"figure", "median", "min", "max"}
SHARES = ("files", "held", "held, %", "95 % interval from, %", "to, %")
TABLES = {
    "bench": {
        "readers": {"reader", "time, s", "peak memory, MB"},
        "ours / pandas": SPREAD,
        "same result": {"figure", "relative difference"},
    },
    "bench-serving": {
        "servers": {"server", "requests/s", "p99, ms", "ready in, s", "resident memory, MB"},
        "under hostile load": {"what", "figure"},
        "size of the service": {"what", "installed, MB"},
    },
    "bench-search": {
        "retrain / peer, geometric means": {"peer", "series", "fit time", "RMSE", "MASE"},
        "intervals of retrain": {"interval", "series", "mean coverage, %", "worst, %", "worst series"},
        "by series": {
            "series", "model", "fit time, s", "RMSE", "MASE", "order", "in 80 % interval, %", "in 95 % interval, %",
        },
    },
    "bench-decision": {
        "time of each side": {"side", "time, s", "result"},
        "three unseen years / one unseen year": SPREAD,
        "a process that decides once": {"side", "peak memory, MB"},
    },
    "bench-first-use": {
        "in a fresh process": {"what", "time, s"},
        "ours / bare import": SPREAD,
        "heavy modules that function_app loads": {"of", "modules", "names"},
    },
    "bench-gate": {
        "years with a promotion": {
            "RETRAIN_POLICY", "world", "champion's days", "years", "years with a promotion, %",
            "95 % interval from, %", "to, %", "worse afterwards, %", "median days after the change",
        },
        "squared error of the forecasts after the promotion / that of the champion": {
            "RETRAIN_POLICY", "world", "champion's days", "median", "90th percentile", "max",
        },
    },
    "bench-drift": {
        "years with an alarm": {
            "world", "champion's days", "years", "years with an alarm", "median days", "`level`", "`variance`",
            "`pattern`", "`naive`", "`coverage`",
        },
    },
    "bench-honest": {
        **{f"by {what}": {what, *SHARES} for what in ("world", "days of the history", "days of the file", "fault")},
        "by fault, a month or more beside a year or more": {"fault", *SHARES},
        "by doubt": {"doubt", "honest files"},
    },
    "bench-age": {
        title: {"what", "young, ms", "aged, ms", "aged / young"}
        for title in ("commands", "routes", "commands, while requests wait", "routes, while requests wait")
    },
    "bench-cold": {
        "in a fresh process": {
            "side", "verdict", "index, s", "resident memory, MB", "first request, s", "of them imports, s",
            "modules",
        },
        "this code / base": SPREAD,
        "deployed packages": {"side", "files, MB", "bytecode, MB"},
        "largest packages": {"package", "base, MB", "this code, MB"},
    },
    "bench-reproducibility": {
        "by environment": {
            "environment", "linear algebra", "worst relative difference", "orders changed", "verdicts changed",
        },
        "series that differ most": {"series", "environment", "relative difference", "changed"},
    },
}  # fmt: skip
PEERS_APART = {
    "bench-serving": ("mlflow",),
    "bench-search": ("statsforecast", "pmdarima", "autoets", "autotheta", "ensemble"),
    "bench-decision": ("statsforecast",),
}


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make with this Python, whatever it would do to the environment first."""
    command = ["make", "--old-file", ".venv/.ready", f"PYTHON={sys.executable}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def search_bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.order_search", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Quick:
    """The quick form of one benchmark: what it printed and what it wrote."""

    printed: str
    result: Result


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Quick]:
    """Runs the quick form of a benchmark, each once."""
    folder = tmp_path_factory.mktemp("figures")

    @cache
    def run(target: str) -> Quick:
        file = folder / f"{target}.json"
        options = [target, "QUICK=1", f"JSON={file}"]
        planned = make("--dry-run", *options).stdout
        assert "--quick" in planned, f"{target} has no quick form: its recipe must pass --quick for QUICK=1"
        made = make(*options)
        assert made.returncode == 0, made.stderr
        return Quick(made.stdout, Result.from_json(file.read_text()))

    return run


@pytest.mark.parametrize("target", targets(ROOT / "Makefile"))
def test_a_benchmark_has_a_quick_form_with_all_its_figures(target: str, quick: Callable[[str], Quick]):
    """Each number is finite, what is printed is what is written, and a peer that is left out is named."""
    assert target in TABLES, f"{target} is new: add its tables to TABLES"

    made = quick(target)

    result = made.result
    assert result.quick
    assert result.markdown() in made.printed
    assert {table.title: set(table.columns) for table in result.tables} == TABLES[target]
    assert result.missing == PEERS_APART.get(target, ())
    cells = [cell for table in result.tables for row in table.rows for cell in row.values()]
    numbers = [cell for cell in cells if not isinstance(cell, str)]
    assert numbers
    assert all(math.isfinite(number) for number in numbers)


def test_other_kernels_and_threads_change_no_decision(quick: Callable[[str], Quick]):
    """Each environment is a process of its own, which says what it really used."""
    result = quick("bench-reproducibility").result

    environments = {row["environment"] for row in result.tables[0].rows}
    assert environments == {"last bits, draw 1", "two threads", "kernels of Prescott", "NumPy without vectors"}
    assert len(result.figures["kernels"]) > 1
    assert (result.figures["orders_changed"], result.figures["verdicts_changed"]) == (0, 0)
    assert result.figures["worst_relative"] < 1e-6


def test_the_few_figures_of_a_benchmark_are_at_the_top_of_the_file():
    """Where a program finds them, beside the tables of the page."""
    result = Result("This and that.", "Two series.", (), figures={"series": 2, "worst_relative": 1e-9})

    document = json.loads(result.to_json())

    assert document["series"] == 2
    assert document["worst_relative"] == 1e-9
    assert Result.from_json(result.to_json()) == result


def test_the_figures_of_the_search_cover_every_series_and_model(tmp_path: Path):
    """By series and model; the means are ours / peer."""
    folder, file = tmp_path / "data", tmp_path / "out.json"
    folder.mkdir()
    (folder / "one.csv").write_bytes(csv_file(weekly(120)))
    (folder / "two.csv").write_bytes(csv_file(weekly(90, seed=3)))

    made = search_bench("--data", str(folder), "--peers", "seasonal_naive", "--json", str(file))

    assert made.returncode == 0, made.stderr
    means, _, by_series = Result.from_json(file.read_text()).tables
    rmse = {(row["series"], row["model"]): float(row["RMSE"]) for row in by_series.rows}
    assert set(rmse) == {(name, model) for name in ("one", "two") for model in ("retrain", "seasonal_naive")}
    ratios = [rmse[name, "retrain"] / rmse[name, "seasonal_naive"] for name in ("one", "two")]
    assert means.rows[0]["RMSE"] == pytest.approx((ratios[0] * ratios[1]) ** 0.5)


def test_a_folder_without_series_is_refused(tmp_path: Path):
    """With the folder's name."""
    made = search_bench("--data", str(tmp_path))

    assert made.returncode != 0
    assert f"{tmp_path} holds no data files" in made.stderr


def test_an_unknown_peer_is_refused(tmp_path: Path):
    """With the peers that there are."""
    made = search_bench("--data", str(tmp_path), "--peers", "prophet")

    assert made.returncode == 2
    assert "no such peer: prophet; there are statsforecast, pmdarima" in made.stderr


def test_the_csv_files_of_a_folder_are_its_series(tmp_path: Path):
    """Raw files count only where there are none."""
    (tmp_path / "raw.tsv.gz").touch()
    raw_alone = files_of(tmp_path)
    (tmp_path / "days.csv").touch()

    assert [file.name for file in raw_alone] == ["raw.tsv.gz"]
    assert [file.name for file in files_of(tmp_path)] == ["days.csv"]


def test_a_verdict_that_keeps_the_champion_loads_no_library_that_it_does_not_use(quick: Callable[[str], Quick]):
    """Each of them takes as long to import as a request over the network."""
    assert quick("bench-cold").result.figures["heavy"] == []

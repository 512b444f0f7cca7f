"""The benchmark of the search keeps its word on a folder that nobody has prepared for it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.builders import csv_file, weekly
from tests.project.test_architecture import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks/order_search.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_series_and_every_mean_is_in_the_file(tmp_path: Path):
    """By series and model; the means are ours / peer."""
    (tmp_path / "one.csv").write_bytes(csv_file(weekly(120)))
    (tmp_path / "two.csv").write_bytes(csv_file(weekly(90, seed=3)))

    made = bench(
        "--data", str(tmp_path), "--peers", "seasonal_naive,arima202", "--json", str(tmp_path / "out.json")
    )

    assert made.returncode == 0, made.stderr
    result = json.loads((tmp_path / "out.json").read_text())
    assert set(result["series"]) == {"one", "two"}
    for row in result["series"].values():
        assert set(row) == {"retrain", "seasonal_naive", "arima202"}
        assert all(set(model) == {"rmse", "mase", "fit_seconds", "order"} for model in row.values())
    ratios = [row["retrain"]["rmse"] / row["arima202"]["rmse"] for row in result["series"].values()]
    assert result["geometric_mean"]["arima202"]["rmse"] == pytest.approx((ratios[0] * ratios[1]) ** 0.5)


def test_a_folder_without_series_is_refused(tmp_path: Path):
    """With the folder's name."""
    made = bench("--data", str(tmp_path))

    assert made.returncode == 2
    assert "holds no CSV file" in made.stderr

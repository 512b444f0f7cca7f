"""Automatic orders on a folder of daily series: ours and the peers', the same folds, one process, one run.

    make bench-search DATA=folder JSON=file

Each file is a series; a CSV file holds a date and a value a row. Its last min(182, 40 %) days are held out. Every
model is fitted once on what precedes them, then forecasts a week at every seventh day, only filtered forward.
Imports and a first fit of each are outside the clock, linear algebra keeps to one thread for all, and a model that
fails on a series is named. Means are geometric, of ours / peer. The quick form takes the first days of each series.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.daily import files_of, series_of, stem
from benchmarks.peers import APART, HORIZON, NO_FIT, PEERS, SEASON, Fitted, Vector, ours
from benchmarks.result import Result, Row, Table, finish, parser, progress
from retrain.data.series import DailySeries
from retrain.gate.scores import LEVELS, coverage, mase

HELD_OUT_DAYS, HELD_OUT_SHARE = 182, 0.4
QUICK_DAYS = 84
RATIOS = {"fit time": "fit time, s", "RMSE": "RMSE", "MASE": "MASE"}
COVERAGE = {level: f"in {level:g} % interval, %" for level in LEVELS}
OURS = "retrain"


def measure(model: Callable[[DailySeries], Fitted], whole: DailySeries) -> Row:
    """RMSE, MASE, seconds and, of ours, coverage of one model on one series; the error where there are none."""
    values = whole.values.copy()  # some peers want to write to it
    held_out = min(HELD_OUT_DAYS, int(HELD_OUT_SHARE * len(values)))
    trained = len(values) - held_out
    series = DailySeries(whole.first_day, values[:trained].copy())
    origins = range(trained, len(values) - HORIZON + 1, HORIZON)
    try:
        began = time.perf_counter()
        fitted = model(series)
        seconds = time.perf_counter() - began
        made = np.array([fitted.forecast(values[:origin]) for origin in origins])
        actual = np.array([values[origin : origin + HORIZON] for origin in origins])
        rmse = float(np.sqrt(np.mean((actual - made) ** 2)))
        scaled = mase(actual, made, series.values, SEASON)
        inside = covered(fitted, values, actual)
    except Exception as exc:  # noqa: BLE001 - a model that fails is part of the result
        return {"error": f"{type(exc).__name__}: {exc}"}
    if scaled is None:
        return {"error": "MASE is not defined: the training days have no scale", "order": fitted.order}
    if not np.isfinite([rmse, scaled]).all():
        return {"error": "a forecast is not a finite number", "order": fitted.order}
    return {"RMSE": rmse, "MASE": scaled, "fit time, s": seconds, "order": fitted.order, **inside}


def covered(fitted: Fitted, values: Vector, actual: Vector) -> Row:
    """Share of the actual amounts inside the intervals, for a model whose intervals are scored."""
    if fitted.rolling is None:
        return {}
    daily = fitted.rolling(values)
    weekly = daily.where(np.arange(len(daily.center)) % HORIZON == 0)
    return {name: 100 * coverage(actual, weekly, level) for level, name in COVERAGE.items()}


def geometric_mean(ratios: list[float]) -> float:
    """Of positive numbers."""
    return float(np.exp(np.mean(np.log(ratios))))


def means(table: dict[str, dict[str, Row]], peers: list[str]) -> tuple[Row, ...]:
    """Geometric means of ours / peer over the series on which both have an answer."""
    found: list[Row] = []
    for peer in peers:
        both = [row for row in table.values() if "error" not in row[OURS] and "error" not in row[peer]]
        ratios = {
            name: geometric_mean([float(row[OURS][column]) / float(row[peer][column]) for row in both])
            for name, column in RATIOS.items()
            if both and not (name == "fit time" and peer in NO_FIT)
        }
        found.append({"peer": peer, "series": len(both), **ratios})
    return tuple(found)


def intervals(table: dict[str, dict[str, Row]]) -> tuple[Row, ...]:
    """The coverage of our intervals: its mean over the series, and the lowest of one series."""
    rows = []
    for level, name in COVERAGE.items():
        found = {series: float(row[OURS][name]) for series, row in table.items() if name in row[OURS]}
        if found:
            worst = min(found, key=lambda series: found[series])
            shares: Row = {"mean coverage, %": float(np.mean(list(found.values()))), "worst, %": found[worst]}
            rows.append({"interval": f"{level:g} %", "series": len(found), **shares, "worst series": worst})
    return tuple(rows)


def main() -> int:
    """Measure every model on every series; 1 if ours failed on any."""
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="folder of daily series, one a file")
    options.add_argument("--peers", default=",".join(PEERS), help="which of them, by comma")
    asked = options.parse_args()
    wanted = [peer for peer in asked.peers.split(",") if peer]
    if unknown := set(wanted) - PEERS.keys():
        options.error(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    files = files_of(asked.data)
    missing = tuple(peer for peer in wanted if asked.quick and peer in APART)
    peers = [peer for peer in wanted if peer not in missing]
    models = {OURS: ours, **{peer: PEERS[peer] for peer in peers}}
    table: dict[str, dict[str, Row]] = {}
    with threadpool_limits(1):
        warm = DailySeries(date(2024, 1, 1), np.random.default_rng(0).normal(100, 5, 120))
        for model in models.values():
            measure(model, warm)
        warnings.simplefilter("ignore")  # the peers set filters of their own when they are imported
        for file in files:
            whole = series_of([file])
            if asked.quick:
                whole = whole.through(whole.first_day + timedelta(days=QUICK_DAYS - 1))
            table[stem(file)] = {name: measure(model, whole) for name, model in models.items()}
            progress(f"{stem(file)}: {len(models)} models on {len(whole)} days")
    rows = tuple({"series": name, "model": model, **row} for name, by in table.items() for model, row in by.items())
    result = Result(
        "The automatic choice of an order, one fit and weekly forecasts: ours against the peers on the same folds.",
        f"{len(table)} series, each with its last {HELD_OUT_SHARE:.0%} held out, at most {HELD_OUT_DAYS} days; "
        "one thread for linear algebra.",
        (
            Table(f"{OURS} / peer, geometric means", means(table, peers)),
            Table(f"intervals of {OURS}", intervals(table)),
            Table("by series", rows),
        ),
        missing,
        asked.quick,
    )
    finish(result, asked.json)
    failed = [name for name, row in table.items() if "error" in row[OURS]]
    if failed:
        progress(f"{OURS} failed on {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Automatic orders on a folder of daily series: ours and the peers', the same folds, one process, one run.

    make bench-search DATA=folder JSON=file

Each CSV file holds a date and a value a row. Its last min(182, 40 %) days are held out. Every model is fitted once
on what precedes them, then forecasts a week at every seventh day, only filtered forward. Imports and a first fit of
each are outside the clock, linear algebra keeps to one thread for all, and a model that fails on a series is named.
Means are geometric, of ours / peer.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from retrain.arima.search import search
from retrain.data.series import DailySeries
from retrain.gate.scores import mase

SEASON = HORIZON = 7
HELD_OUT_DAYS, HELD_OUT_SHARE = 182, 0.4
METRICS = ("fit_seconds", "rmse", "mase")
OURS = "retrain"

type Vector = np.ndarray[Any, np.dtype[np.float64]]
type Forecaster = Callable[[Vector], Vector]
"""All days before an origin -> the HORIZON days after it, parameters unchanged."""


@dataclass(frozen=True)
class Fitted:
    """What a model has to show after its one fit."""

    order: str
    forecast: Forecaster


def ours(series: DailySeries) -> Fitted:
    """The search, as a run makes it; no country, because the files name none."""
    found = search(series, SEASON, HORIZON)

    def forecast(known: Vector) -> Vector:
        return found.model.observe(known[len(series) :]).forecast(HORIZON).mean

    return Fitted(str(found.order), forecast)


def statsforecast(series: DailySeries) -> Fitted:
    """Nixtla's AutoARIMA with its defaults."""
    from statsforecast.models import AutoARIMA

    model = AutoARIMA(season_length=SEASON).fit(series.values.copy())
    p, q, seasonal_p, seasonal_q, season, d, seasonal_d = model.model_["arma"]
    order = f"({p},{d},{q})({seasonal_p},{seasonal_d},{seasonal_q}){season}"
    return Fitted(order, lambda known: model.forward(known, h=HORIZON)["mean"])


def pmdarima(series: DailySeries) -> Fitted:
    """auto_arima with its defaults."""
    from pmdarima import auto_arima

    found = auto_arima(series.values.copy(), m=SEASON)
    result = found.arima_res_
    order = "".join(str(part).replace(" ", "") for part in (found.order, found.seasonal_order[:3]))
    return Fitted(f"{order}{SEASON}", lambda known: result.apply(known, refit=False).forecast(HORIZON))


def arima202(series: DailySeries) -> Fitted:
    """What the predecessor fitted to everything."""
    from statsmodels.tsa.arima.model import ARIMA

    result = ARIMA(series.values, order=(2, 0, 2), trend="c").fit()
    return Fitted("(2,0,2) with mean", lambda known: result.apply(known, refit=False).forecast(HORIZON))


def seasonal_naive(_series: DailySeries) -> Fitted:
    """The same weekday of the week before; there is nothing to fit."""
    return Fitted("last week", lambda known: known[-SEASON:])


PEERS: dict[str, Callable[[DailySeries], Fitted]] = {
    "statsforecast": statsforecast,
    "pmdarima": pmdarima,
    "seasonal_naive": seasonal_naive,
    "arima202": arima202,
}


def read(path: Path) -> pd.Series:
    """One value a day, the last one told; missing days interpolated, as the program does it."""
    table = pd.read_csv(path).dropna()
    days = pd.DatetimeIndex(pd.to_datetime(table.iloc[:, 0])).tz_localize(None).normalize()
    told = pd.Series(table.iloc[:, 1].to_numpy(float), days).sort_index(kind="stable")
    return told[~told.index.duplicated(keep="last")].asfreq("D").interpolate()


def measure(model: Callable[[DailySeries], Fitted], whole: pd.Series) -> dict[str, Any]:
    """RMSE, MASE and seconds of one model on one series; the error where there are none."""
    values = whole.to_numpy(float)
    held_out = min(HELD_OUT_DAYS, int(HELD_OUT_SHARE * len(values)))
    trained = len(values) - held_out
    series = DailySeries(whole.index[0].date(), values[:trained].copy())
    origins = range(trained, len(values) - HORIZON + 1, HORIZON)
    try:
        began = time.perf_counter()
        fitted = model(series)
        seconds = time.perf_counter() - began
        made = np.array([fitted.forecast(values[:origin]) for origin in origins])
        actual = np.array([values[origin : origin + HORIZON] for origin in origins])
        errors = {
            "rmse": float(np.sqrt(np.mean((actual - made) ** 2))),
            "mase": mase(actual, made, series.values, SEASON),
        }
    except Exception as exc:  # noqa: BLE001 - a model that fails is part of the result
        return {"error": f"{type(exc).__name__}: {exc}"}
    if not np.isfinite(list(errors.values())).all():
        return {"error": "a forecast is not a finite number", "order": fitted.order}
    return {**errors, "fit_seconds": seconds, "order": fitted.order}


def means(table: dict[str, dict[str, Any]], peers: list[str]) -> dict[str, dict[str, float]]:
    """Geometric means of ours / peer over the series on which both have an answer."""
    found = {}
    for peer in peers:
        both = [row for row in table.values() if "error" not in row[OURS] and "error" not in row[peer]]
        found[peer] = {
            metric: float(np.exp(np.mean([np.log(row[OURS][metric] / row[peer][metric]) for row in both])))
            for metric in METRICS
            if both
        }
    return found


def show(name: str, row: dict[str, Any]) -> None:
    """One line a model."""
    for model, result in row.items():
        numbers = result.get("error") or (
            f"RMSE {result['rmse']:>10.4g}  MASE {result['mase']:>6.3f}  "
            f"{result['fit_seconds']:>8.3f} s  {result['order']}"
        )
        print(f"{name:<24}{model:<16}{numbers}", flush=True)


def main() -> int:
    """Measure, print, write; 1 if ours failed on any series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of CSV files: date, value")
    parser.add_argument("--peers", default=",".join(PEERS), help="which of them, by comma")
    parser.add_argument("--json", type=Path, help="where the figures go")
    asked = parser.parse_args()
    peers = [peer for peer in asked.peers.split(",") if peer]
    unknown = set(peers) - PEERS.keys()
    files = sorted(asked.data.glob("*.csv"))
    if unknown or not files:
        parser.error(f"no such peer: {', '.join(unknown)}" if unknown else f"{asked.data} holds no CSV file")
    models = {OURS: ours, **{peer: PEERS[peer] for peer in peers}}
    warnings.simplefilter("ignore")
    table: dict[str, dict[str, Any]] = {}
    with threadpool_limits(1):
        warm = pd.Series(np.random.default_rng(0).normal(100, 5, 120), pd.date_range("2024-01-01", periods=120))
        for model in models.values():
            measure(model, warm)
        for file in files:
            whole = read(file)
            table[file.stem] = {name: measure(model, whole) for name, model in models.items()}
            show(file.stem, table[file.stem])
    result = {"geometric_mean": means(table, peers), "series": table}
    for peer, ratios in result["geometric_mean"].items():
        print(f"{OURS} / {peer:<16}" + "  ".join(f"{metric} {ratio:.3f}" for metric, ratio in ratios.items()))
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1))
    failed = [name for name, row in table.items() if "error" in row[OURS]]
    if failed:
        print(f"{OURS} failed on {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""What a run decides on each of many series, as JSON: a process of its own, so that its environment can be chosen.

    python -m benchmarks.decisions --draws 2

The first outcomes are those of the amounts as they are; a draw moves each of them by at most its last bit.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.runs import SETTINGS
from benchmarks.series import of_folder, simulated
from retrain.errors import RetrainError
from retrain.gate.assess import assess

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retrain.arima.ensemble import FittedModel
    from retrain.data.series import DailySeries

FIRST_SHARE = 0.6  # of the days: what the first model is made of
FORECAST_DAYS = 28


@dataclass(frozen=True, slots=True)
class Outcome:
    """The first model of a series, and the verdict on all its days.

    Attributes:
        verdict: the exception's name if there is none.
        orders: of the first model and of the one that was measured against it, companions too.
        forecasts: of the first model, and of the winner or, without one, of the challenger; currency per day.
    """

    verdict: str
    orders: tuple[str, ...] = ()
    forecasts: tuple[tuple[float, ...], ...] = ()


def named(data: Sequence[Path], limit: int | None) -> Iterator[tuple[str, DailySeries]]:
    """The series of the folders, and the simulated ones; at most `limit` of these."""
    for folder in data:
        yield from of_folder(folder)
    yield from islice(simulated(), limit)


def moved(series: DailySeries, draw: int) -> DailySeries:
    """The series with last bits changed at random; zeros stay zeros."""
    if not draw:
        return series
    signs = np.random.default_rng(draw).integers(-1, 2, len(series))
    neighbours = np.nextafter(series.values, np.where(signs > 0, np.inf, -np.inf))
    return replace(series, values=np.where((signs == 0) | (series.values == 0), series.values, neighbours))


def outcome(series: DailySeries) -> Outcome:
    """The first model of the first days, then the verdict on all days with that as the champion."""
    known = series.through(series.first_day + timedelta(days=int(FIRST_SHARE * len(series)) - 1))
    try:
        first = assess(known, None, SETTINGS)
        later = assess(series, first.winner.model if first.winner else None, SETTINGS)
    except RetrainError as exc:
        return Outcome(type(exc).__name__)
    models = [model for model in (first.winner, later.winner or later.challenger) if model]
    return Outcome(
        f"{first.decision.verdict}, {later.decision.verdict}",
        tuple(_orders(model) for model in models),
        tuple(tuple(model.model.forecast(FORECAST_DAYS).mean.tolist()) for model in models),
    )


def _orders(model: FittedModel) -> str:
    return " | ".join(str(each.order) for each in model.fits)


def main() -> None:
    """Print the outcome of every series, and which kernels it came from."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--draws", type=int, default=0, help="of last bits, besides the amounts as they are")
    options.add_argument("--data", type=Path, nargs="*", default=[], help="folders of daily series")
    options.add_argument("--limit", type=int, help="simulated series; all by default")
    asked = options.parse_args()
    there = list(named(asked.data, asked.limit))
    found = [
        {name: asdict(outcome(moved(series, draw))) for name, series in there} for draw in range(asked.draws + 1)
    ]
    print(json.dumps({"kernels": _kernels(), "outcomes": found}))


def _kernels() -> str:
    """Which kernels NumPy's and SciPy's linear algebra really use."""
    import scipy.linalg  # noqa: F401 - it brings its own
    from threadpoolctl import threadpool_info

    libraries = {
        f"{found.get('architecture', 'unknown')}, {found['num_threads']} threads" for found in threadpool_info()
    }
    return " and ".join(sorted(libraries))


if __name__ == "__main__":
    main()

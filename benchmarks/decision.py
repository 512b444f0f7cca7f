"""A whole decision against one fit of a peer: search, comparison over every unseen day, test, final fit.

    make bench-decision DATA=folder

The folder holds one file of daily amounts a year. The champion is made from the first file, the decision from all;
then statsforecast fits AutoARIMA(season_length=7) once to the same days, in the same process, in turn. With --once
it only decides, and prints the peak memory of the process.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from retrain.arima.fit import FittedModel, refit
from retrain.arima.search import search
from retrain.data.formats import Columns
from retrain.data.series import DailySeries, GapPolicy, daily_series
from retrain.data.transactions import Aggregate, read_days
from retrain.gate.decide import PromotionPolicy, decide
from retrain.gate.evaluate import compare

SEASON = HORIZON = 7
REFIT_DAYS = 14
ROUNDS = 5


def read(files: list[Path]) -> DailySeries:
    """Every day of the files, the later one winning."""
    days: dict[date, float] = {}
    for file in files:
        with file.open("rb") as stream:
            days |= read_days(stream, file.name, Columns(), Aggregate.MEAN, date.today()).days
    return daily_series(days, GapPolicy.INTERPOLATE)


def ours(champion: FittedModel, first: DailySeries, whole: DailySeries) -> str:
    """What a run does between reading the history and promoting, with the default policy."""
    challenger = search(first, SEASON, HORIZON)
    measured = compare(
        champion.model, challenger, whole, horizon_days=HORIZON, season_days=SEASON, refit_days=REFIT_DAYS
    )
    decision = decide(measured, PromotionPolicy())
    refit(challenger, whole)
    return f"{decision.verdict}: {decision.reason}"


def theirs(whole: DailySeries) -> str:
    """One automatic fit."""
    from statsforecast.models import AutoARIMA

    model = AutoARIMA(season_length=SEASON).fit(whole.values.copy())
    return f"arma {model.model_['arma']}"


def main() -> None:
    """Measure in turn, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with one CSV file a year")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--once", action="store_true", help="decide once and print the peak memory")
    asked = parser.parse_args()
    years = sorted(asked.data.glob("*.csv"))
    first, whole = read(years[:1]), read(years)
    champion = search(first, SEASON, HORIZON)
    if asked.once:
        ours(champion, first, whole)
        print(f"one decision, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        return
    sides: dict[str, Callable[[], str]] = {
        "decision": partial(ours, champion, first, whole),
        "statsforecast": partial(theirs, whole),
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    with threadpool_limits(1):
        for number in range(ROUNDS + 1):
            for name, side in sides.items():
                began = time.perf_counter()
                said = side()
                if number:  # the first round warms up
                    seconds[name].append(time.perf_counter() - began)
                    print(f"{name:<16}{seconds[name][-1]:7.3f} s  {said}")
    figures = {f"{name}_seconds": statistics.median(spent) for name, spent in seconds.items()}
    figures["ratio"] = figures["decision_seconds"] / figures["statsforecast_seconds"]
    print("  ".join(f"{name} {figure:.3f}" for name, figure in figures.items()))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

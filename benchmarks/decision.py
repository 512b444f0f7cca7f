"""A whole decision, as a run makes it, against one fit of a peer.

    make bench-decision DATA=folder

The folder holds the daily amounts of one year in each file. The champion is the first model that a run makes of
the first file; the decision is that of the next run, on all files: search, comparison over every unseen day, test,
and the fit of the winner to every day if it is promoted. Then statsforecast fits AutoARIMA(season_length=7) once to
the same days, in the same process, in turn. The peak memory is that of a process of its own that decides once
(--once). The quick form takes the first days only.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmarks.daily import files_of, series_of, stem
from benchmarks.processes import in_new_process, peak_mb
from benchmarks.result import Result, Row, Table, finish, parser, progress, spread
from benchmarks.runs import SETTINGS, first_model
from retrain.data.series import DailySeries
from retrain.gate.assess import assess
from scoring.model import ForecastModel

ROUNDS, QUICK_ROUNDS = 5, 1
QUICK_DAYS, QUICK_UNSEEN_DAYS = 150, SETTINGS.min_unseen_days
PEER = "statsforecast"


def ours(champion: ForecastModel, whole: DailySeries) -> str:
    """What a run does between reading the history and promoting."""
    decision = assess(whole, champion, SETTINGS).decision
    return f"{decision.verdict}: {decision.reason}"


def theirs(whole: DailySeries) -> str:
    """One automatic fit."""
    from statsforecast.models import AutoARIMA

    model = AutoARIMA(season_length=SETTINGS.season_days).fit(whole.values.copy())
    return f"arma {model.model_['arma']}"


def in_turn(sides: dict[str, Callable[[], str]], rounds: int) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Seconds of each side by round, and what each said last; a round before the first warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    said: dict[str, str] = {}
    with threadpool_limits(1):
        for number in range(rounds + 1):
            for name, side in sides.items():
                began = time.perf_counter()
                said[name] = side()
                if number:
                    seconds[name].append(time.perf_counter() - began)
                    progress(f"round {number} of {rounds}: {name} {seconds[name][-1]:.3f} s")
    return seconds, said


def main() -> None:
    """Measure the memory, then both sides in turn."""
    options = parser(__doc__)
    options.add_argument("--data", type=Path, required=True, help="folder with one file of daily amounts a year")
    options.add_argument("--once", action="store_true", help="decide once and print the peak memory in MB")
    asked = options.parse_args()
    files = files_of(asked.data)
    first, whole = series_of(files[:1]), series_of(files)
    if asked.quick:
        first = first.through(first.first_day + timedelta(days=QUICK_DAYS - 1))
        whole = whole.through(first.last_day + timedelta(days=QUICK_UNSEEN_DAYS))
    champion = first_model(first)
    if asked.once:
        ours(champion, whole)
        print(peak_mb())
        return
    again = ["--data", asked.data.resolve(), "--once", *(["--quick"] if asked.quick else [])]
    memory = float(in_new_process("-m", "benchmarks.decision", *again))
    sides: dict[str, Callable[[], str]] = {"decision": partial(ours, champion, whole)}
    if not asked.quick:
        sides[PEER] = partial(theirs, whole)
    rounds = QUICK_ROUNDS if asked.quick else ROUNDS
    seconds, said = in_turn(sides, rounds)
    rows: list[Row] = [
        {"side": name, "time, s": statistics.median(spent), "result": said[name]} for name, spent in seconds.items()
    ]
    tables = [
        Table("time of each side", tuple(rows)),
        Table("a process that decides once", ({"side": "decision", "peak memory, MB": memory},)),
    ]
    if PEER in sides:
        ratios = [ours / peer for ours, peer in zip(seconds["decision"], seconds[PEER], strict=True)]
        tables.insert(1, Table(f"decision / {PEER}", (spread("time", ratios),)))
    result = Result(
        f"A whole decision of ours against one AutoARIMA(season_length={SETTINGS.season_days}).fit of {PEER} "
        "on the same days.",
        f"{', '.join(map(stem, files))}: {len(whole)} days, {len(whole) - len(first)} of them unseen; "
        f"{rounds} round(s) in turn, medians; one thread for linear algebra.",
        tuple(tables),
        () if PEER in sides else (PEER,),
        asked.quick,
    )
    finish(result, asked.json)


if __name__ == "__main__":
    main()

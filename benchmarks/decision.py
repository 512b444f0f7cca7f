"""A whole decision, as a run makes it, against one fit of a peer.

    make bench-decision DATA=folder

The folder holds the daily amounts of one year in each file. The champion is the first model that a run makes of
the first file; the decision is that of the next run, on all files: search, comparison over every unseen day, test,
and the fit of the winner to every day if it is promoted. Then statsforecast fits AutoARIMA(season_length=7) once to
the same days, in the same process, in turn. The peak memory is that of a process of its own that decides once
(--once). Besides, a decision over three unseen years is timed against one over one, with a champion of a year, on
simulated amounts in which nothing changes, each round on others. Seconds are those of the processor: each side is
one thread, and what else runs on the machine does not count. The quick form takes the first days only, and does
not warm up.
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
from benchmarks.worlds import UNCHANGED, simulated
from retrain.data.series import DailySeries
from retrain.gate.assess import assess
from scoring.model import ForecastModel

ROUNDS, QUICK_ROUNDS = 5, 1
QUICK_DAYS, QUICK_UNSEEN_DAYS = 90, SETTINGS.min_unseen_days
PEER = "statsforecast"
YEAR_DAYS, QUICK_YEAR_DAYS = 365, 45
LONG, SHORT = "three unseen years", "one unseen year"


def ours(champion: ForecastModel, whole: DailySeries) -> str:
    """What a run does between reading the history and promoting."""
    decision = assess(whole, champion, SETTINGS).decision
    return f"{decision.verdict}: {decision.reason}"


def theirs(whole: DailySeries) -> str:
    """One automatic fit."""
    from statsforecast.models import AutoARIMA

    model = AutoARIMA(season_length=SETTINGS.season_days).fit(whole.values.copy())
    return f"arma {model.model_['arma']}"


def in_turn(
    sides: dict[str, Callable[[], str]], rounds: int, *, warm_up: bool
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Processor seconds of each side by round, and what each said last; a round before the first may warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    said: dict[str, str] = {}
    with threadpool_limits(1):
        for number in range(0 if warm_up else 1, rounds + 1):
            for name, side in sides.items():
                began = time.process_time()
                said[name] = side()
                if number:
                    seconds[name].append(time.process_time() - began)
                    progress(f"round {number} of {rounds}: {name} {seconds[name][-1]:.3f} s")
    return seconds, said


def ratios(seconds: dict[str, list[float]], side: str, other: str) -> list[float]:
    """Of the times of two sides, by round."""
    return [mine / theirs for mine, theirs in zip(seconds[side], seconds[other], strict=True)]


def long_and_short(year_days: int, rounds: int, *, warm_up: bool) -> list[float]:
    """Time of a decision over three unseen years / over one, about the same champion; each round on other days."""
    found = []
    for seed in range(rounds):
        simulation = simulated(UNCHANGED, year_days, seed, days=3 * year_days)
        champion = first_model(simulation.after(0))
        sides: dict[str, Callable[[], str]] = {
            LONG: partial(ours, champion, simulation.after(3 * year_days)),
            SHORT: partial(ours, champion, simulation.after(year_days)),
        }
        seconds, _ = in_turn(sides, 1, warm_up=warm_up)
        found += ratios(seconds, LONG, SHORT)
    return found


def main() -> None:
    """Measure the memory, then the sides in turn."""
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
    rounds, year_days = (QUICK_ROUNDS, QUICK_YEAR_DAYS) if asked.quick else (ROUNDS, YEAR_DAYS)
    seconds, said = in_turn(sides, rounds, warm_up=not asked.quick)
    longer = long_and_short(year_days, rounds, warm_up=not asked.quick)
    rows: list[Row] = [
        {"side": name, "time, s": statistics.median(spent), "result": said[name]} for name, spent in seconds.items()
    ]
    tables = [
        Table("time of each side", tuple(rows)),
        Table(f"{LONG} / {SHORT}", (spread("time of a decision", longer),)),
        Table("a process that decides once", ({"side": "decision", "peak memory, MB": memory},)),
    ]
    if PEER in sides:
        tables.insert(1, Table(f"decision / {PEER}", (spread("time", ratios(seconds, "decision", PEER)),)))
    result = Result(
        f"A whole decision of ours against one AutoARIMA(season_length={SETTINGS.season_days}).fit of {PEER} "
        "on the same days.",
        f"{', '.join(map(stem, files))}: {len(whole)} days, {len(whole) - len(first)} of them unseen; "
        f"{rounds} round(s) in turn, medians of processor time; one thread.",
        tuple(tables),
        () if PEER in sides else (PEER,),
        asked.quick,
    )
    finish(result, asked.json)


if __name__ == "__main__":
    main()

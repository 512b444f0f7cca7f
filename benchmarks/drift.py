"""How often a year of daily looks gives a false alarm, and how soon a change of the data gives a true one.

    make bench-drift
    make bench-drift YEARS=40 JSON=file
    make bench-drift WRITE_TABLES=1
    make bench-drift CALIBRATE=1 YEARS=300

Each simulated year draws amounts of a world of `make bench-gate`, makes the first model of the half year or the
year before, and watches it every day of the next year as a run with the default settings does. Where something
changes on day 90, an alarm counts from then on; where nothing does, each alarm is false. Shares have 95 % intervals
(Wilson, 1927). WRITE_TABLES=1 renews the table of docs/evidence.md. CALIBRATE=1 prints the numbers of
retrain/monitoring/limits.py, from other years in which nothing changes. The quick form has one year of each of two
worlds.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.drift_years import Found, found
from benchmarks.gate import CHAMPION_DAYS, wilson
from benchmarks.gate_page import PAGE, percent, write_tables
from benchmarks.result import Result, Row, Table, finish, parser, progress
from benchmarks.worlds import CHANGE, LOUDER, UNCHANGED, WORLDS, World
from retrain.monitoring.drift import CHANGES
from retrain.monitoring.limits import MARGIN, REACHED_IN, SHARES, TRAINED_DAYS
from retrain.settings.watch import WatchSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

ALPHA = WatchSettings().drift_alpha
YEARS_UNCHANGED, YEARS_CHANGED, QUICK_YEARS = 200, 50, 1
YEAR_DAYS, QUICK_DAYS = 365, CHANGE + 60
FIRST_SEED_OF_LIMITS = 10_000  # what limits are made from is not what they are measured on
FAR_OUT = 0.015  # of the years, which with REACHED_IN tell how the largest values decrease
BEGIN = "<!-- make bench-drift WRITE_TABLES=1 writes the lines from here -->"

type Task = tuple[World, int, int, int]
"""World, days of the champion, seed, days of the year."""


def simulate(tasks: Sequence[Task]) -> list[Found]:
    """Every year, in the order of the tasks."""
    made = []
    workers = os.process_cpu_count()
    with ProcessPoolExecutor(workers, initializer=threadpool_limits, initargs=(1,)) as pool:
        for each in pool.map(partial(_year, ALPHA), tasks, chunksize=5):
            made.append(each)
            if len(made) % 50 == 0:
                progress(f"{len(made)} of {len(tasks)} years")
    return made


def _year(alpha: float, task: Task) -> Found:
    return found(*task, alpha)


def figure(years: Sequence[Found]) -> dict[str, object]:
    """Of the years of one world and age: shares between 0 and 1; None where nothing was found or nothing changes.

    The median counts a year without an alarm as one in which it never came.
    """
    world = next(one for one in (*WORLDS, LOUDER) if one.name == years[0].world)
    days = [year.first for year in years if year.first is not None]
    low, high = wilson(len(days), len(years))
    change = world.change if world.change is not None else 0
    median = float(np.median([math.inf if year.first is None else year.first for year in years])) - change
    return {
        "world": world.name,
        "champion_days": years[0].champion_days,
        "years": len(years),
        "alarms": len(days) / len(years),
        "low": low,
        "high": high,
        "median_days_after_change": median if world.change is not None and math.isfinite(median) else None,
        **{name: sum(name in year.days for year in years) / len(years) for name in SHARES},
    }


def row(figures: dict[str, object]) -> Row:
    """The same for a reader, in percent."""
    made: Row = {
        name: str(figures[key]) for name, key in (("world", "world"), ("champion's days", "champion_days"))
    }
    made["years"] = int(str(figures["years"]))
    low, high = percent(figures["low"]), percent(figures["high"])
    made["years with an alarm"] = f"{percent(figures['alarms'])} ({low} to {high})"
    days = figures["median_days_after_change"]
    made["median days"] = f"{days:.0f}" if isinstance(days, float) else "–"
    return {**made, **{f"`{name}`": percent(figures[name]) for name in SHARES}}


def reached(years: Sequence[Found]) -> dict[str, tuple[float, float]]:
    """The two numbers of each test that `retrain.monitoring.limits` has, from years in which nothing changes."""
    made = {}
    for name in CHANGES:
        own = np.array([year.reference.get(name, 0.0) for year in years])
        values = np.array([year.highest[name] for year in years])
        counted = np.where(values > MARGIN * own, values, 0.0)  # the others are below the limit of their own
        often, seldom = np.quantile(counted, (1 - REACHED_IN, 1 - FAR_OUT))
        made[name] = float(often), float((seldom - often) / math.log(REACHED_IN / FAR_OUT))
    return made


def calibrate(count: int) -> Table:
    """The table of `retrain.monitoring.limits`."""
    rows: list[Row] = []
    for age in TRAINED_DAYS:
        years = simulate([(UNCHANGED, age, FIRST_SEED_OF_LIMITS + seed, YEAR_DAYS) for seed in range(count)])
        rows += [
            {"champion's days": age, "test": name, "reached in 5 %": round(often, 2), "excess": round(excess, 2)}
            for name, (often, excess) in reached(years).items()
        ]
    return Table("what a twentieth of the years reach, and the mean excess over it", tuple(rows))


def main() -> None:
    """Simulate, count, and write what was asked for."""
    options = parser(__doc__)
    options.add_argument("--years", type=int, help="of each world at most")
    options.add_argument("--write-tables", action="store_true", help="renew the table of docs/evidence.md")
    options.add_argument("--calibrate", action="store_true", help="print the numbers of the limits instead")
    asked = options.parse_args()
    if asked.calibrate:
        print(calibrate(asked.years or YEARS_UNCHANGED).markdown())
        return
    if asked.quick and asked.write_tables:
        options.error("the quick form says nothing; its table is not written to docs/evidence.md")
    most = QUICK_YEARS if asked.quick else asked.years or YEARS_UNCHANGED
    days = QUICK_DAYS if asked.quick else YEAR_DAYS
    ages = CHAMPION_DAYS[:1] if asked.quick else CHAMPION_DAYS
    worlds = (UNCHANGED, LOUDER) if asked.quick else (*WORLDS, LOUDER)
    many = {world: min(YEARS_UNCHANGED if world == UNCHANGED else YEARS_CHANGED, most) for world in worlds}
    made = simulate([(world, age, seed, days) for world in worlds for age in ages for seed in range(many[world])])
    groups = [
        [year for year in made if (year.world, year.champion_days) == (world.name, age)]
        for world in worlds
        for age in ages
    ]
    rows = [figure(group) for group in groups]
    result = Result(
        "How often a year of daily looks gives a false alarm, and how soon a change of the data gives a true one.",
        f"{many[UNCHANGED]} simulated years of {days} days in which nothing changed, {min(most, YEARS_CHANGED)} of "
        f"each other world, for each age of the champion; RETRAIN_DRIFT_ALPHA={ALPHA}. A change is on day "
        f"{CHANGE}.",
        (Table("years with an alarm", tuple(map(row, rows))),),
        quick=asked.quick,
        figures={"rows": rows},
    )
    finish(result, asked.json)
    if asked.write_tables:
        write_tables(PAGE, result.conditions, result.tables, BEGIN)


if __name__ == "__main__":
    main()

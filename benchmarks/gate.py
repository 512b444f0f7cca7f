"""How often a year of daily looks promotes when nothing has changed, and how soon when something has.

    make bench-gate
    make bench-gate YEARS=40 JSON=file
    make bench-gate WRITE_TABLES=1

Each simulated year draws amounts with known conditional means, makes the first model of the half year or the year
before, and looks after every day of the next year as a run with the default settings does, under each rule of
RETRAIN_POLICY. What is promoted is compared with the champion that it replaces over the 60 days after it, by the
squared distance of their forecasts from the conditional means. Shares have 95 % intervals (Wilson, 1927).
WRITE_TABLES=1 renews the tables of docs/evidence.md. The quick form has one short year of each of two worlds, and
champions of half a year alone.
"""

from __future__ import annotations

import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.gate_page import PAGE, table, write_tables
from benchmarks.result import Result, Row, Table, finish, parser, progress, shown
from benchmarks.worlds import CHANGE, UNCHANGED, WORLDS, World
from benchmarks.years import CENTRED, Outcome, outcomes

CHAMPION_DAYS = (182, 365)
YEARS_UNCHANGED, YEARS_CHANGED, QUICK_YEARS = 200, 50, 1
QUICK_WORLDS = 2
QUICK_PROCESSES = 1  # each loads what it needs, which takes longer than a short year
YEAR_DAYS, QUICK_DAYS = 365, CHANGE + 35
CHANGES = {world.name: world.change for world in WORLDS}

type Key = tuple[str, str, int]
"""Policy, world, days of the champion."""
type Task = tuple[World, int, int, int]
"""World, days of the champion, seed, days of the year."""


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """95 % interval of a share. Source: Wilson (1927), J. American Statistical Association 22, 209-212."""
    z, share = 1.96, hits / tries
    center = (share + z**2 / (2 * tries)) / (1 + z**2 / tries)
    half = z / (1 + z**2 / tries) * math.sqrt(share * (1 - share) / tries + z**2 / (4 * tries**2))
    return max(center - half, 0.0), min(center + half, 1.0)


def figure(key: Key, found: Sequence[Outcome]) -> dict[str, object]:
    """One row of the JSON: shares between 0 and 1; None where nothing was promoted, or nothing changes."""
    policy, world, champion_days = key
    days = [outcome.day for outcome in found if outcome.day is not None]
    errors = [outcome.error for outcome in found if outcome.error is not None]
    low, high = wilson(len(days), len(found))
    change = CHANGES.get(world)
    return {
        "policy": policy,
        "world": world,
        "champion_days": champion_days,
        "years": len(found),
        "promoted": len(days) / len(found),
        "low": low,
        "high": high,
        "worse_after": float(np.mean(np.array(errors) > 1)) if errors else None,
        "median_days_after_change": float(np.median(days)) - change if days and change is not None else None,
    }


def row(figures: dict[str, object]) -> Row:
    """The same for a reader, in percent."""
    found: Row = {}
    for name, value in figures.items():
        if isinstance(value, float) and name in PERCENT:
            found[PERCENT[name]] = 100 * value
        elif isinstance(value, str | int | float):
            found[SHOWN[name]] = value
    return found


PERCENT = {
    "promoted": "years with a promotion, %",
    "low": "95 % interval from, %",
    "high": "to, %",
    "worse_after": "worse afterwards, %",
}
SHOWN = {
    "policy": "RETRAIN_POLICY",
    "world": "world",
    "champion_days": "champion's days",
    "years": "years",
    "median_days_after_change": "median days after the change",
}


def spread(key: Key, found: Sequence[Outcome]) -> Row:
    """How the squared errors after a promotion compare with those of the champion that it replaced."""
    policy, world, champion_days = key
    errors = [outcome.error for outcome in found if outcome.error is not None]
    shares = dict(
        zip(("median", "90th percentile", "max"), np.quantile(errors, (0.5, 0.9, 1)).tolist(), strict=True)
    )
    return {"RETRAIN_POLICY": policy, "world": world, "champion's days": champion_days, **shares}


def simulate(tasks: Sequence[Task], processes: int | None) -> dict[Key, list[Outcome]]:
    """Every year; the outcomes in the order of the tasks. A world is reported when it is complete."""
    found: dict[Task, list[Outcome]] = {}
    open_years = Counter((world.name, age) for world, age, *_ in tasks)
    with ProcessPoolExecutor(processes, initializer=threadpool_limits, initargs=(1,)) as pool:
        running = {pool.submit(outcomes, *task): task for task in tasks}
        for done in as_completed(running):
            world, age, *_ = task = running[done]
            found[task] = done.result()
            open_years[world.name, age] -= 1
            if len(found) % 20 == 0:
                progress(f"{len(found)} of {len(tasks)} years")
            if not open_years[world.name, age]:
                complete = [found[other] for other in tasks if other[:2] == (world, age)]
                for key, years in by_key(complete).items():
                    progress(summary(figure(key, years)))
    return by_key([found[task] for task in tasks])


def by_key(years: Iterable[list[Outcome]]) -> dict[Key, list[Outcome]]:
    """The outcomes of each policy, world and age of the champion."""
    found: dict[Key, list[Outcome]] = defaultdict(list)
    for outcome in (outcome for year in years for outcome in year):
        found[outcome.policy, outcome.world, outcome.champion_days].append(outcome)
    return found


def summary(figures: dict[str, object]) -> str:
    """One row on one line."""
    return ", ".join(f"{name} {shown(value)}" for name, value in row(figures).items())


def ordered(keys: Iterable[Key]) -> list[Key]:
    """By policy, then in the order of the worlds, the centred one first."""
    worlds = [CENTRED, *CHANGES]
    return sorted(keys, key=lambda key: (key[0] != "evidence", worlds.index(key[1]), key[2]))


def main() -> None:
    """Simulate, count, and write what was asked for."""
    options = parser(__doc__)
    options.add_argument("--years", type=int, help="of each world at most")
    options.add_argument("--write-tables", action="store_true", help="renew the tables of docs/evidence.md")
    asked = options.parse_args()
    if asked.quick and asked.write_tables:
        options.error("the quick form says nothing; its tables are not written to docs/evidence.md")
    most = QUICK_YEARS if asked.quick else asked.years or YEARS_UNCHANGED
    days = QUICK_DAYS if asked.quick else YEAR_DAYS
    ages = CHAMPION_DAYS[:1] if asked.quick else CHAMPION_DAYS
    worlds = WORLDS[:QUICK_WORLDS] if asked.quick else WORLDS
    years = {world: min(YEARS_UNCHANGED if world == UNCHANGED else YEARS_CHANGED, most) for world in worlds}
    tasks = [(world, age, seed, days) for world in worlds for age in ages for seed in range(years[world])]
    by = simulate(tasks, QUICK_PROCESSES if asked.quick else os.process_cpu_count())
    keys = ordered(by)
    rows = [figure(key, by[key]) for key in keys]
    promoting = [key for key in keys if any(outcome.day is not None for outcome in by[key])]
    result = Result(
        "How often a year of daily looks promotes when nothing has changed, and how soon when something has.",
        f"{years[UNCHANGED]} simulated years of {days} days in which nothing changed, {min(most, YEARS_CHANGED)} "
        f"of each other world, for each age of the champion; default settings. A change is on day {CHANGE}.",
        (
            Table("years with a promotion", tuple(map(row, rows))),
            Table(
                "squared error of the forecasts after the promotion / that of the champion",
                tuple(spread(key, by[key]) for key in promoting),
            ),
        ),
        quick=asked.quick,
        figures={"rows": rows},
    )
    finish(result, asked.json)
    if asked.write_tables:
        write_tables(PAGE, result.conditions, [table(rows), result.tables[1]])


if __name__ == "__main__":
    main()

"""How often a run promotes when nothing has changed, and how often when something has.

    make bench-significance

Each simulation draws a weekly pattern with ARMA noise, makes the first model of the first half year and decides
after five more months, both as a run with the default settings does. Where something changes, it changes on the
first unseen day. The share of promotions is shown with its 95 % interval (Wilson, 1927), by default and with
RETRAIN_SIGNIFICANCE=0.05.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from typing import Any

import numpy as np

from benchmarks.result import Result, Row, Table, finish, parser, progress
from benchmarks.runs import SETTINGS, first_model
from retrain.data.series import DailySeries
from retrain.gate.assess import assess
from retrain.gate.decide import PromotionPolicy, Verdict, decide

TRAINED, UNSEEN, BURN = 182, 151, 50
SIMULATIONS, QUICK_SIMULATIONS = 400, 2
QUICK_UNSEEN = SETTINGS.min_unseen_days
WEEK = np.array([30.0, 20.0, 10.0, 0.0, -5.0, -25.0, -30.0])
POLICIES = {"better": SETTINGS.policy, "significance = 0.05": PromotionPolicy(significance=0.05)}
WORLDS: dict[str, dict[str, Any]] = {
    "nothing changed": {},
    "the level rose by 30 %": {"level": 130.0},
    "the week turned round": {"week": np.roll(WEEK, 3)},
    "the noise lost its memory": {"ar": 0.0},
}


def noise(rng: np.random.Generator, days: int, ar: np.ndarray) -> np.ndarray:
    """ARMA(1,1), the autoregression day by day."""
    shocks = rng.normal(0, 8, days)
    made = np.zeros(days)
    for day in range(1, days):
        made[day] = ar[day] * made[day - 1] + shocks[day] + 0.3 * shocks[day - 1]
    return made


def simulated(
    seed: int, unseen: int, *, level: float = 100.0, week: np.ndarray = WEEK, ar: float = 0.6
) -> DailySeries:
    """Half a year as it always was, then the unseen days with the level, week and memory that are given."""
    rng = np.random.default_rng(seed)
    days = TRAINED + unseen
    later = np.arange(days) >= TRAINED
    memory = np.concatenate([np.full(BURN, 0.6), np.where(later, ar, 0.6)])
    pattern = np.where(later, np.resize(week, days), np.resize(WEEK, days)) + np.where(later, level, 100.0)
    return DailySeries(date(2023, 1, 2), pattern + noise(rng, BURN + days, memory)[BURN:])


def promoted(world: str, seed: int, unseen: int) -> tuple[str, list[str]]:
    """The policies that promote the challenger of one simulation. They decide on the same comparison."""
    whole = simulated(seed, unseen, **WORLDS[world])
    known = whole.through(whole.first_day + timedelta(days=TRAINED - 1))
    measured = assess(whole, first_model(known), SETTINGS).measured
    if measured is None:
        raise SystemExit(f"{unseen} unseen days are too few for a verdict")
    return world, [name for name, policy in POLICIES.items() if decide(measured, policy).verdict is Verdict.PROMOTE]


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """95 % interval of a share. Source: Wilson (1927), J. American Statistical Association 22, 209-212."""
    z, share = 1.96, hits / tries
    center = (share + z**2 / (2 * tries)) / (1 + z**2 / tries)
    half = z / (1 + z**2 / tries) * math.sqrt(share * (1 - share) / tries + z**2 / (4 * tries**2))
    return max(center - half, 0.0), center + half


def row(world: str, policy: str, hits: int, tries: int) -> Row:
    """The share of promotions in one world under one policy, with its interval."""
    low, high = wilson(hits, tries)
    shares = {"promotes, %": hits / tries, "95 % interval from, %": low, "to, %": high}
    return {"what changed": world, "policy": policy, **{name: 100 * share for name, share in shares.items()}}


def main() -> None:
    """Simulate on every core and count the promotions."""
    options = parser(__doc__)
    options.add_argument("--simulations", type=int, help="of each world")
    asked = options.parse_args()
    tries = asked.simulations or (QUICK_SIMULATIONS if asked.quick else SIMULATIONS)
    unseen = QUICK_UNSEEN if asked.quick else UNSEEN
    hits: Counter[tuple[str, str]] = Counter()
    with ProcessPoolExecutor(os.process_cpu_count()) as pool:
        tasks = [(world, seed, unseen) for world in WORLDS for seed in range(tries)]
        for done, (world, policies) in enumerate(pool.map(promoted, *zip(*tasks, strict=True), chunksize=5), 1):
            hits.update((world, policy) for policy in policies)
            if done % 100 == 0:
                progress(f"{done} of {len(tasks)} simulations")
    rows = tuple(row(world, policy, hits[world, policy], tries) for world in WORLDS for policy in POLICIES)
    result = Result(
        "How often a run promotes the challenger when nothing has changed, and when something has.",
        f"{tries} simulations of each world: {TRAINED} days of training, {unseen} unseen days, default settings.",
        (Table("share of runs that promote", rows),),
        quick=asked.quick,
    )
    finish(result, asked.json)


if __name__ == "__main__":
    main()

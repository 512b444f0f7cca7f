"""Whether the same amounts give the same decision everywhere: on other processors, other threads, other last bits.

    make bench-reproducibility DATA=folder JSON=file

Each environment is a process of its own that decides on every series: the first model of the first days, then the
verdict on all days with that as the champion. The last bits of all amounts are changed in the environment as it is,
by the process that decides on the amounts as they are.
Kernels are OpenBLAS's own for other processors; this one must have their instructions. A difference of forecasts is
the largest of a day, relative to the mean size of the forecasts.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.decisions import Outcome
from benchmarks.processes import ROOT, in_new_process
from benchmarks.result import Result, Row, Table, finish, parser, progress

KERNELS = ("Haswell", "Zen", "Sandybridge", "Nehalem", "Prescott")
SAMPLE = ROOT / "samples" / "data"
DRAWS, QUICK_DRAWS = 8, 1
QUICK_SERIES, QUICK_KERNELS = 2, KERNELS[-1:]
WORST = 10  # series that are named
TINY = 1e-12  # mean forecast; below it, differences are absolute


@dataclass(frozen=True, slots=True)
class Environment:
    """A process to decide in: variables of its environment, and how often the last bits are changed in it."""

    name: str
    variables: dict[str, str]
    draws: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """What one environment decides, by series; `kernels` are those that linear algebra really used."""

    environment: str
    kernels: str
    outcomes: dict[str, Outcome]


@dataclass(frozen=True, slots=True)
class Difference:
    """One series, decided in two environments."""

    series: str
    environment: str
    verdict_changed: bool
    orders_changed: bool
    relative: float

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """The worst has the highest."""
        return self.verdict_changed, self.orders_changed, self.relative


def environments(draws: int, kernels: tuple[str, ...] = KERNELS) -> list[Environment]:
    """The one to compare with comes first: one thread, the processor's own kernels."""
    one = {"OPENBLAS_NUM_THREADS": "1"}
    return [
        Environment("as it is", one, draws),
        Environment("two threads", {"OPENBLAS_NUM_THREADS": "2"}),
        *(Environment(f"kernels of {name}", {**one, "OPENBLAS_CORETYPE": name}) for name in kernels),
        Environment("NumPy without vectors", {**one, "NPY_DISABLE_CPU_FEATURES": vector_features()}),
    ]


def vector_features() -> str:
    """What NumPy's build can use beyond its baseline and this processor has."""
    built: Any = import_module("numpy._core._multiarray_umath")
    return " ".join(name for name in built.__cpu_dispatch__ if built.__cpu_features__[name])


def decided(environment: Environment, options: list[str]) -> list[Decided]:
    """Decide on every series in a process of its own: on the amounts as they are, then on each draw."""
    command = ("-m", "benchmarks.decisions", "--draws", str(environment.draws), *options)
    document = json.loads(in_new_process(*command, variables=environment.variables))
    found = [
        {
            name: Outcome(each["verdict"], tuple(each["orders"]), tuple(map(tuple, each["forecasts"])))
            for name, each in outcomes.items()
        }
        for outcomes in document["outcomes"]
    ]
    progress(f"{environment.name}: decided on {len(found[0])} series with {document['kernels']}")
    names = [environment.name, *(f"last bits, draw {draw}" for draw in range(1, environment.draws + 1))]
    return [Decided(name, document["kernels"], outcomes) for name, outcomes in zip(names, found, strict=True)]


def difference(series: str, environment: str, one: Outcome, other: Outcome) -> Difference:
    """Forecasts by other orders count as an order that changed, not as a difference of forecasts."""
    same = one.orders == other.orders
    relative = max(map(apart, one.forecasts, other.forecasts), default=0.0) if same else 0.0
    return Difference(series, environment, one.verdict != other.verdict, not same, relative)


def apart(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The largest difference of a day, relative to the mean size of the forecasts."""
    left, right = np.array(one), np.array(other)
    return float(np.abs(left - right).max() / max(np.abs(left).mean(), TINY))


def by_environment(differences: list[Difference], compared: list[Decided]) -> tuple[Row, ...]:
    """The worst of each environment."""
    rows: list[Row] = []
    for each in compared:
        own = [one for one in differences if one.environment == each.environment]
        rows.append({"environment": each.environment, "linear algebra": each.kernels, **totals(own)})
    return tuple(rows)


def totals(differences: list[Difference]) -> dict[str, float]:
    """The worst difference of forecasts, and how many series another order or verdict."""
    return {
        "worst relative difference": max((one.relative for one in differences), default=0.0),
        "orders changed": sum(one.orders_changed for one in differences),
        "verdicts changed": sum(one.verdict_changed for one in differences),
    }


def worst(differences: list[Difference]) -> tuple[Row, ...]:
    """The series that differ most, each in its worst environment."""
    by_series: dict[str, Difference] = {}
    for each in sorted(differences, key=lambda one: one.rank):
        by_series[each.series] = each
    ranked = sorted(by_series.values(), key=lambda one: one.rank, reverse=True)
    return tuple(
        {
            "series": one.series,
            "environment": one.environment,
            "relative difference": one.relative,
            "changed": "verdict" if one.verdict_changed else "order" if one.orders_changed else "nothing",
        }
        for one in ranked[:WORST]
    )


def main() -> None:
    """Decide in every environment, as many at once as there are cores for, and compare."""
    options = parser(__doc__)
    options.add_argument(
        "--data", type=Path, nargs="*", default=[], help="folders of daily series besides the sample"
    )
    asked = options.parse_args()
    draws, kernels = (QUICK_DRAWS, QUICK_KERNELS) if asked.quick else (DRAWS, KERNELS)
    files = ["--data", *map(str, (SAMPLE, *(folder.resolve() for folder in asked.data)))]
    chosen = ["--limit", str(QUICK_SERIES)] if asked.quick else files
    with ThreadPoolExecutor(os.process_cpu_count()) as pool:
        first, *others = chain(*pool.map(lambda one: decided(one, chosen), environments(draws, kernels)))
    differences = [
        difference(name, other.environment, outcome, other.outcomes[name])
        for other in others
        for name, outcome in first.outcomes.items()
    ]
    total = totals(differences)
    result = Result(
        "The decision in other environments, and with other last bits of the amounts, against one environment.",
        f"{len(first.outcomes)} series, {draws} draws of last bits, {len(others) - draws} other environments.",
        (
            Table("by environment", by_environment(differences, others)),
            Table("series that differ most", worst(differences)),
        ),
        quick=asked.quick,
        figures={
            "series": len(first.outcomes),
            "draws": draws,
            "worst_relative": total["worst relative difference"],
            "orders_changed": total["orders changed"],
            "verdicts_changed": total["verdicts changed"],
            "kernels": sorted({each.kernels for each in (first, *others)}),
        },
    )
    finish(result, asked.json)


if __name__ == "__main__":
    main()

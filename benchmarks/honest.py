"""How many honest files are held, and how many bad ones.

    make bench-honest
    make bench-honest FILES=20000 JSON=file

Each simulated business has a history of no days to ten years and lands a file of a day, a week, a month or a year,
the next one, or the one before. The same files with one fault each tell the power. Shares have 95 % intervals
(Wilson, 1927). The quick form has 100 files.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np

from benchmarks.gate import wilson
from benchmarks.honest_faults import AGAINST_HISTORY, FAULTS, FEWEST_DAYS, OF_AMOUNTS, OF_DAILY, OF_ROWS, TODAY
from benchmarks.honest_worlds import HAS_ROWS, WORLDS, drawn
from benchmarks.result import Result, Row, Table, finish, parser, progress
from retrain.data.findings import Doubt
from retrain.data.landed import Aggregate, DayTotal, FileContent
from retrain.data.series import MAX_GAP_DAYS, GapPolicy, longest_gap
from retrain.plausible.findings import Known, findings

FILES, QUICK_FILES, CHUNK = 12_000, 100, 50
HISTORY_DAYS = (0, 28, 90, 200, 365, 730, 1461, 3653)
FILE_DAYS = (1, 7, 30, 365)
FEWEST_DRAWN = 400  # days, whose median is what is usual for a business
FEWEST_BEFORE = 28  # days of the history that a file in another unit is seen against
CLEAR_HISTORY, CLEAR_FILE = 365, 30
CLEAR = "by fault, a month or more beside a year or more"
BEFORE = 0.1  # of the files come before the history

type Days = dict[date, DayTotal]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one honest file, and its bad twin, are found to be.

    Attributes:
        world: with `, rows` where the file has transactions.
        held: the doubts about the honest file.
        fault: of the twin; empty if it cannot have the one that was drawn.
        fault_held: whether the twin is held, wholly or in part, and the honest file is not.
    """

    world: str
    history_days: int
    file_days: int
    held: tuple[str, ...]
    fault: str
    fault_held: bool


def judged(seed: int) -> Drawn | None:
    """Draw a business and land its file; None if the file has no rows."""
    rng = np.random.default_rng(seed)
    worlds = [(name, False) for name in WORLDS] + [(name, True) for name in HAS_ROWS]
    world, raw = worlds[seed % len(worlds)]
    history_days, file_days = int(rng.choice(HISTORY_DAYS)), int(rng.choice(FILE_DAYS))
    length = history_days + file_days
    business = drawn(world, max(length, FEWEST_DRAWN), rng, raw=raw)
    at = 0 if rng.random() < BEFORE else history_days
    file = business.totals(at, at + file_days)
    others = business.totals(file_days, length) if at == 0 else business.totals(0, history_days)
    if not file:
        return None
    aggregate = Aggregate(str(rng.choice(list(Aggregate)))) if raw else Aggregate.SUM
    policy = (
        GapPolicy.ZERO
        if longest_gap(dict.fromkeys([*others, *file], 0.0)) > MAX_GAP_DAYS
        else GapPolicy.INTERPOLATE
    )
    known = Known(others, {}, aggregate, not raw if others else None, None, None, policy)
    held = doubts(file, known, has_ids=raw)
    fault, bad = twin(file, rng, raw=raw, counts=raw and aggregate is Aggregate.COUNT, days_before=len(others))
    found = doubts(bad, known, has_ids=raw) if fault else ()
    name = f"{world}, rows" if raw else world
    return Drawn(
        name, history_days, file_days, held, fault, bool(set(found) - set(held)) or (bool(found) and bool(held))
    )


def doubts(file: Days, known: Known, *, has_ids: bool) -> tuple[str, ...]:
    """What is found about a file."""
    rows = sum(total.rows for total in file.values())
    ordered = dict(sorted(file.items()))
    landed = FileContent("drawn.csv", ordered, rows, 0, has_ids)
    return tuple(finding.doubt.value for finding in findings(landed, known, TODAY))


def twin(file: Days, rng: np.random.Generator, *, raw: bool, counts: bool, days_before: int) -> tuple[str, Days]:
    """The same file with a fault; no name if the file cannot have the one that is drawn, or nobody could see it."""
    fault = str(rng.choice(list(FAULTS)))
    unfit = (OF_DAILY if raw else OF_ROWS) | (OF_AMOUNTS if counts else set())
    needs = FEWEST_BEFORE if fault in AGAINST_HISTORY else 0
    if fault in unfit or len(file) < FEWEST_DAYS.get(fault, 1) or days_before < needs:
        return "", {}
    bad = FAULTS[fault](dict(file), rng)
    return (fault, bad) if bad != file else ("", {})


def chunk(seeds: range) -> list[Drawn]:
    """The files of some seeds."""
    return [found for seed in seeds if (found := judged(seed)) is not None]


def row(name: str, value: str, held: int, count: int) -> Row:
    """How many of the files were held, in percent."""
    low, high = wilson(held, count)
    return {
        name: value,
        "files": count,
        "held": held,
        "held, %": 100 * held / count,
        "95 % interval from, %": 100 * low,
        "to, %": 100 * high,
    }


def shares(name: str, values: list[str], held: list[bool], title: str = "") -> Table:
    """One row for each value, in the order of their names, and one for all."""
    count, hits = Counter(values), Counter(value for value, hit in zip(values, held, strict=True) if hit)
    rows = [row(name, value, hits[value], count[value]) for value in sorted(count)]
    return Table(title or f"by {name}", (*rows, row(name, "all", sum(held), max(len(held), 1))))


def by_name(table: Table) -> dict[str, dict[str, float]]:
    """The same for a program."""
    name = table.columns[0]
    return {
        str(line[name]): {
            "files": int(line["files"]),
            "held": int(line["held"]),
            "share": float(line["held, %"]) / 100,
        }
        for line in table.rows[:-1]
    }


def main() -> None:
    """Draw, judge, count."""
    options = parser(__doc__)
    options.add_argument("--files", type=int, help="honest files")
    options.add_argument("--seed", type=int, default=0, help="of the first file")
    asked = options.parse_args()
    count = QUICK_FILES if asked.quick else asked.files or FILES
    seeds = [range(at, min(at + CHUNK, asked.seed + count)) for at in range(asked.seed, asked.seed + count, CHUNK)]
    found: list[Drawn] = []
    with ProcessPoolExecutor(os.process_cpu_count()) as pool:
        for part in pool.map(chunk, seeds):
            found += part
            if len(found) // 1000 > (len(found) - len(part)) // 1000:
                progress(f"{len(found)} files, {sum(bool(file.held) for file in found)} held")
    held, bad = [bool(file.held) for file in found], [file for file in found if file.fault]
    worlds = shares("world", [file.world for file in found], held)
    faults = shares("fault", [file.fault for file in bad], [file.fault_held for file in bad])
    clear = [file for file in bad if file.history_days >= CLEAR_HISTORY and file.file_days >= CLEAR_FILE]
    clearly = shares("fault", [file.fault for file in clear], [file.fault_held for file in clear], CLEAR)
    sizes = shares("days of the history", [f"{file.history_days:5}" for file in found], held)
    lengths = shares("days of the file", [f"{file.file_days:3}" for file in found], held)
    reasons = Counter(doubt for file in found for doubt in file.held)
    by_doubt = tuple[Row, ...]({"doubt": name, "honest files": reasons[name]} for name in sorted(Doubt))
    result = Result(
        "How many honest files are held, and how many of the same files with a fault.",
        f"{len(found)} honest files of {len(WORLDS) + len(HAS_ROWS)} kinds of businesses, {len(bad)} with a fault.",
        (worlds, sizes, lengths, Table("by doubt", by_doubt), faults, clearly),
        quick=asked.quick,
        figures={
            "files": len(found),
            "held": sum(held),
            "share": sum(held) / len(found),
            "by_world": by_name(worlds),
            "bad_files": len(bad),
            "bad_held": sum(file.fault_held for file in bad),
            "by_fault": by_name(faults),
        },
    )
    finish(result, asked.json)


if __name__ == "__main__":
    main()

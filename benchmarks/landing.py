"""Read a raw file of 1 GB: ours as a stream, pandas whole. Both take turns, each time in a fresh process.

    make bench

Seconds are taken inside the process, imports left out; memory is the peak of the whole process.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from benchmarks.processes import in_new_process
from benchmarks.result import Result, Row, Table, finish, parser, progress, spread

OURS = """
import json, sys, tempfile, time
from datetime import date
import pandas, pyarrow.csv, pyarrow.compute
from benchmarks.processes import peak_mb
from retrain.data.landed import Aggregate
from retrain.reading.rules import Reading
from retrain.reading.transactions import read_landed


class Kept: # rows go to a temporary file, as those of a landing do
    def __init__(self):
        self.file = tempfile.TemporaryFile()

    def add(self, days, ids, amounts):
        for column in (days, ids, amounts):
            self.file.write(column.tobytes())


began = time.perf_counter()
with open(sys.argv[1], "rb") as stream:
    landed = read_landed(stream, "raw.tsv", Reading(), date.today(), Kept)
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "peak_mb": peak_mb(), "total": sum(landed.amounts(Aggregate.MEAN).values())}))
"""
PANDAS = """
import json, sys, time
import pandas as pd
from benchmarks.processes import peak_mb
from retrain.reading.formats import ADVENTUREWORKS
began = time.perf_counter()
rows = pd.read_csv(sys.argv[1], sep="\\t", names=list(ADVENTUREWORKS))
rows["PaidAmount"] = rows["Quantity"] * rows["ActualCost"]
days = rows.groupby("TransactionDate")["PaidAmount"].mean()
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "peak_mb": peak_mb(), "total": float(days.sum())}))
"""
DAYS = 730
ROWS, REPEATS = 14_600_000, 3
QUICK_ROWS, QUICK_REPEATS = 20_000, 1

type Measured = dict[str, float]
"""`seconds`, `peak_mb` and the `total` of the daily means."""


def write_raw(path: Path, rows: int, *, shuffled_ids: bool) -> None:
    """Raw AdventureWorks rows, a seeded draw, in the order of their days."""
    rng = np.random.default_rng(1)
    ids = np.arange(100_000, 100_000 + rows)
    if shuffled_ids:
        rng.shuffle(ids)
    with path.open("w") as file:
        for day, block in enumerate(np.array_split(ids, DAYS)):
            stamp = f"{date(2013, 1, 1) + timedelta(days=day)} 00:00:00"
            quantity, cost = rng.integers(1, 60, len(block)), rng.integers(0, 300_000, len(block)) / 100
            file.writelines(
                f"{number}\t784\t41590\t0\t{stamp}\tS\t{pieces}\t{price}\t{stamp}\n"
                for number, pieces, price in zip(block.tolist(), quantity.tolist(), cost.tolist(), strict=True)
            )


def measure(script: str, raw: Path) -> Measured:
    """One reader, one fresh process."""
    result: Measured = json.loads(in_new_process("-c", script, raw))
    return result


def tables(runs: list[tuple[Measured, Measured]]) -> tuple[Table, ...]:
    """Both readers, their ratios, and how far their results are apart."""
    readers: list[Row] = [
        {
            "reader": name,
            "time, s": statistics.median(run["seconds"] for run in results),
            "peak memory, MB": max(run["peak_mb"] for run in results),
        }
        for name, results in zip(("ours", "pandas"), zip(*runs, strict=True), strict=True)
    ]
    ratios = (
        spread("time", [ours["seconds"] / pandas["seconds"] for ours, pandas in runs]),
        spread("peak memory", [ours["peak_mb"] / pandas["peak_mb"] for ours, pandas in runs]),
    )
    apart: Row = {
        "figure": "sum of the daily means",
        "relative difference": max(abs(ours["total"] / pandas["total"] - 1) for ours, pandas in runs),
    }
    return Table("readers", tuple(readers)), Table("ours / pandas", ratios), Table("same result", (apart,))


def main() -> None:
    """Write the file, let both read it in turn."""
    options = parser(__doc__)
    options.add_argument("--rows", type=int)
    options.add_argument("--repeats", type=int)
    options.add_argument("--shuffled-ids", action="store_true", help="the worst order for finding repeated ones")
    asked = options.parse_args()
    rows = asked.rows or (QUICK_ROWS if asked.quick else ROWS)
    repeats = asked.repeats or (QUICK_REPEATS if asked.quick else REPEATS)
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.tsv"
        write_raw(raw, rows, shuffled_ids=asked.shuffled_ids)
        size = raw.stat().st_size
        runs = []
        for number in range(1, repeats + 1):
            runs.append((measure(OURS, raw), measure(PANDAS, raw)))
            progress(f"run {number} of {repeats}: {runs[-1][0]['seconds']:.2f} s, {runs[-1][1]['seconds']:.2f} s")
    result = Result(
        "Reading a raw file of transactions into daily means: ours as a stream, pandas all at once.",
        f"{size / 1e9:.3g} GB, {rows:,} rows over {DAYS} days, {repeats} run(s) of each in turn; median times.",
        tables(runs),
        quick=asked.quick,
    )
    finish(result, asked.json)


if __name__ == "__main__":
    main()

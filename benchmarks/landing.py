"""Read a raw file of 1 GB: ours as a stream, pandas whole. Both in one run, in turn, each in a fresh process.

    python benchmarks/landing.py [--rows 14600000] [--repeats 3] [--shuffled-ids]

Seconds are taken inside the process, imports left out; memory is the peak of the whole process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np

OURS = """
import json, resource, sys, time
from datetime import date
import pandas, pyarrow.csv, pyarrow.compute
from retrain.data.transactions import Aggregate, Columns, read_days
began = time.perf_counter()
with open(sys.argv[1], "rb") as stream:
    landed = read_days(stream, "raw.tsv", Columns(), Aggregate.MEAN, date.today())
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak_mb": peak, "total": sum(landed.days.values())}))
"""
PANDAS = """
import json, resource, sys, time
import pandas as pd
from retrain.data.formats import ADVENTUREWORKS
began = time.perf_counter()
rows = pd.read_csv(sys.argv[1], sep="\\t", names=list(ADVENTUREWORKS))
rows["PaidAmount"] = rows["Quantity"] * rows["ActualCost"]
days = rows.groupby("TransactionDate")["PaidAmount"].mean()
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak_mb": peak, "total": float(days.sum())}))
"""
DAYS = 730


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


def measure(script: str, raw: Path) -> dict[str, float]:
    """One reader, one fresh process."""
    done = subprocess.run([sys.executable, "-c", script, raw], check=True, capture_output=True)  # noqa: S603
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """Print both and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=14_600_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--shuffled-ids", action="store_true", help="the worst order for finding repeated ones")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.tsv"
        write_raw(raw, options.rows, shuffled_ids=options.shuffled_ids)
        print(f"{raw.stat().st_size / 1e9:.2f} GB, {options.rows:,} rows, {options.repeats} runs of each in turn")
        runs = [(measure(OURS, raw), measure(PANDAS, raw)) for _ in range(options.repeats)]
    for name, results in zip(("ours", "pandas"), zip(*runs, strict=True), strict=True):
        seconds = statistics.median(result["seconds"] for result in results)
        print(f"{name:<8}{seconds:7.2f} s   {max(result['peak_mb'] for result in results):7.0f} MB")
    ratios = [ours["seconds"] / pandas["seconds"] for ours, pandas in runs]
    print(f"ours / pandas, time: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    worst = max(abs(ours["total"] / pandas["total"] - 1) for ours, pandas in runs)
    print(f"sum of the daily means differs by {worst:.1e}")


if __name__ == "__main__":
    main()

"""Write two years of made-up raw transactions, shaped like AdventureWorks' TransactionHistory.

Everything is drawn from a seeded generator; no row comes from anybody's business. Weekends are quiet, month ends
bring a few bulk sales, and in the second year the week turns round and the level rises: the world drifts.
"""

from __future__ import annotations

import csv
import gzip
import io
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from retrain.reading.formats import ADVENTUREWORKS

SEED = 20240101
YEARS = (2023, 2024)
ROWS_A_DAY = 12
WEEKDAYS = np.array([1.15, 1.2, 1.1, 1.05, 1.0, 0.75, 0.7])  # Monday first


def year_of_rows(year: int, first_id: int, rng: np.random.Generator) -> list[tuple[object, ...]]:
    """One year, one tuple a transaction, in the order of ADVENTUREWORKS."""
    rows: list[tuple[object, ...]] = []
    drift, day, mood = float(year - YEARS[0]), date(year, 1, 1), 0.0
    while day.year == year:
        share = day.timetuple().tm_yday / 366
        mood = 0.6 * mood + rng.normal(0, 0.06)
        level = 180 * (1 + 0.35 * drift * share + mood)
        weekday = WEEKDAYS[day.weekday()] ** (1 - 2 * drift * min(1.0, 2 * share))
        for _ in range(max(3, rng.poisson(ROWS_A_DAY))):
            quantity = int(rng.integers(1, 5))
            month_end = (day + timedelta(days=1)).day == 1
            bulk = 3.0 if month_end and rng.random() < 0.2 else 1.0
            cost = round(level * weekday * bulk * float(rng.lognormal(0, 0.35)) / quantity, 2)
            identity = first_id + len(rows)
            kind = "WSP"[int(rng.integers(3))]
            order = 40_000 + identity // 3
            stamp = f"{day} 00:00:00"
            rows.append((identity, int(rng.integers(300, 999)), order, 0, stamp, kind, quantity, cost, stamp))
        day += timedelta(days=1)
    return rows


def as_tsv_gz(rows: list[tuple[object, ...]]) -> bytes:
    """Tab separated with a header, gzip without a time stamp: the same rows give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(ADVENTUREWORKS)
    writer.writerows(rows)
    return gzip.compress(text.getvalue().encode(), mtime=0)


def generate() -> dict[str, bytes]:
    """Each file's name and bytes."""
    rng = np.random.default_rng(SEED)
    files, next_id = {}, 100_000
    for year in YEARS:
        rows = year_of_rows(year, next_id, rng)
        next_id += len(rows)
        files[f"synthetic_{year}.tsv.gz"] = as_tsv_gz(rows)
    return files


if __name__ == "__main__":
    folder = Path(__file__).parent / "data"
    for name, data in generate().items():
        (folder / name).write_bytes(data)
        print(f"{folder / name}: {len(data):,} bytes")

"""Issued forecasts as files for whoever reads files: CSV and Parquet, a file of each for every forecast."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from retrain.records.day_files import SERIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrain.monitoring.issued import Issued
    from retrain.ports import ObjectStore

AMOUNTS = ("mean", "median", "low_80", "high_80", "low_95", "high_95")
COLUMNS = ("date", "series", *AMOUNTS, "origin", "version")


def publish(issued: Issued, store: ObjectStore) -> None:
    """Write both files; written again, they are the same."""
    store.write(f"{issued.stem}.csv", as_csv(issued).encode())
    store.write(f"{issued.stem}.parquet", as_parquet(issued))


def rows(issued: Issued) -> list[Sequence[object]]:
    """One row a day, in the order of COLUMNS."""
    return [
        (day.day, SERIES, *(getattr(day, amount) for amount in AMOUNTS), issued.origin, issued.version)
        for day in issued.days
    ]


def as_csv(issued: Issued) -> str:
    """A header and one line a day; days as YYYY-MM-DD, amounts with a point."""
    return csv_of(COLUMNS, rows(issued))


def as_parquet(issued: Issued) -> bytes:
    """The same columns with types: days, texts, and numbers of 64 bits."""
    return parquet_of(COLUMNS, rows(issued))


def csv_of(columns: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """A header and lines, as each forecast is published."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(lines)
    return out.getvalue()


def parquet_of(columns: Sequence[str], lines: Sequence[Sequence[object]]) -> bytes:
    """The same as a table with types.

    Args: columns: days and texts as they are named in COLUMNS; every other one holds numbers.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"date": pa.date32(), "origin": pa.date32(), "series": pa.string(), "version": pa.string()}
    cells = zip(*lines, strict=True)
    table = pa.table(
        {
            name: pa.array(list(column), kinds.get(name, pa.float64()))
            for name, column in zip(columns, cells, strict=True)
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()

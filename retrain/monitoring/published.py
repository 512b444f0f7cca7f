"""Issued forecasts as files for whoever reads files: CSV and Parquet, a file of each for every forecast."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrain.monitoring.issued import Issued
    from retrain.ports import ObjectStore

SERIES = ""
"""The key of the one series, as in the files of landings."""
COLUMNS = ("date", "series", "mean", "median", "low_80", "high_80", "low_95", "high_95", "origin", "version")


def publish(issued: Issued, store: ObjectStore) -> None:
    """Write both files; written again, they are the same."""
    stem = f"{issued.origin}-v{issued.version}-{issued.known_sha256[:12]}"
    store.write(f"{stem}.csv", as_csv(issued).encode())
    store.write(f"{stem}.parquet", as_parquet(issued))


def rows(issued: Issued) -> list[Sequence[object]]:
    """One row a day, in the order of COLUMNS."""
    return [
        (
            day.day,
            SERIES,
            day.mean,
            day.median,
            day.low_80,
            day.high_80,
            day.low_95,
            day.high_95,
            issued.origin,
            issued.version,
        )
        for day in issued.days
    ]


def as_csv(issued: Issued) -> str:
    """A header and one line a day; days as YYYY-MM-DD, amounts with a point."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows(issued))
    return out.getvalue()


def as_parquet(issued: Issued) -> bytes:
    """The same columns with types: days, texts, and numbers of 64 bits."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = pa.float64()
    kinds = (pa.date32(), pa.string(), *[number] * 6, pa.date32(), pa.string())
    columns = zip(*rows(issued), strict=True)
    table = pa.table(
        {name: pa.array(list(column), kind) for name, column, kind in zip(COLUMNS, columns, kinds, strict=True)}
    )
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()

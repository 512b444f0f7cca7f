"""Days and rows as Parquet files: what a landing brought, and the view of the history."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np

from retrain.data.landed import DayTotal
from retrain.data.totals import EPOCH, Rows
from retrain.records.arrow import arrow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date
    from types import TracebackType

    import pyarrow as pa
    from numpy.typing import NDArray

SERIES = ""
"""The key of the one series; files of many series will have other keys in the same column."""


def days_to_parquet(totals: Mapping[date, DayTotal]) -> bytes:
    """The columns `series`, `day`, `sum` and `count`."""
    import pyarrow.parquet as pq

    pa = arrow()
    table = pa.table(
        {
            "series": pa.array([SERIES] * len(totals)).dictionary_encode(),
            "day": pa.array(list(totals), pa.date32()),
            "sum": pa.array([total.amount for total in totals.values()], pa.float64()),
            "count": pa.array([total.rows for total in totals.values()], pa.int64()),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", write_page_checksum=True)
    return out.getvalue()


def days_from_parquet(data: bytes) -> dict[date, DayTotal]:
    """The inverse. Raises: ValueError if it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data), page_checksum_verification=True)
        table = file.read(columns=["day", "sum", "count"], use_threads=False)
        columns = [table.column(name).to_pylist() for name in ("day", "sum", "count")]
    except (pa.ArrowException, OSError, KeyError, ValueError, OverflowError, TypeError) as exc:
        raise ValueError(f"no Parquet file of days: {type(exc).__name__}") from exc
    return {day: DayTotal(amount, rows) for day, amount, rows in zip(*columns, strict=True)}


class RowFile:
    """A `RowSink` on a local file, which is written while a landed file is read."""

    def __init__(self, folder: Path) -> None:
        """Begin. Args: folder: where the file is made; an earlier one there is replaced."""
        self._path = folder / "rows.parquet"
        self._writer: pa.parquet.ParquetWriter | None = None
        self.is_empty = True

    def begin_anew(self) -> Self:
        """The same without rows: the file is read again from its first row."""
        self.close()
        self.is_empty = True
        return self

    def add(self, days: NDArray[np.int32], ids: NDArray[np.uint64], amounts: NDArray[np.float64]) -> None:
        """See RowSink."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table({"day": days, "id": ids, "amount": amounts})
        if self._writer is None:
            # Days and ids come in runs; amounts of money have few distinct values, or compress little anyhow.
            self._writer = pq.ParquetWriter(
                self._path,
                table.schema,
                compression="lz4",
                use_dictionary=False,
                write_page_checksum=True,
                column_encoding={
                    "day": "DELTA_BINARY_PACKED",
                    "id": "DELTA_BINARY_PACKED",
                    "amount": "BYTE_STREAM_SPLIT",
                },
            )
        self._writer.write_table(table)
        self.is_empty = False

    def open(self) -> BinaryIO:
        """The finished file."""
        self.close()
        return self._path.open("rb")

    def close(self) -> None:
        """End the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def rows_of_days(stream: BinaryIO, days: Collection[date]) -> Rows:
    """The rows of these days, of a file that RowFile has written. Raises: ValueError if it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = np.array([(day - EPOCH).days for day in days], dtype=np.int32)
    parts = []
    try:
        file = pq.ParquetFile(stream, page_checksum_verification=True)
        for group in range(file.num_row_groups):
            span = file.metadata.row_group(group).column(0).statistics
            if span is not None and span.has_min_max and not ((wanted >= span.min) & (wanted <= span.max)).any():
                continue
            table = file.read_row_group(group, use_threads=False)
            parts.append(table.filter(pa.array(np.isin(table.column("day").to_numpy(), wanted))))
    except (pa.ArrowException, OSError, OverflowError) as exc:
        raise ValueError(f"no Parquet file of rows: {type(exc).__name__}") from exc
    table = pa.concat_tables(parts) if parts else file.schema_arrow.empty_table()
    return Rows(*(table.column(name).to_numpy() for name in ("day", "id", "amount")))


def span_of(totals: Mapping[date, DayTotal]) -> tuple[date, date]:
    """The first and the last day; `totals` ascends and is not empty."""
    days = list(totals)
    return days[0], days[-1]

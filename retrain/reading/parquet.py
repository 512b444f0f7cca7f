"""Reads a Parquet file in batches, and refuses one that would fill the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from retrain.errors import DataError
from retrain.reading.columns import MAX_GROWTH, Table, first_line, grows_too_much

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import pyarrow as pa

BATCH_ROWS = 1 << 16
MAX_ROW_GROUPS = 10_000


def open_parquet(stream: BinaryIO, file: str) -> Table:
    """Open a Parquet file as a table.

    Raises: DataError if it cannot be read; so does iterating the rows, also if they grow too much.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(stream)
        names = tuple(parquet.schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError) as exc:  # also a column name that is not UTF-8
        raise _unreadable(exc, file) from exc

    def rows(positions: Sequence[int], *, floats: int, rest: bool) -> Generator[pa.RecordBatch]:  # noqa: ARG001
        read = [names[at] for at in positions]
        if rest:
            read += [name for name in names if name not in read]
        for name in read:
            if names.count(name) > 1:
                raise DataError(
                    file=file,
                    column=name,
                    found="two columns of that name",
                    expected="one; rename or remove the other",
                )
        try:
            _refuse_growth(parquet, read, stream, file)
            for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=read, use_threads=False):
                batch.validate(full=True)  # bytes that are declared as text may not be UTF-8
                yield batch.select(read)
        except (pa.ArrowException, OSError, ValueError) as exc:
            raise _unreadable(exc, file) from exc

    return Table("Parquet", names, rows)


def _unreadable(exc: Exception, file: str) -> DataError:
    return DataError(f"the Parquet file cannot be read: {first_line(exc)}", file=file)


class _ReadAttempt(Exception):
    """The reader asked for bytes of a stream that has none."""


class _SizeOnly:
    """A stream that has a size and raises `_ReadAttempt` at every read."""

    closed = False

    def __init__(self, size: int) -> None:
        self._size, self._at = size, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, _size: int = -1) -> bytes:
        raise _ReadAttempt


def _refuse_growth(parquet: pa.parquet.ParquetFile, names: Sequence[str], stream: BinaryIO, file: str) -> None:
    """Raises: DataError for a column that is too large when decompressed, because Arrow decompresses whole pages.

    Arrow aborts the process if it is asked for the size of a column whose metadata are broken. Its reader checks
    the metadata safely before it reads a page, so the reader runs first, on a stream that it cannot read from.
    """
    import pyarrow.parquet as pq

    metadata = parquet.metadata
    if metadata.num_row_groups > MAX_ROW_GROUPS:
        found = f"{metadata.num_row_groups} row groups"
        raise DataError(file=file, found=found, expected=f"at most {MAX_ROW_GROUPS}; write larger row groups")
    checker = pq.ParquetFile(_SizeOnly(stream.seek(0, 2)), metadata=metadata)
    columns = [at for at in range(metadata.num_columns) if parquet.schema.column(at).path in names]
    for group in range(metadata.num_row_groups):
        try:
            next(checker.iter_batches(columns=names, row_groups=[group]), None)
        except _ReadAttempt:
            for at in columns:
                _refuse_column(metadata.row_group(group).column(at), file)


def _refuse_column(chunk: pa.parquet.ColumnChunkMetaData, file: str) -> None:
    if grows_too_much(chunk.total_uncompressed_size, chunk.total_compressed_size):
        raise DataError(
            f"the Parquet file grows to more than {MAX_GROWTH} times its size; write smaller pages",
            file=file,
            column=chunk.path_in_schema,
        )

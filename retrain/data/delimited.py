"""Reads CSV and TSV text in batches, plain or compressed with gzip.

A batch is about one megabyte, which limits the memory and the length of a line. Parsing uses one thread, so that
rows keep their numbers and sums are reproducible to the last bit.
"""

from __future__ import annotations

import csv
import re
import zlib
from typing import TYPE_CHECKING, BinaryIO

from retrain.data.columns import (
    ADVENTUREWORKS,
    MAX_GROWTH,
    Columns,
    Table,
    TableColumns,
    choose,
    first_line,
    grows_too_much,
)
from retrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

HEAD_BYTES = 1 << 16
LINE_END = re.compile(r"\r\n|\n|\r")  # the line ends that Arrow knows
BLOCK_BYTES = 1 << 20
ROW = re.compile(r"Row #(\d+): (?:Expected (\d+) columns, got (\d+): (.*))?", re.DOTALL)
COLUMN = re.compile(r"In CSV column #(\d+)")


def open_delimited(stream: BinaryIO, file: str, columns: Columns, *, compressed: bool) -> Table:
    """Open CSV or TSV text as a table; its columns are named by their positions.

    Raises: DataError if it is not text, or lacks a column; iterating the batches raises it for a bad row.
    """
    import pyarrow as pa

    line, blank_lines = _first_row(_head(stream, file, compressed=compressed), file)
    delimiter = "\t" if "\t" in line else ","
    names = next(csv.reader([line], delimiter=delimiter))
    has_header = _is_header(names, columns)
    if not has_header and len(names) == len(ADVENTUREWORKS):
        names = list(ADVENTUREWORKS)
    chosen = choose(names, file, columns)
    # Columns are read by position: two columns of the same name would make Arrow refuse the file.
    position = {name: f"{at}" for at, name in reversed(list(enumerate(names)))}
    by_position = TableColumns(
        date=position[chosen.date],
        amounts=tuple(position[name] for name in chosen.amounts),
        transaction_id=None if chosen.transaction_id is None else position[chosen.transaction_id],
    )
    packed = stream if compressed else None
    text = _Text(pa.input_stream(stream, compression="gzip") if compressed else stream, packed, file)

    def batches() -> Iterator[pa.RecordBatch]:
        skipped = blank_lines + has_header
        try:
            yield from _parse(text, delimiter, len(names), skipped, by_position.names)
        except (pa.ArrowException, OSError) as exc:
            if "Empty CSV file" in str(exc):
                return
            raise _bad_row(exc, file, skipped, chosen.names) from exc
        if text.quotes % 2:
            raise DataError("the file has an odd number of quotes: one quote is never closed", file=file)

    return Table(by_position, batches())


def _parse(text: _Text, delimiter: str, columns: int, skipped: int, read: list[str]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.csv

    yield from pa.csv.open_csv(
        text,
        read_options=pa.csv.ReadOptions(
            use_threads=False,
            block_size=BLOCK_BYTES,
            column_names=[f"{at}" for at in range(columns)],
            skip_rows=skipped,
        ),
        parse_options=pa.csv.ParseOptions(delimiter=delimiter),
        convert_options=pa.csv.ConvertOptions(
            include_columns=read, column_types={position: pa.string() for position in read}
        ),
    )


def _head(stream: BinaryIO, file: str, *, compressed: bool) -> bytes:
    """The first bytes of the text; the stream is then at its start again."""
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if not compressed:
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error as exc:
        raise DataError(f"the gzip stream cannot be read: {first_line(exc)}", file=file) from exc


def _first_row(head: bytes, file: str) -> tuple[str, int]:
    """The first line that is not blank, and the number of blank lines before it."""
    if b"\0" in head:
        raise DataError(file=file, found="binary data", expected="CSV, TSV or Parquet")
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        # The end of the head may cut a character in two; an earlier error means another encoding.
        if len(head) < HEAD_BYTES or exc.start < len(head) - 4:
            raise DataError(
                file=file,
                found=f"byte 0x{head[exc.start]:02x} at offset {exc.start}",
                expected="UTF-8 text; save the file as UTF-8",
            ) from exc
        text = head[: exc.start].decode("utf-8-sig")
    lines = LINE_END.split(text)
    for blank, line in enumerate(lines):
        if line.strip():
            if len(lines) == 1 and len(head) == HEAD_BYTES:
                raise DataError(file=file, found=f"a first line of {HEAD_BYTES} bytes or more", expected="a table")
            return line, blank
    raise DataError("the file has only blank lines; land a file with a header and rows", file=file)


def _is_header(names: Sequence[str], columns: Columns) -> bool:
    return any(name.strip().casefold() in {columns.date.casefold(), "transactiondate"} for name in names)


class _Text:
    """The text stream that Arrow parses: it counts quotes, and limits how far gzip may grow."""

    closed = False  # Arrow asks for it; the caller closes the file

    def __init__(self, text: BinaryIO, packed: BinaryIO | None, file: str) -> None:
        self._text, self._packed, self._file = text, packed, file
        self._size = self.quotes = 0

    def readable(self) -> bool:
        """Arrow asks for it."""
        return True

    def close(self) -> None:
        """See `closed`."""

    def read(self, size: int = -1) -> bytes:
        data = self._text.read(size)
        self._size += len(data)
        self.quotes += data.count(b'"')
        if self._packed is not None and grows_too_much(self._size, self._packed.tell()):
            raise DataError(
                f"the gzip stream grows to more than {MAX_GROWTH} times its size; land the file uncompressed",
                file=self._file,
            )
        return data


def _bad_row(exc: Exception, file: str, skipped: int, names: Sequence[str]) -> DataError:
    """Arrow's error as one that names row and column; `names` are those of the columns that are read."""
    reason = first_line(exc)
    place = ROW.search(str(exc))
    if place:
        row = int(place[1]) - skipped
        if place[2]:
            found = f"{place[3]} column(s): {place[4][:80]}"
            return DataError(file=file, row=row, found=found, expected=f"{place[2]} columns")
        column = COLUMN.search(str(exc))
        if column:
            name = names[int(column[1])] if int(column[1]) < len(names) else column[1]
            return DataError(
                file=file, row=row, column=name, found="a byte that is not UTF-8", expected="UTF-8 text"
            )
    if "straddling" in reason or "out of sync" in reason:
        reason = f"a quote is never closed, or a line is longer than {BLOCK_BYTES} bytes"
    return DataError(f"the table cannot be read: {reason}", file=file)

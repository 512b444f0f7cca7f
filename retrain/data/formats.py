"""A landed file as a stream of record batches: CSV or TSV, plain or gzip, and Parquet.

Nothing is guessed from the file's name: the first bytes decide. A batch is about one megabyte, which bounds
both the memory and the longest line; parsing runs on one thread, so that rows keep their numbers and sums
their last bits.
"""

from __future__ import annotations

import csv
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from retrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

HEAD_BYTES = 1 << 16
LINE_END = re.compile(r"\r\n|\n|\r")  # Arrow knows no others
BLOCK_BYTES = 1 << 20
# Transactions shrink to a tenth or a thirtieth; what grows a hundredfold beyond 64 MB was made to do harm.
MOST_GROWTH = 100
GROWTH_UNWATCHED = 64 << 20
MOST_ROW_GROUPS = 10_000
ROW = re.compile(r"Row #(\d+): (?:Expected (\d+) columns, got (\d+): (.*))?", re.DOTALL)
COLUMN = re.compile(r"In CSV column #(\d+)")

ADVENTUREWORKS = (
    "TransactionID",
    "ProductID",
    "ReferenceOrderID",
    "ReferenceOrderLineID",
    "TransactionDate",
    "TransactionType",
    "Quantity",
    "ActualCost",
    "ModifiedDate",
)

NOT_A_TABLE = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive; land the file inside it instead",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The names under which a file carries its day, its amount and its transaction's identity."""

    date: str = "TransactionDate"
    amount: str = "PaidAmount"
    transaction_id: str = "TransactionID"


@dataclass(frozen=True, slots=True)
class Table:
    """The columns that matter, by their names in the file, and the batches that hold just those, in order."""

    date: str
    amounts: tuple[str, ...]  # one column, or Quantity and ActualCost, whose product is the amount
    transaction_id: str | None
    batches: Iterator[pa.RecordBatch]


def open_table(stream: BinaryIO, file: str, columns: Columns) -> Table:
    """Open a seekable stream of bytes as a table.

    Raises: DataError if it is no table, or lacks a column; iterating the batches raises it for a bad row.
    """
    magic = stream.read(4)
    stream.seek(0)
    if not magic:
        raise DataError("the file is empty; land a file with a header and rows", file=file)
    for signature, what in NOT_A_TABLE.items():
        if magic.startswith(signature):
            raise DataError(file=file, found=what, expected="CSV, TSV or Parquet")
    if magic == b"PAR1":
        return _parquet(stream, file, columns)
    return _delimited(stream, file, columns, compressed=magic.startswith(b"\x1f\x8b"))


def _choose(names: Sequence[str], file: str, columns: Columns) -> tuple[str, tuple[str, ...], str | None]:
    """The file's own spelling of the columns that matter."""
    spelling = {name.strip().casefold(): name for name in reversed(names)}

    def find(name: str) -> str | None:
        return spelling.get(name.casefold())

    day, amount = find(columns.date), find(columns.amount)
    quantity, cost = find("Quantity"), find("ActualCost")
    if day is None:
        raise DataError(file=file, found=_shown(names), expected=f"a column {columns.date}")
    if amount is not None:
        return day, (amount,), find(columns.transaction_id)
    if quantity is not None and cost is not None:
        return day, (quantity, cost), find(columns.transaction_id)
    raise DataError(
        file=file,
        found=_shown(names),
        expected=f"a column {columns.amount}, or the columns Quantity and ActualCost",
    )


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names)[:200]


def _parquet(stream: BinaryIO, file: str, columns: Columns) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(stream)
    except (pa.ArrowException, OSError, ValueError) as exc:
        raise DataError(f"the Parquet file cannot be read: {_first_line(exc)}", file=file) from exc
    day, amounts, identity = _choose(parquet.schema_arrow.names, file, columns)
    wanted = [day, *amounts, *([identity] if identity else [])]
    for name in wanted:
        if parquet.schema_arrow.names.count(name) > 1:
            raise DataError(file=file, column=name, found="that column more than once", expected="it once")
    try:
        _refuse_growth(parquet, wanted, stream, file)
    except (pa.ArrowException, OSError, ValueError) as exc:  # also a name of a column that is no text
        raise DataError(f"the Parquet file cannot be read: {_first_line(exc)}", file=file) from exc

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from parquet.iter_batches(batch_size=HEAD_BYTES, columns=wanted, use_threads=False)
        except (pa.ArrowException, OSError, ValueError) as exc:
            raise DataError(f"the Parquet file cannot be read: {_first_line(exc)}", file=file) from exc

    return Table(day, amounts, identity, batches())


def _delimited(stream: BinaryIO, file: str, columns: Columns, *, compressed: bool) -> Table:
    import pyarrow as pa
    import pyarrow.csv

    head = _head(stream, file, compressed=compressed)
    first_line, blank_lines = _first_row(head, file)
    delimiter = "\t" if "\t" in first_line else ","
    names = next(csv.reader([first_line], delimiter=delimiter))
    headed = _is_header(names, columns)
    if not headed and len(names) == len(ADVENTUREWORKS):
        names = list(ADVENTUREWORKS)
    day, amounts, identity = _choose(names, file, columns)

    # Columns are read by position: two columns of the same name would make Arrow refuse the file.
    position = {name: f"{at}" for at, name in reversed(list(enumerate(names)))}
    wanted = [day, *amounts, *([identity] if identity else [])]
    text = (
        _Text(pa.input_stream(stream, compression="gzip"), stream, file)
        if compressed
        else _Text(stream, None, file)
    )

    def batches() -> Iterator[pa.RecordBatch]:
        skipped = blank_lines + headed
        try:
            yield from pa.csv.open_csv(
                text,
                read_options=pa.csv.ReadOptions(
                    use_threads=False,
                    block_size=BLOCK_BYTES,
                    column_names=[f"{at}" for at in range(len(names))],
                    skip_rows=skipped,
                ),
                parse_options=pa.csv.ParseOptions(delimiter=delimiter),
                convert_options=pa.csv.ConvertOptions(
                    include_columns=[position[name] for name in wanted],
                    column_types={position[name]: pa.string() for name in wanted},
                ),
            )
        except (pa.ArrowException, OSError) as exc:
            if "Empty CSV file" in str(exc):
                return
            raise _bad_row(exc, file, skipped, wanted) from exc
        if text.quotes % 2:
            raise DataError("the file holds an odd number of quotes: one is never closed", file=file)

    return Table(position[day], tuple(position[name] for name in amounts), _at(position, identity), batches())


def _at(position: dict[str, str], name: str | None) -> str | None:
    return None if name is None else position[name]


def _head(stream: BinaryIO, file: str, *, compressed: bool) -> bytes:
    """The first bytes of the text; the stream is left at its beginning."""
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if not compressed:
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error as exc:
        raise DataError(f"the gzip stream cannot be read: {_first_line(exc)}", file=file) from exc


def _first_row(head: bytes, file: str) -> tuple[str, int]:
    """The first line that is not blank, and how many blank ones precede it."""
    if b"\0" in head:
        raise DataError(file=file, found="binary data", expected="CSV, TSV or Parquet")
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        # A character may be cut in two by the end of the head; anything earlier is another encoding.
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
    raise DataError("the file holds only blank lines; land a file with a header and rows", file=file)


def _is_header(names: Sequence[str], columns: Columns) -> bool:
    return any(name.strip().casefold() in {columns.date.casefold(), "transactiondate"} for name in names)


class _Text:
    """The text of a file on its way to the parser: its quotes are counted, and its growth is watched."""

    closed = False  # Arrow asks for it; whoever opened the file closes it

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
        if self._packed is not None and self._size > max(GROWTH_UNWATCHED, MOST_GROWTH * self._packed.tell()):
            raise DataError(
                f"the gzip stream grows to more than {MOST_GROWTH} times its size; land it as it is",
                file=self._file,
            )
        return data


class _OutOfReach(Exception):
    """Somebody came to read."""


class _Unread:
    """A stream of some size, of which nothing may be read."""

    closed = False

    def __init__(self, size: int) -> None:
        self._size, self._at = size, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, _size: int = -1) -> bytes:
        raise _OutOfReach


def _refuse_growth(parquet: pa.parquet.ParquetFile, wanted: Sequence[str], stream: BinaryIO, file: str) -> None:
    """Raises: DataError for a column that would fill the memory: a page is unpacked whole; what Arrow raises.

    Asked for the size of a column whose metadata are broken, Arrow ends the process. Its own reader looks at them
    in good order before it reads a page, so it is let come as far as that first.
    """
    import pyarrow.parquet as pq

    metadata = parquet.metadata
    if metadata.num_row_groups > MOST_ROW_GROUPS:
        found = f"{metadata.num_row_groups} row groups"
        raise DataError(file=file, found=found, expected=f"at most {MOST_ROW_GROUPS}; write larger ones")
    careful = pq.ParquetFile(_Unread(stream.seek(0, 2)), metadata=metadata)
    columns = [at for at in range(metadata.num_columns) if parquet.schema.column(at).path in wanted]
    for group in range(metadata.num_row_groups):
        try:
            next(careful.iter_batches(columns=wanted, row_groups=[group]), None)
        except _OutOfReach:
            for at in columns:
                _refuse_column(metadata.row_group(group).column(at), file)


def _refuse_column(chunk: pa.parquet.ColumnChunkMetaData, file: str) -> None:
    if chunk.total_uncompressed_size > max(GROWTH_UNWATCHED, MOST_GROWTH * chunk.total_compressed_size):
        raise DataError(
            f"the Parquet file grows to more than {MOST_GROWTH} times its size; write smaller pages",
            file=file,
            column=chunk.path_in_schema,
        )


def _bad_row(exc: Exception, file: str, skipped: int, wanted: Sequence[str]) -> DataError:
    reason = _first_line(exc)
    place = ROW.search(str(exc))
    if place:
        row = int(place[1]) - skipped
        if place[2]:
            found = f"{place[3]} column(s): {place[4][:80]}"
            return DataError(file=file, row=row, found=found, expected=f"{place[2]} columns")
        column = COLUMN.search(str(exc))
        if column:
            name = wanted[int(column[1])] if int(column[1]) < len(wanted) else column[1]
            return DataError(
                file=file, row=row, column=name, found="a byte that is not UTF8", expected="UTF-8 text"
            )
    if "straddling" in reason or "out of sync" in reason:
        reason = f"a quote is never closed, or a line is longer than {BLOCK_BYTES} bytes"
    return DataError(f"the table cannot be read: {reason}", file=file)


def _first_line(exc: Exception) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0][:200]

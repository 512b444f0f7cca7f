"""One file that is wrong in some way, or only looks it, and the makers of its bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.builders import csv_file, weekly

if TYPE_CHECKING:
    from collections.abc import Callable

YEAR = weekly(364, seed=1)  # through Sunday 2023-12-31
HEADER = "TransactionDate,PaidAmount"
NEW_YEAR = "2024-01-01"
PAST_THE_HEAD = 8000  # rows of 13 bytes, more than the 64 KB by which a file is judged before it is read


@dataclass(frozen=True, slots=True)
class BadFile:
    """One file and its answer.

    Attributes:
        expected: the days that the history gains, as `{"2024-01-01": 5.0}`; or a pattern that the reason of the
            refusal contains.
        row, column, found: the cell that the refusal points at, where there is one.
        is_plain_name: False where the store can hold no such file, so that there is none to set aside.
    """

    what: str
    make: Callable[[], bytes]
    expected: dict[str, float] | str
    name: str = "landed.csv"
    row: int | None = None
    column: str | None = None
    found: str | None = None
    is_plain_name: bool = True


def text(*lines: str, header: str = HEADER, end: str = "\n", encoding: str = "utf-8") -> Callable[[], bytes]:
    """A delimited file with one header."""
    return lambda: "".join(f"{line}{end}" for line in (header, *lines)).encode(encoding)


def raw(data: bytes) -> Callable[[], bytes]:
    """These bytes."""
    return lambda: data


def zipped(data: Callable[[], bytes], *, keep: int | None = None, more: bytes = b"") -> Callable[[], bytes]:
    """Compressed with gzip, up to `keep` and with `more` behind it."""
    return lambda: gzip.compress(data(), mtime=0)[:keep] + more


def parquet(**columns: object) -> Callable[[], bytes]:
    """A Parquet file of these columns."""
    return lambda: written(pa.table(columns))


def written(table: pa.Table, **options: object) -> bytes:
    """A table as Parquet."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def amount(cell: str, shown: str | None = None, what: str = "") -> BadFile:
    """A second row whose amount is none."""
    return BadFile(
        what or f"the amount {cell!r}",
        text(f"{NEW_YEAR},5", f"2024-01-02,{cell}"),
        "expected a number",
        row=2,
        column="PaidAmount",
        found=cell.strip('"') if shown is None else shown,
    )


def right(cell: str, number: float, what: str) -> BadFile:
    """A second row whose amount is written as people do."""
    return BadFile(what, text(f"{NEW_YEAR},5", f"2024-01-02,{cell}"), {NEW_YEAR: 5.0, "2024-01-02": number})


def day(cell: str, what: str) -> BadFile:
    """A second row whose day is none."""
    where = {"row": 2, "column": "TransactionDate", "found": cell.strip('"')}
    return BadFile(what, text(f"{NEW_YEAR},5", f"{cell},6"), "expected a day as YYYY-MM-DD", **where)  # type: ignore[arg-type]


def named(name: str, what: str) -> BadFile:
    """A file of one impossible day, by a name of its own."""
    cell = {"row": 1, "column": "TransactionDate", "found": "2024-02-30"}
    return BadFile(what, text("2024-02-30,5"), "expected a day", name=name, **cell)  # type: ignore[arg-type]


def nameless(name: str, what: str) -> BadFile:
    """A name that leads out of the store: nothing there is opened."""
    return BadFile(what, raw(b""), "expected a plain name", name=name, is_plain_name=False)


def daily(amounts: list[float], first_day: str = NEW_YEAR) -> Callable[[], bytes]:
    """One row a day."""
    return lambda: csv_file(np.array(amounts), date.fromisoformat(first_day))


def late(*lines: bytes, header: bytes = HEADER.encode(), filler: bytes = b"2024-01-01,5\n") -> Callable[[], bytes]:
    """Lines that come after the head of the file."""
    return lambda: header + b"\n" + filler * PAST_THE_HEAD + b"".join(line + b"\n" for line in lines)


def packed(name: str, data: bytes) -> bytes:
    """A zip with one file inside."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as out:
        out.writestr(zipfile.ZipInfo(name), data)
    return sink.getvalue()


def archive() -> bytes:
    """A zip with a good file inside."""
    return packed("inside.csv", text(f"{NEW_YEAR},5")())


def sheet(table: pa.Table) -> bytes:
    """A workbook with the table as its sheet."""
    book, sink = openpyxl.Workbook(), io.BytesIO()
    for row in (table.column_names, *(row.values() for row in table.to_pylist())):
        book.worksheets[0].append(list(row))
    book.save(sink)
    return sink.getvalue()


def tarball() -> bytes:
    """A tar with a good file inside, compressed with gzip."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as out:
        member = tarfile.TarInfo("inside.csv")
        member.size = len(text(f"{NEW_YEAR},5")())
        out.addfile(member, io.BytesIO(text(f"{NEW_YEAR},5")()))
    return sink.getvalue()


def broken(change: Callable[[bytes], bytes], data: Callable[[], bytes]) -> Callable[[], bytes]:
    """A file after an accident."""
    return lambda: change(data())


def flipped(at: int) -> Callable[[bytes], bytes]:
    """One bit of one byte is another."""

    def flip(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[at] ^= 1
        return bytes(changed)

    return flip


def twice() -> bytes:
    """The amount stands in the schema twice."""
    arrays = [pa.array([date(2024, 1, 1)]), pa.array([5.0]), pa.array([6.0])]
    return written(pa.Table.from_arrays(arrays, names=["TransactionDate", "PaidAmount", "PaidAmount"]))


def wide() -> bytes:
    """Ninety megabytes of constants in columns beside the two that matter; a file of some kilobytes."""
    days, amounts = pa.array([date(2024, 1, 1), date(2024, 1, 2)]), pa.array([5.0, 6.0])
    rows = pa.array(np.arange(400_000) % 2)
    columns = {"TransactionDate": days.take(rows), "PaidAmount": amounts.take(rows)}
    blank = pa.array(np.zeros(400_000))
    return written(pa.table(columns | {f"Blank{at}": blank for at in range(30)}), use_dictionary=False)


def crumbs() -> bytes:
    """A row group a row."""
    rows = 10_001
    table = pa.table({"TransactionDate": [date(2024, 1, 1)] * rows, "PaidAmount": [5.0] * rows})
    return written(table, row_group_size=1)


def text_that_is_none() -> bytes:
    """Parquet whose days were declared as text and are not UTF-8."""
    table = pa.table({"TransactionDate": ["2024-01-01"], "PaidAmount": [5.0]})
    plain = written(table, compression="none", use_dictionary=False, write_statistics=False)
    return plain.replace(b"2024-01-01", b"2024-01-0\xff")


def members(header: bytes, filler: bytes, size: int) -> Callable[[], bytes]:
    """A small gzip of `header` and about `size` bytes of `filler`, as members of a megabyte each."""
    block = filler * max((1 << 20) // len(filler), 1)
    return lambda: gzip.compress(header, mtime=0) + gzip.compress(block, mtime=0) * (size // len(block))

"""Finds the delimiter and the header of a text by its first lines."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from retrain.errors import DataError
from retrain.reading.columns import ADVENTUREWORKS, looks_like_data
from retrain.reading.text import HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrain.reading.rules import Columns

DELIMITERS = "\t;|,"
DELIMITER_NAMES = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}
SEARCHED_ROWS = 60  # titles above a header are fewer
LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$")  # the line ends that Arrow knows


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a text has its columns and its rows.

    Attributes:
        lines: before the first row of data, blank ones and the header included.
        titles: rows above the header, blank ones not counted.
        has_header: False if the names are those of the raw transactions.
    """

    delimiter: str
    names: tuple[str, ...]
    lines: int
    titles: int
    has_header: bool


@dataclass(frozen=True, slots=True)
class _Record:
    cells: list[str]
    lines: int  # up to its end


def lay_out(text: str, file: str, columns: Columns) -> Layout:
    """Find the columns.

    Args: text: the first 64 KB of the file, or all of it.
    Raises: DataError if there is no row, or if the first line does not end.
    """
    if not text.strip():
        raise DataError("the file has only blank lines; land a file with a header and rows", file=file)
    if len(text.encode()) >= HEAD_BYTES and not any(end in text.strip() for end in "\r\n"):
        raise DataError(file=file, found=f"a first line of {HEAD_BYTES} bytes or more", expected="a table")
    split = {delimiter: _records(text, delimiter) for delimiter in DELIMITERS}
    headers = [
        (at, -len(record.cells), delimiter)
        for delimiter, records in split.items()
        for at, record in enumerate(records)
        if _has_name(record.cells, columns)
    ]
    if headers:
        at, _, delimiter = min(headers)
        return _with_header(split[delimiter], at, delimiter)
    for delimiter, records in split.items():
        if records and len(records[0].cells) == len(ADVENTUREWORKS) and looks_like_data(records[0].cells):
            first = records[0]
            return Layout(delimiter, ADVENTUREWORKS, first.lines - 1, 0, has_header=False)
    delimiter = max(DELIMITERS, key=lambda each: _regularity(split[each]))
    widths = Counter(len(record.cells) for record in split[delimiter])
    width = widths.most_common(1)[0][0]
    # A title has as many cells as the others where a spreadsheet wrote it, but one of them has a text.
    wide = [at for at, record in enumerate(split[delimiter]) if len(record.cells) == width]
    filled = [at for at in wide if width < 2 or sum(bool(cell.strip()) for cell in split[delimiter][at].cells) > 1]
    return _with_header(split[delimiter], next(iter(filled or wide), 0), delimiter)


def header_row(rows: Sequence[Sequence[str]], columns: Columns) -> int:
    """The position of the header among the first rows that are not blank."""
    filled = [sum(1 for cell in row if cell.strip()) for row in rows]
    width = max(Counter(filled).items(), key=lambda item: (item[0] > 1, item[1]))[0]
    named = (at for at, row in enumerate(rows) if _has_name(row, columns))
    return next(named, filled.index(width))


def _with_header(records: list[_Record], at: int, delimiter: str) -> Layout:
    names = tuple(records[at].cells)
    return Layout(delimiter, names, records[at].lines, at, has_header=True)


def _records(text: str, delimiter: str) -> list[_Record]:
    """The first rows that are not blank."""
    reader = csv.reader(LINE.findall(text), delimiter=delimiter)
    found: list[_Record] = []
    try:
        for cells in islice(reader, 10 * SEARCHED_ROWS):
            if any(cell.strip() for cell in cells) and len(found) < SEARCHED_ROWS:
                found.append(_Record(cells, reader.line_num))
    except csv.Error:  # a cell that is too long: what is before it is read
        pass
    return found or [_Record([text[:200]], 1)]


def _has_name(cells: Sequence[str], columns: Columns) -> bool:
    wanted = {columns.date.strip().casefold(), ADVENTUREWORKS[4].casefold()}
    return any(cell.strip().casefold() in wanted for cell in cells)


def _regularity(records: list[_Record]) -> float:
    """How many rows have the commonest number of columns, weighted by it; 0 for one column."""
    (width, count), *_ = Counter(len(record.cells) for record in records).most_common(1)
    return count / len(records) * min(width, 8) if width > 1 else 0

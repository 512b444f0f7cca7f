"""Reads one sheet of an XLSX workbook in batches."""

from __future__ import annotations

import warnings
import zipfile
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, time
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO

from retrain.errors import DataError, RetrainError
from retrain.reading.columns import Table, first_line, grows_too_much
from retrain.reading.formulas import Uncomputed
from retrain.reading.layout import SEARCHED_ROWS, header_row
from retrain.reading.objects import Cell, in_batches
from retrain.reading.percent import has_percent, without_percent
from retrain.reading.sheets import Sheet, chosen_sheet

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    import pyarrow as pa

    from retrain.reading.rules import Columns

MOST_COLUMNS = 1000
NO_AMOUNTS: Mapping[int, str] = MappingProxyType({})
YEAR_OF_MAC = 1904
LARGEST = 1 << 30  # bytes, decompressed; they are read as a stream
LARGEST_TEXTS = 64 << 20  # bytes of the texts of all cells, which are kept in memory


def open_workbook(archive: zipfile.ZipFile, stream: BinaryIO, file: str, columns: Columns) -> Table:
    """Open the sheet that is asked for, or the only one with a table.

    Raises: DataError if none can be chosen or read, or it grows too much; so does iterating the rows, also for a
        formula in a column that is read, whose value was never computed.
    """
    size = sum(part.file_size for part in archive.infolist())
    packed = sum(part.compress_size for part in archive.infolist())
    texts = sum(part.file_size for part in archive.infolist() if part.filename.endswith("sharedStrings.xml"))
    if grows_too_much(size, packed) or size > LARGEST or texts > LARGEST_TEXTS:
        raise DataError("the XLSX workbook is too large when it is decompressed; save it as CSV", file=file)
    sheet, why = chosen_sheet(_sheets(stream, file), file, columns)
    first = [
        (at, row)
        for at, row in enumerate(islice(_rows(stream, file, sheet.name), SEARCHED_ROWS))
        if any(map(_shown, row))
    ]
    header = header_row([[_shown(cell) for cell in row] for _, row in first], columns)
    names = [_shown(cell) for cell in first[header][1]]
    while names and not names[-1].strip():
        names.pop()
    skipped = first[header][0] + 1
    if header + 1 < len(first):
        with _readable(stream, file) as book:
            _refuse_numbers_since_1904(book, file, columns, names, first[header + 1][1])

    def rows(positions: Sequence[int], *, floats: int, rest: bool) -> Generator[pa.RecordBatch]:  # noqa: ARG001
        amounts = {at: names[at] for at in positions[1:]}
        found = _rows(stream, file, sheet.name, skipped, amounts)
        computed = _without_formulas(found, stream, file, sheet.name, skipped, positions)
        yield from in_batches(_without_blank_end(computed), positions, len(names), rest=rest)

    read_as = [why]
    if header:
        read_as.append(f"the header is row {skipped} of the sheet; the rows above it are left out")
    return Table("XLSX workbook", tuple(names), rows, tuple(read_as))


def _refuse_numbers_since_1904(
    book: Any, file: str, columns: Columns, names: Sequence[str], row: Sequence[Cell]
) -> None:
    """Raises: DataError if days are bare numbers in a workbook that does not count them from 1900, as others do."""
    at = _place(columns.date, names)
    if at is None or at >= len(row) or not isinstance(row[at], int | float) or book.epoch.year != YEAR_OF_MAC:
        return
    raise DataError(
        file=file,
        column=names[at],
        found=f"{row[at]}, in a workbook that counts days from 1904",
        expected="dates; format the column as dates and save the workbook",
    )


def _place(wanted: str, names: Sequence[str]) -> int | None:
    """Where the first column of a name is."""
    spelled = [name.strip().casefold() for name in names]
    return spelled.index(wanted.strip().casefold()) if wanted.strip().casefold() in spelled else None


def _sheets(stream: BinaryIO, file: str) -> list[Sheet]:
    """The sheets with cells; charts are none."""
    with _readable(stream, file) as book:
        if not book.worksheets:
            raise DataError("the XLSX workbook has no sheet with cells; save the table as CSV", file=file)
        return [Sheet(sheet.title, sheet.sheet_state == "visible", _first_rows(sheet)) for sheet in book.worksheets]


def _first_rows(sheet: Any) -> tuple[tuple[str, ...], ...]:
    rows = (tuple(map(_shown, row)) for row in islice(_of_sheet(sheet), SEARCHED_ROWS))
    return tuple(row for row in rows if any(row))


def _rows(
    stream: BinaryIO, file: str, name: str, skipped: int = 0, amounts: Mapping[int, str] = NO_AMOUNTS
) -> Iterator[list[Cell]]:
    """The rows behind those that are skipped.

    Args: amounts: columns, names by positions. Raises: DataError if one of them is shown in percent.
    """
    with _readable(stream, file) as book:
        if not amounts or not has_percent(book):
            yield from islice(_of_sheet(book[name]), skipped, None)
            return
        sheet = book[name]
        sheet.reset_dimensions()
        for row in without_percent(islice(sheet.iter_rows(), skipped, None), file, amounts):
            yield [_cell(cell.value) for cell in row[:MOST_COLUMNS]]


def _of_sheet(sheet: Any) -> Iterator[list[Cell]]:
    sheet.reset_dimensions()  # programs write wrong ones
    for row in sheet.iter_rows(values_only=True):
        yield [_cell(value) for value in row[:MOST_COLUMNS]]


def _without_formulas(
    rows: Iterator[list[Cell]], stream: BinaryIO, file: str, name: str, skipped: int, positions: Sequence[int]
) -> Iterator[list[Cell]]:
    """The rows. Raises: DataError if a cell of these columns is empty because its formula was never computed."""
    from openpyxl.utils import get_column_letter

    formulas: Uncomputed | None = None
    with ExitStack() as opened:
        for number, row in enumerate(rows, skipped + 1):
            empty = [place for place in positions if place >= len(row) or row[place] is None]
            if empty:
                if formulas is None:
                    sheet = opened.enter_context(_readable(stream, file))[name]
                    formulas = Uncomputed(opened.enter_context(sheet._get_source()))
                found = formulas.of_row(number)
                for place in empty:
                    if place in found:
                        raise DataError(
                            f"cell {get_column_letter(place + 1)}{number} of the sheet {name} is a formula without "
                            "a stored value; open and save the workbook in a spreadsheet program",
                            file=file,
                        )
            yield row


@contextmanager
def _readable(stream: BinaryIO, file: str) -> Iterator[Any]:
    """The workbook, with any error of its reader as a DataError."""
    import openpyxl

    stream.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions
            yield openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    except RetrainError:
        raise
    except Exception as exc:
        raise DataError(
            f"the XLSX workbook cannot be read ({first_line(exc)}); open and save it again, or save it as CSV",
            file=file,
        ) from exc


def _without_blank_end(rows: Iterator[list[Cell]]) -> Iterator[list[Cell]]:
    """All rows but the empty ones behind the last that is filled."""
    blank = 0
    for row in rows:
        if any(cell is not None and cell != "" for cell in row):
            for _ in range(blank):
                yield []
            blank = 0
            yield row
        else:
            blank += 1


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, str | bool | float | int | date | time):
        return value
    return str(value)


def _shown(value: Cell) -> str:
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return "" if value is None else str(value)

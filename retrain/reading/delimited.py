"""Reads delimited text in batches, plain or compressed with gzip.

A batch is about one megabyte, which limits the memory and the length of a line. Parsing uses one thread, so that
rows keep their numbers and sums are reproducible to the last bit.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, BinaryIO

from retrain.errors import DataError
from retrain.reading.columns import NotPlain, ReadAgain, Table, first_line, looks_like_data
from retrain.reading.cut import last_amount_is_cut, last_day_is_cut
from retrain.reading.layout import DELIMITER_NAMES, LINE, Layout, lay_out
from retrain.reading.lines import last_line, line_ends, row_at
from retrain.reading.quotes import Quotes, StrayQuote, Unchecked
from retrain.reading.text import NAMES, OTHERS, UTF_8, QuoteFound, Text, decoded, head_of, is_likely, not_utf_8

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    import pyarrow as pa

    from retrain.reading.columns import Chosen
    from retrain.reading.rules import Columns

BLOCK_BYTES = 1 << 20
ROW = re.compile(r"Row #(\d+): (?:Expected (\d+) columns, got (\d+): (.*))?", re.DOTALL)
TAIL_ROWS = 500
EVERYTHING = 1 << 62
DOUBLED = '"" for a quote inside a text'
COLUMN = re.compile(r"In CSV column #(\d+)")


def open_delimited(stream: BinaryIO, file: str, columns: Columns) -> Table:
    """Open text with commas, tabs, semicolons or bars between its columns as a table.

    Raises: DataError if it is not text; so does iterating the rows.
    """
    head = head_of(stream, file)
    encoding, layout = _understood(head, file, columns)
    text = _Rows(stream, file, encoding, layout, has_quotes=b'"' in head)
    read_as = []
    if layout.titles:
        read_as.append(f"the header is row {layout.titles + 1} of the file; the rows above it are left out")
    if encoding != UTF_8:
        read_as.append(f"the text is {NAMES[encoding]}")
    if not layout.has_header:
        read_as.append("the file has no header; its columns are those of the AdventureWorks transactions")
    kind = f"text with {DELIMITER_NAMES[layout.delimiter]} between the columns"
    return Table(kind, layout.names, text, tuple(read_as), text.ending, text.notes)


def _understood(head: bytes, file: str, columns: Columns) -> tuple[str, Layout]:
    """The encoding in which the header has the most of the columns that are wanted, and the layout."""
    wanted = {name.casefold() for name in (columns.date, columns.amount, columns.transaction_id)}
    best: tuple[int, str, Layout] | None = None
    for encoding, text in decoded(head, file).items():
        layout = lay_out(text, file, columns)
        known = len(wanted & {name.strip().casefold() for name in layout.names})
        if best is None or known > best[0]:
            best = known, encoding, layout
    if best is None:
        raise not_utf_8(head, file)
    known, encoding, layout = best
    if encoding not in OTHERS or known or all(name.isascii() for name in layout.names):
        return encoding, layout
    likely = [each for each, text in decoded(head, file).items() if is_likely(text, each)]
    if len(likely) != 1:
        raise not_utf_8(head, file)
    return likely[0], lay_out(decoded(head, file)[likely[0]], file, columns)


class _Rows:
    """The rows of one text. What a reading finds out about the text is kept for the next one."""

    def __init__(self, stream: BinaryIO, file: str, encoding: str, layout: Layout, *, has_quotes: bool) -> None:
        self._stream, self._file, self._encoding, self._layout = stream, file, encoding, layout
        self._has_quotes = has_quotes
        self._limit: int | None = None
        self._may_have_notes = False
        self._notes: list[pa.csv.InvalidRow] = []
        self._left_out = ""
        self._tail = b""

    def __call__(self, positions: Sequence[int], *, floats: int, rest: bool) -> Generator[pa.RecordBatch]:
        """See `columns.Rows`."""
        import pyarrow as pa

        self._notes = []
        rows = 0
        quotes = Quotes(self._layout.delimiter) if self._has_quotes else None
        text = Text(self._stream, self._file, self._encoding, quotes, self._limit)
        try:
            for batch in self._parsed(text, positions, floats=floats, rest=rest):
                if quotes is not None and quotes.began >= 0 and text.ended:
                    text.stop()
                    self._leave_out_the_cut_cell(quotes.began)
                rows += batch.num_rows
                if self._notes and rows >= self._note_row:
                    text.stop()
                    raise self._short_note()
                if batch.num_rows:  # a block of blank lines has none
                    yield batch
        except QuoteFound:
            self._has_quotes = True
            raise ReadAgain from None
        except StrayQuote as stray:
            text.stop()
            raise self._stray(stray) from stray
        except (pa.ArrowException, OSError) as exc:
            text.stop()
            raise self._bad_row(exc, positions, floats) from exc
        finally:
            text.stop()
        self._tail = text.tail
        self._refuse_a_cut_note()

    def _parsed(self, text: Text, positions: Sequence[int], *, floats: int, rest: bool) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.csv

        names = [f"{at}" for at in range(len(self._layout.names))]
        read = [names[at] for at in positions]
        others = [name for name in names if name not in read] if rest else []
        types = {name: pa.string() for name in read} | {name: pa.binary() for name in others}
        types |= {name: pa.float64() for name in read[1 : 1 + floats]}
        try:
            yield from pa.csv.open_csv(
                text,
                read_options=pa.csv.ReadOptions(
                    use_threads=False,
                    block_size=BLOCK_BYTES,
                    column_names=names,
                    skip_rows=self._layout.lines,
                ),
                parse_options=pa.csv.ParseOptions(
                    delimiter=self._layout.delimiter,
                    newlines_in_values=self._has_quotes,
                    invalid_row_handler=self._invalid if self._may_have_notes else None,
                ),
                convert_options=pa.csv.ConvertOptions(
                    include_columns=[*read, *others], column_types=types, null_values=[""]
                ),
            )
        except pa.ArrowInvalid as exc:
            if "Empty CSV file" not in str(exc) and "file is too short" not in str(exc):
                raise

    def _invalid(self, row: pa.csv.InvalidRow) -> str:
        """A note below the rows may have one cell; whether rows follow shows later."""
        if row.actual_columns > row.expected_columns or not self._is_note(row.text):
            return "error"
        self._notes.append(row)
        return "skip"

    def _is_note(self, text: str) -> bool:
        cells = [cell for cell in text.split(self._layout.delimiter) if cell.strip()]
        return len(cells) == 1 and not looks_like_data(cells)

    def _refuse_a_cut_note(self) -> None:
        """Raises: ReadAgain if the last note is a row that is cut: it has no line end."""
        if self._notes and not self._tail.endswith((b"\n", b"\r")):
            note = self._notes[-1]
            found = self._short_row(
                int(note.number) - self._layout.lines, note.expected_columns, note.actual_columns, note.text
            )
            if isinstance(found, ReadAgain):
                raise found

    @property
    def _note_row(self) -> int:
        """The row of data, from 1, of the first note."""
        return int(self._notes[0].number) - self._layout.lines

    def _short_note(self) -> DataError:
        note = self._notes[0]
        return self._too_few(self._note_row, note.expected_columns, note.actual_columns, note.text)

    def notes(self) -> tuple[str, ...]:
        """The lines below the last row that have one cell alone."""
        return tuple(note.text.strip(f" {self._layout.delimiter}")[:80] for note in self._notes)

    def _leave_out_the_cut_cell(self, began: int) -> None:
        """Leave out the last line, if the cell that never ends begins there. Raises: ReadAgain; DataError."""
        row = self._row_at(began)
        begin, _ = last_line(self._blocks())
        if row == 1 or began < begin or self._limit is not None:
            raise DataError(
                f"a quoted cell begins here and never ends; close its quote, or write {DOUBLED}",
                file=self._file,
                row=row,
                found="a quote that is never closed",
                expected=f"{DOUBLED}, and one at the end of a quoted cell",
            )
        self._limit, self._left_out = begin, f"the file ends inside a quoted cell of row {row}, which is left out"
        raise ReadAgain

    def _short_row(self, row: int, expected: int, columns: int, text: str) -> Exception:
        """The refusal of a row with another number of columns, unless it is a last line that is cut."""
        begin, end = last_line(self._blocks())
        if begin < end and 1 < row == self._row_at(begin) and columns < expected and self._limit is None:
            self._limit = begin
            self._left_out = (
                f"the last line has no line end and {columns} of {expected} columns; row {row} is left out"
            )
            return ReadAgain()
        if columns < expected and not self._may_have_notes and self._is_note(text):
            self._may_have_notes = True
            return ReadAgain()
        return self._too_few(row, expected, columns, text)

    def _too_few(self, row: int, expected: int, columns: int, text: str) -> DataError:
        found = f"{columns} column(s): {text[:80]}"
        return DataError(file=self._file, row=row, found=found, expected=f"{expected} columns")

    def _row_at(self, place: int) -> int:
        return row_at(place, self._blocks(), self._layout.lines, self._layout.delimiter)

    def _stray(self, stray: StrayQuote) -> DataError:
        """A quoted cell with text behind its closing quote, which may be the opening quote of another row."""
        row = self._row_at(stray.begin)
        further = line_ends(self._blocks(), stray.begin, stray.end)
        end = f"in row {row + further}" if further else "in the same row"
        return DataError(
            f"a quoted cell begins here and ends {end} with text behind its closing quote; write {DOUBLED}",
            file=self._file,
            row=row,
            found=f"a quoted cell that ends {end} with text behind it",
            expected=DOUBLED,
        )

    def _blocks(self) -> Iterator[bytes]:
        """The text once more."""
        text = Text(self._stream, self._file, self._encoding, Unchecked())
        while data := text.read(BLOCK_BYTES):
            yield data

    def _bad_row(self, exc: Exception, positions: Sequence[int], floats: int) -> Exception:
        """Arrow's error as one that names row and column."""
        place, reason = ROW.search(str(exc)), first_line(exc)
        column = COLUMN.search(str(exc))
        if place and place[2]:
            row = int(place[1]) - self._layout.lines
            return self._short_row(row, int(place[2]), int(place[3]), place[4])
        if place and column:
            if floats and "invalid UTF8" not in str(exc):
                return NotPlain()
            return DataError(
                file=self._file,
                row=int(place[1]) - self._layout.lines,
                column=self._layout.names[positions[int(column[1])]],
                found="a byte that is not UTF-8",
                expected="UTF-8 text; save the file as UTF-8",
            )
        if "straddling" in reason or "out of sync" in reason:
            reason = f"a quote is never closed, or a line is longer than {BLOCK_BYTES} bytes"
        return DataError(f"the table cannot be read: {reason}", file=self._file)

    def ending(self, chosen: Chosen) -> str:
        """Why the text seems to be cut; see `columns.Table`."""
        if self._left_out or self._tail.endswith((b"\n", b"\r")):
            return self._left_out
        lines = LINE.findall(self._tail.decode(errors="replace"))[-TAIL_ROWS:]
        cells = [row for row in csv.reader(lines, delimiter=self._layout.delimiter) if row]
        width = len(self._layout.names)
        if not cells or len(cells[-1]) != width:
            return ""
        # The first line of the tail may be cut, and titles have other widths.
        others = [row[-1] for row in cells[1:-1] if len(row) == width]
        last = cells[-1][-1]
        if chosen.date == width - 1 and last_day_is_cut(last, others):
            return f"the last line has no line end, and its day {last} may be cut"
        if width - 1 in chosen.amounts and last_amount_is_cut(last, others):
            return f"the last line has no line end, and its amount {last} may be cut"
        return ""

"""Reads a landed file: for each day the sum and the number of its rows; a repeated row counts once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from retrain.data.landed import DayTotal, FileContent
from retrain.errors import DataError
from retrain.reading.ahead import ahead
from retrain.reading.amounts import OpenStyle, refuse_currencies
from retrain.reading.cells import AN_ID, Cells
from retrain.reading.columns import NotPlain, ReadAgain, choose, needs_ids
from retrain.reading.day_reader import DayReader
from retrain.reading.days import EPOCH, Days
from retrain.reading.formats import open_table
from retrain.reading.odd_rows import OddRows
from retrain.reading.repeats import EqualRows, RepeatedIds
from retrain.reading.splits import split_columns
from retrain.reading.styles import Styles, settle

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import pyarrow as pa
    from numpy.typing import NDArray

    from retrain.data.landed import RowSink
    from retrain.reading.columns import Chosen, Table
    from retrain.reading.rules import Reading

SAMPLE_ROWS = 2000


def read_landed(
    stream: BinaryIO, file: str, reading: Reading, today: date, sink: Callable[[], RowSink] | None = None
) -> FileContent:
    """Read a landed file, in one pass if its first rows show how, and no id comes twice.

    Args:
        stream: seekable bytes; read in blocks of about 1 MB.
        today: the current day; rows up to one day later are accepted, because of clocks and time zones.
        sink: called before the rows are read, and again if they have to be read again; the rows of the last
            reading count. Rows of a file with ids that count are added to what it gives, a batch at a time.

    Raises: DataError with file, row, column, what was found and what was expected.
    """
    table = open_table(stream, file, reading.columns)
    chosen = choose(table.names, file, reading.columns, lambda: dict(zip(table.names, _sample(table), strict=True)))
    days = Days(today + timedelta(days=1), reading.timezone)
    landed = _File(table, chosen, file, reading, days, sink).read()
    if not landed.has_ids and not landed.is_daily:
        needs_ids(table.names, file, reading.columns)
    return landed


@dataclass(frozen=True, slots=True)
class _File:
    """A file whose columns are known."""

    table: Table
    chosen: Chosen
    file: str
    reading: Reading
    days: Days
    sink: Callable[[], RowSink] | None

    def read(self) -> FileContent:
        """Read it as often as it takes: mostly once."""
        styles: Styles | None = None
        whole, equal = False, None
        while True:
            try:
                if styles is None:
                    styles = self._settle(whole=whole)
                reading = _Pass(self, styles, equal)
                reading.run()
            except NotPlain:
                styles = styles and replace(styles, is_plain=False)
            except OpenStyle:
                styles, whole = None, True
            except ReadAgain:
                continue
            else:
                repeated = reading.ids.ids
                if equal is not None or not len(repeated):
                    return reading.landed()
                equal = EqualRows(repeated)

    def _settle(self, *, whole: bool) -> Styles:
        for all_rows in (False, True)[whole:]:
            styles = settle(self.table, self.chosen, self.reading, self.file, self.days, whole=all_rows)
            if styles is not None:
                return styles
        raise AssertionError("the whole file settles it, or is refused")


class _Pass:
    """One reading of all rows; it adds in the order of the file, so that the same file gives the same bits."""

    def __init__(self, file: _File, styles: Styles, equal: EqualRows | None) -> None:
        """Begin. Args: equal: which rows to leave out; None if the ids are to be looked at first."""
        self._file, self._styles, self._equal = file, styles, equal
        self._names = [file.table.names[at].strip() for at in file.chosen.positions]
        self._amounts = list(range(1, 1 + len(file.chosen.amounts)))
        self._has_ids = file.chosen.transaction_id is not None
        expected = [f"a day as {styles.dates.label}", *[styles.amounts.expected for _ in self._amounts], AN_ID]
        self._odd = OddRows(file.reading.blanks, self._names, expected, self._has_ids)
        self._day_reader = DayReader(styles.dates, file.days)
        self._sums: defaultdict[int, float] = defaultdict(float)
        self._counts: defaultdict[int, int] = defaultdict(int)
        self._currencies: dict[str, None] = {}
        self._rows = 0
        self._sink = file.sink() if file.sink is not None and self._has_ids else None
        self.ids = RepeatedIds()

    def run(self) -> None:
        """Read all rows. Raises: DataError; ReadAgain or OpenStyle if they have to be read otherwise."""
        rows = self._file.table.rows(
            self._file.chosen.positions,
            floats=len(self._amounts) * self._styles.is_plain,
            rest=self._equal is not None,
        )
        batches = ahead(rows)
        try:
            for batch in batches:
                self._take(Cells(batch, self._file.file, self._rows + 1, self._styles.is_plain))
                self._rows += batch.num_rows
        finally:
            batches.close()
        self._odd.end()
        if not self._counts:
            raise self._nothing()

    def _nothing(self) -> DataError:
        """Why no row counts."""
        if not self._odd.skipped:
            return DataError(
                "the file has no rows; land a file with at least one transaction", file=self._file.file
            )
        return DataError(
            f"each of its {self._odd.skipped:,} rows has a blank cell, the first is row {self._odd.first_skipped}, "
            "and RETRAIN_BLANKS=skip leaves all of them out; see whether the right columns are named: "
            f"{', '.join(self._names)} are read",
            file=self._file.file,
        )

    def _take(self, cells: Cells) -> None:
        days = cells.days(0, self._names[0], self._day_reader, self._amounts)
        amounts = cells.amounts(self._amounts, self._names[1 : 1 + len(self._amounts)], self._styles.amounts)
        if amounts.currencies:
            self._currencies |= dict.fromkeys(amounts.currencies)
            refuse_currencies(self._currencies, self._file.file, self._names[1])
        ids, blank_ids = None, None
        if self._has_ids:
            ids, blank_ids = cells.transaction_ids(len(self._names) - 1, self._names[-1])
        counted = self._odd.good(cells, days, amounts, blank_ids)
        if ids is not None:
            counted = self._first_of_its_kind(cells, ids, counted)
        codes, values = days.codes, amounts.values
        if counted is not None:
            codes, values = codes[counted], values[counted]
        sums = np.bincount(codes, weights=values, minlength=len(days.days))
        counts = np.bincount(codes, minlength=len(days.days))
        for day, total, count in zip(days.days.tolist(), sums.tolist(), counts.tolist(), strict=True):
            if count:
                self._sums[day] += total
                self._counts[day] += count
        if self._sink is not None and ids is not None and len(codes):
            ids = ids if counted is None else ids[counted]
            self._sink.add(days.days.astype(np.int32)[codes], ids, values)

    def _first_of_its_kind(
        self, cells: Cells, ids: NDArray[np.uint64], good: NDArray[np.bool_] | None
    ) -> NDArray[np.bool_] | None:
        """The rows that count; None for all."""
        if self._equal is None:
            self.ids.add(ids if good is None else ids[good])
            return good
        if good is None:
            fresh = self._equal.fresh(ids, cells.batch, cells.first_row)
            return None if fresh.all() else fresh
        fresh = good.copy()
        rows = np.flatnonzero(good)
        fresh[rows] = self._equal.fresh(ids[rows], cells.batch.take(rows), cells.first_row)
        return fresh

    def landed(self) -> FileContent:
        """What the rows are together."""
        file, styles = self._file, self._styles
        zone = f"times have a time zone; a day is a day in {file.reading.timezone}, as RETRAIN_TIMEZONE says"
        said = [styles.dates.said, zone if styles.has_zones else "", styles.amounts.said]
        if len(self._amounts) > 1:
            said.append(f"the amount is {' x '.join(self._names[1:3])}")
        totals = {
            EPOCH + timedelta(days=day): DayTotal(self._sums[day], self._counts[day])
            for day in sorted(self._counts)
        }
        notes = file.table.notes()
        if notes:
            said.append(f"{len(notes):,} line(s) below the rows are left out as notes: {notes[0]}")
        columns = split_columns(file.table.names, _sample(file.table), file.chosen, has_ids=self._has_ids)
        return FileContent(
            file=file.file,
            totals=totals,
            rows=self._rows - self._odd.left_out,
            repeated=0 if self._equal is None else self._equal.left_out,
            has_ids=self._has_ids,
            read_as=(*file.table.read_as, *filter(None, said), *self._odd.read_as),
            warnings=(*(self._equal.warnings if self._equal else ()), *self._odd.warnings, *columns),
            cut_short=file.table.ending(file.chosen),
        )


def _sample(table: Table) -> list[list[str]]:
    """The first cells of every column, as text; none where they cannot be had."""
    none: list[list[str]] = [[] for _ in table.names]
    try:
        rows = table.rows([], floats=0, rest=True)
        batch = next(rows, None)
        rows.close()
    except (DataError, ReadAgain):  # what is wrong is said where the rows are read
        return none
    return none if batch is None else [_texts(column) for column in batch.slice(0, SAMPLE_ROWS).columns]


def _texts(column: pa.Array) -> list[str]:
    try:
        cells = column.to_pylist()
    except (ValueError, OverflowError):  # days that Python does not have
        return [""] * len(column)
    return [
        cell.decode(errors="replace") if isinstance(cell, bytes) else "" if cell is None else str(cell)
        for cell in cells
    ]

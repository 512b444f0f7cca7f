"""Settles by its first rows, or by all if they leave it open, how a file writes its days and amounts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from retrain.errors import DataError
from retrain.reading.amounts import AmountEvidence
from retrain.reading.cells import BLANK, as_texts, is_text
from retrain.reading.dates import ANY_DAY, DateEvidence, is_total
from retrain.reading.rules import DecimalSign
from retrain.reading.times import split
from retrain.reading.widths import narrowed

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from retrain.reading.amounts import AmountStyle
    from retrain.reading.columns import Chosen, Table
    from retrain.reading.dates import DateStyle
    from retrain.reading.days import Days
    from retrain.reading.rules import Reading

AN_AMOUNT_COLUMN = "numbers"


@dataclass(frozen=True, slots=True)
class Styles:
    """How a file is written.

    Attributes:
        is_plain: whether the amounts of the first rows are numbers with decimal points and nothing else.
        has_zones: whether times of the first rows have a time zone.
    """

    dates: DateStyle
    amounts: AmountStyle
    is_plain: bool
    has_zones: bool


@dataclass(slots=True)
class _Evidence:
    """What the rows show that were added so far."""

    dates: DateEvidence
    amounts: AmountEvidence
    names: list[str]
    rows: int = 0
    is_plain: bool = True
    has_zones: bool = False

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows: the day, then the amounts."""
        self._add_days(batch.column(0), self._lacks_amounts(batch))
        for at in range(1, len(self.names)):
            self._add_amounts(batch.column(at), self.names[at])
        self.rows += batch.num_rows

    def _lacks_amounts(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """The rows without any amount, shape (rows,)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        lacking = np.ones(batch.num_rows, dtype=bool)
        for at in range(1, len(self.names)):
            cells = batch.column(at)
            blank = pc.is_null(cells)
            if pa.types.is_string(cells.type):
                blank = pc.or_(blank, pc.fill_null(pc.is_in(pc.utf8_trim_whitespace(cells), pa.array(BLANK)), True))
            lacking &= blank.to_numpy(zero_copy_only=False)
        return lacking

    def _add_days(self, cells: pa.Array, lacks_amounts: NDArray[np.bool_]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_timestamp(cells.type) and cells.type.tz is not None:
            self.has_zones = True
            return
        texts = pc.utf8_trim_whitespace(_as_texts(cells, self.dates.file, self.names[0], ANY_DAY))
        rows = pc.dictionary_encode(texts)
        parts = split(rows.dictionary)
        self.has_zones = self.has_zones or parts.minutes is not None
        indices = rows.indices.fill_null(len(rows.dictionary)).to_numpy()
        codes, first = np.unique(indices, return_index=True)
        found = sorted(
            (self.rows + 1 + row, text)
            for row, code in zip(first.tolist(), codes.tolist(), strict=True)
            if code < len(parts.days) and _is_written(text := parts.days[code].as_py())
            if not (lacks_amounts[row] and self.dates.days.ways(text) is None)  # a note below the rows
        )
        self.dates.add([text for _, text in found], [row for row, _ in found])

    def _add_amounts(self, cells: pa.Array, name: str) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        if not is_text(cells.type):
            self.is_plain = False
            return
        texts = narrowed(pc.utf8_trim_whitespace(_as_texts(cells, self.dates.file, name, AN_AMOUNT_COLUMN)))
        try:
            pc.cast(texts, pa.float64())
        except pa.ArrowInvalid:
            self.is_plain = False
        filled = pc.and_(texts.is_valid(), pc.invert(pc.is_in(texts, pa.array(BLANK))))
        rows = np.flatnonzero(filled.to_numpy(zero_copy_only=False)) + self.rows + 1
        self.amounts.add(texts.filter(filled), rows, name)


def settle(table: Table, chosen: Chosen, reading: Reading, file: str, days: Days, *, whole: bool) -> Styles | None:
    """Look at the first batch, or at the whole file.

    Returns: None if the first batch leaves it open.
    Raises: DataError if the file contradicts itself or leaves it open; ReadAgain.
    """
    names = [table.names[at].strip() for at in chosen.positions]
    found = _Evidence(
        DateEvidence(days, reading.dates, file, names[0]),
        AmountEvidence(reading.decimal, file),
        names[: 1 + len(chosen.amounts)],
    )
    batches = table.rows(chosen.positions, floats=0, rest=False)
    try:
        for batch in batches if whole else islice(batches, 1):
            found.add(batch)
        complete = whole or next(batches, None) is None
    finally:
        batches.close()
    dates, amounts = found.dates.settle(complete=complete), found.amounts.settle(complete=complete)
    if dates is None or amounts is None:
        return None
    is_plain = found.is_plain and not amounts.is_open and amounts.decimal is not DecimalSign.COMMA
    return Styles(dates, amounts, is_plain, found.has_zones)


def _is_written(text: str) -> bool:
    return text not in BLANK and not is_total(text)


def _as_texts(cells: pa.Array, file: str, name: str, expected: str) -> pa.Array:
    import pyarrow as pa

    try:
        return as_texts(cells)
    except pa.ArrowException as exc:
        raise DataError(file=file, column=name, found=str(cells.type), expected=expected) from exc

"""Checks and converts the cells of one batch: days, amounts and transaction ids."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrain.errors import DataError
from retrain.reading.amounts import AN_AMOUNT, MAX_AMOUNT, OpenStyle, amounts, currencies, not_an_amount
from retrain.reading.columns import NotPlain
from retrain.reading.day_reader import NO_DAY
from retrain.reading.days import EARLIEST, EPOCH, local_days
from retrain.reading.widths import narrowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from retrain.reading.amounts import AmountStyle
    from retrain.reading.day_reader import DayReader

MAX_PLAIN_ID = 10**18  # ids that are whole numbers below it are kept as they are, others are hashed
POWERS_OF_TEN = 10 ** np.arange(1, 19)
AN_ID = "a transaction id"
BLANK = ("", "NULL", "null", "None", "NA", "N/A", "n/a", "#N/A", "nan", "NaN", "NaT")
"""What programs write into a cell that is empty."""
NO_CODE = -1


@dataclass(frozen=True, slots=True)
class DayColumn:
    """The days of one batch.

    Attributes:
        days: the distinct ones, since 1970-01-01, shape (d,).
        codes: for each row the index of its day, NO_CODE where the cell is blank or says that the row is a total.
        totals: whether a row says so; None if none does.
        notes: whether a row has a text that cannot be read as a day, and no amount; None if none has.
    """

    days: NDArray[np.int64]
    codes: NDArray[np.int64]
    totals: NDArray[np.bool_] | None = None
    notes: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class AmountColumn:
    """The amounts of one batch, currency per row; 0 where a cell is blank.

    Attributes:
        blank: whether a row has a blank cell; None if none has.
        currencies: the signs and codes beside the numbers.
    """

    values: NDArray[np.float64]
    blank: NDArray[np.bool_] | None = None
    currencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cells:
    """The columns of one batch, converted to numbers.

    Attributes:
        is_parsed: whether its numbers were texts: then NotPlain is raised for inf and NaN.

    Every method raises DataError for a bad cell, with file, row, column, what was found and what was expected.
    Blank cells are not bad; what becomes of their rows is decided elsewhere.
    """

    batch: pa.RecordBatch
    file: str
    first_row: int
    is_parsed: bool = False

    def days(self, at: int, name: str, reader: DayReader, beside: Sequence[int] = ()) -> DayColumn:
        """Read the column at this position of the batch.

        Args: beside: the columns of the amounts; a row in which they are blank may have any text.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = self.batch.column(at)
        days = reader.days
        expected = f"a day as {reader.style.label}, with or without a time of day, from {EARLIEST} to {days.latest}"
        if pa.types.is_timestamp(cells.type) and cells.type.tz is not None:
            rows, numbers = _moments(cells, days.timezone)
            totals = None
        else:
            rows = pc.dictionary_encode(self.texts(at, name, expected))
            # Few distinct texts: the dictionary is checked, not every row.
            numbers, totals = reader.read(rows.dictionary)
        good = (numbers >= (EARLIEST - EPOCH).days) & (numbers <= (days.latest - EPOCH).days)
        if totals is not None:
            good |= totals | _is_blank(pc.utf8_trim_whitespace(rows.dictionary))
        notes = None
        if not good.all():
            bad = ~_spread(good, rows.indices, True)
            notes = self._without_amounts(bad & ~_spread(numbers != NO_DAY, rows.indices, True), beside)
            if (bad & ~notes).any():
                raise self.refusal(int(np.argmax(bad & ~notes)), at, name, expected)
        distinct, codes = np.unique(numbers, return_inverse=True)
        if distinct.size and distinct[0] == NO_DAY:
            distinct, codes = distinct[1:], codes - 1  # NO_CODE
        in_totals = None if totals is None or not totals.any() else _spread(totals, rows.indices, False)
        return DayColumn(distinct, _spread(codes, rows.indices, NO_CODE), in_totals, notes)

    def amounts(self, positions: list[int], names: list[str], style: AmountStyle) -> AmountColumn:
        """Read one column, or the product of several. Raises: OpenStyle."""
        columns = [self._numbers(at, name, style) for at, name in zip(positions, names, strict=True)]
        values, blank, found = columns[0].values, columns[0].blank, columns[0].currencies
        for column in columns[1:]:
            values = values * column.values
            found += column.currencies
            if column.blank is not None:
                blank = column.blank if blank is None else blank | column.blank
        too_large = ~(np.abs(values) <= MAX_AMOUNT)
        if too_large.any():
            row = int(np.argmax(too_large))
            raise DataError(
                file=self.file,
                row=self.first_row + row,
                column=" x ".join(names),
                found=str(values[row]) if len(names) > 1 else self._shown(positions[0], row),
                expected=AN_AMOUNT,
            )
        return AmountColumn(values, blank, found)

    def transaction_ids(self, at: int, name: str) -> tuple[NDArray[np.uint64], NDArray[np.bool_] | None]:
        """The ids, and whether each is blank; None if none is.

        Whole numbers stay as they are; other ids become a 64-bit hash with the top bit set.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = self.texts(at, name, AN_ID)
        try:
            numbers: NDArray[np.int64] = pc.cast(texts, pa.int64()).to_numpy()
            if numbers.min() >= 0 and numbers.max() < MAX_PLAIN_ID:
                digits = np.searchsorted(POWERS_OF_TEN, numbers, side="right") + 1
                if pc.sum(pc.binary_length(texts)).as_py() == digits.sum():  # no id is spelled 007 or 0x7
                    return numbers.view(np.uint64), None
        except pa.ArrowInvalid:
            pass
        texts = pc.fill_null(pc.utf8_trim_whitespace(texts), "")
        blank = _is_blank(texts)
        whole = pc.match_substring_regex(texts, r"^(0|[1-9]\d{0,17})$")
        mask = whole.to_numpy(zero_copy_only=False)
        ids = np.empty(len(texts), dtype=np.uint64)
        ids[mask] = pc.cast(texts.filter(whole), pa.int64()).to_numpy().view(np.uint64)
        ids[~mask] = hashed(texts.filter(pc.invert(whole))) | np.uint64(1 << 63)
        return ids, blank if blank.any() else None

    def texts(self, at: int, name: str, expected: str) -> pa.Array:
        """A column as text; null where it is null."""
        import pyarrow as pa

        cells = self.batch.column(at)
        try:
            return as_texts(cells)
        except pa.ArrowException as exc:
            raise DataError(file=self.file, column=name, found=str(cells.type), expected=expected) from exc

    def _numbers(self, at: int, name: str, style: AmountStyle) -> AmountColumn:
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = self.batch.column(at)
        if pa.types.is_float64(cells.type) and not cells.null_count:
            values = cells.to_numpy()
            if np.isfinite(values).all():
                return AmountColumn(values)
            if self.is_parsed:
                raise NotPlain
        if pa.types.is_boolean(cells.type):
            raise DataError(file=self.file, column=name, found=str(cells.type), expected=AN_AMOUNT)
        if is_text(cells.type):
            return self._of_texts(at, name, style)
        try:
            values = np.asarray(pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False))
        except pa.ArrowException as exc:
            raise DataError(file=self.file, column=name, found=str(cells.type), expected=AN_AMOUNT) from exc
        blank = np.isnan(values)
        return AmountColumn(np.where(blank, 0.0, values), blank) if blank.any() else AmountColumn(values)

    def _of_texts(self, at: int, name: str, style: AmountStyle) -> AmountColumn:
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = self.texts(at, name, AN_AMOUNT)
        if style.decimal.sign == "." and not style.is_open and not texts.null_count:
            try:
                values = pc.cast(texts, pa.float64()).to_numpy()
                if np.isfinite(values).all():
                    return AmountColumn(values)
            except pa.ArrowInvalid:
                pass
        texts = narrowed(pc.fill_null(pc.utf8_trim_whitespace(texts), ""))
        blank = _is_blank(texts)
        filled = pc.if_else(blank, "0", texts)
        if style.is_open and pc.any(pc.match_substring_regex(filled, r"\d[.,]\d+($|[^eE\d])")).as_py():
            raise OpenStyle
        values = amounts(filled, style.decimal)
        bad = ~np.isfinite(values)
        if bad.any():
            row = int(np.argmax(bad))
            raise not_an_amount(self._shown(at, row), self.file, self.first_row + row, name, style.expected)
        return AmountColumn(values, blank if blank.any() else None, tuple(currencies(filled)))

    def _without_amounts(self, rows: NDArray[np.bool_], positions: Sequence[int]) -> NDArray[np.bool_]:
        """Those of the rows that have no amount."""
        found = np.zeros(len(rows), dtype=bool)
        for row in np.flatnonzero(rows).tolist() if positions else []:
            if not all(self.is_blank(row, at) for at in positions):
                break  # it is refused, and so need no further ones be looked at
            found[row] = True
        return found

    def refusal(self, row: int, at: int, name: str, expected: str) -> DataError:
        """Of the cell in this row of the batch, from 0."""
        return DataError(
            file=self.file, row=self.first_row + row, column=name, found=self._shown(at, row), expected=expected
        )

    def is_blank(self, row: int, at: int) -> bool:
        """Whether this cell is blank."""
        return self._shown(at, row).strip() in BLANK

    def _shown(self, at: int, row: int) -> str:
        try:
            found = self.batch.column(at)[row].as_py()
        except (ValueError, OverflowError):  # a day that Python does not have
            found = self.batch.column(at)[row]
        return "" if found is None else str(found)[:80]


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text."""
    import pyarrow as pa

    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    is_dictionary = pa.types.is_dictionary(kind) and is_text(kind.value_type)
    return is_dictionary or any(is_kind(kind) for is_kind in kinds)


def as_texts(cells: pa.Array) -> pa.Array:
    """Cells as text; whole numbers without decimals. Raises: ArrowException."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(cells.type):
        return cells
    if pa.types.is_floating(cells.type):
        with contextlib.suppress(pa.ArrowInvalid):  # some have decimals
            cells = pc.cast(cells, pa.int64())
    return pc.cast(cells, pa.string())


def hashed(texts: pa.Array) -> NDArray[np.uint64]:
    """A 64-bit hash of each text, the same on every machine."""
    import pandas as pd

    return np.asarray(pd.util.hash_array(texts.to_numpy(zero_copy_only=False), categorize=False))


def _is_blank(texts: pa.Array) -> NDArray[np.bool_]:
    import pyarrow as pa
    import pyarrow.compute as pc

    return np.asarray(pc.is_in(texts, pa.array(BLANK)).to_numpy(zero_copy_only=False))


def _moments(cells: pa.Array, timezone: str) -> tuple[pa.DictionaryArray, NDArray[np.int64]]:
    """Moments with a zone, as distinct values and their days in the time zone."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = pc.dictionary_encode(pc.cast(cells, pa.int64()))
    minutes = rows.dictionary.to_numpy() // (60 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[cells.type.unit])
    return rows, local_days(minutes, timezone)


def _spread(values: NDArray[Any], indices: pa.Array, of_null: Any) -> NDArray[Any]:
    """The values of the rows; `of_null` where the row is null."""
    if indices.null_count:
        values, indices = np.append(values, of_null), indices.fill_null(len(values))
    spread: NDArray[Any] = values[indices.to_numpy()]
    return spread

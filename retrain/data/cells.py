"""Checks and converts the cells of one batch: days, amounts and transaction ids."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from retrain.data.columns import Columns, TableColumns

EPOCH = date(1970, 1, 1)
EARLIEST = date(1900, 1, 1)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MAX_PLAIN_ID = 10**18  # ids that are whole numbers below it are kept as they are, others are hashed
POWERS_OF_TEN = 10 ** np.arange(1, 19)
TIME_OF_DAY = r"^([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?)?$"
A_DAY = "a day as YYYY-MM-DD, with or without a time of day, without a time zone"
AN_ID = "a transaction id"
MAX_AMOUNT = 1e15
AN_AMOUNT = f"a number with a decimal point, such as 1234.5, and not larger than {MAX_AMOUNT:g}"


@dataclass(frozen=True, slots=True)
class Cells:
    """The columns of one batch, converted to numbers.

    Every method raises DataError for a bad cell, with file, row, column, what was found and what was expected.
    """

    batch: pa.RecordBatch
    file: str
    first_row: int

    def days(self, column: str, name: str, today: date) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The distinct days, as days since 1970-01-01, and for each row the index of its day."""
        import pyarrow as pa
        import pyarrow.compute as pc

        # Few distinct texts: the dictionary is checked, not every row.
        rows = pc.dictionary_encode(self._texts(column, name, A_DAY))
        texts = pc.utf8_trim_whitespace(rows.dictionary)
        times = pc.match_substring_regex(pc.utf8_slice_codeunits(texts, 10), TIME_OF_DAY)
        distinct = pc.dictionary_encode(pc.utf8_slice_codeunits(texts, 0, 10))
        days = [_parse_day(text) for text in distinct.dictionary.to_pylist()]
        latest = today + timedelta(days=1)
        in_range = np.array([day is not None and EARLIEST <= day <= latest for day in days])
        good = times.to_numpy(zero_copy_only=False) & in_range[distinct.indices.to_numpy()]
        if not good.all():
            in_row = good[rows.indices.to_numpy()]
            self._refuse_first(pa.array(~in_row), rows, name, f"{A_DAY}, from {EARLIEST} to {latest}")
        numbers = np.array([(day - EPOCH).days for day in days if day is not None], dtype=np.int64)
        return numbers, distinct.indices.to_numpy()[rows.indices.to_numpy()]

    def amounts(self, read: TableColumns, columns: Columns) -> NDArray[np.float64]:
        """Currency per row: the amount, or Quantity x ActualCost."""
        names = (columns.amount,) if len(read.amounts) == 1 else ("Quantity", "ActualCost")
        parts = [self._numbers(column, name) for column, name in zip(read.amounts, names, strict=True)]
        product = parts[0] if len(parts) == 1 else parts[0] * parts[1]
        if not (np.abs(product) <= MAX_AMOUNT).all():
            row = int(np.flatnonzero(~(np.abs(product) <= MAX_AMOUNT))[0])
            raise DataError(
                file=self.file,
                row=self.first_row + row,
                column=" x ".join(names),
                found=str(product[row]),
                expected=AN_AMOUNT,
            )
        return product

    def transaction_ids(self, column: str, name: str) -> NDArray[np.uint64]:
        """Whole numbers as they are; other ids as a 64-bit hash with the top bit set."""
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = self._texts(column, name, AN_ID)
        try:
            numbers: NDArray[np.int64] = pc.cast(texts, pa.int64()).to_numpy()
            if numbers.min() >= 0 and numbers.max() < MAX_PLAIN_ID:
                digits = np.searchsorted(POWERS_OF_TEN, numbers, side="right") + 1
                if pc.sum(pc.binary_length(texts)).as_py() == digits.sum():  # no id is spelled 007 or 0x7
                    return numbers.view(np.uint64)
        except pa.ArrowInvalid:
            pass
        texts = pc.utf8_trim_whitespace(texts)
        self._refuse_first(pc.equal(texts, ""), texts, name, AN_ID)
        whole = pc.match_substring_regex(texts, r"^(0|[1-9]\d{0,17})$")
        mask = whole.to_numpy(zero_copy_only=False)
        ids = np.empty(len(texts), dtype=np.uint64)
        ids[mask] = pc.cast(texts.filter(whole), pa.int64()).to_numpy().view(np.uint64)
        import pandas as pd

        other = texts.filter(pc.invert(whole)).to_numpy(zero_copy_only=False)
        ids[~mask] = pd.util.hash_array(other, categorize=False) | np.uint64(1 << 63)
        return ids

    def _texts(self, column: str, name: str, expected: str) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = self.batch.column(column)
        self._refuse_null(cells, name, expected)
        if pa.types.is_timestamp(cells.type) and cells.type.tz is not None:
            raise DataError(file=self.file, column=name, found=str(cells.type), expected=A_DAY)
        try:
            texts = pc.cast(cells, pa.string())
            texts.validate(full=True)  # Parquet may declare bytes as text that are not UTF-8
        except pa.ArrowException as exc:
            raise DataError(file=self.file, column=name, found=str(cells.type), expected=expected) from exc
        return texts

    def _numbers(self, column: str, name: str) -> NDArray[np.float64]:
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = self.batch.column(column)
        self._refuse_null(cells, name, AN_AMOUNT)
        if pa.types.is_boolean(cells.type):
            raise DataError(file=self.file, column=name, found=str(cells.type), expected=AN_AMOUNT)
        if pa.types.is_large_string(cells.type) or pa.types.is_string_view(cells.type):
            cells = pc.cast(cells, pa.string())
        if not pa.types.is_string(cells.type):
            try:
                return np.asarray(pc.cast(cells, pa.float64(), safe=False).to_numpy())
            except pa.ArrowException as exc:
                raise DataError(file=self.file, column=name, found=str(cells.type), expected=AN_AMOUNT) from exc
        try:
            numbers = pc.cast(cells, pa.float64()).to_numpy()
        except pa.ArrowInvalid:
            numbers = np.array([_number(text) for text in cells.to_pylist()], dtype=np.float64)
        if not np.isfinite(numbers).all():
            self._refuse_first(pa.array(~np.isfinite(numbers)), cells, name, AN_AMOUNT)
        return np.asarray(numbers)

    def _refuse_null(self, cells: pa.Array, name: str, expected: str) -> None:
        if cells.null_count:
            self._refuse_first(cells.is_null(), cells, name, expected)

    def _refuse_first(self, bad: pa.Array, cells: pa.Array, name: str, expected: str) -> None:
        """Raises: DataError for the first row where `bad` is true, if there is one."""
        import pyarrow.compute as pc

        if pc.any(bad).as_py():
            at = pc.index(bad, True).as_py()
            found = cells[at].as_py()
            raise DataError(
                file=self.file,
                row=self.first_row + at,
                column=name,
                found="" if found is None else str(found)[:80],
                expected=expected,
            )


def _parse_day(text: str) -> date | None:
    if DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    return None


def _number(text: str) -> float:
    try:
        return float(text) if "_" not in text else float("nan")
    except ValueError:
        return float("nan")

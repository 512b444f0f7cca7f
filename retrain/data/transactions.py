"""Transactions -> days: every row of a landed file checked, repeated ones counted once, one amount a day."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from retrain.data.formats import Columns, Table, open_table
from retrain.data.seen_ids import SeenIds
from retrain.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

EPOCH = date(1970, 1, 1)
EARLIEST = date(1900, 1, 1)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
LARGEST_NUMBER = 10**18  # an identity below it is kept as it is
POWERS_OF_TEN = 10 ** np.arange(1, 19)
TIME_OF_DAY = r"^([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?)?$"
A_DAY = "a day as YYYY-MM-DD, a time of day may follow, without a zone"
AN_IDENTITY = "a transaction's identity"
LARGEST_AMOUNT = 1e15
AN_AMOUNT = f"a number with a decimal point, such as 1234.5, and no larger than {LARGEST_AMOUNT:g}"


class Aggregate(StrEnum):
    """How the transactions of a day become one amount."""

    MEAN = "mean"
    SUM = "sum"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class LandedDays:
    """What one file says: one amount for each day it speaks of.

    `is_daily` is True when no day has more than one row: then the amounts are taken as they stand, whatever
    the aggregate.
    """

    file: str
    days: dict[date, float]
    rows: int
    repeated_ids: int
    is_daily: bool


def read_days(stream: BinaryIO, file: str, columns: Columns, aggregate: Aggregate, today: date) -> LandedDays:
    """Read a landed file in one pass.

    Args:
        stream: seekable bytes; read in blocks of about 1 MB and never held whole.
        today: the latest day that is not in the future; one more is let pass, for clocks and zones.
    Raises: DataError naming file, row, column, what was found and what was expected.
    """
    table = open_table(stream, file, columns)
    totals = _Totals()
    seen = SeenIds()
    for batch in table.batches:
        if not batch.num_rows:  # a block of blank lines
            continue
        cells = _Cells(batch, file, first_row=totals.rows + 1)
        days, codes = cells.days(table.date, columns.date, today)
        amounts = cells.amounts(table, columns)
        fresh = None
        if table.transaction_id is not None:
            fresh = seen.first_seen(cells.identities(table.transaction_id, columns.transaction_id))
        totals.add(days, codes, amounts, fresh)
    if not totals.counts:
        raise DataError("the file has no rows; land a file with at least one transaction", file=file)
    return totals.landed(file, aggregate)


@dataclass(slots=True)
class _Totals:
    """Sums and counts a day; sums are added in the order of the file, so the same file gives the same bits."""

    sums: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    counts: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    rows: int = 0
    repeated: int = 0

    def add(
        self,
        days: NDArray[np.int64],
        codes: NDArray[np.int64],
        amounts: NDArray[np.float64],
        fresh: NDArray[np.bool_] | None,
    ) -> None:
        self.rows += len(codes)
        if fresh is not None and not fresh.all():
            self.repeated += int(len(fresh) - fresh.sum())
            codes, amounts = codes[fresh], amounts[fresh]
        sums = np.bincount(codes, weights=amounts, minlength=len(days))
        counts = np.bincount(codes, minlength=len(days))
        for day, total, count in zip(days.tolist(), sums.tolist(), counts.tolist(), strict=True):
            if count:
                self.sums[day] += total
                self.counts[day] += count

    def landed(self, file: str, aggregate: Aggregate) -> LandedDays:
        is_daily = max(self.counts.values()) == 1
        kind = Aggregate.SUM if is_daily else aggregate
        days = {EPOCH + timedelta(days=day): self._amount(day, kind) for day in sorted(self.counts)}
        return LandedDays(file, days, self.rows, self.repeated, is_daily)

    def _amount(self, day: int, aggregate: Aggregate) -> float:
        if aggregate is Aggregate.COUNT:
            return float(self.counts[day])
        return self.sums[day] / (self.counts[day] if aggregate is Aggregate.MEAN else 1)


@dataclass(frozen=True, slots=True)
class _Cells:
    """The columns of one batch as numbers; every cell that is not one is an error that says where."""

    batch: pa.RecordBatch
    file: str
    first_row: int

    def days(self, column: str, name: str, today: date) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The distinct days (since 1970-01-01) and, for each row, which of them it is."""
        import pyarrow as pa
        import pyarrow.compute as pc

        # Rows share few texts: what is looked at is the dictionary, not the rows.
        rows = pc.dictionary_encode(self._texts(column, name, A_DAY))
        texts = pc.utf8_trim_whitespace(rows.dictionary)
        times = pc.match_substring_regex(pc.utf8_slice_codeunits(texts, 10), TIME_OF_DAY)
        distinct = pc.dictionary_encode(pc.utf8_slice_codeunits(texts, 0, 10))
        days = [_parse_day(text) for text in distinct.dictionary.to_pylist()]
        latest = today + timedelta(days=1)
        known = np.array([day is not None and EARLIEST <= day <= latest for day in days])
        good = times.to_numpy(zero_copy_only=False) & known[distinct.indices.to_numpy()]
        if not good.all():
            in_row = good[rows.indices.to_numpy()]
            self._refuse_first(pa.array(~in_row), rows, name, f"{A_DAY}, from {EARLIEST} to {latest}")
        numbers = np.array([(day - EPOCH).days for day in days if day is not None], dtype=np.int64)
        return numbers, distinct.indices.to_numpy()[rows.indices.to_numpy()]

    def amounts(self, table: Table, columns: Columns) -> NDArray[np.float64]:
        """Currency per row: the amount, or Quantity x ActualCost."""
        names = (columns.amount,) if len(table.amounts) == 1 else ("Quantity", "ActualCost")
        parts = [self._numbers(column, name) for column, name in zip(table.amounts, names, strict=True)]
        product = parts[0] if len(parts) == 1 else parts[0] * parts[1]
        if not (np.abs(product) <= LARGEST_AMOUNT).all():
            row = int(np.flatnonzero(~(np.abs(product) <= LARGEST_AMOUNT))[0])
            raise DataError(
                file=self.file,
                row=self.first_row + row,
                column=" x ".join(names),
                found=str(product[row]),
                expected=AN_AMOUNT,
            )
        return product

    def identities(self, column: str, name: str) -> NDArray[np.uint64]:
        """Whole numbers as they are; anything else by a 64-bit hash with the top bit set."""
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = self._texts(column, name, AN_IDENTITY)
        try:
            numbers: NDArray[np.int64] = pc.cast(texts, pa.int64()).to_numpy()
            if numbers.min() >= 0 and numbers.max() < LARGEST_NUMBER:
                digits = np.searchsorted(POWERS_OF_TEN, numbers, side="right") + 1
                if pc.sum(pc.binary_length(texts)).as_py() == digits.sum():  # none is spelled 007 or 0x7
                    return numbers.view(np.uint64)
        except pa.ArrowInvalid:
            pass
        texts = pc.utf8_trim_whitespace(texts)
        self._refuse_first(pc.equal(texts, ""), texts, name, AN_IDENTITY)
        whole = pc.match_substring_regex(texts, r"^(0|[1-9]\d{0,17})$")
        mask = whole.to_numpy(zero_copy_only=False)
        ids = np.empty(len(texts), dtype=np.uint64)
        ids[mask] = pc.cast(texts.filter(whole), pa.int64()).to_numpy().view(np.uint64)
        import pandas as pd

        named = texts.filter(pc.invert(whole)).to_numpy(zero_copy_only=False)
        ids[~mask] = pd.util.hash_array(named, categorize=False) | np.uint64(1 << 63)
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
            texts.validate(full=True)  # Parquet may declare as text what is none
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
        """Raise for the first row where `bad` is true, if there is one."""
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

"""Rows that are not transactions: with blank cells, wholly blank, the total of the others, or notes below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrain.errors import DataError
from retrain.reading.cells import NO_CODE
from retrain.reading.rules import Blanks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.reading.cells import AmountColumn, Cells, DayColumn

SKIP = "RETRAIN_BLANKS=skip leaves rows with blank cells out"
ROUNDING = 1e-6  # of the sum of the absolute amounts; programs add before they round


@dataclass(frozen=True, slots=True)
class _Total:
    """The last row so far, if it has an amount and no day."""

    row: int
    amount: float
    is_named: bool
    refusal: DataError


@dataclass(frozen=True, slots=True)
class _Batch:
    """Which rows of a batch lack a day, an amount, an id, which say that they are a total, and which are notes.

    All of shape (rows,).
    """

    cells: Cells
    amounts: NDArray[np.float64]
    no_day: NDArray[np.bool_]
    no_amount: NDArray[np.bool_]
    no_id: NDArray[np.bool_] | None
    named: NDArray[np.bool_]
    notes: NDArray[np.bool_]

    @property
    def odd(self) -> NDArray[np.bool_]:
        return self.no_day | self.no_amount | (False if self.no_id is None else self.no_id)

    @property
    def empty(self) -> NDArray[np.bool_]:
        return (
            self.no_day & self.no_amount & ~self.named & ~self.notes & (True if self.no_id is None else self.no_id)
        )


@dataclass(slots=True)
class OddRows:
    """Sorts them out, batch by batch.

    Attributes:
        names, expected: of the columns of a batch: the day, the amounts, and the id if there is one.
        has_ids: whether there is.
        skipped: rows with blank cells that were left out, and the first of them.
        empty: rows without any content in the columns that are read.
        notes: rows below the last transaction with a text that cannot be read as a day, and no amount.
        note: the first of these texts.
    """

    policy: Blanks
    names: list[str]
    expected: list[str]
    has_ids: bool
    skipped: int = 0
    first_skipped: int = 0
    empty: int = 0
    total_row: int = 0
    notes: int = 0
    note: str = ""
    _sum: float = 0.0
    _size: float = 0.0
    _total: _Total | None = None
    _note: DataError | None = None

    def good(
        self, cells: Cells, days: DayColumn, amounts: AmountColumn, blank_ids: NDArray[np.bool_] | None
    ) -> NDArray[np.bool_] | None:
        """The rows that are transactions; None if all are. Raises: DataError for one that has to be refused."""
        if amounts.blank is None and blank_ids is None and not (days.codes == NO_CODE).any():
            self._count(amounts.values)
            return None
        none = np.zeros(len(days.codes), dtype=bool)
        batch = _Batch(
            cells,
            amounts.values,
            no_day=days.codes == NO_CODE,
            no_amount=none if amounts.blank is None else amounts.blank,
            no_id=None if not self.has_ids else none if blank_ids is None else blank_ids,
            named=none if days.totals is None else days.totals,
            notes=none if days.notes is None else days.notes,
        )
        good, empty = ~batch.odd, batch.empty
        self.empty += int(empty.sum())
        last = int(np.flatnonzero(good)[-1]) if good.any() else -1
        rows = np.flatnonzero(~good & ~empty)
        if last >= 0:
            self._not_the_last()
        self._leave_out(rows[(rows < last) & ~batch.notes[rows]], batch)
        self._count(amounts.values[good])
        self._keep_notes(np.flatnonzero(batch.notes), last, batch)
        for row in rows[(rows > last) & ~batch.notes[rows]].tolist():
            self._not_the_last_total()
            if not batch.no_day[row] or batch.no_amount[row]:
                self._leave_out(np.array([row]), batch)
                continue
            place, named = cells.first_row + row, bool(batch.named[row])
            self._total = _Total(place, float(amounts.values[row]), named, self._refusal(row, batch))
        return good

    def end(self) -> None:
        """The file has ended. Raises: DataError if its last row is neither a transaction nor the total."""
        total, self._total = self._total, None
        if total is None:
            return
        if abs(total.amount - self._sum) <= max(ROUNDING * self._size, 0.01):
            self.total_row = total.row
            return
        if total.is_named:
            where = total.refusal.where
            found = f"a total of {total.amount:.12g}"
            raise DataError(
                f"this row is {found}, and the rows above it add up to {self._sum:.12g}; see whether rows are "
                "missing, or remove it",
                file=str(where["file"]),
                row=total.row,
                column=str(where["column"]),
                found=found,
                expected=f"{self._sum:.12g}",
            )
        self._skip(total.row, 1, total.refusal)

    @property
    def left_out(self) -> int:
        """How many rows are not transactions."""
        return self.empty + self.skipped + self.notes + bool(self.total_row)

    @property
    def read_as(self) -> tuple[str, ...]:
        """For a person."""
        found = []
        if self.total_row:
            found.append(f"row {self.total_row} is the total of the others and left out")
        if self.empty:
            found.append(f"{self.empty:,} empty row(s) are left out")
        if self.notes:
            found.append(f"{self.notes:,} row(s) below the last transaction are left out as notes: {self.note}")
        return tuple(found)

    @property
    def warnings(self) -> tuple[str, ...]:
        """For a person."""
        if not self.skipped:
            return ()
        return (f"{self.skipped:,} row(s) with blank cells are left out, for example row {self.first_skipped}",)

    def _count(self, amounts: NDArray[np.float64]) -> None:
        if amounts.size:
            self._not_the_last()
            self._sum += float(amounts.sum())
            self._size += float(np.abs(amounts).sum())

    def _keep_notes(self, rows: NDArray[np.int64], last: int, batch: _Batch) -> None:
        """Notes may stand below the last transaction alone. Raises: DataError for one above."""
        for row in rows.tolist():
            refusal = batch.cells.refusal(row, 0, self.names[0], self.expected[0])
            if row < last:
                raise refusal
            self._note = self._note or refusal
            self.note = self.note or str(refusal.where["found"])
            self.notes += 1

    def _not_the_last(self) -> None:
        """Transactions follow: an earlier row without a day is no total. Raises: DataError for a note above."""
        if self._note is not None:
            raise self._note
        self._not_the_last_total()

    def _not_the_last_total(self) -> None:
        if self._total is not None:
            total, self._total = self._total, None
            self._skip(total.row, 1, total.refusal)

    def _leave_out(self, rows: NDArray[np.int64], batch: _Batch) -> None:
        if rows.size:
            first = int(rows[0])
            self._skip(batch.cells.first_row + first, len(rows), self._refusal(first, batch))

    def _skip(self, first: int, count: int, refusal: DataError) -> None:
        if self.policy is Blanks.REFUSE:
            raise refusal
        self.first_skipped = self.first_skipped or first
        self.skipped += count

    def _refusal(self, row: int, batch: _Batch) -> DataError:
        at = next((at for at in range(len(self.names)) if batch.cells.is_blank(row, at)), 0)
        if batch.named[row]:
            at = 0
        advice = "remove rows of totals, except the last" if batch.named[row] else SKIP
        return batch.cells.refusal(row, at, self.names[at], f"{self.expected[at]}; {advice}")

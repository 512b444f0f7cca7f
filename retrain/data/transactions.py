"""Aggregates the transactions of a landed file to one amount per day; a repeated transaction counts once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from retrain.data.cells import EPOCH, Cells
from retrain.data.formats import Columns, open_table
from retrain.data.seen_ids import SeenIds
from retrain.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Aggregate", "Columns", "LandedDays", "read_days"]


class Aggregate(StrEnum):
    """How the amounts of a day's transactions become one amount."""

    MEAN = "mean"
    SUM = "sum"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class LandedDays:
    """The content of one landed file: one amount for each of its days, currency per day.

    Attributes:
        rows: rows of data, including repeated transactions.
        repeated_ids: rows that were not counted, because an earlier row has the same transaction id.
        is_daily: True if no day has more than one row; then the amounts are not aggregated.
    """

    file: str
    days: dict[date, float]
    rows: int
    repeated_ids: int
    is_daily: bool


def read_days(stream: BinaryIO, file: str, columns: Columns, aggregate: Aggregate, today: date) -> LandedDays:
    """Read a landed file in one pass.

    Args:
        stream: seekable bytes; read in blocks of about 1 MB.
        today: the current day; rows up to one day later are accepted, because of clocks and time zones.
    Raises: DataError with file, row, column, what was found and what was expected.
    """
    table = open_table(stream, file, columns)
    totals = _Totals()
    seen = SeenIds()
    for batch in table.batches:
        if not batch.num_rows:  # a block of blank lines
            continue
        cells, read = Cells(batch, file, first_row=totals.rows + 1), table.columns
        days, codes = cells.days(read.date, columns.date, today)
        amounts = cells.amounts(read, columns)
        fresh = None
        if read.transaction_id is not None:
            fresh = seen.first_seen(cells.transaction_ids(read.transaction_id, columns.transaction_id))
        totals.add(days, codes, amounts, fresh)
    if not totals.counts:
        raise DataError("the file has no rows; land a file with at least one transaction", file=file)
    return totals.landed(file, aggregate)


@dataclass(slots=True)
class _Totals:
    """Sum and count per day, in the order of the file, so that the same file gives the same bits."""

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

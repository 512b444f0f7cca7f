"""What one landed file brings: for each of its days the sum of its rows, and their number."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class DayTotal:
    """The rows of one day: the sum of their amounts, in currency, and how many they are."""

    amount: float
    rows: int


class Aggregate(StrEnum):
    """How the rows of a day become one amount."""

    MEAN = "mean"
    SUM = "sum"
    COUNT = "count"

    def amount_of(self, total: DayTotal) -> float:
        """Currency per day; for `count` the number of rows."""
        if self is Aggregate.COUNT:
            return float(total.rows)
        return total.amount / (total.rows if self is Aggregate.MEAN else 1)


@dataclass(frozen=True, slots=True)
class FileContent:
    """The content of one file.

    Attributes:
        file: its name, as people call it.
        totals: ascending by day; repeated rows are left out.
        rows: rows of data, repeated ones included.
        repeated: rows that were left out, because an earlier row of the file is the same.
        has_ids: whether the file has the column of transaction ids.
        read_as: how the file was read where it could have been read otherwise, one sentence each.
        warnings: what a person should know, one sentence each.
        cut_short: why the file seems to end too early; empty if it does not.
    """

    file: str
    totals: Mapping[date, DayTotal]
    rows: int
    repeated: int
    has_ids: bool
    read_as: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cut_short: str = ""

    @property
    def is_daily(self) -> bool:
        """Whether no day has more than one row."""
        return all(total.rows == 1 for total in self.totals.values())

    def amounts(self, aggregate: Aggregate) -> dict[date, float]:
        """One amount for each day, ascending; those of one row a day stay as they are."""
        kind = Aggregate.SUM if self.is_daily else aggregate
        return {day: kind.amount_of(total) for day, total in self.totals.items()}

    def made(self, aggregate: Aggregate) -> str:
        """How its days are made of its rows, for a person: for example `mean of 12.1 rows a day`."""
        rows = sum(total.rows for total in self.totals.values()) / len(self.totals)
        return "one row a day" if self.is_daily else f"{aggregate} of {rows:.3g} rows a day"


class RowSink(Protocol):
    """Takes the rows that have ids while a file is read, so that other files' rows can be compared with them."""

    def add(self, days: NDArray[np.int32], ids: NDArray[np.uint64], amounts: NDArray[np.float64]) -> None:
        """Take rows that count. Args: days: since 1970-01-01; amounts: currency. All have the shape (rows,)."""

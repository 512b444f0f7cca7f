"""The columns that a landed file must have, and the table that every format is read into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

ADVENTUREWORKS = (
    "TransactionID",
    "ProductID",
    "ReferenceOrderID",
    "ReferenceOrderLineID",
    "TransactionDate",
    "TransactionType",
    "Quantity",
    "ActualCost",
    "ModifiedDate",
)
# Transactions compress to a tenth or a thirtieth; a file that grows a hundredfold, beyond 64 MB, is an attack.
MAX_GROWTH = 100
UNLIMITED_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of a file's columns for the day, the amount and the transaction's id."""

    date: str = "TransactionDate"
    amount: str = "PaidAmount"
    transaction_id: str = "TransactionID"


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The columns that are read, by their names in the batches.

    Attributes:
        amounts: one column; or Quantity and ActualCost, whose product is the amount.
    """

    date: str
    amounts: tuple[str, ...]
    transaction_id: str | None

    @property
    def names(self) -> list[str]:
        """All of them, in their order in a batch."""
        return [self.date, *self.amounts, *([self.transaction_id] if self.transaction_id else [])]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file in batches, in order, with only the columns that are read."""

    columns: TableColumns
    batches: Iterator[pa.RecordBatch]


def choose(names: Sequence[str], file: str, columns: Columns) -> TableColumns:
    """Find the columns by their names, whatever their case. Raises: DataError if one is missing."""
    spelling = {name.strip().casefold(): name for name in reversed(names)}

    def find(name: str) -> str | None:
        return spelling.get(name.casefold())

    day, amount, transaction_id = find(columns.date), find(columns.amount), find(columns.transaction_id)
    quantity, cost = find("Quantity"), find("ActualCost")
    shown = ", ".join(names)[:200]
    if day is None:
        raise DataError(
            file=file, found=shown, expected=f"a column {columns.date}; RETRAIN_DATE_COLUMN names another"
        )
    if amount is not None:
        return TableColumns(day, (amount,), transaction_id)
    if quantity is not None and cost is not None:
        return TableColumns(day, (quantity, cost), transaction_id)
    expected = (
        f"a column {columns.amount}, or the columns Quantity and ActualCost; RETRAIN_AMOUNT_COLUMN names another"
    )
    raise DataError(file=file, found=shown, expected=expected)


def grows_too_much(size: int, compressed_size: int) -> bool:
    """True if so many bytes, decompressed from so many, are refused."""
    return size > max(UNLIMITED_BYTES, MAX_GROWTH * compressed_size)


def first_line(exc: Exception) -> str:
    """The first line of an error's message, at most 200 characters; its type if it has no message."""
    return (str(exc).splitlines() or [type(exc).__name__])[0][:200]

"""Makes batches of the rows of formats whose cells have types: workbooks and JSON."""

from __future__ import annotations

from datetime import date, datetime, time
from itertools import batched
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    import pyarrow as pa

BATCH_ROWS = 1 << 14

type Cell = str | bool | float | date | time | None
"""What a cell holds; a moment is a date. A duration is a text."""


def in_batches(
    rows: Iterable[Sequence[Cell]], positions: Sequence[int], width: int, *, rest: bool
) -> Generator[pa.RecordBatch]:
    """Batches of the columns at these positions, and of the others behind them.

    A column of numbers stays one, and every other becomes text.

    Args:
        rows: shorter ones end in empty cells.
        width: the number of columns.
    """
    import pyarrow as pa

    read = [*positions, *(at for at in range(width) if at not in positions)] if rest else list(positions)
    for block in batched(rows, BATCH_ROWS, strict=False):
        columns = [_column([row[at] if at < len(row) else None for row in block]) for at in read]
        yield pa.RecordBatch.from_arrays(columns, names=[f"{at}" for at in read])


def _column(cells: list[Cell]) -> pa.Array:
    import pyarrow as pa

    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds and kinds <= {int, float}:
        return pa.array(map(_as_float, cells), pa.float64())
    return pa.array([_as_text(cell) for cell in cells], pa.string())


def _as_float(cell: Cell) -> float | None:
    try:
        return None if cell is None else float(cell)  # type: ignore[arg-type]
    except OverflowError:  # a whole number of more than 300 digits
        return float("inf")


def _as_text(cell: Cell) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float | int):
        # An exponent tells a number from a text in whose decimals and thousands people differ.
        written = f"{cell!r}".removesuffix(".0")
        return written if written.isdecimal() or "e" in written or not written[-1].isdigit() else f"{written}e0"
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d}" if cell.time() == time() else cell.isoformat(" ", "seconds")
    return cell.isoformat()

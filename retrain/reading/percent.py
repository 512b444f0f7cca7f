"""Amounts of a workbook that are shown in percent: 50 % is stored as 0.5, and nobody can know which is meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from retrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

BUILT_IN = {9: "0%", 10: "0.00%"}
"""The number formats of percent that every workbook has, by their ids (ECMA-376, part 1, 18.8.30)."""
FIRST_OWN = 164  # the id of a workbook's first own format
LITERAL = re.compile(r'"[^"]*"|[\\_*].')
"""Of a number format, what stands for itself: such a percent sign changes no number."""


def has_percent(book: Any) -> bool:
    """Whether any cell of an openpyxl workbook may be shown in percent; nearly none has one."""
    formats = BUILT_IN | dict(enumerate(book._number_formats, FIRST_OWN))
    return any(_is_percent(formats.get(style.numFmtId)) for style in book._cell_styles)


def without_percent(
    rows: Iterable[tuple[Any, ...]], file: str, columns: Mapping[int, str]
) -> Iterator[tuple[Any, ...]]:
    """The rows of cells. Raises: DataError for a number in one of these columns that is shown in percent.

    Args: columns: names by positions.
    """
    for row in rows:
        for at, name in columns.items():
            cell = row[at] if at < len(row) else None
            if cell is not None and isinstance(cell.value, int | float) and _is_percent(cell.number_format):
                raise DataError(
                    file=file,
                    column=name,
                    found=f"{cell.value} in cell {cell.coordinate}, which is shown in percent",
                    expected="amounts; give the column another number format and save the workbook",
                )
        yield row


def _is_percent(number_format: str | None) -> bool:
    return "%" in LITERAL.sub("", number_format or "")

"""Finds formulas whose values were never computed: programs that write workbooks leave that to the spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any
from xml.etree.ElementTree import iterparse

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ROW, FORMULA, VALUE = (f"{NAMESPACE}{tag}" for tag in ("row", "f", "v"))


@dataclass(slots=True)
class Uncomputed:
    """Cells with a formula and no value, row by row.

    Attributes:
        sheet: its XML, read once from the start.
    """

    sheet: IO[bytes]
    _rows: Iterator[tuple[int, set[int]]] = field(init=False)
    _next: tuple[int, set[int]] | None = field(init=False)

    def __post_init__(self) -> None:
        self._rows = _rows(self.sheet)
        self._next = next(self._rows, None)

    def of_row(self, number: int) -> set[int]:
        """The columns, from 0, of the cells of a row. Args: number: from 1; no lower than before."""
        while self._next is not None and self._next[0] < number:
            self._next = next(self._rows, None)
        return self._next[1] if self._next is not None and self._next[0] == number else set()


def _rows(sheet: IO[bytes]) -> Iterator[tuple[int, set[int]]]:
    number = 0
    for _, element in iterparse(sheet):  # noqa: S314 - openpyxl has parsed it before
        if element.tag == ROW:
            number = int(element.get("r") or number + 1)
            found = {_place(cell, at) for at, cell in enumerate(element) if _is_uncomputed(cell)}
            element.clear()
            if found:
                yield number, found


def _is_uncomputed(cell: Any) -> bool:
    # A text that was computed may be empty.
    return cell.find(FORMULA) is not None and not cell.findtext(VALUE) and cell.get("t") != "str"


def _place(cell: Any, at: int) -> int:
    """The column of a cell, from 0. Args: at: how many cells of the row stand before it."""
    letters = (cell.get("r") or "").rstrip("0123456789")
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - ord("A") + 1
    return column - 1 if letters else at

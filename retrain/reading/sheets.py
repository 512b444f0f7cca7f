"""Chooses the sheet of a workbook that is read: the one that is asked for, or the only one with a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrain.errors import DataError, assignment
from retrain.reading.guess import guess
from retrain.reading.layout import header_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrain.reading.rules import Columns

MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with cells.

    Attributes:
        first: its first rows as texts, those without any content left out.
    """

    name: str
    is_visible: bool
    first: tuple[tuple[str, ...], ...]

    def has_columns(self, columns: Columns) -> bool:
        """Whether a row names the day and the amount that are asked for."""
        wanted = {columns.date.strip().casefold(), columns.amount.strip().casefold()}
        return any(wanted <= {cell.strip().casefold() for cell in row} for row in self.first)

    def looks_like_a_table(self, columns: Columns) -> bool:
        """Whether there are days and amounts below a header, whatever they are called."""
        if not self.first:
            return False
        at = header_row(self.first, columns)
        width = len(self.first[at])
        rows = [row + ("",) * (width - len(row)) for row in self.first[at + 1 :]]
        sample = {name: [row[place] for row in rows] for place, name in enumerate(self.first[at])}
        return len(guess(sample)) > 1


def chosen_sheet(sheets: Sequence[Sheet], file: str, columns: Columns) -> tuple[Sheet, str]:
    """The sheet that is read, and why, for a person.

    Raises: DataError if several have a table and no setting names one, or if the one that is asked for is missing.
    """
    if columns.sheet:
        return _asked_for(sheets, file, columns.sheet), f"the sheet {columns.sheet} is read, as RETRAIN_SHEET says"
    visible = [sheet for sheet in sheets if sheet.is_visible] or list(sheets)
    filled = [sheet for sheet in visible if sheet.first]
    named = [sheet for sheet in filled if sheet.has_columns(columns)]
    tables = named or [sheet for sheet in filled if sheet.looks_like_a_table(columns)]
    if filled and not tables:
        _name_hidden_tables(sheets, file, columns)
    if len(tables) > 1:
        found = " and ".join(sheet.name for sheet in tables[:MOST_NAMED])
        raise DataError(
            f"several sheets of the workbook have a table: {found}; set {_settings(tables)}, or save each sheet as "
            "a file of its own",
            file=file,
            found=found,
            expected="one sheet with a table",
        )
    if tables or filled:
        return _with_reason((tables or filled)[0], sheets, is_only_table=bool(tables) and len(filled) > 1)
    hidden = [sheet for sheet in sheets if not sheet.is_visible and sheet.first]
    advice = f"set {_settings(hidden)} to read a hidden one" if hidden else "put the rows there"
    raise DataError(f"every visible sheet of the XLSX workbook is empty; {advice}", file=file)


def _name_hidden_tables(sheets: Sequence[Sheet], file: str, columns: Columns) -> None:
    """Raises: DataError if hidden sheets have tables: a person has to say that they are meant."""
    hidden = [sheet for sheet in sheets if not sheet.is_visible and sheet.first]
    tables = [sheet for sheet in hidden if sheet.has_columns(columns)]
    tables = tables or [sheet for sheet in hidden if sheet.looks_like_a_table(columns)]
    if tables:
        found = " and ".join(sheet.name for sheet in tables[:MOST_NAMED])
        raise DataError(
            f"no visible sheet of the workbook has a table, and hidden ones have: {found}; set {_settings(tables)}",
            file=file,
            found=found,
            expected="a visible sheet with a table",
            settings=(f"RETRAIN_SHEET={tables[0].name}",) if len(tables) == 1 else (),
        )


def _asked_for(sheets: Sequence[Sheet], file: str, name: str) -> Sheet:
    wanted = name.strip().casefold()
    for sheet in sheets:
        if sheet.name.strip().casefold() == wanted:
            if not sheet.first:
                raise DataError(f"the sheet {sheet.name} is empty; put the rows there", file=file)
            return sheet
    found = ", ".join(sheet.name for sheet in sheets[:MOST_NAMED])
    raise DataError(file=file, found=f"the sheets {found}", expected=f"a sheet {name}, as RETRAIN_SHEET says")


def _with_reason(sheet: Sheet, sheets: Sequence[Sheet], *, is_only_table: bool) -> tuple[Sheet, str]:
    others = [each.name if each.is_visible else f"{each.name} (hidden)" for each in sheets if each is not sheet]
    why = ", the only one with a table," if is_only_table else ""
    return sheet, f"the sheet {sheet.name}{why} is read" + (f"; not {', '.join(others)}" if others else "")


def _settings(sheets: Sequence[Sheet]) -> str:
    return " or ".join(assignment(f"RETRAIN_SHEET={sheet.name}") for sheet in sheets[:MOST_NAMED])

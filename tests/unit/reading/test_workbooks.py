"""Workbooks of several sheets, with formulas, charts and errors."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from openpyxl.chart import BarChart
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from retrain.errors import DataError
from retrain.reading.rules import Blanks, Columns, Reading
from tests.unit.reading.exports import amounts, landed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GERMAN = Columns("Datum", "Umsatz")
SALES: list[list[Any]] = [["Datum", "Umsatz"], ["2024-01-01", 5.0], ["2024-01-02", 6.0]]
CUSTOMERS: list[list[Any]] = [["Kunde", "Ort"], ["Meier", "Ulm"], ["Schulz", "Bonn"]]
DAYS = {"2024-01-01": 5.0, "2024-01-02": 6.0}


def book(sheets: Mapping[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = (), chart: str = "") -> bytes:
    """A workbook of these sheets in their order, behind one with a chart if that is named."""
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.remove(made.worksheets[0])
    if chart:
        made.create_chartsheet(chart).add_chart(BarChart())
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
        for row in rows:
            sheet.append(list(row))
    made.save(out)
    return out.getvalue()


def reading(sheet: str = "", blanks: Blanks = Blanks.REFUSE) -> Reading:
    return Reading(Columns(GERMAN.date, GERMAN.amount, sheet=sheet), blanks=blanks)


@pytest.mark.parametrize(
    "sheets",
    [
        {"Deckblatt": [["Umsätze 2024"]], "Daten": SALES},
        {"Kunden": CUSTOMERS, "Daten": SALES},
        {"Leer": [], "Daten": SALES, "Kunden": CUSTOMERS},
    ],
    ids=["a cover", "another table", "an empty sheet"],
)
def test_the_only_sheet_with_the_table_is_read_wherever_it_is(sheets: dict[str, list[list[Any]]]):
    """And that is said."""
    data = book(sheets)

    assert amounts(data, reading()) == DAYS
    assert (
        landed(data, reading()).read_as[0].startswith("the sheet Daten, the only one with a table, is read; not ")
    )


def test_it_is_found_by_its_content_too():
    """So that the refusal names its columns, and not those of another sheet."""
    with pytest.raises(DataError, match="RETRAIN_DATE_COLUMN=Datum and RETRAIN_AMOUNT_COLUMN=Umsatz"):
        landed(book({"Kunden": CUSTOMERS, "Daten": SALES}))


def test_several_sheets_with_a_table_are_refused_with_their_names_and_the_setting():
    """Nobody knows whether they belong together."""
    data = book({"Januar": SALES, "Februar 24": SALES, "Notizen": [["x"]]})

    with pytest.raises(DataError, match=r"Januar and Februar 24; set RETRAIN_SHEET=Januar or RETRAIN_SHEET='Febru"):
        landed(data, reading())
    assert amounts(data, reading("februar 24")) == DAYS


def test_a_sheet_that_is_asked_for_and_missing_is_refused_with_those_there_are():
    with pytest.raises(DataError, match="found 'the sheets Daten', expected a sheet März, as RETRAIN_SHEET says"):
        landed(book({"Daten": SALES}), reading("März"))


def test_a_hidden_sheet_is_read_only_if_a_setting_names_it():
    """Who hides a sheet does not mean it."""
    data = book({"Neu": [], "Alt": SALES}, hidden=["Alt"])

    with pytest.raises(
        DataError, match=r"every visible sheet .* is empty; set RETRAIN_SHEET=Alt to read a hidden one"
    ):
        landed(data, reading())
    assert amounts(data, reading("Alt")) == DAYS
    assert amounts(book({"Alt": SALES, "Neu": SALES}, hidden=["Alt"]), reading()) == DAYS


def test_a_sheet_that_is_a_chart_is_no_table():
    """Wherever it stands."""
    assert amounts(book({"Daten": SALES}, chart="Diagramm"), reading()) == DAYS


@pytest.mark.parametrize("blanks", list(Blanks))
def test_a_formula_that_was_never_computed_is_refused_with_its_cell(blanks: Blanks):
    """As programs write them that have no spreadsheet: its row is no blank one."""
    data = book({"Daten": [["Umsätze"], *SALES, ["2024-01-03", "=B3*2"]]})

    with pytest.raises(DataError, match="cell B5 of the sheet Daten is a formula without a stored value; open and"):
        landed(data, reading(blanks=blanks))


def test_formulas_in_columns_that_are_not_read_are_no_matter():
    assert amounts(book({"Daten": [[*row, "=A1"] for row in SALES]}), reading()) == DAYS


@pytest.mark.parametrize("error", ["#REF!", "#VALUE!", "#DIV/0!", "#NAME?"])
def test_an_error_of_the_spreadsheet_is_refused_as_one(error: str):
    """It is no blank cell."""
    with pytest.raises(DataError, match=f"row 3, column Umsatz: found '{error[:4]}.*an error of the spreadsheet"):
        landed(book({"Daten": [*SALES, ["2024-01-03", error]]}), reading(blanks=Blanks.SKIP))


def test_a_value_that_is_not_available_is_a_blank_cell():
    """As in other files."""
    data = book({"Daten": [*SALES, ["2024-01-03", "#N/A"]]})

    with pytest.raises(DataError, match=r"row 3, column Umsatz: found '#N/A'.*RETRAIN_BLANKS=skip"):
        landed(data, reading())
    assert amounts(data, reading(blanks=Blanks.SKIP)) == DAYS


def test_a_table_on_a_hidden_sheet_alone_is_named_with_its_setting():
    """The visible sheet is a cover."""
    data = book({"Deckblatt": [["Umsätze 2024"], ["Stand Mai"]], "Alt": SALES}, hidden=["Alt"])

    with pytest.raises(
        DataError, match=r"no visible sheet .* has a table, and hidden ones have: Alt; set RETRAIN_SHEET=Alt"
    ) as refusal:
        landed(data, reading())

    assert refusal.value.settings == ("RETRAIN_SHEET=Alt",)
    assert amounts(data, reading("Alt")) == DAYS


def formatted(number_format: str, cell: str) -> bytes:
    """The table below a title and a blank row, with a cell of this format."""
    made, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["Stand", 0.5], [], *SALES):
        made.active.append(row)
    made.active[cell].number_format = number_format
    made.save(out)
    return out.getvalue()


@pytest.mark.parametrize("number_format", ["0%", "0.00%", '#,##0.0" "%'])
@pytest.mark.parametrize("cell", ["B4", "B5"])
def test_amounts_that_are_shown_in_percent_are_refused_with_their_cell(number_format: str, cell: str):
    """Half of something is stored as 0.5 and shown as 50 %: nobody can know which of them is meant."""
    with pytest.raises(DataError, match=rf"column Umsatz: found '\d in cell {cell}, which is shown in percent'"):
        landed(formatted(number_format, cell), reading())


@pytest.mark.parametrize(("number_format", "cell"), [('0"%"', "B4"), ("0\\%", "B5"), ("0%", "B1"), ("0%", "A4")])
def test_a_percent_sign_that_changes_no_amount_is_no_matter(number_format: str, cell: str):
    """One that is a text of the format, or stands elsewhere."""
    assert amounts(formatted(number_format, cell), reading()) == DAYS


def test_bare_numbers_of_days_since_1904_are_refused():
    """Read as those of other workbooks they would be four years off."""
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.epoch = CALENDAR_MAC_1904
    for row in (["TransactionDate", "PaidAmount"], [43830, 5.0], [43831, 6.0]):
        made.active.append(row)
    made.save(out)

    with pytest.raises(DataError, match="counts days from 1904"):
        landed(out.getvalue())

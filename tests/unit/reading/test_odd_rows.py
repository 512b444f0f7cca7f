"""Rows that are not transactions: blank cells, empty rows, totals, lines that are cut."""

from __future__ import annotations

import pytest

from retrain.errors import DataError
from retrain.reading.rules import Blanks, Reading
from tests.unit.reading.exports import amounts, landed, text

HEADER = "TransactionDate,PaidAmount"
SKIP = Reading(blanks=Blanks.SKIP)
FIRST, SECOND, THIRD = "2024-01-01,5.00", "2024-01-02,6.00", "2024-01-03,7.00"
DAYS = {"2024-01-01": 5.0, "2024-01-02": 6.0}


def days_with_cents(count: int) -> list[str]:
    return [f"2024-01-{day:02},{100 + day}.{10 + day}" for day in range(1, count + 1)]


@pytest.mark.parametrize(
    ("row", "column"), [("2024-01-02,", "PaidAmount"), (",6", "TransactionDate"), ("2024-01-02,NULL", "PaidAmount")]
)
def test_a_blank_cell_is_refused_with_its_row_and_the_setting_that_skips_it(row: str, column: str):
    """That is the default."""
    with pytest.raises(DataError, match=f"row 2, column {column}: .*RETRAIN_BLANKS=skip leaves rows"):
        landed(text(HEADER, FIRST, row, THIRD))


@pytest.mark.parametrize("row", ["2024-01-02,", ",6", "2024-01-02,NaN", "2024-01-02, "])
def test_a_blank_cell_may_be_skipped_with_its_row(row: str):
    """And that is said."""
    found = landed(text(HEADER, FIRST, row, THIRD), SKIP)

    assert [total.amount for total in found.totals.values()] == [5.0, 7.0]
    assert found.warnings == ("1 row(s) with blank cells are left out, for example row 2",)


def test_a_blank_id_is_a_blank_cell():
    """A transaction without an id cannot be told from its repetition."""
    data = text("TransactionID,TransactionDate,PaidAmount", "1,2024-01-01,5", ",2024-01-02,6", "3,2024-01-03,7")

    with pytest.raises(DataError, match=r"row 2, column TransactionID"):
        landed(data)
    assert amounts(data, SKIP) == {"2024-01-01": 5.0, "2024-01-03": 7.0}


def test_rows_without_any_content_are_left_out():
    """Spreadsheet programs write them behind the last row."""
    found = landed(text(HEADER, FIRST, ",", SECOND, ",", ","))

    assert [total.amount for total in found.totals.values()] == [5.0, 6.0]
    assert found.rows == 2
    assert found.read_as == ("3 empty row(s) are left out",)


@pytest.mark.parametrize("row", ["Total,11.00", "Grand Total,11.00", ",11.00", "合計,11.00", "Summe:,11.00"])
def test_a_last_row_that_is_the_sum_of_the_others_is_left_out(row: str):
    """It is named as a total, or has no day; and it is said."""
    found = landed(text(HEADER, FIRST, SECOND, row, ","))

    assert [total.amount for total in found.totals.values()] == [5.0, 6.0]
    assert "row 3 is the total of the others and left out" in found.read_as


def test_a_total_that_is_not_the_sum_is_refused():
    """Rows may be missing."""
    with pytest.raises(DataError, match=r"row 3.*total of 12, and the rows above it add up to 11"):
        landed(text(HEADER, FIRST, SECOND, "Total,12.00"))


def test_a_total_between_the_rows_is_refused():
    """It would count twice."""
    with pytest.raises(DataError, match=r"row 2.*found 'Total'.*remove rows of totals"):
        landed(text(HEADER, FIRST, "Total,5.00", SECOND))


def test_a_last_row_without_a_day_that_is_not_the_sum_is_a_blank_cell():
    """It is refused, or skipped."""
    data = text(HEADER, FIRST, SECOND, ",9.00")

    with pytest.raises(DataError, match=r"row 3, column TransactionDate"):
        landed(data)
    assert amounts(data, SKIP) == DAYS


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("2024-01-26,1", "the last line has no line end, and its amount 1 may be cut"),
        ("2024-01-26", "the last line has no line end and 1 of 2 columns; row 26 is left out"),
        ('2024-01-26,"12', "the file ends inside a quoted cell of row 26, which is left out"),
    ],
)
def test_a_file_that_ends_inside_its_last_row_is_read_and_said_to_be_cut(end: str, said: str):
    """What is whole is not refused."""
    found = landed(text(HEADER, *days_with_cents(25)) + end.encode())

    assert found.cut_short == said
    assert len(found.totals) >= 25


def test_a_day_at_the_end_of_the_last_line_may_be_cut_too():
    """Where it is the last column."""
    rows = [f"{100 + day},2024-01-{day:02}" for day in range(1, 26)]
    found = landed(text("PaidAmount,TransactionDate", *rows) + b"126,2024-01-2")

    assert found.cut_short == "the last line has no line end, and its day 2024-01-2 may be cut"


@pytest.mark.parametrize(
    "rows",
    [
        days_with_cents(25),
        [f"2024-01-{day:02},{100 + day}" for day in range(1, 26)],
        [f"2024-01-{day:02},{day * 7 / 4!r}" for day in range(1, 26)],
        ["2024-01-01,12.5", "2024-01-02,12"],
    ],
)
def test_a_whole_file_without_a_last_line_end_is_not_said_to_be_cut(rows: list[str]):
    """Spreadsheet programs write such files."""
    assert landed(text(HEADER, *rows).rstrip()).cut_short == ""


def test_a_short_row_with_a_line_end_is_refused():
    """Nothing was cut there."""
    with pytest.raises(DataError, match=r"row 2: found '1 column"):
        landed(text(HEADER, FIRST, "2024-01-02"))


@pytest.mark.parametrize(
    "notes",
    [
        ["Printed on 2024-02-01,"],
        ["Seite 1 von 3"],
        ["", "Erstellt von Kasse 2,", "Seite 1 von 3"],
        ["Quelle: Kasse;"],
    ],
    ids=["with all its columns", "without", "several", "other signs"],
)
@pytest.mark.parametrize("total", [[], ["Total,11.00"]], ids=["no total", "total"])
def test_notes_below_the_rows_are_left_out(notes: list[str], total: list[str]):
    """Reports end with them; they are said."""
    found = landed(text(HEADER, FIRST, SECOND, *total, *notes))

    assert {day.isoformat(): each.amount for day, each in found.totals.items()} == DAYS
    assert (found.rows, found.cut_short) == (2, "")
    assert "left out as notes: " in " ".join(found.read_as)
    assert ("row 3 is the total of the others and left out" in found.read_as) == bool(total)


@pytest.mark.parametrize("note", ["Page 1 of 3,", "Page 1 of 3"])
def test_a_note_between_the_rows_is_refused(note: str):
    """What stands above it may be another table."""
    with pytest.raises(DataError, match=r"row 2.*Page 1 of 3"):
        landed(text(HEADER, FIRST, note, SECOND))


def test_a_text_in_the_place_of_a_day_beside_an_amount_is_no_note():
    with pytest.raises(DataError, match="row 3, column TransactionDate: found 'Rest'"):
        landed(text(HEADER, FIRST, SECOND, "Rest,7.00"))


def test_the_beginning_of_an_id_at_the_end_of_a_file_is_a_row_that_is_cut():
    """And no note: it has no line end."""
    found = landed(text("TransactionID," + HEADER, f"R-1,{FIRST}", f"R-2,{SECOND}") + b"R-")

    assert found.cut_short == "the last line has no line end and 1 of 3 columns; row 3 is left out"


def test_notes_alone_are_no_transactions():
    with pytest.raises(DataError, match="the file has no rows"):
        landed(text(HEADER, "Nothing was sold,"))


def test_rows_that_are_all_skipped_are_refused_with_the_columns():
    """The wrong ones may be named."""
    with pytest.raises(
        DataError, match=r"each of its 2 rows has a blank cell, the first is row 1.*PaidAmount are read"
    ):
        landed(text(HEADER, "2024-01-01,", "2024-01-02,"), SKIP)

"""Formats are told by their content; the columns by their names; what is not a table by its right name."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retrain.errors import DataError
from retrain.reading import dates
from retrain.reading.rules import Columns, Reading
from tests.unit.reading.exports import amounts, archive, landed, text, workbook

CASES = Path(__file__).parents[3].parent / "shared" / "cases"
HEADER = "TransactionDate,PaidAmount"
TWO = {"2024-01-01": 5.5, "2024-01-02": 6.0}
OBJECTS = [{"TransactionDate": "2024-01-01", "PaidAmount": 5.5}, {"TransactionDate": "2024-01-02", "PaidAmount": 6}]
BERLIN = Reading(timezone="Europe/Berlin")


def case(name: str) -> bytes:
    """A file of the shared cases."""
    if not CASES.is_dir():
        pytest.skip("the shared cases are not here")
    return (CASES / name).read_bytes()


@pytest.mark.parametrize(
    "data",
    [
        text(*(json.dumps(one) for one in OBJECTS)),
        json.dumps(OBJECTS, indent=2).encode(),
        b"[" + b", ".join(json.dumps(one).encode() for one in OBJECTS) + b"]",
        archive(**{"x.csv": text(HEADER, "2024-01-01,5.5", "2024-01-02,6")}),
        archive(**{"__MACOSX/._x": b"", "x/y.json": json.dumps(OBJECTS).encode()}),
        workbook(HEADER.split(","), [datetime(2024, 1, 1), 5.5], [datetime(2024, 1, 2, 13), 6]),
        workbook(HEADER.split(","), ["2024-01-01", "5.5"], ["2024-01-02", 6.0], [], []),
        archive(**{"x.xlsx": workbook(HEADER.split(","), ["2024-01-01", 5.5], ["2024-01-02", 6])}),
        text("Report 7", "", HEADER, "2024-01-01,5.5", "2024-01-02,6"),
        text("sep=;", HEADER.replace(",", ";"), "2024-01-01;5,5", "2024-01-02;6"),
        text(HEADER, "2024-01-01,5.5", "2024-01-02,6", encoding="utf-16"),
        text(HEADER, "2024-01-01,5.5", "2024-01-02,6", encoding="utf-32"),
        json.dumps(OBJECTS).encode("utf-16"),
        text(*(json.dumps(one) for one in OBJECTS), encoding="utf-32"),
        "\ufeff".encode("utf-16-be") + json.dumps(OBJECTS, indent=2).encode("utf-16-be"),
        text(HEADER, "2024-01-01,5.5", "2024-01-02,6", encoding="utf-16-le"),
        text(HEADER, "2024-01-01,5.5", "2024-01-02,6", encoding="utf-16-be"),
        text(HEADER, "2024-01-01,5.5", "2024-01-02,6", encoding="utf-32-le"),
        text(*(json.dumps(one) for one in OBJECTS), encoding="utf-32-be"),
        text(HEADER.replace(",", "|"), "2024-01-01|5.5", "2024-01-02|6"),
    ],
    ids=["JSON lines", "JSON", "JSON in one line", "zip", "zip of a Mac", "XLSX", "XLSX of texts", "XLSX in a zip",
         "title", "sep", "UTF-16", "UTF-32", "JSON in UTF-16", "JSON lines in UTF-32", "JSON in UTF-16, big end",
         "UTF-16 without a mark", "UTF-16 without a mark, big end", "UTF-32 without a mark",
         "JSON lines in UTF-32 without a mark", "bars"],
)  # fmt: skip
def test_two_days_in_every_format(data: bytes):
    """Whatever the name of the file."""
    assert amounts(data) == TWO


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an XLS workbook.*save it as XLSX or CSV"),
        (archive(**{"word/document.xml": b""}), "a Word document"),
        (archive(**{"content.xml": b""}), "an OpenDocument file; save it as XLSX or CSV"),
        (archive(**{"xl/workbook.bin": b""}), "an XLSB workbook; save it as XLSX or CSV"),
        (archive(**{"xl/workbook.xml": b"<workbook/>"}), "XLSX workbook cannot be read.*save it as CSV"),
        (archive(a=b"", b=b""), "a zip archive with 2 files', expected a zip archive with one file"),
        (archive(a=archive(b=b"")), "a zip archive in a zip archive"),
        (workbook([]), "every visible sheet of the XLSX workbook is empty; put the rows there"),
        (b'{"TransactionDate": "2024-01-01", "PaidAmount": 5}\n[1]\n', "row 2"),
        (b'{"TransactionDate": "2024-01-01", "PaidAmount": NaN}\n', "row 1, column PaidAmount: found 'NaN'"),
    ],
)
def test_what_is_not_a_table_is_refused_by_its_right_name(data: bytes, reason: str):
    """With what to do."""
    with pytest.raises(DataError, match=f"landed.csv.*{reason}"):
        landed(data)


def test_the_sheet_that_is_read_is_named():
    """And those that are not."""
    data = workbook(HEADER.split(","), [datetime(2024, 1, 1), 5], sheet="May", others=["June", "Notes"])

    assert landed(data).read_as == ("the sheet May is read; not June, Notes",)


def test_text_among_date_cells_is_refused():
    """The program that wrote it took the other days for months."""
    with pytest.raises(DataError, match=r"row 2.*found '13/01/2024', expected a day as YYYY-MM-DD"):
        landed(workbook(HEADER.split(","), [datetime(2024, 3, 1), 5], ["13/01/2024", 6]))


@pytest.mark.parametrize(
    ("cell", "day"),
    [("2024-01-01T23:30:00Z", "2024-01-02"), ("2024-01-01 23:30:00+01:00", "2024-01-01"),
     ("2024-01-01 23:30", "2024-01-01"),
     ("1/1/2024, 11:30:00 PM GMT", "2024-01-02"), ("1704151800", "2024-01-02"),
     ("2024-07-01 22:30:00.5 +0000", "2024-07-02")],
)  # fmt: skip
def test_a_day_is_a_day_in_the_time_zone(cell: str, day: str):
    """A time without a zone is one there."""
    assert list(amounts(text(HEADER.replace(",", ";"), f"{cell};5"), BERLIN)) == [day]


def test_so_it_is_for_times_that_are_stored_with_a_zone():
    """As Parquet does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    moments = pa.array([datetime(2024, 1, 1, 23, 30, tzinfo=UTC)])
    pq.write_table(pa.table({"TransactionDate": moments, "PaidAmount": [5.0]}), out)

    assert amounts(out.getvalue(), BERLIN) == {"2024-01-02": 5.0}


def test_line_breaks_in_quotes_are_part_of_a_cell_in_files_of_any_size():
    """Also across the blocks in which a file is read, and if the first quote comes late."""
    rows = [f'2024-01-0{at % 9 + 1},1,"a{at}\nb"' for at in range(90_000)]
    plain = [f"2024-01-0{at % 9 + 1},1,a" for at in range(90_000)]

    for lines in (rows, [*plain, rows[0]]):
        assert landed(text(f"{HEADER},Note", *lines)).rows == len(lines)


def test_the_last_row_may_settle_what_the_first_ones_leave_open():
    """Then the file is read twice."""
    data = text(HEADER.replace(",", ";"), *["01/02/2024;1.234"] * 60_000, "13/02/2024;1.234,5")

    assert amounts(data) == {"2024-02-01": 60_000 * 1234.0, "2024-02-13": 1234.5}


def test_moments_are_not_too_many_different_days(monkeypatch: pytest.MonkeyPatch):
    """Each row has another one, and the amounts are settled by the last."""
    monkeypatch.setattr(dates, "MOST_WRITINGS", 10_000)
    moments = (f"{1_704_067_200_000 + at * 60_000};7" for at in range(10_100))
    data = text(HEADER.replace(",", ";"), *moments, "1710200000000;1,5")

    assert landed(data).rows == 10_101


def test_whole_numbers_do_not_settle_the_decimal_sign():
    """A later amount does."""
    data = text(HEADER.replace(",", ";"), *["2024-02-01;7"] * 100_000, "2024-02-02;1.234,5")

    assert amounts(data) == {"2024-02-01": 700_000.0, "2024-02-02": 1234.5}


@pytest.mark.parametrize(
    ("header", "columns", "advice"),
    [
        (
            "TransactionDate,Quantity,ActualCost,Net Revenue",
            Columns(amount="NetRevenue"),
            "AMOUNT_COLUMN='Net Revenue'",
        ),
        ("TransactionDate,Quantity,ActualCost,Paid_Amount", Columns(), "RETRAIN_AMOUNT_COLUMN=Paid_Amount"),
        ("TransactionDate,Quantity,ActualCost,Sales", Columns(amount="Revenue"), "RETRAIN_AMOUNT_COLUMN=Sales"),
        ("Transaction Date,Quantity,ActualCost,Sales", Columns(), "RETRAIN_DATE_COLUMN='Transaction Date'"),
        ("TransactionDate,PaidAmount,TransactionId_,x", Columns(), "RETRAIN_ID_COLUMN=TransactionId_"),
        ("TransactionDate,PaidAmount,Receipt,x", Columns(transaction_id="Receipts"), "RETRAIN_ID_COLUMN=Receipt"),
    ],
)
def test_a_column_that_is_missing_is_never_replaced_by_another(header: str, columns: Columns, advice: str):
    """The nearest one is named."""
    with pytest.raises(DataError, match=f"expected a column .*{advice}"):
        landed(text(header, "2024-01-01,2,3,4.5"), Reading(columns))


def test_rows_of_a_day_need_the_ids_that_a_setting_names():
    """They could not be told from repeated ones; a file of one row a day needs none."""
    reading = Reading(Columns(transaction_id="Receipt"))

    assert amounts(text(HEADER, "2024-01-01,5.5", "2024-01-02,6"), reading) == TWO
    with pytest.raises(DataError, match="expected a column Receipt, because the file has several rows a day"):
        landed(text(HEADER, "2024-01-01,5.5", "2024-01-01,6"), reading)


def test_the_product_of_quantity_and_cost_is_the_amount_where_nothing_else_was_asked_for():
    """And that is said."""
    found = landed(text("TransactionDate,Quantity,ActualCost", "2024-01-01,2,3.5"))

    assert [total.amount for total in found.totals.values()] == [7.0]
    assert found.read_as == ("the amount is Quantity x ActualCost",)


def test_a_stray_quote_is_refused_with_its_row():
    """The rows behind it would be one cell."""
    rows = [f"{at},2024-01-0{at},5,{'pipe' if at % 4 else chr(34) + '5 inch pipe'}" for at in range(1, 9)]

    with pytest.raises(DataError, match=r"row 4: a quoted cell begins here and ends in row 8 with text behind"):
        landed(text("TransactionID,TransactionDate,PaidAmount,Item", *rows))


def test_a_quote_inside_a_cell_that_is_not_quoted_is_text():
    """An inch sign behind a number."""
    assert amounts(text(f"{HEADER},Item", '2024-01-01,5.5,5" pipe', "2024-01-02,6,nail")) == TWO


@pytest.mark.parametrize("column", ["store", "Kasse"])
def test_a_column_that_splits_the_days_is_named(column: str):
    """Its values are put together."""
    rows = [f"2024-01-{day:02},{day},{value}" for day in range(1, 20) for value in ("1", "2", "3")]

    (warning,) = landed(text(f"{HEADER},{column}", *rows)).warnings
    assert warning.startswith(f"the column {column} has 3 values on most days")


def test_a_column_of_notes_splits_nothing():
    """Nor does one with the same value everywhere."""
    rows = [f"2024-01-{day:02},{at},note {day}-{at},EUR" for day in range(1, 20) for at in range(3)]

    assert landed(text(f"{HEADER},note,currency", *rows)).warnings == ()


def test_the_shared_cases_are_read_right():
    """Baskets add up; a stray quote, a renamed column and a broken workbook are refused."""
    assert amounts(case("09_baskets.csv"))["2023-01-01"] == 300.0
    with pytest.raises(DataError, match=r"row 105"):
        landed(case("10_inches.tsv"))
    with pytest.raises(DataError, match="Net Revenue"):
        landed(case("12_fallback.h2.csv"), Reading(Columns(amount="NetRevenue")))
    with pytest.raises(DataError, match="XLSX workbook"):
        landed(case("17_workbook.xlsx"))


def test_amounts_that_are_all_blank_are_refused_with_the_first_row():
    """As a workbook has whose formulas were never computed."""
    rows: list[list[object]] = [["TransactionDate", "PaidAmount"], ["2024-01-01", None], ["2024-01-02", None]]

    with pytest.raises(DataError, match="row 1, column PaidAmount: found ''"):
        landed(workbook(*rows))


def test_text_that_may_be_utf_16_without_a_mark_is_refused_by_that_name():
    """Most of its signs are none that tell which end comes first."""
    rows = [f"二〇二四年一月{day}日、売上高、東京都新宿区、五百円" for day in "一二三"]

    with pytest.raises(DataError, match="seems to be UTF-16, without its byte order mark', expected UTF-8"):
        landed(text(*rows, encoding="utf-16-le"))

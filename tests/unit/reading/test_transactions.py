"""Reading landed files: every format, and the errors for bad rows."""

from __future__ import annotations

import gzip
import io
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retrain.data.landed import Aggregate, DayTotal, FileContent
from retrain.errors import DataError
from retrain.reading.formats import ADVENTUREWORKS
from retrain.reading.rules import Columns, Reading
from retrain.reading.transactions import read_landed

TODAY = date(2026, 1, 1)
HEADER = b"TransactionDate,PaidAmount\n"
RAW = (
    b"1\t784\t41590\t0\t2013-07-31 00:00:00\tW\t2\t0.0\t2013-07-31 00:00:00\n"
    b"2\t794\t41591\t0\t2013-07-31 00:00:00\tS\t3\t10.5\t2013-07-31 00:00:00\n"
    b"3\t794\t41591\t0\t2013-08-01 00:00:00\tS\t1\t4.0\t2013-08-01 00:00:00\n"
)


def read(data: bytes, columns: Columns | None = None) -> FileContent:
    return read_landed(io.BytesIO(data), "landed.csv", Reading(columns=columns or Columns()), TODAY)


def days_of(data: bytes, aggregate: Aggregate = Aggregate.MEAN) -> dict[date, float]:
    return read(data).amounts(aggregate)


def parquet(**columns: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def parquet_twice() -> bytes:
    sink = io.BytesIO()
    arrays = [pa.array([date(2024, 1, 1)]), pa.array([5.0]), pa.array([6.0])]
    pq.write_table(pa.Table.from_arrays(arrays, names=["TransactionDate", "PaidAmount", "PaidAmount"]), sink)
    return sink.getvalue()


TWICE = parquet_twice()


def test_a_file_of_one_row_per_day_is_not_aggregated():
    """With any setting."""
    landed = read(HEADER + b"2024-01-01,5\n2024-01-02,7.25\n")

    assert landed.is_daily
    assert landed.amounts(Aggregate.COUNT) == {date(2024, 1, 1): 5.0, date(2024, 1, 2): 7.25}


@pytest.mark.parametrize(
    ("aggregate", "amount"), [(Aggregate.MEAN, 15.75), (Aggregate.SUM, 31.5), (Aggregate.COUNT, 2.0)]
)
def test_transactions_become_one_amount_per_day(aggregate: Aggregate, amount: float):
    """Quantity x ActualCost of the nine AdventureWorks columns, without a header."""
    landed = read(RAW)

    assert landed.amounts(aggregate)[date(2013, 7, 31)] == amount
    assert (landed.rows, landed.is_daily) == (3, False)


def test_transactions_may_have_a_header():
    """The days are the same."""
    assert read("\t".join(ADVENTUREWORKS).encode() + b"\n" + RAW).totals == read(RAW).totals


def test_a_repeated_row_counts_once_and_is_reported():
    """Wherever in the file it is; one that has only the same id counts too."""
    header = b"TransactionID,TransactionDate,PaidAmount\n"
    row = b"7,2024-01-01,10\n"
    filler = b"".join(b"%d,2024-01-01,20\n" % number for number in range(1000, 90_000))

    landed = read(header + row + filler + row + b"a-7,2024-01-02,1\na-7,2024-01-02,9\n")

    assert landed.repeated == 1
    assert landed.totals[date(2024, 1, 1)] == DayTotal(10.0 + 20 * 89_000, 89_001)
    assert landed.totals[date(2024, 1, 2)] == DayTotal(10.0, 2)
    assert "row 89002" in landed.warnings[0]
    assert "row 89004" in landed.warnings[1]


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(HEADER + b"2024-01-01,5\n"),
        gzip.compress(HEADER) + gzip.compress(b"2024-01-01,5\n"),
        b"\xef\xbb\xbf" + HEADER + b"2024-01-01,5\n",
        HEADER.replace(b"\n", b"\r\n") + b"2024-01-01,5\r\n",
        HEADER.replace(b"\n", b"\r") + b"2024-01-01,5\r",
        HEADER.replace(b",", b"\t") + b"2024-01-01\t5\n",
        b"\n" + HEADER + b"\n2024-01-01, 5 \n\n",
        b' transactiondate ,"PaidAmount"\n"2024-01-01","5"\n',
        b"PaidAmount,Note,TransactionDate\n5,hello,2024-01-01T13:45:00.123\n",
        parquet(TransactionDate=[date(2024, 1, 1)], PaidAmount=[5.0]),
        parquet(TransactionDate=["2024-01-01 10:00"], PaidAmount=[Decimal("5.0")]),
        parquet(TransactionDate=[datetime(2024, 1, 1, 9)], PaidAmount=[5]),
        parquet(TransactionDate=["2024-01-01"], Quantity=[2], ActualCost=["2.5"]),
    ],
    ids=[
        "gzip", "gzip-members", "bom", "crlf", "cr", "tsv", "blank-lines", "spelling", "other-columns",
        "parquet-date", "parquet-decimal", "parquet-timestamp", "parquet-raw",
    ],
)  # fmt: skip
def test_the_same_day_is_read_from_every_format(data: bytes):
    """The first bytes decide what a file is, never its name."""
    assert days_of(data) == {date(2024, 1, 1): 5.0}


def test_columns_may_have_other_names():
    """The settings give them."""
    landed = read(b"id,day,amount\n1,2024-01-01,5\n1,2024-01-01,5\n", columns=Columns("day", "amount", "id"))

    assert (landed.amounts(Aggregate.MEAN), landed.repeated) == ({date(2024, 1, 1): 5.0}, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "only blank lines"),
        (HEADER, "no rows"),
        (HEADER + b"2024-01-01,5\n2024-02-30,5\n", "row 2, column TransactionDate: found '2024-02-30'"),
        (HEADER + b"2024-01-01,5\n31/01/2024,5\n", "row 2.*found '31/01/2024', expected a day as YYYY-MM-DD"),
        (HEADER + b"2024-W01-1,5\n", "row 1"),
        (HEADER + b"0001-01-01,5\n", "row 1.*from 1900-01-01"),
        (HEADER + b"2026-01-03,5\n", "row 1.*to 2026-01-02"),
        (HEADER + b"2024-01-01,5\n2024-01-02,\n", "row 2, column PaidAmount: found ''"),
        (HEADER + b'2024-01-01,"1,000"\n', "row 1.*'1,000' is 1000 .*set RETRAIN_DECIMAL=point or"),
        (HEADER + b"2024-01-01,1_000\n", "row 1.*found '1_000'"),
        (HEADER + b"2024-01-01,nan\n", "row 1.*found 'nan'"),
        (HEADER + b"2024-01-01,1e400\n", "row 1.*found '1e400'"),
        (HEADER + b"2024-01-01,1e16\n", "row 1.*not larger than"),
        (HEADER + b"2024-01-01,5\n2024-01-02\n", "row 2: found '1 column"),
        (HEADER + b"2024-01-01,5,6\n", "row 1: found '3 column"),
        (HEADER + b"2024-01-01,1\xff2\n", "row 1, column PaidAmount: found '1ÿ2'"),
        (b"Datum,Betr\xe4ge\n2024-01-01,12\n", "set RETRAIN_DATE_COLUMN=Datum and RETRAIN_AMOUNT_COLUMN=Beträge"),
        (HEADER + b'2024-01-01,"5\n' + b"2024-01-01,5\n" * 200_000, "a quote is never closed"),
        (b"TransactionDate:PaidAmount\n2024-01-01:5\n", "expected a column TransactionDate"),
        (b"TransactionDate,Amount\n2024-01-01,5\n", "expected a column PaidAmount"),
        (b"TransactionID,TransactionDate,PaidAmount\n,2024-01-01,5\n", "row 1, column TransactionID"),
        (b"a" * 70_000, "a first line of 65536 bytes or more"),
        (b"Datum;\xe4\n", "found 'Datum, ä', expected a column TransactionDate"),
        (b"Datum;\x81\xff\n", "byte 0x81 at offset 6', expected UTF-8"),
        (b"\x00\x01\x02\x03", "binary data"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04....", "the zip archive cannot be read"),
        (gzip.compress(HEADER + b"2024-01-01,5\n")[:-9], "gzip|compressed"),
        (b"\x1f\x8bnonsense", "gzip"),
        (b"PAR1nonsense", "Parquet"),
        (parquet(TransactionDate=[date(2024, 1, 1), None], PaidAmount=[5.0, 6.0]), "row 2, column TransactionDate"),
        (parquet(TransactionDate=[date(2024, 1, 1)], PaidAmount=[[5.0]]), "column PaidAmount"),
        (TWICE, "two columns of that name"),
        (b"TransactionDate,PaidAmount,paidamount,PAIDAMOUNT\n", "no rows"),
        (b"TransactionDate,PaidAmount,PaidAmount\n2024-01-01,5,6\n", "column PaidAmount.*the columns 2 and 3"),
        (b"transactiondate,TRANSACTIONDATE,PaidAmount\n2024-01-01,,6\n", "TransactionDate.*the columns 1 and 2"),
        (b'{"TransactionDate": "2024-01-01", "PaidAmount": 5, "PaidAmount": 6}\n', "twice, the keys 2 and 3"),
        (b'{"TransactionDate": "2024-01-01", "PaidAmount": 5 6}\n', "a comma .* in line 1, column 51"),
    ],
)  # fmt: skip
def test_a_bad_file_is_an_error_with_place_and_expectation(data: bytes, message: str):
    """File, row, column, what was found, what was expected; never another exception."""
    with pytest.raises(DataError, match=f"(?s)landed.csv.*({message})"):
        read(data)


def test_ids_that_are_spelled_differently_are_different():
    """0012 is not 12, and 0xFF is not 255."""
    rows = b"0012,2024-01-01,1\n12,2024-01-01,2\n0xFF,2024-01-01,3\n255,2024-01-01,4\n"

    landed = read(b"TransactionID,TransactionDate,PaidAmount\n" + rows)

    assert (landed.repeated, landed.amounts(Aggregate.MEAN)) == (0, {date(2024, 1, 1): 2.5})


def test_only_line_ends_end_a_line():
    """A form feed in the header does not."""
    assert len(read(b"Note\x0c,TransactionDate,PaidAmount\nx,2024-01-01,5\ny,2024-01-02,6\n").totals) == 2


def test_an_error_has_its_place_as_fields():
    """As in the message, for programs."""
    with pytest.raises(DataError) as caught:
        read(HEADER + b"2024-01-01,5\n2024-01-02,abc\n")

    assert caught.value.as_json() == {
        "kind": "data",
        "message": str(caught.value),
        "file": "landed.csv",
        "row": 2,
        "column": "PaidAmount",
        "found": "abc",
        "expected": "a number such as 1234.5 or 1.234,50, and not larger than 1e+15",
    }

"""Files that are wrong in some way, or only look it, each made here and each with the answer it must get."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from tests.builders import csv_file
from tests.drills.bad_file import (
    HEADER,
    NEW_YEAR,
    PAST_THE_HEAD,
    YEAR,
    BadFile,
    amount,
    archive,
    broken,
    crumbs,
    daily,
    day,
    flipped,
    late,
    members,
    named,
    nameless,
    parquet,
    raw,
    right,
    tarball,
    text,
    text_that_is_none,
    twice,
    wide,
    zipped,
)

if TYPE_CHECKING:
    pass

PARQUET = parquet(TransactionDate=[date(2024, 1, 1), date(2024, 1, 2)], PaidAmount=[5.0, 6.0])
GOOD = text(f"{NEW_YEAR},5", "2024-01-02,6")
TWO_DAYS = {"2024-01-01": 5.0, "2024-01-02": 6.0}
NOTES = f"{HEADER},Note"
IDENTITIES = f"TransactionID,{HEADER}"


def sixty_days(amount: float) -> dict[str, float]:
    """As many days of one amount."""
    return {(date.fromisoformat(NEW_YEAR) + timedelta(days=at)).isoformat(): amount for at in range(60)}


CORPUS = (
    # no table at all
    BadFile("empty", raw(b""), "the file is empty"),
    BadFile("blank lines only", raw(b"\n \r\n\n"), "only blank lines"),
    BadFile("header only", text(), "the file has no rows"),
    BadFile("header only, compressed", zipped(text()), "the file has no rows", name="header.csv.gz"),
    BadFile("binary", raw(bytes(range(256)) * 40), "found 'binary data'"),
    BadFile("a picture", raw(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "found 'binary data'", name="chart.csv"),
    BadFile("a PDF named .csv", raw(b"%PDF-1.7\n%\xe2\xe3\n"), "found 'a PDF document'", name="report.csv"),
    BadFile("a zip", archive, {"2024-01-01": 5.0}, name="year.zip"),
    BadFile("a tarball", tarball, "found 'binary data'", name="year.tar.gz"),
    BadFile("a page of HTML", raw(b"<!DOCTYPE html>\n<title>Sign in</title>\n"), "expected a column"),
    BadFile("JSON", raw(b'[{"TransactionDate": "2024-01-01", "PaidAmount": 5}]\n'), {"2024-01-01": 5.0}),
    BadFile("JSON that is cut", raw(b'[{"TransactionDate": "2024-01-01", "PaidAmount": 5},'), "a JSON object",
            row=2, found="the end of the file"),
    BadFile("JSON of JSON", raw(b'{"TransactionDate": "2024-01-01", "PaidAmount": {"a": 5}}\n'),
            "expected a number", row=1, column="PaidAmount", found='{"a": 5}'),
    # encodings
    BadFile("UTF-16", text(f"{NEW_YEAR},5", encoding="utf-16"), {"2024-01-01": 5.0}),
    BadFile("UTF-16 big-endian", raw(b"\xfe\xff" + HEADER.encode("utf-16-be")), "the file has no rows"),
    BadFile("UTF-16 without a mark", text(f"{NEW_YEAR},5", encoding="utf-16-le"), {"2024-01-01": 5.0}),
    BadFile("UTF-8 with a BOM", text(f"{NEW_YEAR},5", encoding="utf-8-sig"), {"2024-01-01": 5.0}),
    BadFile("two BOMs", raw(b"\xef\xbb\xbf" * 2 + GOOD()), "expected a column TransactionDate"),
    BadFile("Latin-1", text(f"{NEW_YEAR},5,ä", header=NOTES, encoding="latin-1"), {"2024-01-01": 5.0}),
    BadFile("Latin-1 in a note far below", late(b"2024-01-02,6,\xe4", header=NOTES.encode(),
            filler=b"2024-01-01,5,a\n"), TWO_DAYS),
    BadFile("Latin-1 in an amount far below", late(b"2024-01-02,6\xa4"), "not UTF-8", row=PAST_THE_HEAD + 1,
            column="PaidAmount"),
    BadFile("Latin-1 in a ragged row far below", late(b"2024-01-02,6,\xe4"), "3 column", row=PAST_THE_HEAD + 1),
    BadFile("NUL far below", late(b"2024-01-02,6\0"), "expected a number", row=PAST_THE_HEAD + 1,
            column="PaidAmount", found="6\0"),
    # line ends
    BadFile("CRLF", text(f"{NEW_YEAR},5", "2024-01-02,6", end="\r\n"), TWO_DAYS),
    BadFile("CR", text(f"{NEW_YEAR},5", "2024-01-02,6", end="\r"), TWO_DAYS),
    BadFile("every line end at once", raw(f"{HEADER}\r\n{NEW_YEAR},5\r2024-01-02,6\n".encode()), TWO_DAYS),
    BadFile("no line end at the end", raw(GOOD().rstrip()), TWO_DAYS),
    BadFile("blank lines between rows", text(f"{NEW_YEAR},5", "", "", "2024-01-02,6", ""), TWO_DAYS),
    BadFile("megabytes of blank lines", late(b"\n" * (3 << 20) + b"2024-01-02,6"), TWO_DAYS),
    # quotes, ragged rows, delimiters
    BadFile("everything quoted", text(f'"{NEW_YEAR}","5"', '"2024-01-02","6"'), TWO_DAYS),
    BadFile("a quote that is never closed", text(f'{NEW_YEAR},"5', "2024-01-02,6"),
            "a quoted cell begins here and never ends", row=1),
    BadFile("a note that is never closed", text(f'{NEW_YEAR},5,"a', "2024-01-02,6,b", header=NOTES), "quote"),
    BadFile("a quote never closed in megabytes", text(f'{NEW_YEAR},"5', *[f"{NEW_YEAR},5"] * 200_000),
            "a quote is never closed"),
    BadFile("a note of two lines", text(f'{NEW_YEAR},5,"a\nb"', "2024-01-02,6,c", header=NOTES), TWO_DAYS),
    BadFile("a short row", text(f"{NEW_YEAR},5", "2024-01-02"), "expected 2 columns", row=2),
    BadFile("a long row", text(f"{NEW_YEAR},5", "2024-01-02,6,7"), "expected 2 columns", row=2),
    BadFile("a header longer than its rows", text(f"{NEW_YEAR},5", header=NOTES), "expected 3 columns", row=1),
    BadFile("semicolons", text(f"{NEW_YEAR};5", header="TransactionDate;PaidAmount"), {"2024-01-01": 5.0}),
    BadFile("bars", text(f"{NEW_YEAR}|5", header="TransactionDate|PaidAmount"), {"2024-01-01": 5.0}),
    BadFile("semicolons below a comma", text(f"{NEW_YEAR};5"), "found '1 column.*expected 2 columns", row=1),
    BadFile("tabs", text(f"{NEW_YEAR}\t5", "2024-01-02\t6", header="TransactionDate\tPaidAmount"), TWO_DAYS),
    BadFile("no header", raw(b"2024-01-01,5\n"), "found '2024-01-01, 5', expected a column TransactionDate"),
    BadFile("another column", text(f"{NEW_YEAR},5", header="TransactionDate,Amount"), "a column PaidAmount"),
    BadFile("a first line of 70,000 bytes", raw(b"a" * 70_000), "a first line of 65536 bytes or more"),
    BadFile("30,000 empty columns", text(f"{NEW_YEAR},5" + "," * 30_000, header=HEADER + "," * 30_000),
            {"2024-01-01": 5.0}),
    # amounts
    BadFile("a decimal comma", text(f"{NEW_YEAR},5", "2024-01-02,5,50"), "found '3 column", row=2),
    right('"5,50"', 5.5, "a quoted decimal comma"),
    BadFile("a decimal comma between tabs", text(f"{NEW_YEAR}\t5,50", header="TransactionDate\tPaidAmount"),
            {"2024-01-01": 5.5}),
    BadFile("thousands by commas, or three decimals", text(f"{NEW_YEAR},5", '2024-01-02,"1,000"'),
            "'1,000' is 1000 .decimal point., or 1 .decimal comma.*set RETRAIN_DECIMAL=point", row=2,
            column="PaidAmount"),
    right('"1.234,56"', 1234.56, "thousands by points"),
    right("1'000", 1000.0, "thousands by apostrophes"),
    right("1 000", 1000.0, "thousands by spaces"),
    right("1\u00a0000", 1000.0, "thousands by unbreakable spaces"),
    amount("1_000", what="thousands by underscores"),
    right("$5", 5.0, "dollars"),
    right("5 €", 5.0, "euros"),
    right("(5.00)", -5.0, "a bookkeeper's minus"),
    amount("5 %", what="a percentage"),
    BadFile("two currencies", text(f"{NEW_YEAR},5 EUR", "2024-01-02,6 USD"), "one currency", column="PaidAmount"),
    amount("nan"), amount("NaN"), amount("inf"), amount("-Infinity"), amount("1e400"), amount(""), amount("NULL"),
    amount("0x10"), amount("12abc"),
    BadFile("an amount beyond belief", text(f"{NEW_YEAR},1e16"), "not larger than 1e\\+15", row=1,
            column="PaidAmount"),
    BadFile("negative amounts", text(f"{NEW_YEAR},-5", "2024-01-02,-0.5"),
            {"2024-01-01": -5.0, "2024-01-02": -0.5}),
    BadFile("a few zeros", daily([0.0] * 5), {f"2024-01-0{at}": 0.0 for at in range(1, 6)}),
    BadFile("all zeros", daily([0.0] * 60), sixty_days(0.0)),
    BadFile("constant", daily([7.5] * 60), sixty_days(7.5)),
    amount("=1+1", what="a formula as an amount"),
    BadFile("a formula as a note", text(f'{NEW_YEAR},5,"=HYPERLINK(""http://x"")"', header=NOTES),
            {"2024-01-01": 5.0}),
    # days
    day("31/01/2024", "day, month, year"),
    day("01/31/2024", "month, day, year"),
    BadFile("year, month, day by slashes", text(f"{NEW_YEAR},5", "2024/01/02,6"), TWO_DAYS),
    day("31.01.2024", "day, month, year by points"),
    day("20240131", "a day without signs"),
    BadFile("a day without zeros", text(f"{NEW_YEAR},5", "2024-1-2,6"), TWO_DAYS),
    day("24-01-31", "a two-digit year"),
    day('"Jan 5, 2024"', "a month by name"),
    day("45296", "a spreadsheet's number of a day"),
    day("2024-W01-1", "a week"),
    BadFile("a zone of Z", text(f"{NEW_YEAR},5", "2024-01-02T00:00:00Z,6"), TWO_DAYS),
    BadFile("a zone of two hours", text(f"{NEW_YEAR},5", "2024-01-03 01:00:00+02:00,6"), TWO_DAYS),
    BadFile("a day or a month first", text("03/04/2024,5"), "set RETRAIN_DATE_FORMAT=day-first or", row=1,
            column="TransactionDate"),
    day("2024-01-05 24:00:00", "an hour 24"),
    day("2024-02-30", "30 February"),
    day("2023-02-29", "29 February of no leap year"),
    day("0001-01-01", "year 0001"),
    day("9999-12-31", "year 9999"),
    day("1899-12-31", "before there were transactions"),
    day("2026-01-03", "the day after tomorrow"),
    day("=TODAY()", "a formula as a day"),
    day("٢٠٢٤-01-05", "digits of another script"),
    BadFile("full-width digits", text("２０２４-01-05,５"), {"2024-01-05": 5.0}),
    BadFile("tomorrow", text("2026-01-02,5"), {"2026-01-02": 5.0}),
    BadFile("a leap day with an hour", text("2024-02-29 23:59:59.999,5"), {"2024-02-29": 5.0}),
    # what the rows say together
    BadFile("one row", text(f"{NEW_YEAR},5"), {"2024-01-01": 5.0}),
    BadFile("unsorted", text("2024-01-02,6", f"{NEW_YEAR},5"), TWO_DAYS),
    BadFile("equal duplicates", text(*[f"{NEW_YEAR},5"] * 3, "2024-01-02,6"), TWO_DAYS),
    BadFile("contradictory duplicates", text(f"{NEW_YEAR},4", f"{NEW_YEAR},6", "2024-01-02,6"), TWO_DAYS),
    BadFile("one transaction twice", text(f"7,{NEW_YEAR},5", f"7,{NEW_YEAR},5", "8,2024-01-02,6",
            header=IDENTITIES), TWO_DAYS),
    BadFile("one transaction, two amounts", text(f"7,{NEW_YEAR},5", f"7,{NEW_YEAR},9", "8,2024-01-02,6",
            header=IDENTITIES), {"2024-01-01": 7.0, "2024-01-02": 6.0}),
    BadFile("a transaction without a name", text(f",{NEW_YEAR},5", header=IDENTITIES), "transaction id", row=1,
            column="TransactionID", found=""),
    BadFile("one year twice", lambda: csv_file(YEAR) + csv_file(YEAR).partition(b"\n")[2], {}),
    BadFile("one year twice, headers too", lambda: csv_file(YEAR) * 2, "expected a day", row=365,
            column="TransactionDate", found="TransactionDate"),
    BadFile("a gap of six months", text(f"{NEW_YEAR},5", "2024-07-01,6"),
            {"2024-01-01": 5.0, "2024-07-01": 6.0}),
    # gzip
    BadFile("gzip", zipped(GOOD), TWO_DAYS, name="good.csv.gz"),
    BadFile("gzip cut in its middle", zipped(GOOD, keep=40), "Truncated", name="cut.csv.gz"),
    BadFile("gzip cut in its header", zipped(GOOD, keep=5), "blank lines|gzip|Truncated", name="cut.csv.gz"),
    BadFile("gzip without its checksum", zipped(GOOD, keep=-8), "Truncated", name="cut.csv.gz"),
    BadFile("gzip with a wrong checksum", broken(flipped(-6), zipped(GOOD)), "incorrect data check",
            name="x.csv.gz"),
    BadFile("gzip with rubbish behind", zipped(GOOD, more=b"rubbish"), "zlib inflate failed", name="x.csv.gz"),
    BadFile("gzip in gzip", zipped(zipped(GOOD)), "byte 0x8b|binary", name="x.csv.gz.gz"),
    BadFile("gzip in name only", text(f"{NEW_YEAR},5", "2024-01-02,6"), TWO_DAYS, name="plain.csv.gz"),
    # Parquet
    BadFile("Parquet", PARQUET, TWO_DAYS, name="good.parquet"),
    BadFile("Parquet cut at its end", broken(lambda data: data[:-20], PARQUET), "Parquet file cannot be read"),
    BadFile("Parquet's first bytes only", raw(b"PAR1"), "Parquet file cannot be read"),
    BadFile("Parquet with a lying footer", raw(b"PAR1" + b"\xff" * 8 + b"PAR1"), "Parquet file cannot be read"),
    BadFile("Parquet with a broken page", broken(lambda data: data[:4] + bytes(60) + data[64:], PARQUET),
            "Parquet file cannot be read"),
    BadFile("Parquet with a name that is no text",
            broken(lambda data: data.replace(b"TransactionDate", b"Transaction\xffate"), PARQUET),
            "Parquet file cannot be read"),
    BadFile("Parquet with wide columns that nobody asked for", wide, TWO_DAYS, name="good.parquet"),
    BadFile("Parquet in crumbs", crumbs, "10001 row groups"),
    # Arrow ends the process when it is asked for such a column's size.
    BadFile("Parquet whose schema its pages contradict",
            broken(lambda data: data.replace(b"%\x02\x18\x0fTransaction", b"%\x0a\x18\x0fTransaction"), PARQUET),
            "Parquet file cannot be read"),
    BadFile("Parquet with text that is none", text_that_is_none, "TransactionDate|UTF-?8"),
    BadFile("Parquet with one column twice", twice, "the columns 2 and 3", column="PaidAmount"),
    BadFile("Parquet without rows", parquet(TransactionDate=pa.array([], pa.date32()), PaidAmount=pa.array(
            [], pa.float64())), "the file has no rows"),
    BadFile("Parquet with a hole", parquet(TransactionDate=[date(2024, 1, 1), None], PaidAmount=[5.0, 6.0]),
            "expected a day", row=2, column="TransactionDate", found=""),
    BadFile("Parquet with a NaN", parquet(TransactionDate=[date(2024, 1, 1)], PaidAmount=[float("nan")]),
            "expected a number", row=1, column="PaidAmount", found="nan"),
    BadFile("Parquet with a zone", parquet(TransactionDate=[datetime(2024, 1, 1, tzinfo=UTC)], PaidAmount=[5.0]),
            {"2024-01-01": 5.0}),
    BadFile("Parquet with lists", parquet(TransactionDate=[date(2024, 1, 1)], PaidAmount=[[5.0]]),
            "expected a number", column="PaidAmount"),
    BadFile("Parquet with yes and no", parquet(TransactionDate=[date(2024, 1, 1)], PaidAmount=[True]),
            "expected a number", column="PaidAmount"),
    BadFile("Parquet with a day beyond time", parquet(TransactionDate=pa.array([2**31 - 1], pa.date32()),
            PaidAmount=[5.0]), "expected a day", row=1, column="TransactionDate"),
    BadFile("Parquet with a word as an amount, as pandas writes it",
            parquet(TransactionDate=pa.array([NEW_YEAR, "2024-01-02"], pa.large_string()),
                    PaidAmount=pa.array(["5", "six"], pa.large_string())),
            "expected a number", row=2, column="PaidAmount", found="six"),
    # names
    named("two  words .csv", "a name with spaces"),
    named("\U0001f4b0 Umsätze.csv", "a name with an emoji"),
    named("\U0001f4b0" * 60 + ".csv", "a name of emojis, 244 bytes"),
    named("/".join(["d" * 200] * 5) + "/" + "x" * 15 + ".csv", "a path of 1,024 characters"),
    named("a\nb.csv", "a name of two lines"),
    named("=cmd|' /C calc'!A0.csv", "a formula as a name"),
    nameless("../history.json", "a name that leads out"),
    nameless("a/../../history.json", "a name that leads in and out"),
    nameless("/etc/passwd", "a name from the root"),
    nameless(".hidden.csv", "a hidden name"),
    nameless("a\\..\\history.json", "a name by backslashes"),
    BadFile("a name of 1,024 characters", raw(b""), "name", name="n" * 1020 + ".csv", is_plain_name=False),
    BadFile("a name that is no text", raw(b""), "name", name="Ums\udce4tze.csv", is_plain_name=False),
)  # fmt: skip


HEAD = f"{HEADER}\n".encode()
A_LINE = "a line is longer than 1048576 bytes"
TEN_GB = 10**10

BIG = (
    BadFile("10^9 columns in the first line", members(b"", b",", 10**9), "first line|blank lines", name="a.csv.gz"),
    BadFile("10^9 columns in the second line", members(HEAD, b",", 10**9), A_LINE, name="b.csv.gz"),
    BadFile("40 MB in one line", raw(HEAD + b"9" * 40_000_000), A_LINE),
    BadFile("a gzip bomb of zeros", members(b"", b"\0", TEN_GB), "binary|blank lines", name="bomb.csv.gz"),
    BadFile("a gzip bomb behind good rows", members(HEAD + b"2024-01-01,5\n" * PAST_THE_HEAD, b"\0", TEN_GB),
            A_LINE, name="bomb.csv.gz"),
)  # fmt: skip

ENDLESS_FILES = (
    BadFile("a gzip bomb of blank lines", members(HEAD, b"\n", TEN_GB), "gzip|times", name="bomb.csv.gz"),
    BadFile("a gzip bomb of good rows", members(HEAD, b"2024-01-01,5\n", TEN_GB), "gzip|times", name="bomb.csv.gz"),
)  # fmt: skip

ON_BLOBS = {
    "empty", "a PDF named .csv", "Latin-1", "UTF-8 with a BOM", "a quote that is never closed", "a decimal comma",
    "30 February", "one year twice", "gzip cut in its middle", "Parquet with a broken page", "Parquet",
    "a name with an emoji",
}  # fmt: skip

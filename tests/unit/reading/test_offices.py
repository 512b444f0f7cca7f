"""Ten exports of a German, an American and a Japanese office: each lands, or is refused with what makes it land."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from retrain.errors import DataError
from retrain.reading.rules import Columns, DateFormat, DecimalSign, Reading
from tests.unit.reading.exports import amounts, archive, text, workbook

NEW_YEAR = {"2023-12-31": 1234.5, "2024-01-01": 12.0}


@dataclass(frozen=True)
class Export:
    """What an office has, how it is to be read, and the days that it says."""

    data: bytes
    columns: Columns = field(default_factory=Columns)
    days: dict[str, float] = field(default_factory=lambda: NEW_YEAR)
    timezone: str = "UTC"


GERMAN = Columns("Datum", "Umsatz", "Beleg")
JAPANESE = Columns("日付", "売上", "伝票番号")
EXPORTS = {
    "a German spreadsheet's CSV": Export(
        text("Datum;Beleg;Umsatz", "31.12.2023;R-1;1.234,50 €", "01.01.2024;R-2;12,00 €", end="\r\n",
             encoding="cp1252"),
        GERMAN,
    ),
    "a German till's journal": Export(
        text(
            "Kassenbericht Filiale Köln", "", "Datum;Uhrzeit;Beleg;Umsatz;Artikel",
            '31.12.2023;23:59;1;"1.234,50";"Rohr ""5"""',
            '01.01.2024;00:01;2;"12,00";"Kabel', 'rot"', "Gesamt;;;1.246,50;",
        ).replace(b"Gesamt;;;", b"Gesamt;;3;"),
        GERMAN,
    ),
    "a German workbook": Export(
        workbook(
            ["Umsätze 2023/24"], [], ["Datum", "Beleg", "Umsatz"], [datetime(2023, 12, 31), 1, 1234.5],
            [datetime(2024, 1, 1), 2, 12], ["Summe", None, 1246.5], [None, None, None], sheet="Umsätze",
            others=["Legende"],
        ),
        GERMAN,
    ),
    "an American spreadsheet's CSV": Export(
        text("Order Date,Net Sales", '12/31/2023,"$1,250.50"', "12/31/2023,($16.00)", "1/1/2024,$12.00",
             end="\r\n"),
        Columns("Order Date", "Net Sales"),
    ),
    "an American shop's orders": Export(
        gzip.compress(text('"id","created_at","total"', '"1001","2024-01-01T02:30:00-05:00","12.00"',
                           '"1002","2023-12-31 19:00:00 -0500","1234.50"'), mtime=0),
        Columns("created_at", "total", "id"), {"2023-12-31": 1246.5}, "America/Los_Angeles",
    ),
    "an American database's JSON": Export(
        text(*(json.dumps(row) for row in [
            {"TransactionID": "a", "TransactionDate": 1704067199000, "PaidAmount": 1234.5, "tags": ["x"]},
            {"TransactionID": "b", "TransactionDate": 1704067200000, "PaidAmount": 12},
        ])),
    ),
    "an American report": Export(
        archive(**{"report.csv": text("Date|Time|Amount", "Dec 31, 2023|2:30 PM|1,234.50",
                                      "Jan 1, 2024|9:05 AM|12.00")}),
        Columns("Date", "Amount"),
    ),
    "a Japanese spreadsheet's CSV": Export(
        text("日付,店舗,売上", '2023年12月31日,渋谷,"1,234円"', '2024年1月1日,新宿,"12,345円"', end="\r\n",
             encoding="cp932"),
        JAPANESE, {"2023-12-31": 1234.0, "2024-01-01": 12345.0},
    ),
    "a Japanese till's text": Export(
        text("日付\t売上", "2023/12/31(日)\t￥1,234", "2024/01/01(月)\t￥-12", "合計\t￥1,222", end="\r\n",
             encoding="utf-16"),
        JAPANESE, {"2023-12-31": 1234.0, "2024-01-01": -12.0},
    ),
    "a Japanese workbook with serial numbers": Export(
        workbook(["日付", "売上"], [45291, "1,234.5"], [45292, "12.0"]), JAPANESE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_an_export_lands_with_the_names_of_its_columns(export: Export):
    """Nothing else has to be set, where it can be read in one way only."""
    assert amounts(export.data, Reading(export.columns, timezone=export.timezone)) == export.days


@pytest.mark.parametrize(
    ("export", "advice"),
    [
        ("a German spreadsheet's CSV", "set RETRAIN_DATE_COLUMN=Datum and RETRAIN_AMOUNT_COLUMN=Umsatz"),
        ("a German workbook", "set RETRAIN_DATE_COLUMN=Datum and RETRAIN_AMOUNT_COLUMN=Umsatz"),
        (
            "an American spreadsheet's CSV",
            "set RETRAIN_DATE_COLUMN='Order Date' and RETRAIN_AMOUNT_COLUMN='Net Sales'",
        ),
        ("an American shop's orders", "set RETRAIN_DATE_COLUMN=created_at and RETRAIN_AMOUNT_COLUMN=total"),
        ("a Japanese till's text", "set RETRAIN_DATE_COLUMN=日付 and RETRAIN_AMOUNT_COLUMN=売上"),
        ("a Japanese spreadsheet's CSV", "set RETRAIN_DATE_COLUMN=日付 and RETRAIN_AMOUNT_COLUMN=売上"),
    ],
)
def test_without_them_it_is_refused_with_the_settings_to_copy(export: str, advice: str):
    """They are guessed by the content of the columns."""
    with pytest.raises(DataError, match=f"{advice}$"):
        amounts(EXPORTS[export].data)


def test_a_day_in_two_readings_lands_with_the_setting_that_its_refusal_names():
    """And so does an amount."""
    data = text("TransactionDate;PaidAmount", "03/04/2024;1.234")
    with pytest.raises(DataError, match="RETRAIN_DATE_FORMAT=day-first or RETRAIN_DATE_FORMAT=month-first"):
        amounts(data)
    with pytest.raises(DataError, match="RETRAIN_DECIMAL=point or RETRAIN_DECIMAL=comma"):
        amounts(data, Reading(dates=DateFormat.DAY_FIRST))

    assert amounts(data, Reading(dates=DateFormat.DAY_FIRST, decimal=DecimalSign.COMMA)) == {"2024-04-03": 1234.0}


def test_a_triangle_is_the_negative_sign_of_japanese_accounts():
    """A day of refunds."""
    data = text("TransactionDate,PaidAmount", '2023-12-31,"▲4,500円"', "2024-01-01,△20円")

    assert amounts(data) == {"2023-12-31": -4500.0, "2024-01-01": -20.0}


def test_a_backslash_is_the_yen_of_shift_jis():
    """Its byte is that of the yen sign there, and its thousands are thousands."""
    data = text("TransactionDate,PaidAmount", '2023-12-31,"\\114,355"', "2024-01-01,\\20")

    assert amounts(data) == {"2023-12-31": 114355.0, "2024-01-01": 20.0}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("２０２３／１２／３１,１,２３４.５", "２０２４／０１／０１,１２"),
        ("２０２３年１２月３１日（日）,￥１,２３４.５", "２０２４年１月１日（月）,￥１２"),
        ("2023-12-31　23：59,１２３４．５", "2024-01-01　00：01,１２"),
    ],
    ids=["digits", "with weekdays", "times"],
)
def test_full_width_digits_are_digits(first: str, second: str):
    """As Japanese programs write them."""
    data = text("TransactionDate;PaidAmount", first.replace(",", ";", 1), second.replace(",", ";", 1))

    assert amounts(data) == NEW_YEAR


def test_a_footnote_mark_is_no_digit():
    with pytest.raises(DataError, match="row 1, column PaidAmount: found '100²'"):
        amounts(text("TransactionDate,PaidAmount", "2024-01-01,100²"))


def test_a_time_behind_a_weekday_is_dropped():
    assert amounts(text("TransactionDate;PaidAmount", "31.12.2023 So 23:59;1234,50", "01.01.2024 Mo 00:01;12")) == (
        NEW_YEAR
    )


@pytest.mark.parametrize("title", ["sep=;", "Kassenbericht Filiale München;;"])
def test_a_title_that_a_spreadsheet_padded_is_not_taken_for_the_header(title: str):
    """Its other cells are empty; the settings to copy are those of the header."""
    data = text(title, "Datum;Beleg;Umsatz", "31.12.2023;R-1;1.234,50", "13.01.2024;R-2;12,00")

    with pytest.raises(DataError) as refused:
        amounts(data)

    assert refused.value.settings == ("RETRAIN_DATE_COLUMN=Datum", "RETRAIN_AMOUNT_COLUMN=Umsatz")

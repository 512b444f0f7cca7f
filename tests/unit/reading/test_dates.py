"""Days as people write them, and what settles a file whose days can be read in two ways."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.errors import DataError
from retrain.reading.dates import DateEvidence, is_total
from retrain.reading.days import EPOCH, Days
from retrain.reading.rules import DateFormat

LATEST = date(2026, 1, 2)
FIRST = date(2023, 12, 31)


def days(*texts: str, asked: DateFormat = DateFormat.AUTO, timezone: str = "UTC") -> list[date]:
    evidence = DateEvidence(Days(LATEST, timezone), asked, "landed.csv", "Datum")
    evidence.add(list(texts), list(range(1, len(texts) + 1)))
    style = evidence.settle(complete=True)
    assert style is not None
    found = [style.day(evidence.days.ways(text)) for text in texts]
    return [EPOCH + timedelta(days=day) for day in found if day is not None]


def said(*texts: str) -> str:
    evidence = DateEvidence(Days(LATEST, "UTC"), DateFormat.AUTO, "landed.csv", "Datum")
    evidence.add(list(texts), list(range(1, len(texts) + 1)))
    style = evidence.settle(complete=True)
    assert style is not None
    return style.said


@pytest.mark.parametrize(
    "text",
    [
        "2023-12-31", "2023/12/31", "2023.12.31", "20231231", "31.12.2023", "31/12/2023", "31-12-2023",
        "12/31/2023", "31.12.23", "12/31/23", "31 Dec 2023", "31-Dec-23", "31. Dezember 2023", "Dec 31, 2023",
        "December 31st, 2023", "Sunday, December 31, 2023", "Sun 31 Dec 2023", "31 décembre 2023",
        "31 de diciembre de 2023", "2023-Dec-31",
        "2023年12月31日", "令和5年12月31日", "R5.12.31", "R05/12/31", "r5-12-31",
        "令和 5年 12月 31日", "令5.12.31", "31122023", "12312023", "45291", "45291.75",
        "1703980800", "1703980800000", "1703980800.0",
    ],
)  # fmt: skip
def test_one_day_in_many_writings(text: str):
    """Each of them can be read in one way only."""
    assert days(text) == [FIRST]


@pytest.mark.parametrize(
    "text",
    ["2023-W52-7", "2023-02-29", "31/31/2023", "²023-12-31", "Smarch 5, 2023", "5", "x", "R0.12.31", "R1.4.30"],
)
def test_what_is_not_a_day(text: str):
    """It is refused with its row."""
    with pytest.raises(DataError, match=r"row 1, column Datum: found .*expected a day"):
        days(text)


@pytest.mark.parametrize(
    "text",
    [
        "So 31.12.2023", "So., 31.12.2023", "31.12.2023 (So)", "31.12.2023 So", "Sonntag, 31. Dezember 2023",
        "Sun, 31 Dec 2023", "2023-12-31 Sun", "Sunday 12/31/2023", "Sun. Dec 31, 2023", "dim. 31 décembre 2023",
        "domingo, 31 de diciembre de 2023", "2023/12/31(日)", "2023/12/31 (日)", "2023年12月31日 日曜日",
        "(日) 2023/12/31", "2023年12月31日(日)",
    ],
)  # fmt: skip
def test_a_weekday_before_or_behind_a_day_is_left_out(text: str):
    assert days(text) == [FIRST]


def test_a_weekday_settles_what_comes_first():
    """3 April 2024 was a Wednesday, 4 March a Monday."""
    assert days("Wed 03/04/2024") == [date(2024, 4, 3)]
    assert days("Mon 03/04/2024", "03/05/2024") == [date(2024, 3, 4), date(2024, 3, 5)]
    assert said("Wed 03/04/2024") == "dates are day first, because row 1 has Wed 03/04/2024"


@given(st.dates(date(1970, 1, 1), LATEST))
def test_a_day_that_is_written_is_read_back(day: date):
    """Beside a last of December, which settles the order."""
    for form, last in (("%d/%m/%Y", "31/12/2023"), ("%m/%d/%Y", "12/31/2023"), ("%d %B %Y", "31 December 2023")):
        assert days(last, day.strftime(form)) == [FIRST, day]


def test_a_day_above_12_settles_the_order_and_is_named():
    """Wherever in the file it is."""
    assert days("03/04/2024", "31/01/2024") == [date(2024, 4, 3), date(2024, 1, 31)]
    assert said("03/04/2024", "31/01/2024") == "dates are day first, because row 2 has 31/01/2024"


@pytest.mark.parametrize(
    "texts",
    [
        ("03/04/2024",),
        ("03-04-2024", "04-04-2024"),
        tuple(f"{day:02}/01/2024" for day in range(1, 13)),  # twelve days of January, or a month each
        tuple(f"01/{month:02}/2024" for month in range(1, 13)),
        ("12/05/23",),
        ("01022024",),
    ],
)
def test_what_leaves_two_readings_is_refused_with_both(texts: tuple[str, ...]):
    """Neither rows in order nor twelve consecutive days settle it: monthly files look the same."""
    with pytest.raises(DataError, match=r"\(day first\), or .*\(month first\).*set RETRAIN_DATE_FORMAT="):
        days(*texts)


def test_a_setting_settles_it():
    """And is contradicted by no row."""
    assert days("03/04/2024", asked=DateFormat.DAY_FIRST) == [date(2024, 4, 3)]
    assert days("03/04/2024", asked=DateFormat.MONTH_FIRST) == [date(2024, 3, 4)]
    with pytest.raises(DataError, match="because RETRAIN_DATE_FORMAT=month-first"):
        days("31/01/2024", asked=DateFormat.MONTH_FIRST)


def test_a_setting_for_numbers_leaves_other_writings_alone():
    """A day with the year first has one reading."""
    assert days("2024-03-04", asked=DateFormat.DAY_FIRST) == [date(2024, 3, 4)]


def test_days_with_points_are_day_first():
    """No country writes them otherwise; a row that cannot be read so is month first."""
    assert days("03.04.2024") == [date(2024, 4, 3)]
    assert days("03.31.2024") == [date(2024, 3, 31)]


def test_equal_readings_need_no_setting():
    """5 May is 5 May."""
    assert days("05/05/2024") == [date(2024, 5, 5)]


def test_short_years_are_settled_by_days_without_gaps():
    """Read otherwise, two months would be days of 29 different years."""
    month = [date(2024, 1, 1) + timedelta(days=at) for at in range(60)]

    assert days(*(day.strftime("%y/%m/%d") for day in month)) == month


def test_two_orders_in_one_file_are_refused():
    """With the row that contradicts the earlier one."""
    with pytest.raises(DataError, match=r"row 2.*found '01/31/2024', expected a day as DD/MM/YYYY.*as row 1 has"):
        days("31/01/2024", "01/31/2024")


def test_two_writings_in_one_file_are_refused():
    """A spreadsheet program that swapped day and month in some cells leaves such files."""
    with pytest.raises(DataError, match=r"row 2.*found '13/01/2024', expected a day as YYYY-MM-DD"):
        days("2024-03-01", "13/01/2024")


def test_a_moment_belongs_to_the_day_of_the_time_zone():
    """Midnight in Berlin is 23 or 22 o'clock in UTC."""
    assert days("1703980799") == [date(2023, 12, 30)]
    assert days("1703980799", timezone="Europe/Berlin") == [date(2023, 12, 31)]


@pytest.mark.parametrize("text", ["Total", "Grand Total", "Summe:", "Gesamtsumme", "合計", "Somme", "TOTALS"])
def test_words_for_totals(text: str):
    """They stand where a day would."""
    assert is_total(text)

"""Amounts as people write them."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.errors import DataError
from retrain.reading.amounts import AmountEvidence, amounts
from retrain.reading.rules import DecimalSign

POINT, COMMA = DecimalSign.POINT, DecimalSign.COMMA


def number(text: str, decimal: DecimalSign = POINT) -> float:
    return float(amounts(pa.array([text]), decimal)[0])


def settled(*texts: str, complete: bool = True) -> DecimalSign | None:
    evidence = AmountEvidence(DecimalSign.AUTO, "landed.csv")
    evidence.add(pa.array(texts, pa.string()), np.arange(1, len(texts) + 1), "Betrag")
    style = evidence.settle(complete=complete)
    return None if style is None else style.decimal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.56", 1234.56), ("1'234.56", 1234.56), ("1’234.56", 1234.56), ("1 234.56", 1234.56),
        ("1\u00a0234.56", 1234.56), ("1\u202f234.56", 1234.56), ("12,34,567.89", 1234567.89), (".5", 0.5),
        ("$1,234.50", 1234.5), ("1,234.50 USD", 1234.5), ("US$ 5", 5.0), ("CHF 1'234.50", 1234.5),
        ("¥1,234", 1234.0),
        ("1,234円", 1234.0), ("-$5", -5.0), ("$-5", -5.0), ("(12.50)", -12.5), ("($12.50)", -12.5),
        ("12.50-", -12.5),
        ("\u221212.5", -12.5), ("+5", 5.0), ("1e3", 1000.0), ("-1.5E-2", -0.015),
    ],
)  # fmt: skip
def test_with_a_decimal_point(text: str, value: float):
    """Currency, thousands and minus may be written in many ways."""
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.234,56", 1234.56), ("1 234,56", 1234.56), ("5 €", 5.0), ("1.234,50 EUR", 1234.5),
        ("-1.234,50 €", -1234.5),
        ("R$ 1.234,56", 1234.56), ("12,50-", -12.5), ("1,234", 1.234), ("1,5E+03", 1500.0), ("1.5e0", 1.5),
    ],
)  # fmt: skip
def test_with_a_decimal_comma(text: str, value: float):
    """As in most of Europe and South America."""
    assert number(text, COMMA) == value


@pytest.mark.parametrize(
    "text",
    ["", "12%", "12,-", "12 PCS", "12abc", "0x10", "1_000", "1.2.3", "1,23,4", "--5", "(5", "nan", "inf", "१२"],
)
def test_what_is_not_an_amount(text: str):
    """With either sign."""
    assert math.isnan(number(text))
    assert math.isnan(number(text, COMMA))


@given(
    st.integers(-(10**9), 10**9),
    st.integers(0, 99),
    st.sampled_from([(".", ","), (",", "."), (".", "'"), (",", " ")]),
)
def test_a_number_that_is_written_is_read(whole: int, cents: int, signs: tuple[str, str]):
    """In every style, with its thousands grouped."""
    decimal, group = signs
    text = f"{whole:,}".replace(",", group) + f"{decimal}{cents:02}"
    written = math.copysign(abs(whole) + cents / 100, whole)

    assert number(text, COMMA if decimal == "," else POINT) == pytest.approx(written, rel=1e-15)


@pytest.mark.parametrize(
    ("texts", "decimal"),
    [
        (("1.234", "1.234,5"), COMMA), (("1,234", "12.5"), POINT), (("1.234", "0.125"), POINT),
        (("1,234", "0,125"), COMMA),
        (("1.234", "1234.567"), POINT), (("1.234.567",), COMMA), (("5", "6"), POINT), (("¥1,234",), POINT),
        (("1.234 円",), COMMA),
    ],
)  # fmt: skip
def test_one_cell_with_a_single_reading_settles_the_file(texts: tuple[str, ...], decimal: DecimalSign):
    """The others are read as that one is."""
    assert settled(*texts) is decimal


def test_cells_with_two_readings_are_refused_with_both():
    """However many there are."""
    with pytest.raises(DataError, match=r"row 1.*'1.234' is 1.234 .*or 1234 .*set RETRAIN_DECIMAL=point or"):
        settled(*["1.234", "5.678"] * 50)


def test_more_rows_may_settle_it():
    """So the first ones do not refuse a file."""
    assert settled("1.234", complete=False) is None


def test_two_formats_in_one_file_are_refused():
    """With the row of each."""
    with pytest.raises(DataError, match=r"row 2, column Betrag: found '1.234,50', expected .*as row 1 has them"):
        settled("1,234.50", "1.234,50")


def test_a_percentage_is_refused_as_what_it_is():
    """It is not an amount."""
    with pytest.raises(DataError, match="a percentage is not an amount"):
        settled("5", "12 %")

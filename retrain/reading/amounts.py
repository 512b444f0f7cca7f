"""Settles how the amounts of a file are written, and makes numbers of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from retrain.errors import DataError
from retrain.reading.rules import DecimalSign

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa
    from numpy.typing import NDArray

MAX_AMOUNT = 1e15
AN_AMOUNT = f"a number such as 1234.5 or 1.234,50, and not larger than {MAX_AMOUNT:g}"
SETTINGS = "RETRAIN_DECIMAL=point or RETRAIN_DECIMAL=comma"
SPACE = r"[\s\x{a0}\x{202f}\x{2009}]"
MINUS = r"[-\x{2212}\x{fe63}\x{ff0d}\x{25b2}\x{25b3}]"  # the last two are those of Japanese accounts
CODES = (
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KRW KZT MAD MXN MYR "
    "NGN NOK NZD PEN PHP PKR PLN RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR"
)
SIGNS = r"US\$|C\$|A\$|R\$|\p{Sc}|Fr\.|kr\.?|Kč|zł|Ft|lei|円|元|руб\.?|\\"  # a backslash is the yen of Shift-JIS
CURRENCY = rf"(?:{SIGNS}|{CODES.replace(' ', '|')})"
SIGNS_WITH_POINT = r"Fr\.|kr\.|руб\."
SPREADSHEET_ERRORS = frozenset(
    {"#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#WERT!", "#BEZUG!"}
)
NO_DECIMALS = r"[¥￥円₩\\]|JPY|KRW"  # 1,234 yen can only be thousands
SCIENTIFIC = r"\d+(?:\.\d+)?[eE][+-]?\d+"
"""With a point in files of either kind: no group of thousands is followed by an exponent."""


def _grouped(decimal: str, group: str) -> str:
    groups = "|".join(rf"(?:{sign}\d{{3}})+" for sign in (group, "['’]", SPACE))
    return rf"(?:(?:\d+|[1-9]\d{{0,2}}(?:{groups}))(?:{decimal}\d+)?|{decimal}\d+)"


def _whole(number: str) -> str:
    """A cell: the number with its signs and its currency, before or behind."""
    before, behind = rf"(?:{CURRENCY}{SPACE}*)?", rf"(?:{SPACE}*{CURRENCY})?"
    forms = (
        rf"[+]?{MINUS}?{SPACE}*{before}{number}{behind}",
        rf"{CURRENCY}{SPACE}*{MINUS}{SPACE}*{number}",
        rf"{before}{number}{SPACE}*{MINUS}{behind}",
        rf"{before}{number}{behind}{SPACE}*{MINUS}",
        rf"\({SPACE}*{before}{number}{behind}{SPACE}*\)",
        rf"{CURRENCY}{SPACE}*\({number}\)",
    )
    return rf"^{SPACE}*(?:{'|'.join(forms)}){SPACE}*$"


INDIAN = r"[1-9]\d?(?:,\d\d)+,\d{3}(?:\.\d+)?"
CELL = {
    DecimalSign.POINT: _whole(rf"(?:{_grouped(r'\.', ',')}|{INDIAN}|{SCIENTIFIC})"),
    DecimalSign.COMMA: _whole(rf"(?:{_grouped(',', r'\.')}|{SCIENTIFIC}|\d+,\d+[eE][+-]?\d+)"),
}
IS_NEGATIVE = rf"^\D*(?:{MINUS}|\()|\d[^\deE]*{MINUS}\D*$"
HAS_EXPONENT = r"\d[eE][+-]?\d"
NOT_A_CURRENCY = r"[\d.,'’()+\s\x{a0}\x{202f}\x{2009}\-\x{2212}\x{fe63}\x{ff0d}\x{25b2}\x{25b3}]+"


class OpenStyle(Exception):
    """Amounts that can be read in two ways, in a file whose first rows have whole numbers only."""


@dataclass(slots=True)
class AmountEvidence:
    """What the amounts of a file show about their decimals; each with the first row, as (row, column, text)."""

    asked: DecimalSign
    file: str
    only: dict[DecimalSign, tuple[int, str, str]] = field(default_factory=dict)
    either: tuple[int, str, str] | None = None
    neither: tuple[int, str, str] | None = None

    def add(self, texts: pa.Array, rows: NDArray[np.int64], column: str) -> None:
        """Take cells that are not blank."""
        import pyarrow.compute as pc

        point, comma = (
            pc.match_substring_regex(texts, CELL[sign]).to_numpy(zero_copy_only=False)
            for sign in (DecimalSign.POINT, DecimalSign.COMMA)
        )
        point, comma = point.copy(), comma.copy()
        without_decimals = (
            pc.match_substring_regex(texts, NO_DECIMALS).to_numpy(zero_copy_only=False) & point & comma
        )
        point &= ~(without_decimals & pc.match_substring(texts, ".").to_numpy(zero_copy_only=False))
        comma &= ~(without_decimals & pc.match_substring(texts, ",").to_numpy(zero_copy_only=False))
        signed = pc.match_substring_regex(texts, r"[.,]").to_numpy(zero_copy_only=False)
        has_exponent = pc.match_substring_regex(texts, HAS_EXPONENT).to_numpy(zero_copy_only=False)

        def first(mask: NDArray[np.bool_]) -> tuple[int, str, str] | None:
            if not mask.any():
                return None
            at = int(np.argmax(mask))
            return int(rows[at]), column, str(texts[at].as_py())

        self.neither = self.neither or first(~point & ~comma)
        for sign, mask in ((DecimalSign.POINT, point & ~comma), (DecimalSign.COMMA, comma & ~point)):
            shown = first(mask)
            if shown is not None:
                self.only.setdefault(sign, shown)
        self.either = self.either or first(point & comma & signed & ~has_exponent)

    def settle(self, *, complete: bool) -> AmountStyle | None:
        """The one way to read them all; None if there are two and more rows may tell.

        Args: complete: whether every row of the file was added.
        Raises: DataError if there is no way, or if the whole file leaves two.
        """
        if self.neither is not None:
            row, column, text = self.neither
            raise not_an_amount(text, self.file, row, column, AN_AMOUNT)
        if self.asked is not DecimalSign.AUTO:
            said = (
                f"amounts have a decimal {self.asked}, as RETRAIN_DECIMAL says" if self.only or self.either else ""
            )
            return AmountStyle(self.asked, said)
        if len(self.only) > 1:
            (row, column, text), (_, _, other) = sorted(self.only.values(), reverse=True)
            earlier = min(shown[0] for shown in self.only.values())
            raise not_an_amount(
                text, self.file, row, column, f"decimals and thousands as row {earlier} has them ({other})"
            )
        if self.only:
            sign, (row, _, text) = next(iter(self.only.items()))
            said = f"amounts have a decimal {sign}, because row {row} has {text}"
            return AmountStyle(sign, said if sign is DecimalSign.COMMA else "")
        if self.either is None:
            return AmountStyle(DecimalSign.POINT, is_open=not complete)
        if not complete:
            return None
        row, column, text = self.either
        values = ", or ".join(
            f"{amounts(_texts(text), sign)[0]:.12g} (decimal {sign})"
            for sign in (DecimalSign.POINT, DecimalSign.COMMA)
        )
        raise DataError(
            f"{text!r} is {values}, and no row of the file shows which; set {SETTINGS}",
            file=self.file,
            row=row,
            column=column,
            found=text,
            expected=SETTINGS,
        )


@dataclass(frozen=True, slots=True)
class AmountStyle:
    """How a file writes its amounts.

    Attributes:
        said: why they are read so, for a person; empty for plain numbers.
        is_open: only whole numbers were seen so far; a sign between digits would have to be settled first.
    """

    decimal: DecimalSign
    said: str = ""
    is_open: bool = False

    @property
    def expected(self) -> str:
        """What an amount has to be."""
        shown = "1234.5" if self.decimal.sign == "." else "1234,5 or 1.234,50"
        return f"a number such as {shown}, and not larger than {MAX_AMOUNT:g}"


def amounts(texts: pa.Array, decimal: DecimalSign) -> NDArray[np.float64]:
    """Numbers of cells; NaN for each that is not an amount. Args: texts: none is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    fits = pc.match_substring_regex(texts, CELL[decimal])
    digits = pc.replace_substring_regex(texts, SIGNS_WITH_POINT, "")
    digits = pc.replace_substring_regex(digits, rf"[^0-9{decimal.sign}]+", "")
    if decimal is DecimalSign.COMMA:
        digits = pc.replace_substring(digits, ",", ".")
    has_exponent = pc.and_(fits, pc.match_substring_regex(texts, HAS_EXPONENT))
    plain = pc.and_(fits, pc.invert(has_exponent))
    numbers = pc.cast(pc.if_else(plain, digits, "nan"), pa.float64()).to_numpy().copy()
    numbers[pc.match_substring_regex(texts, IS_NEGATIVE).to_numpy(zero_copy_only=False)] *= -1
    for at in np.flatnonzero(has_exponent.to_numpy(zero_copy_only=False)).tolist():
        numbers[at] = _scientific(texts[at].as_py())
    return np.asarray(numbers)


def currencies(texts: pa.Array) -> list[str]:
    """The different currency signs and codes in these cells, in the order of their rows."""
    import pyarrow.compute as pc

    found = pc.unique(pc.replace_substring_regex(texts, NOT_A_CURRENCY, "")).to_pylist()
    return [sign for sign in found if sign not in ("", "e", "E")]


SYNONYMS = {
    "$": "USD",
    "US$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "￥": "JPY",
    "円": "JPY",
    "\\": "JPY",
    "Fr": "CHF",
}


def refuse_currencies(found: Iterable[str], file: str, column: str) -> None:
    """Raises: DataError if there is more than one currency."""
    different = {SYNONYMS.get(sign, sign): sign for sign in found}
    if len(different) > 1:
        raise DataError(
            file=file,
            column=column,
            found=f"amounts in {' and '.join(different.values())}",
            expected="one currency; land a file for each, or convert the amounts",
        )


def not_an_amount(text: str, file: str, row: int, column: str, expected: str) -> DataError:
    """The refusal of a cell."""
    if re.fullmatch(r"[-+−\d.,\s]*[%％]", text.strip()):
        expected = f"{expected}; a percentage is not an amount, set RETRAIN_AMOUNT_COLUMN to another column"
    if text.strip().upper() in SPREADSHEET_ERRORS:
        expected = f"{expected}; it is an error of the spreadsheet, correct the formula and save the file"
    return DataError(file=file, row=row, column=column, found=text[:80], expected=expected)


def _scientific(text: str) -> float:
    found = re.search(r"[-+−]?\d+(?:[.,]\d+)?[eE][+-]?\d+", text)
    return float(found[0].replace(",", ".").replace("−", "-")) if found else float("nan")


def _texts(text: str) -> pa.Array:
    import pyarrow as pa

    return pa.array([text])

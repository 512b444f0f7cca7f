"""How files are to be read: the names of their columns, and what settles a text that has two meanings."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class DateFormat(StrEnum):
    """What comes first in a day that is written in numbers; `auto` is what the file itself shows."""

    AUTO = "auto"
    YEAR_FIRST = "year-first"
    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


class DecimalSign(StrEnum):
    """The sign before the decimals of an amount; `auto` is what the file itself shows."""

    AUTO = "auto"
    POINT = "point"
    COMMA = "comma"

    @property
    def sign(self) -> str:
        """The character; a point for `auto`."""
        return "," if self is DecimalSign.COMMA else "."


class Blanks(StrEnum):
    """What is done about a row whose day, amount or id is blank."""

    REFUSE = "refuse"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of a file's columns for the day, the amount and the transaction's id.

    Attributes:
        sheet: of a workbook; empty for the only one with a table.
    """

    date: str = "TransactionDate"
    amount: str = "PaidAmount"
    transaction_id: str = "TransactionID"
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are to be read.

    Attributes:
        timezone: of the IANA database. A time with a zone belongs to the day that it is there; a time without one
            is taken as the time there.
    """

    columns: Columns = field(default_factory=Columns)
    dates: DateFormat = DateFormat.AUTO
    decimal: DecimalSign = DecimalSign.AUTO
    blanks: Blanks = Blanks.REFUSE
    timezone: str = "UTC"

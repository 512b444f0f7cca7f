"""How a file of transactions is read and made daily."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from retrain.data.landed import Aggregate
from retrain.data.series import GapPolicy
from retrain.data.totals import Overlap
from retrain.errors import ConfigError
from retrain.reading.rules import Blanks, Columns, DateFormat, DecimalSign, Reading
from retrain.settings.masking import quoted
from retrain.settings.setting import Group, setting

if TYPE_CHECKING:
    from collections.abc import Sequence


OF_READING = ("date_column", "amount_column", "id_column", "date_format", "decimal", "blanks", "timezone", "sheet")
NO_PLACES = {"localtime", "posixrules", "Factory"}  # names of the database that mean another zone on each machine


class DataSettings(Group):
    """The columns of a file, and what its rows become."""

    date_column: str = setting(
        "TransactionDate", "RETRAIN_DATE_COLUMN", "column with the day", unit="name", min_length=1
    )
    amount_column: str = setting(
        "PaidAmount",
        "RETRAIN_AMOUNT_COLUMN",
        "column with the amount; in a file without it, the amount is Quantity x ActualCost",
        unit="name",
        min_length=1,
    )
    id_column: str = setting(
        "TransactionID",
        "RETRAIN_ID_COLUMN",
        "column with the transaction's id; rows with the same id that are equal in every column count once",
        unit="name",
        min_length=1,
    )
    date_format: DateFormat = setting(
        DateFormat.AUTO,
        "RETRAIN_DATE_FORMAT",
        "what comes first in dates such as 03/04/2024: `day-first`, `month-first` or `year-first`; `auto` is what "
        "the file shows, and refuses a file that does not show it",
    )
    decimal: DecimalSign = setting(
        DecimalSign.AUTO,
        "RETRAIN_DECIMAL",
        "the decimal sign of amounts such as 1,234: `point` or `comma`; `auto` is what the file shows, and refuses "
        "a file that does not show it",
    )
    blanks: Blanks = setting(
        Blanks.REFUSE,
        "RETRAIN_BLANKS",
        "what is done about a row with a blank day, amount or id: `refuse` the file, or `skip` the row",
    )
    timezone: str = setting(
        "UTC",
        "RETRAIN_TIMEZONE",
        "time zone in which a day is a day, for example `Europe/Berlin`; a time without a zone is one there",
        unit="name",
        min_length=1,
    )
    sheet: str = setting(
        "",
        "RETRAIN_SHEET",
        "sheet of an XLSX workbook that is read; empty for the only one with a table",
        unit="name",
    )
    aggregate: Aggregate = setting(
        Aggregate.MEAN,
        "RETRAIN_AGGREGATE",
        "how the transactions of a day become one amount: `mean`, `sum` or `count`; "
        "a file with one row a day is used unchanged",
    )
    overlap: Overlap = setting(
        Overlap.AUTO,
        "RETRAIN_OVERLAP",
        "what is done where a file without ids has days that are there already: `restate` them, `add` to them, or "
        "`refuse`, which holds the file; `auto` restates from files of one row a day and holds others",
    )
    gaps: GapPolicy = setting(
        GapPolicy.INTERPOLATE,
        "RETRAIN_GAPS",
        "what is done about a day without transactions: `interpolate`, `zero` or `refuse`",
    )

    @property
    def columns(self) -> Columns:
        """The names to look for in a landed file."""
        return Columns(self.date_column, self.amount_column, self.id_column, self.sheet)

    @property
    def reading(self) -> Reading:
        """How a landed file is to be read."""
        return Reading(self.columns, self.date_format, self.decimal, self.blanks, self.timezone)

    @property
    def reading_assignments(self) -> tuple[str, ...]:
        """The settings of reading that are not at their defaults, as `NAME=value`."""
        fields = type(self).model_fields
        return tuple(
            f"{fields[name].alias}={getattr(self, name)}"
            for name in OF_READING
            if getattr(self, name) != fields[name].default
        )

    def with_assignments(self, assignments: Sequence[str]) -> Self:
        """These settings changed by `NAME=value`, in turn; the names are of this group."""
        given = {str(info.alias): getattr(self, field) for field, info in type(self).model_fields.items()}
        return self.model_validate(given | dict(text.split("=", 1) for text in assignments))

    def check(self) -> None:
        """See that the columns differ, whatever their case, and that the time zone exists. Raises: ConfigError."""
        columns = [self.date_column, self.amount_column, self.id_column]
        if len({column.casefold() for column in columns}) < len(columns):
            shown = ", ".join(map(quoted, columns))
            raise ConfigError(
                f"RETRAIN_DATE_COLUMN, RETRAIN_AMOUNT_COLUMN and RETRAIN_ID_COLUMN are {shown}; they must differ"
            )
        try:
            if self.timezone in NO_PLACES:
                raise ValueError(self.timezone)
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigError(
                "RETRAIN_TIMEZONE is not a time zone of the IANA database; write one, for example Europe/Berlin"
            ) from None

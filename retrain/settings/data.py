"""How a file of transactions is read and made daily."""

from __future__ import annotations

from retrain.data.formats import Columns
from retrain.data.series import GapPolicy
from retrain.data.transactions import Aggregate
from retrain.data.totals import Overlap
from retrain.errors import ConfigError
from retrain.settings.setting import Group, setting


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
        "column with the transaction's id; rows with the same id count once",
        unit="name",
        min_length=1,
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
        return Columns(self.date_column, self.amount_column, self.id_column)

    def check(self) -> None:
        """See that the columns differ, upper and lower case being the same. Raises: ConfigError."""
        columns = [self.date_column, self.amount_column, self.id_column]
        if len({column.casefold() for column in columns}) < len(columns):
            raise ConfigError(
                f"RETRAIN_DATE_COLUMN, RETRAIN_AMOUNT_COLUMN and RETRAIN_ID_COLUMN are {columns}; they must differ"
            )

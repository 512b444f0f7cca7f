"""Good files of every format, from which fuzzers begin."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from tests.builders import FIRST_DAY
from tests.drills.bad_file import HEADER, packed, sheet, written, zipped

if TYPE_CHECKING:
    from collections.abc import Callable

IDENTITIES = f"TransactionID,{HEADER}"


def transactions(delimiter: str = ",") -> bytes:
    """Forty transactions of four weeks."""
    lines = [IDENTITIES, *(f"{at},{_nth(at)},{at}.5" for at in range(40)), ""]
    return "\n".join(lines).replace(",", delimiter).encode()


def _nth(at: int) -> date:
    return FIRST_DAY + timedelta(days=at % 28)


def _table(days: pa.DataType) -> pa.Table:
    column = pa.array([_nth(at) for at in range(40)]).cast(days)
    return pa.table(
        {"TransactionID": list(range(40)), "TransactionDate": column, "PaidAmount": [at + 0.5 for at in range(40)]}
    )


SEEDS: dict[str, Callable[[], bytes]] = {
    "CSV": transactions,
    "TSV": lambda: transactions("\t"),
    "gzip": zipped(transactions),
    "quotes": lambda: (
        transactions().replace(b".5\n", b'.5,"a ""b""\n"\n').replace(b"PaidAmount", b"PaidAmount,Note")
    ),
    "semicolons": lambda: transactions(";").replace(b".", b","),
    "UTF-16": lambda: transactions("\t").decode().encode("utf-16"),
    "JSON": lambda: "\n".join(json.dumps(row) for row in _table(pa.string()).to_pylist()).encode(),
    "a zip": lambda: packed("x.csv", transactions()),
    "XLSX": lambda: sheet(_table(pa.date32())),
    "Parquet": lambda: written(_table(pa.date32())),
    "Parquet by zstd": lambda: written(_table(pa.timestamp("us")), compression="zstd", use_dictionary=False),
    "Parquet, pages of version 2": lambda: written(
        _table(pa.date32()), data_page_version="2.0", compression="gzip"
    ),
    "Parquet of text": lambda: written(_table(pa.string()), compression="none", use_dictionary=False),
}

"""Guesses by names and content which columns hold the days and the amounts of a file."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from retrain.reading.amounts import CELL
from retrain.reading.dates import is_total
from retrain.reading.days import Days, Family
from retrain.reading.times import split
from retrain.reading.widths import narrowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOSTLY = 0.6
DAY_NAMES = re.compile(r"dat|day|tag|time|zeit|jour|fecha|giorno|dzie|日|created|when", re.IGNORECASE)
AMOUNT_NAMES = re.compile(
    r"amount|amt|betrag|umsatz|erl[öo]s|total|sales|revenue|turnover|paid|value|wert|summe|brutto|netto|net|gross"
    r"|montant|importe|importo|omzet|bedrag|chiffre|kwota|金額|売上|合計|税込",
    re.IGNORECASE,
)
NOT_AMOUNT_NAMES = re.compile(
    r"(^|[\W_])(id|no|nr|num\w*|code|qty|key|plz|zip)($|[\W_])|[a-z]ID$|nummer|quantity|menge|anzahl|count"
    r"|数量|番号|件数|tax|steuer|mwst|vat|税額"
)
LATEST = date(2200, 1, 1)


def guess(sample: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The settings for the columns of days and amounts, each with the likeliest names; those that can be told.

    Two columns of amounts may be equally likely, such as gross and net: nobody but a person knows which is meant.

    Args: sample: the first cells of every column.
    """
    found: dict[str, list[str]] = {}
    cells = {name: [cell.strip() for cell in column if cell.strip()] for name, column in sample.items()}
    days = {name: _day_score(name, column) for name, column in cells.items() if column}
    day = max(days, key=lambda name: days[name], default=None)
    if day is None or not days[day]:
        day = None
    else:
        found["RETRAIN_DATE_COLUMN"] = [day]
    amounts = {
        name: _amount_score(name, column)
        for name, column in cells.items()
        if column and name != day and not days[name] > 1
    }
    best = max(amounts.values(), default=0)
    if best:
        found["RETRAIN_AMOUNT_COLUMN"] = [name for name, score in amounts.items() if score == best]
    return found


def _day_score(name: str, cells: Sequence[str]) -> float:
    """0 if it cannot be the day; more than 1 if its content is written as days only are."""
    import pyarrow as pa

    days = Days(LATEST, "UTC")
    texts = [text for text in split(pa.array(cells)).days.to_pylist() if not is_total(text)]
    families = [found[0] for text in texts if (found := days.ways(text))]
    if not families or len(families) < MOSTLY * len(texts):
        return 0
    is_named = bool(DAY_NAMES.search(name))
    if families[0] in (Family.SERIAL, Family.EPOCH, Family.DIGITS):
        return 0.9 if is_named else 0
    return 2 + is_named


def _amount_score(name: str, cells: Sequence[str]) -> float:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = narrowed(pa.array(cells))
    numbers: int = max(pc.sum(pc.match_substring_regex(texts, CELL[sign])).as_py() for sign in CELL)
    if numbers < MOSTLY * len(cells):
        return 0
    has_decimals: bool = pc.any(pc.match_substring_regex(texts, r"[.,]\d{1,2}$")).as_py()
    score = 1.0 + has_decimals + 2 * bool(AMOUNT_NAMES.search(name))
    return score / 10 if NOT_AMOUNT_NAMES.search(name) else score

"""Settles how the days of a file are written, and reads its day column accordingly."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.errors import DataError
from retrain.reading.days import EARLIEST, EPOCH, Days, Family
from retrain.reading.rules import DateFormat

if TYPE_CHECKING:
    from datetime import date

    from retrain.reading.days import Ways

ANY_DAY = "a day such as 2024-01-31, 31.01.2024 or Jan 31, 2024"
MOST_WRITINGS = 100_000  # more different texts are not days: from 1900 to today there are half as many
DECISIVE_DAYS = 28
DENSE, SPARSE = 0.9, 0.1  # shares of the days between the first and the last
SHOWN = {
    DateFormat.YEAR_FIRST: "year first",
    DateFormat.DAY_FIRST: "day first",
    DateFormat.MONTH_FIRST: "month first",
}
LABELS = {
    (Family.NUMBERS, DateFormat.DAY_FIRST): "DD/MM/YYYY",
    (Family.NUMBERS, DateFormat.MONTH_FIRST): "MM/DD/YYYY",
    (Family.SHORT_YEAR, DateFormat.YEAR_FIRST): "YY/MM/DD",
    (Family.SHORT_YEAR, DateFormat.DAY_FIRST): "DD/MM/YY",
    (Family.SHORT_YEAR, DateFormat.MONTH_FIRST): "MM/DD/YY",
    (Family.DIGITS, DateFormat.YEAR_FIRST): "YYYYMMDD",
    (Family.DIGITS, DateFormat.DAY_FIRST): "DDMMYYYY",
    (Family.DIGITS, DateFormat.MONTH_FIRST): "MMDDYYYY",
}
TOTAL = re.compile(
    r"(grand |sub)?totals?|(end|gesamt|zwischen)?summen?|summe gesamt|gesamt\w*|insgesamt|sum|sub-total|somme"
    r"|total g[ée]n[ée]ral|totale|total general|suma|totaal|razem|итого|合計|総計|総合計|小計|总计|合计",
    re.IGNORECASE,
)
"""What stands in the place of a day where a row holds the sum of the others."""


def is_total(text: str) -> bool:
    """Whether a text in the day column says that its row is a total."""
    return bool(TOTAL.fullmatch(text.strip(" :\t\u3000")))


@dataclass(frozen=True, slots=True)
class DateStyle:
    """How a file writes its days.

    Attributes:
        said: why it is read so, for a person; empty where it could not be read otherwise.
    """

    family: Family
    order: DateFormat
    said: str = ""

    @property
    def label(self) -> str:
        """For example `DD/MM/YYYY`."""
        return LABELS.get((self.family, self.order), self.family.value)

    def day(self, found: tuple[Family, Ways] | None) -> int | None:
        """The day of a text with these readings, days since 1970-01-01; None if the text is written otherwise."""
        return found[1].get(self.order) if found is not None and found[0] is self.family else None


@dataclass(slots=True)
class DateEvidence:
    """The different writings of days that a file shows, each with the first row that has it."""

    days: Days
    asked: DateFormat
    file: str
    column: str
    rows: dict[str, int] = field(default_factory=dict)

    def add(self, texts: list[str], rows: list[int]) -> None:
        """Take texts without times of day. Raises: DataError if there are too many different ones."""
        for text, row in zip(texts, rows, strict=True):
            self.rows.setdefault(text, row)
        if len(self.rows) > MOST_WRITINGS:
            # Moments differ from row to row, and show nothing that the first has not shown.
            first = next(iter(self.rows))
            self.rows = {text: row for text, row in self.rows.items() if text == first or not self._is_count(text)}
        if len(self.rows) > MOST_WRITINGS:
            raise self._refusal(max(self.rows, key=lambda text: self.rows[text]), ANY_DAY)

    def _is_count(self, text: str) -> bool:
        ways = self.days.ways(text)
        return ways is not None and ways[0] in (Family.SERIAL, Family.EPOCH)

    def settle(self, *, complete: bool) -> DateStyle | None:
        """The one way to read them all; None if there are several and more rows may tell.

        Args: complete: whether every row of the file was added.
        Raises: DataError if there is no way, or if the whole file leaves several.
        """
        found = {text: self.days.ways(text) for text in self.rows}
        family = next((ways[0] for ways in found.values() if ways is not None), None)
        if family is None:
            text = next(iter(self.rows), None)
            if text is None:
                return DateStyle(Family.YEAR_FIRST, DateFormat.YEAR_FIRST) if complete else None
            raise self._refusal(text, f"{ANY_DAY}, from {EARLIEST} to {self.days.latest}")
        orders = self._orders(found, family)
        if (family, self.asked) in LABELS:
            return self._as_asked(found, family)
        if len(orders) == 1:
            return DateStyle(family, orders[0], self._reason(found, family, orders[0]))
        return self._decided_by_all(found, family, orders) if complete else None

    def _as_asked(self, found: dict[str, tuple[Family, Ways] | None], family: Family) -> DateStyle:
        style = DateStyle(family, self.asked, f"dates are {SHOWN[self.asked]}, as RETRAIN_DATE_FORMAT says")
        for text, ways in found.items():
            if style.day(ways) is None:
                raise self._refusal(text, f"a day as {style.label}, because RETRAIN_DATE_FORMAT={self.asked}")
        return style

    def _orders(self, found: dict[str, tuple[Family, Ways] | None], family: Family) -> list[DateFormat]:
        """The orders in which every text is a day, at least one."""
        orders: list[DateFormat] = []
        before = ""
        for text, ways in found.items():
            if ways is None or ways[0] is not family:
                label = family.value if not orders or len(orders) > 1 else DateStyle(family, orders[0]).label
                raise self._refusal(text, f"a day as {label}, from {EARLIEST} to {self.days.latest}", before)
            fitting = [order for order in orders or ways[1] if order in ways[1]]
            if not fitting:
                label = " or ".join(DateStyle(family, order).label for order in orders) or family.value
                raise self._refusal(text, f"a day as {label}, from {EARLIEST} to {self.days.latest}", before)
            if len(fitting) < len(orders) or not before:
                before = text
            orders = fitting
        if DateFormat.DAY_FIRST in orders and all("." in text for text in found):
            # No country writes the month first with points.
            orders = [order for order in orders if order is not DateFormat.MONTH_FIRST]
        readings = {tuple(ways[1][order] for ways in found.values() if ways): order for order in reversed(orders)}
        return list(reversed(readings.values()))

    def _reason(self, found: dict[str, tuple[Family, Ways] | None], family: Family, order: DateFormat) -> str:
        first = next(iter(found))
        if family in (Family.SERIAL, Family.EPOCH):
            day = EPOCH + timedelta(days=found[first][1][order])  # type: ignore[index]
            return f"dates are {family.value}: {first} is {day}"
        others = [other for other in DateFormat if (family, other) in LABELS and other is not order]
        if not others or (family is Family.DIGITS and order is DateFormat.YEAR_FIRST):
            return ""
        telling = [
            next((text for text, ways in found.items() if ways and other not in ways[1]), None) for other in others
        ]
        known = [text for text in telling if text is not None]
        if not known:
            return f"dates are {SHOWN[order]}, because they have points" if "." in first else ""
        text = max(known, key=lambda text: self.rows[text])
        return f"dates are {SHOWN[order]}, because row {self.rows[text]} has {text}"

    def _decided_by_all(
        self, found: dict[str, tuple[Family, Ways] | None], family: Family, orders: list[DateFormat]
    ) -> DateStyle:
        """One reading fills its span of days, and the others have a day here and there; else nothing decides."""
        shares = {}
        for order in orders:
            days = np.unique([ways[1][order] for ways in found.values() if ways])
            shares[order] = (len(days), len(days) / (days[-1] - days[0] + 1))
        best = max(orders, key=lambda order: shares[order][1])
        count, share = shares[best]
        others_are_sparse = all(shares[order][1] <= SPARSE for order in orders if order is not best)
        if count >= DECISIVE_DAYS and share >= DENSE and others_are_sparse:
            said = f"dates are {SHOWN[best]}, because they are {count} days without gaps only so"
            return DateStyle(family, best, said)
        differing = next(text for text, ways in found.items() if ways and len({*ways[1].values()}) > 1)
        ways = found[differing][1]  # type: ignore[index]
        meanings = ", or ".join(
            f"{EPOCH + timedelta(days=ways[order]):%d %B %Y} ({SHOWN[order]})" for order in orders
        )
        settings = " or ".join(f"RETRAIN_DATE_FORMAT={order}" for order in orders)
        raise DataError(
            f"{differing!r} is {meanings}, and no row of the file shows which; set {settings}",
            file=self.file,
            row=self.rows[differing],
            column=self.column,
            found=differing,
            expected=settings,
        )

    def _refusal(self, text: str, expected: str, before: str = "") -> DataError:
        as_there = f", as row {self.rows[before]} has it ({before})" if before else ""
        return DataError(
            file=self.file,
            row=self.rows[text],
            column=self.column,
            found=text[:80],
            expected=f"{expected}{as_there}",
        )


def in_range(day: int | None, latest: date) -> bool:
    """Whether it is a day that a file may have. Args: day: since 1970-01-01."""
    return day is not None and (EARLIEST - EPOCH).days <= day <= (latest - EPOCH).days

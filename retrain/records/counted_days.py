"""The days that count, without the log of landings that they follow from: what a forecast and a comparison need.

The log grows with every file. `history.json` is the head of it on its first line, and the days on its second: a
reader that needs the days alone reads nothing else, whatever the number of files. If the days are damaged, they are
made anew from the landings.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal, Self

from retrain.data.landed import Aggregate, DayTotal
from retrain.errors import ConfigError
from retrain.records.base import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.data.series import Days
    from retrain.records.registry import Lineage

DIGITS = 13  # of a sum that is kept: the last ones depend on the order of the rows


class Head(Record):
    """What is known of the history without its log.

    Attributes:
        entries: how many entries of the log are in force, the first ones; what follows was never finished.
        aggregate: how the rows of a day become an amount; None while every file has one row a day.
        unknown: the days that are held or were dropped, and that nothing else says anything of; ascending.
        files: how many files are in force.
        held_files: how many landings wait for a person as a whole.
        days_sha256: of the second line.
    """

    layout: Literal[2]
    entries: int
    aggregate: Aggregate | None
    unknown: tuple[date, ...]
    files: int
    held_files: int
    days_sha256: str

    @classmethod
    def empty(cls) -> Self:
        """The head of a store in which nothing has landed."""
        return cls(layout=2, entries=0, aggregate=None, unknown=(), files=0, held_files=0, days_sha256="")

    @classmethod
    def parted(cls, data: bytes) -> tuple[Self, bytes]:
        """The head, and the line of its days. Raises: ValueError if the head is damaged."""
        first, _, days = data.partition(b"\n")
        head = cls.from_json(first)
        if head.entries < 0:
            raise ValueError(f"it counts {head.entries} entries")
        return head, days

    def with_days(self, totals: Mapping[date, DayTotal]) -> tuple[Self, bytes]:
        """The head of these days, and both as they are stored."""
        days = packed(totals)
        head = self.evolve(days_sha256=hashlib.sha256(days).hexdigest())
        return head, b"\n".join((json.dumps(head.as_json()).encode(), days))

    def totals(self, days: bytes) -> dict[date, DayTotal] | None:
        """The days that count, from their line; None if it is damaged."""
        if self.entries == 0:
            return {}
        return unpacked(days) if hashlib.sha256(days).hexdigest() == self.days_sha256 else None


def packed(totals: Mapping[date, DayTotal]) -> bytes:
    """Days by their proleptic Gregorian ordinals, with the sums and the numbers of their rows."""
    columns = (
        [day.toordinal() for day in totals],
        [total.amount for total in totals.values()],
        [total.rows for total in totals.values()],
    )
    return json.dumps(columns, separators=(",", ":")).encode()


def unpacked(line: bytes) -> dict[date, DayTotal]:
    """The inverse."""
    columns = zip(*json.loads(line), strict=True)
    return {date.fromordinal(day): DayTotal(amount, rows) for day, amount, rows in columns}


@dataclass(frozen=True, slots=True)
class CountedDays:
    """The days that count. `totals` are ascending by day."""

    totals: Mapping[date, DayTotal]
    head: Head

    @property
    def aggregate(self) -> Aggregate | None:
        """How the rows of a day become an amount; None while every file has one row a day."""
        return self.head.aggregate

    @property
    def unknown(self) -> tuple[date, ...]:
        """The days that are held or were dropped, and that nothing else says anything of; ascending."""
        return self.head.unknown

    @property
    def files(self) -> int:
        """How many files are in force."""
        return self.head.files

    @property
    def days(self) -> Days:
        """One amount for each day, as its rows become one; ascending."""
        if self.aggregate is None:
            return {day: total.amount for day, total in self.totals.items()}
        return {day: self._amount(total, self.aggregate) for day, total in self.totals.items()}

    @staticmethod
    def _amount(total: DayTotal, aggregate: Aggregate) -> float:
        amount = aggregate.amount_of(total)
        return amount if total.rows == 1 else float(f"{amount:.{DIGITS}g}")

    def sha256(self, first: date, last: date) -> str:
        """The identity of the days between these, as they are now."""
        digest = hashlib.sha256()
        for day, amount in self.days.items():
            if first <= day <= last:
                digest.update(f"{day} {amount!r}\n".encode())
        return digest.hexdigest()

    def is_corrected(self, lineage: Lineage) -> bool:
        """Whether days that a model was trained on are other than they were then."""
        return lineage.days_sha256 != self.sha256(lineage.trained_from, lineage.trained_through)

    def check_aggregate(self, aggregate: Aggregate) -> None:
        """Raises: ConfigError if rows became days in another way than this."""
        if self.aggregate not in (None, aggregate):
            raise ConfigError(
                f"RETRAIN_AGGREGATE is {aggregate}, but the history was made with {self.aggregate}; set it to "
                f"{self.aggregate}, or make the history anew with `retrain rebuild`"
            )

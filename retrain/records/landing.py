"""What a run reports of the file that it landed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Self

from retrain.data.findings import Doubt
from retrain.records.base import Record

if TYPE_CHECKING:
    from retrain.data.landed import Aggregate, FileContent


class Doubted(Record):
    """A reason to hold a file, or some of its days: see `retrain.data.findings.Finding`."""

    doubt: Doubt
    days: tuple[date, ...]
    found: str
    expected: str


class Landed(Record):
    """A file that was read, and what it changed.

    Attributes:
        rows, repeated_rows: of data; those that were left out because an earlier one is the same.
        made: how its days were made of its rows, for example `mean of 12.1 rows a day`.
        read_as, warnings: see `retrain.data.landed.FileContent`.
        replaces: the run that landed the file of this name before; None if there is none.
        findings: why it, or some of its days, were held.
        held_days: those that a person has still to decide on.
    """

    file: str
    rows: int
    days: int
    repeated_rows: int
    new_days: int
    equal_days: int
    changed_days: tuple[date, ...]
    made: str = ""
    read_as: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    replaces: str | None = None
    findings: tuple[Doubted, ...] = ()
    held_days: tuple[date, ...] = ()

    @classmethod
    def of(cls, content: FileContent, aggregate: Aggregate) -> Self:
        """What the file itself says; nothing is known yet of what it changes."""
        return cls(
            file=content.file,
            rows=content.rows,
            days=len(content.totals),
            repeated_rows=content.repeated,
            new_days=0,
            equal_days=0,
            changed_days=(),
            made=content.made(aggregate),
            read_as=content.read_as,
            warnings=content.warnings,
        )


class LandedBefore(Record):
    """A file whose content was read before, by another run. `held`: whether that run holds all of it."""

    file: str
    taken_in_by: str
    held: bool = False


class Quarantined(Record):
    """A file that was refused, and where its copy is."""

    file: str
    quarantine: str


class Ignored(Record):
    """A file that holds no transactions: a marker or an empty blob."""

    file: str
    ignored: str


class Settled(Record):
    """Held days that a person accepted or dropped, or a landing that was retracted.

    Attributes:
        of: the run that landed them.
        done: `accepted`, `dropped` or `retracted`.
        changed_days: days of the history that are other than before.
    """

    file: str
    of: str
    done: str
    days: int
    new_days: int
    changed_days: tuple[date, ...]

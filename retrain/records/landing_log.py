"""The log of landings: entries are added and never changed, and what counts follows from all of them.

A file of the same name replaces what that name brought before, as soon as a day of it counts; for the days of it
that are held, the one before still counts. What was retracted or dropped counts no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from retrain.data.totals import Joins
from retrain.records.base import Record
from retrain.records.landing import Landed


class _Entry(Record):
    """Something that a run did to the history.

    Attributes:
        run_id: the run; it makes at most one entry.
        at: when, in UTC.
    """

    run_id: str
    at: datetime


class LandedFile(_Entry):
    """A file was read.

    Attributes:
        file: its name, as people call it.
        source: its name in the inbox.
        version: what the inbox said of its state; the same file in the same state is not read again.
        sha256: of its bytes: the identity of its content.
        read_with: the settings of reading that were not at their defaults, as `NAME=value`.
        facts: what the run reports of it.
    """

    kind: Literal["landed"] = "landed"
    file: str
    source: str
    version: str
    sha256: str
    first_day: date
    last_day: date
    has_ids: bool
    is_daily: bool
    joins: Joins
    held: tuple[date, ...] = ()
    read_with: tuple[str, ...] = ()
    facts: Landed

    @property
    def has_one_row_a_day(self) -> bool:
        """Whether its rows are days and no transactions: one a day, without ids."""
        return self.is_daily and not self.has_ids

    @property
    def is_held_whole(self) -> bool:
        """Whether no day of it counts before it is accepted."""
        return len(self.held) == self.facts.days


class Decided(_Entry):
    """A person accepted or dropped held days of the landing that run `of` made.

    Attributes:
        joins: how accepted days join others; None as it was read.
    """

    kind: Literal["accepted", "dropped"]
    of: str
    days: tuple[date, ...]
    joins: Joins | None = None


class Retracted(_Entry):
    """A person took the landing of run `of` out of force."""

    kind: Literal["retracted"] = "retracted"
    of: str
    file: str


class Seen(_Entry):
    """A file was looked at and brought nothing.

    Attributes:
        of: the run that landed the same content; empty if the file was refused or ignored.
        because: why, for a person.
    """

    kind: Literal["seen"] = "seen"
    source: str
    version: str
    file: str
    of: str = ""
    because: str


type Entry = Annotated[LandedFile | Decided | Retracted | Seen, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Standing:
    """A landing and what has become of it.

    Attributes:
        held: days that a person has to decide on.
        dropped: days that count no more.
        ended: `replaced`, `retracted` or `dropped`; empty while it is in force or held.
        ended_by: the run that ended it.
        stands_for: days for which it counts although it was replaced.
    """

    landing: LandedFile
    held: frozenset[date]
    dropped: frozenset[date] = frozenset()
    ended: str = ""
    ended_by: str = ""
    stands_for: frozenset[date] = frozenset()

    @property
    def is_in_force(self) -> bool:
        """Whether it counts by itself, and not only for another."""
        return not self.ended and len(self.held) + len(self.dropped) < self.landing.facts.days

    @property
    def is_held(self) -> bool:
        """Whether nothing of it counts before a person has accepted it."""
        return not self.ended and not self.is_in_force

    @property
    def state(self) -> str:
        """One word for a person."""
        if self.ended:
            return self.ended
        return "in force" if self.is_in_force else "held"

    @property
    def may_count(self) -> bool:
        """Whether any day of it can count."""
        return self.is_in_force or bool(self.stands_for)

    def counts(self, day: date) -> bool:
        """Whether what it says of its day counts."""
        if day in self.held or day in self.dropped:
            return False
        return day in self.stands_for if self.ended else True


class Log(Record):
    """Every entry in its order."""

    entries: tuple[Entry, ...]

    @classmethod
    def empty(cls) -> Self:
        """The log of a store in which nothing has landed."""
        return cls(entries=())

    def as_of(self, moment: datetime) -> Self:
        """The log as it was then."""
        return self.evolve(entries=tuple(entry for entry in self.entries if entry.at <= moment))

    def first(self, entries: int) -> Self:
        """The log as it was with so many entries."""
        return self.evolve(entries=self.entries[:entries])

    def with_entry(self, entry: Entry) -> Self:
        """One entry later."""
        return self.evolve(entries=(*self.entries, entry))

    def entry_of(self, run_id: str) -> Entry | None:
        """What a run did; None if it has done nothing yet."""
        return next((entry for entry in reversed(self.entries) if entry.run_id == run_id), None)

    def landed_by(self, source: str, version: str) -> str:
        """The run that landed a file in this very state, or the same content; empty if none has."""
        for entry in reversed(self.looks):
            if (entry.source, entry.version) == (source, version):
                return entry.run_id if isinstance(entry, LandedFile) else entry.of
        return ""

    @property
    def looks(self) -> tuple[LandedFile | Seen, ...]:
        """The entries of files that were looked at."""
        return tuple(entry for entry in self.entries if isinstance(entry, LandedFile | Seen))

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Every landing and what has become of it, in the order of landing."""
        found: dict[str, Standing] = {}
        of_name: defaultdict[str, list[str]] = defaultdict(list)
        for entry in self.entries:
            match entry:
                case LandedFile():
                    found[entry.run_id] = Standing(entry, frozenset(entry.held))
                    _supersede(found, of_name[entry.file], found[entry.run_id])
                    if not entry.is_held_whole:
                        _replace(found, of_name[entry.file], found[entry.run_id])
                    of_name[entry.file].append(entry.run_id)
                case Decided() if entry.of in found:
                    _decide(found, of_name[found[entry.of].landing.file], entry)
                case Retracted() if entry.of in found:
                    _retract(found, of_name[found[entry.of].landing.file], entry)
        return tuple(found.values())


def is_daily(standings: Iterable[Standing]) -> bool | None:
    """Whether the files have one row a day and no ids, as the first one says; None while there is none."""
    first = next((each.landing for each in standings if each.may_count), None)
    return None if first is None else first.has_one_row_a_day


def _supersede(found: dict[str, Standing], of_name: Iterable[str], by: Standing) -> None:
    """End the earlier landings of the same name of which nothing counts yet: nobody has to decide on them now."""
    for run_id in of_name:
        if found[run_id].is_held:
            found[run_id] = replace(found[run_id], held=frozenset(), ended="replaced", ended_by=by.landing.run_id)


def _replace(found: dict[str, Standing], of_name: Iterable[str], by: Standing) -> None:
    """End the earlier landings of the same name, except for the days of the new one that are held.

    Args: of_name: the runs that landed files of this name, in their order.
    """
    for run_id in of_name:
        if run_id == by.landing.run_id:
            return
        earlier = found[run_id]
        if not earlier.ended:
            found[run_id] = replace(
                earlier,
                held=frozenset(),
                ended="replaced",
                ended_by=by.landing.run_id,
                stands_for=by.held - earlier.held - earlier.dropped if earlier.is_in_force else frozenset(),
            )
        elif earlier.stands_for:
            found[run_id] = replace(earlier, stands_for=earlier.stands_for & by.held)


def _retract(found: dict[str, Standing], of_name: Iterable[str], entry: Retracted) -> None:
    """End a landing; the earlier ones of its name, which it had replaced, count for no day any more."""
    for run_id in of_name:
        if run_id == entry.of:
            found[run_id] = replace(
                found[run_id], ended="retracted", ended_by=entry.run_id, stands_for=frozenset(), held=frozenset()
            )
            return
        found[run_id] = replace(found[run_id], stands_for=frozenset())


def _decide(found: dict[str, Standing], of_name: Iterable[str], entry: Decided) -> None:
    before = found[entry.of]
    days = before.held & frozenset(entry.days)
    if before.ended or not days:
        return
    if entry.kind == "dropped":
        after = replace(before, held=before.held - days, dropped=before.dropped | days)
        gone = len(after.dropped) == after.landing.facts.days
        found[entry.of] = replace(after, ended="dropped", ended_by=entry.run_id) if gone else after
        return
    landing = before.landing if entry.joins is None else before.landing.evolve(joins=entry.joins)
    after = replace(before, landing=landing, held=before.held - days)
    found[entry.of] = after
    _replace(found, of_name, after)


def latest_of(standings: Iterable[Standing], file: str) -> Standing | None:
    """The landing in force of this name; None if there is none."""
    return next(
        (each for each in reversed(tuple(standings)) if each.landing.file == file and each.is_in_force), None
    )

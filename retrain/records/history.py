"""The history of days: a function of the log of landings. Its head has the days, so no run reads every landing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Self

from retrain.data.totals import Joins, Overlap, Part, Rows, together
from retrain.errors import ConfigError, Conflict, DamagedRecord, NotFound
from retrain.ports import ABSENT
from retrain.records.base import RESTORE, is_of_newer_code, missing, unreadable
from retrain.records.counted_days import CountedDays, Head
from retrain.records.day_files import days_from_parquet, days_to_parquet, rows_of_days
from retrain.records.landing_log import LandedFile, Log, Seen, Standing, is_daily
from retrain.records.ledger import POINTER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from retrain.data.landed import Aggregate, DayTotal
    from retrain.ports import ObjectStore
    from retrain.records.day_files import RowFile
    from retrain.records.landing_log import Entry

RECORD = "history.json"
LANDINGS, LOG = "landings/", "history/log.json"


@dataclass(frozen=True, slots=True)
class History(CountedDays):
    """The days that count, and where they come from.

    Attributes:
        standings: every landing and what has become of it.
        etag, log_etag: of the head and of the log as it is stored; ABSENT if there is none yet.
    """

    log: Log
    standings: tuple[Standing, ...]
    etag: str
    log_etag: str

    @classmethod
    def of(
        cls,
        totals: Mapping[date, DayTotal],
        log: Log,
        standings: tuple[Standing, ...],
        head: Head,
        etag: str = ABSENT,
        log_etag: str = ABSENT,
    ) -> Self:
        """The history that follows from a log. `head`: as it was before."""
        head = head.evolve(
            unknown=_unknown(standings, totals),
            files=sum(each.is_in_force for each in standings),
            held_files=sum(each.is_held for each in standings),
            entries=len(log.entries),
        )
        return cls(totals, head, log, standings, etag, log_etag)

    def standing(self, run_id: str) -> Standing | None:
        """What has become of the landing that a run made; None if it made none."""
        return next((each for each in self.standings if each.landing.run_id == run_id), None)

    @property
    def is_daily(self) -> bool | None:
        """Whether its files have one row a day and no ids; None while there is none."""
        return is_daily(self.standings)


def _unknown(standings: Iterable[Standing], totals: Collection[date]) -> tuple[date, ...]:
    every = {day for each in standings if each.is_in_force for day in each.held | each.dropped}
    return tuple(sorted(day for day in every if day not in totals))


class Histories:
    """The log, its landings and its head, in the state store; a landing never changes, and is read once."""

    def __init__(self, state: ObjectStore) -> None:
        self._state = state
        self._brought: dict[str, Mapping[date, DayTotal]] = {}
        self._log_is_ahead = False

    def days(self) -> CountedDays:
        """The days that count, without the log. Raises: ServiceError if a record is damaged."""
        head, _, days = self._head()
        totals = head.totals(days)
        return CountedDays(totals, head) if totals is not None else self.read()

    def read(self) -> History:
        """The history as it is. Raises: DamagedRecord; ConfigError if only newer code can read its log."""
        head, etag, days = self._head()
        log, log_etag = self._logged(head)
        standings, totals = log.standings, head.totals(days)
        if totals is None:
            totals = self._counted(standings, None)
        return History.of(totals, log, standings, head, etag, log_etag)

    def log(self) -> Log:
        """The log alone, without the days. Raises: DamagedRecord; ConfigError if only newer code can read it."""
        return self._logged(self._head()[0])[0]

    def _head(self) -> tuple[Head, str, bytes]:
        """The head, its ETag, and the line of its days."""
        stored = self._state.read(RECORD)
        if stored is None:
            if self._state.read(POINTER) is not None:  # it is written after the first landing
                raise missing(self._state, RECORD)
            return Head.empty(), ABSENT, b""
        try:
            head, days = Head.parted(stored.data)
        except ValueError as exc:
            raise self._wrong(RECORD, exc) from exc
        return head, stored.etag, days

    def _logged(self, head: Head) -> tuple[Log, str]:
        """The entries that a head says are in force, and the ETag of the log.

        A newer log begins with the same entries: whoever reads the head first gets what was then.
        """
        stored = self._state.read(LOG)
        self._log_is_ahead = False
        if stored is None:
            if head.entries:
                raise missing(self._state, LOG)
            return Log.empty(), ABSENT
        if head.entries == 0:  # what a first landing has left that was never finished
            self._log_is_ahead = True
            return Log.empty(), stored.etag
        log = self._parsed(LOG, stored.data)
        self._log_is_ahead = len(log.entries) > head.entries
        if len(log.entries) < head.entries:
            raise DamagedRecord(
                f"{self._state.address(LOG)} has {len(log.entries)} entries, and {RECORD} counts {head.entries}; "
                f"{RESTORE}"
            )
        return log.first(head.entries), stored.etag

    def _parsed(self, name: str, data: bytes) -> Log:
        try:
            return Log.model_validate_json(data)
        except ValueError as exc:
            raise self._wrong(name, exc) from exc

    def _wrong(self, name: str, error: ValueError) -> ConfigError | DamagedRecord:
        """The error for a record that cannot be read here: damaged, or made by newer code."""
        if is_of_newer_code(error):
            newer = "has what only a newer version of retrain can read; install that version here too"
            return ConfigError(f"{self._state.address(name)} {newer}")
        return unreadable(self._state, name, error)

    def as_of(self, moment: datetime) -> History:
        """The history as it was then, from the landings."""
        head = self._head()[0]
        return self._earlier(self._logged(head)[0].as_of(moment), head)

    def after(self, entries: int) -> History:
        """The history as it was after so many entries of its log, from the landings."""
        head = self._head()[0]
        return self._earlier(self._logged(head)[0].first(entries), head)

    def _earlier(self, log: Log, head: Head) -> History:
        standings = log.standings
        head = head.evolve(aggregate=None if have_one_row_a_day(standings) else head.aggregate)
        return History.of(self._counted(standings, None), log, standings, head)

    def brought(self, landing: LandedFile) -> Mapping[date, DayTotal]:
        """The days of a landing, those that do not count included. Raises: ServiceError if they cannot be read."""
        if landing.run_id not in self._brought:
            self._brought[landing.run_id] = self._read_days(landing)
        return self._brought[landing.run_id]

    def _read_days(self, landing: LandedFile) -> Mapping[date, DayTotal]:
        name = f"{LANDINGS}{landing.run_id}.parquet"
        stored = self._state.read(name)
        if stored is None:
            raise missing(self._state, name)
        try:
            return days_from_parquet(stored.data)
        except ValueError as exc:
            raise unreadable(self._state, name, exc) from exc

    def keep(self, run_id: str, totals: Mapping[date, DayTotal], rows: RowFile | None) -> None:
        """Store what a landing brought, before the log says that it has landed."""
        self._state.write(f"{LANDINGS}{run_id}.parquet", days_to_parquet(totals))
        self._brought[run_id] = totals
        if rows is not None and not rows.is_empty:
            with rows.open() as stream:
                self._state.upload(f"{LANDINGS}{run_id}.rows.parquet", stream)

    def preview(self, entry: Entry, history: History) -> History:
        """The history as the entry would make it; a landing's days are stored before."""
        log = history.log.with_entry(entry)
        standings = log.standings
        touched = _touched(history.standings, standings)
        days = {day for each in touched for day in self.brought(each.landing)}
        kept = {day: total for day, total in history.totals.items() if day not in days}
        merged = dict(sorted({**kept, **self._counted(standings, days)}.items()))
        return History.of(merged, log, standings, history.head, history.etag, history.log_etag)

    def counted(self, standing: Standing) -> dict[date, DayTotal]:
        """The days of a landing that count."""
        return {day: total for day, total in self.brought(standing.landing).items() if standing.counts(day)}

    def without(self, standing: Standing, history: History) -> History:
        """The history as if one landing had never been made."""
        others = tuple(each for each in history.standings if each is not standing)
        days = self.brought(standing.landing).keys()
        kept = {day: total for day, total in history.totals.items() if day not in days}
        totals = dict(sorted({**kept, **self._counted(others, days)}.items()))
        return History.of(totals, history.log, others, history.head, history.etag, history.log_etag)

    def add(self, entry: Entry, history: History, aggregate: Aggregate) -> History:
        """Add an entry, whose landing is stored. Raises: Conflict if another process has added one.

        Raises: ConfigError if rows were made into days in another way before.
        """
        after = self.preview(entry, history)
        head = after.head
        if not isinstance(entry, Seen):
            head = head.evolve(aggregate=_aggregate(after, aggregate))
        head, written = head.with_days(after.totals)
        if self._log_is_ahead:
            self._see_that_it_is_current(history.head)
        log_etag = self._state.write(LOG, after.log.model_dump_json().encode(), if_etag=history.log_etag)
        etag = self._state.write(RECORD, written, if_etag=history.etag)
        return History(after.totals, head, after.log, after.standings, etag, log_etag)

    def _see_that_it_is_current(self, head: Head) -> None:
        """Before an entry is written over that no head counts. Raises: Conflict if the head has changed."""
        there = Head.empty()
        with suppress(NotFound, ValueError), self._state.open(RECORD) as stream:
            there = Head.parted(stream.read())[0]
        if there != head:
            raise Conflict(f"{self._state.address(RECORD)} was changed by another process; run again")

    def _counted(self, standings: Iterable[Standing], days: Collection[date] | None) -> dict[date, DayTotal]:
        """The totals of these days, or of all, from every landing that counts."""
        parts = []
        first, last = (min(days), max(days)) if days else (date.min, date.max if days is None else date.min)
        for each in standings:
            landing = each.landing
            if not each.may_count or landing.first_day > last or landing.last_day < first:
                continue
            totals = self.brought(landing)
            counting = {day: t for day, t in totals.items() if each.counts(day) and (days is None or day in days)}
            parts.append(Part(counting, landing.joins, partial(self._rows, landing)))
        wanted = {day for part in parts for day in part.totals} if days is None else days
        return together(parts, wanted)

    def _rows(self, landing: LandedFile, days: Collection[date]) -> Rows:
        name = f"{LANDINGS}{landing.run_id}.rows.parquet"
        try:
            with self._state.open(name) as stream:
                return rows_of_days(stream, days)
        except (ValueError, NotFound) as exc:
            raise unreadable(self._state, name, exc) from exc


def _touched(before: tuple[Standing, ...], after: tuple[Standing, ...]) -> list[Standing]:
    """The landings of which other days count than before."""
    known = {each.landing.run_id: each for each in before}
    touched = [each for each in after if known.get(each.landing.run_id) != each]
    return [each for each in touched if each.may_count or _did_count(known.get(each.landing.run_id))]


def _did_count(standing: Standing | None) -> bool:
    return standing is not None and standing.may_count


def _aggregate(history: History, aggregate: Aggregate) -> Aggregate | None:
    """How rows become days from now on. Raises: ConfigError if it was another way before."""
    history.check_aggregate(aggregate)
    if history.aggregate is not None:
        return history.aggregate
    return None if have_one_row_a_day(history.standings) else aggregate


def have_one_row_a_day(standings: Iterable[Standing]) -> bool:
    """Whether all files that count do."""
    return all(each.landing.has_one_row_a_day for each in standings if each.may_count)


def joins_by(history: History, *, has_ids: bool, asked: Overlap) -> Joins | None:
    """How a file joins the history; None if a person has to say.

    Args: asked: RETRAIN_OVERLAP.
    """
    if has_ids:
        return Joins.BY_ID
    if asked in (Overlap.RESTATE, Overlap.ADD):
        return Joins(asked)
    if asked is Overlap.AUTO and history.is_daily in (True, None):
        return Joins.RESTATE
    return None

"""The records in the state store: requests, runs, verdicts, promotions and the champion pointer."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from retrain.errors import ConfigError, Conflict, DamagedRecord, NotFound, ServiceError, ServiceUnavailable
from retrain.gate.decide import Verdict
from retrain.gate.unseen import from_csv
from retrain.ports import ABSENT
from retrain.records.base import RESTORE, Record, parsed, put_new, set_aside, skipping, unreadable
from retrain.records.champion import Champion, Pointer, no_champion, read_pointer, why_refused
from retrain.records.outbox import Outbox, event_of
from retrain.records.queue import Queue
from retrain.records.request import RUN_ID, Trigger, new_run_id
from retrain.records.run import Run, Status

if TYPE_CHECKING:
    from datetime import datetime

    from retrain.gate.unseen import UnseenDay
    from retrain.ports import ObjectStore
    from retrain.records.queue import Memory

POINTER = "champion.json"
PROMOTIONS = "promotions/"


class Conclusion(Record):
    """The verdict that a question was given, and the run that gave it.

    Attributes:
        is_capped: whether the cap on promotions stopped a winner; with room, the question is open again.
    """

    run_id: str
    verdict: Verdict
    reason: str
    is_capped: bool = False


RUNS = "runs/"
REPORT = re.compile(rf"{RUNS}\d{{6}}/({RUN_ID.pattern})/report\.json", re.ASCII)
AHEAD = f"{RUNS}ahead/"
"""Holds an empty object for each run whose name was far in the future when it ended: no list of months has them."""
REGISTERED = re.compile(r"models/[^/]+/[1-9]\d*\.json", re.ASCII)


class Ledger(Queue):
    """Small records in an object store: the queue of requests, and what became of them."""

    def __init__(self, store: ObjectStore, memory: Memory | None = None) -> None:
        super().__init__(store, memory)
        self.outbox = Outbox(store)
        self._unrecorded: set[str] = set()

    def over(self, store: ObjectStore) -> Ledger:
        """The same ledger, read and written through another store."""
        return Ledger(store, self._memory)

    def name_run(self, now: datetime) -> str:
        """A new run's name, which sorts behind everything that waits, but for names that lie beyond tomorrow.

        A clock that has gone back since gives those of tomorrow at most; others would spoil every name after them.
        """
        return new_run_id(now, self.newest(before=_beyond_tomorrow(now)))

    # Runs: how they went and ended.

    def begins_anew(self, run_id: str) -> None:
        """Know that there is no record of a run, because it has never begun before."""
        self._unrecorded.add(run_id)

    def has_begun(self, run_id: str) -> None:
        """Know that there may be a record of a run: another process may have begun it since it was asked for."""
        self._unrecorded.discard(run_id)

    def record(self, run: Run) -> None:
        """Keep a run as it is so far."""
        if self.may_be_recorded(run.run_id):
            self._store.write(_report(run.run_id), run.to_json())
            return
        self._unrecorded.discard(run.run_id)  # whether the write takes effect or not
        put_new(self._store, _report(run.run_id), run.to_json())

    def finish(self, run: Run, now: datetime, *, is_heard: bool = True) -> Run:
        """The one end of every run: an event if anybody listens, the record, and the request is removed.

        A run that will be made again keeps its request. It tells of its failure once, and not again while it fails
        the same way.
        """
        before = self.recorded(run.run_id)
        ends = before.ends if before else 0
        told = before is not None and before.status is Status.FAILED and before.error == run.error
        run = run.evolve(ends=ends if told and ends else ends + 1)
        if run.ends > ends and is_heard:
            self.outbox.put(event_of(run, now))
        if run.run_id >= _beyond_tomorrow(now):
            self._store.write(f"{AHEAD}{run.run_id}", b"")
        self.record(run)
        if not run.will_retry:
            self.done(run.run_id)
        return run

    def may_be_recorded(self, run_id: str) -> bool:
        """False if there certainly is no report of a run."""
        return run_id not in self._unrecorded

    def recorded(self, run_id: str) -> Run | None:
        """A run's record: its report, or else the record of its promotion. None if there is none yet.

        Raises: DamagedRecord.
        """
        if not self.may_be_recorded(run_id):
            return None
        return self._reported(run_id) or self.submitted(run_id)

    def _reported(self, run_id: str) -> Run | None:
        stored = self._store.read(_report(run_id))
        return self._parsed_run(run_id, _report(run_id), stored.data) if stored else None

    def submitted(self, run_id: str) -> Run | None:
        """A run as it was when its promotion began; None if it has none. Raises: DamagedRecord."""
        stored = self._store.read(_promotion(run_id))
        return self._parsed_run(run_id, _promotion(run_id), stored.data, within="run") if stored else None

    def _parsed_run(self, run_id: str, name: str, data: bytes, within: str = "") -> Run:
        try:
            record = parsed(data)
            run = Run.model_validate(record[within] if within else record)
            if run.run_id != run_id:
                raise ValueError(f"it is the record of run {run.run_id}")
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(self._store, name, error) from error
        return run

    def set_aside_run(self, run_id: str) -> str:
        """Move the damaged record of a run to `unreadable/`. Returns: where it is now."""
        return self._set_aside(_report(run_id))

    def set_aside_promotion(self, run_id: str) -> str:
        """Move the damaged record of a promotion there. Returns: where it is now."""
        return self._set_aside(_promotion(run_id))

    def _set_aside(self, name: str) -> str:
        stored = self._store.read(name)
        return self._store.address(set_aside(self._store, name, stored) if stored else name)

    def run(self, run_id: str) -> Run:
        """A run's record, or the fact that it is queued or begun. Raises: NotFound."""
        if RUN_ID.fullmatch(run_id):
            run = self._reported(run_id)
            if run is not None:
                return run
            request = self.request(run_id)
            if request is not None:
                run = self.submitted(run_id) if request.attempts else None
                status = Status.RUNNING if request.begun else Status.QUEUED
                return run or Run.of(request, self.address(run_id), status).evolve(reason=request.left_because)
        raise NotFound(f"there is no run {run_id[:40]!r}; `retrain runs` lists the runs")

    def runs(self, newest: int, now: datetime | None = None) -> list[Run]:
        """The newest runs, newest first, those that wait among them. One that cannot be read says so.

        Args: now: to look at the runs of this month first, so that not every run is listed; None lists every one.
        """
        run_ids = sorted(self._recorded_lately(newest, now).union(self.asked()))
        found = (self._shown(run_id) for run_id in run_ids[: -newest - 1 : -1])
        return [run for run in found if run is not None]

    def _recorded_lately(self, at_least: int, now: datetime | None) -> set[str]:
        """The runs on record of this month, of two, of this year, or all: as far back as there are so many.

        The names of runs begin with their time. Tomorrow's belong to a clock that has gone back since; those that
        lay further ahead when the runs ended are listed besides, wherever they are.
        """
        if now is not None:
            tomorrow, before = now + timedelta(days=1), now.replace(day=1) - timedelta(days=1)
            months = {f"{now:%Y%m}/", f"{tomorrow:%Y%m}/"}
            ahead = (name.removeprefix(AHEAD) for name in self._store.names(AHEAD))
            found = {run_id for run_id in ahead if RUN_ID.fullmatch(run_id)}
            for folders in (months, {f"{before:%Y%m}/"}, {f"{now:%Y}", f"{tomorrow:%Y}"}):
                found |= {run_id for begin in folders for run_id in self._recorded_ids(begin)}
                if len(found) >= at_least:
                    return found
        return set(self._recorded_ids(""))

    def _recorded_ids(self, begin: str) -> list[str]:
        names = self._store.names(f"{RUNS}{begin}")
        return [named[1] for name in names if (named := REPORT.fullmatch(name))]

    def _shown(self, run_id: str) -> Run | None:
        try:
            return self.run(run_id)
        except NotFound:  # it ended meanwhile
            return None
        except ServiceUnavailable:
            raise
        except ServiceError as error:
            return Run(run_id=run_id, trigger=Trigger.UNKNOWN).failed(error)

    def address(self, run_id: str) -> str:
        """Where a run's record is."""
        return self._store.address(_report(run_id))

    def keep(self, run_id: str, name: str, text: str) -> None:
        """Keep a text beside a run: a build's log, the days of its comparison, the traceback of a bug."""
        self._store.write(f"{folder_of(run_id)}{name}", text.encode())

    def unseen_days(self, run_id: str) -> tuple[UnseenDay, ...]:
        """The days of its comparison; empty where nothing was compared."""
        name = f"{folder_of(run_id)}unseen.csv"
        stored = self._store.read(name) if RUN_ID.fullmatch(run_id) else None
        try:
            return from_csv(stored.data.decode()) if stored else ()
        except (ValueError, TypeError) as error:
            raise unreadable(self._store, name, error) from error

    # Verdicts: a question that was decided is not decided again.

    def concluded(self, question: str) -> Conclusion | None:
        """The verdict that this very question was given before; None if there is none.

        It is only remembered to save work: where it cannot be read, the question is decided again.
        """
        with skipping(), suppress(ValueError):
            stored = self._store.read(f"verdicts/{question}.json")
            return None if stored is None else Conclusion.from_json(stored.data)
        return None

    def conclude(self, question: str, conclusion: Conclusion) -> None:
        """Remember that the question has been decided, if that can be written."""
        with skipping():
            self._store.write(f"verdicts/{question}.json", conclusion.to_json())

    # The champion pointer.

    def pointer(self) -> Pointer:
        """Who is champion.

        Raises: ConfigError if older code wrote the store, or it is being rebuilt; DamagedRecord if the record is
            damaged, or missing although models were registered, which does not mean that there is no champion.
        """
        stored = self._store.read(POINTER)
        if stored is None:
            if any(map(REGISTERED.fullmatch, self._store.names("models/"))):
                raise DamagedRecord(f"{self._store.address(POINTER)} is missing; {RESTORE}")
            return Pointer((), ABSENT)
        refusal = why_refused(stored.data)
        if refusal:
            raise ConfigError(f"{self._store.address(POINTER)}: {refusal}")
        try:
            return read_pointer(stored.data, stored.etag)
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(self._store, POINTER, error) from error

    def initialise_pointer(self) -> None:
        """Write down that there is no champion yet, so that a missing pointer is noticed later."""
        with suppress(Conflict):
            self._store.write(POINTER, no_champion(), if_etag=ABSENT)

    def switch(self, pointer: Pointer, champion: Champion) -> None:
        """Make a version the champion. Raises: Conflict if the pointer is no longer the one given."""
        self._store.write(POINTER, pointer.moved_to(champion), if_etag=pointer.etag)

    # Promotions: how far each has come. What stands in one is promotion's own business.

    def promotion(self, run_id: str) -> bytes | None:
        """The record of a run's promotion; None if it has none."""
        stored = self._store.read(_promotion(run_id)) if RUN_ID.fullmatch(run_id) else None
        return stored.data if stored else None

    def submit_promotion(self, run_id: str, record: bytes) -> None:
        """Begin the record of a promotion; one that an earlier attempt of the run has left is replaced."""
        put_new(self._store, _promotion(run_id), record)

    def note_promotion(self, run_id: str, record: bytes) -> None:
        """Keep how far a promotion has come."""
        self._store.write(_promotion(run_id), record)


def folder_of(run_id: str) -> str:
    """Where a run's record is, and what is kept beside it: by months, so that no folder grows for years."""
    return f"{RUNS}{run_id[:6]}/{run_id}/"


def _beyond_tomorrow(now: datetime) -> str:
    """What the names of tomorrow's runs sort before, and those of later ones behind."""
    return f"{now + timedelta(days=2):%Y%m%d}"


def _report(run_id: str) -> str:
    return f"{folder_of(run_id)}report.json"


def _promotion(run_id: str) -> str:
    return f"{PROMOTIONS}{run_id}.json"

"""The records in the state store: requests, runs, verdicts, promotions and the champion pointer."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Self

from retrain.errors import ConfigError, Conflict, NotFound, ServiceError, ServiceUnavailable
from retrain.gate.decide import Verdict
from retrain.gate.unseen import from_csv
from retrain.ports import ABSENT
from retrain.records.base import Record, parsed, put_new, set_aside, unreadable
from retrain.records.champion import Champion, Pointer, no_champion, read_pointer, why_refused
from retrain.records.outbox import Outbox, event_of
from retrain.records.request import KINDS, RUN_ID, BaseRequest, Request, Trigger, new_run_id, parse_request
from retrain.records.run import Run, Status

if TYPE_CHECKING:
    from datetime import datetime

    from retrain.gate.unseen import UnseenDay
    from retrain.ports import ObjectStore

POINTER = "champion.json"


class Conclusion(Record):
    """The verdict that a question was given, and the run that gave it."""

    run_id: str
    verdict: Verdict
    reason: str

    @classmethod
    def of_promotion(cls, run_id: str, reason: str) -> Self:
        """The verdict of a winner that is champion now."""
        return cls(run_id=run_id, verdict=Verdict.PROMOTE, reason=reason)


class Ledger:
    """Small records in an object store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.outbox = Outbox(store)

    # Requests: what is still to be done.

    def ask(self, request: BaseRequest) -> None:
        """Write a request down; it stays until its run has ended. Raises: Conflict if there is one of that name."""
        self._store.write(_request(request.run_id), request.to_json(), if_etag=ABSENT)

    def name_run(self, now: datetime) -> str:
        """A new run's name, which sorts behind everything that waits and belongs to no run that was made."""
        waiting = (name.split("/")[1].removesuffix(".json") for name in self._store.names("requests/"))
        newest = max((name for name in waiting if RUN_ID.fullmatch(name)), default="")
        while self.recorded(name := new_run_id(now, newest)) is not None:
            pass
        return name

    def requests(self) -> list[Request]:
        """What is still to be done, oldest first.

        A damaged request is set aside under `unreadable/`, and so is one under another run's name. One of a kind
        that only newer code knows is left to it.
        """
        return [request for name in self._store.names("requests/") if (request := self._read_request(name))]

    def _read_request(self, name: str) -> Request | None:
        stored = self._store.read(name)
        if stored is None:
            return None
        try:
            request = parse_request(stored.data)
        except ValueError:
            if _is_of_newer_code(stored.data):
                return None
        else:
            if _request(request.run_id) == name:
                return request
        set_aside(self._store, name, stored)
        return None

    def begin(self, request: BaseRequest) -> int | None:
        """Note that a request's run begins.

        Returns: how many times it has begun without coming to an end, this time included; None if the request is
            gone, because somebody else has made its run meanwhile.
        Raises: Conflict if somebody else changes it at this moment.
        """
        name = _request(request.run_id)
        stored = self._store.read(name)
        if stored is None:
            return None
        begun = parse_request(stored.data).begun + 1
        self._store.write(name, request.evolve(begun=begun).to_json(), if_etag=stored.etag)
        return begun

    def put_back(self, request: BaseRequest) -> None:
        """Note that its process is alive: the run has to be made again, if the request is still there."""
        name = _request(request.run_id)
        stored = self._store.read(name)
        if stored is not None:
            self._store.write(name, request.evolve(begun=0).to_json(), if_etag=stored.etag)

    def done(self, run_id: str) -> None:
        """Remove a request; its run has been recorded."""
        self._store.delete(_request(run_id))

    # Runs: how they went and ended.

    def record(self, run: Run) -> None:
        """Keep a run as it is so far."""
        self._store.write(f"runs/{run.run_id}/report.json", run.to_json())

    def finish(self, run: Run, now: datetime) -> Run:
        """The one end of every run: an event, the record, and the request is removed.

        A run that will be made again keeps its request. It tells of its failure once, and not again while it fails
        the same way.
        """
        before = self.recorded(run.run_id)
        ends = before.ends if before else 0
        told = before is not None and before.status is Status.FAILED and before.error == run.error
        run = run.evolve(ends=ends if told and ends else ends + 1)
        if run.ends > ends:
            self.outbox.put(event_of(run, now))
        self.record(run)
        if not run.will_retry:
            self.done(run.run_id)
        return run

    def recorded(self, run_id: str) -> Run | None:
        """A run's record; None if there is none yet. Raises: ServiceError if it is damaged."""
        name = f"runs/{run_id}/report.json"
        stored = self._store.read(name)
        if stored is None:
            return None
        try:
            run = Run.from_json(stored.data)
            if run.run_id != run_id:
                raise ValueError(f"it is the record of run {run.run_id}")
        except ValueError as error:
            raise unreadable(self._store, name, error) from error
        return run

    def run(self, run_id: str) -> Run:
        """A run's record, or the fact that it is queued or begun. Raises: NotFound."""
        if RUN_ID.fullmatch(run_id):
            run = self.recorded(run_id)
            if run is not None:
                return run
            request = self._read_request(_request(run_id))
            if request is not None:
                status = Status.RUNNING if request.begun else Status.QUEUED
                return Run.of(request, self.address(run_id), status)
        raise NotFound(f"there is no run {run_id[:40]!r}; `retrain runs` lists the runs")

    def runs(self, newest: int) -> list[Run]:
        """The newest runs, newest first, those that wait among them. One that cannot be read says so."""
        recorded = {name.split("/")[1] for name in self._store.names("runs/") if name.endswith("/report.json")}
        waiting = {name.split("/")[1].removesuffix(".json") for name in self._store.names("requests/")}
        found = (self._shown(run_id) for run_id in sorted(recorded | waiting)[: -newest - 1 : -1])
        return [run for run in found if run is not None]

    def _shown(self, run_id: str) -> Run | None:
        try:
            return self.run(run_id)
        except NotFound:  # it ended meanwhile, or only newer code knows it
            return None
        except ServiceUnavailable:
            raise
        except ServiceError as error:
            return Run(run_id=run_id, trigger=Trigger.UNKNOWN).failed(error)

    def address(self, run_id: str) -> str:
        """Where a run's record is."""
        return self._store.address(f"runs/{run_id}/report.json")

    def keep(self, run_id: str, name: str, text: str) -> None:
        """Keep a text beside a run: a build's log, the days of its comparison, the traceback of a bug."""
        self._store.write(f"runs/{run_id}/{name}", text.encode())

    def unseen_days(self, run_id: str) -> tuple[UnseenDay, ...]:
        """The days of its comparison; empty where nothing was compared."""
        name = f"runs/{run_id}/unseen.csv"
        stored = self._store.read(name) if RUN_ID.fullmatch(run_id) else None
        try:
            return from_csv(stored.data.decode()) if stored else ()
        except (ValueError, TypeError) as error:
            raise unreadable(self._store, name, error) from error

    # Verdicts: a question that was decided is not decided again.

    def concluded(self, question: str) -> Conclusion | None:
        """The verdict that this very question was given before; None if there is none."""
        stored = self._store.read(f"verdicts/{question}.json")
        try:
            return None if stored is None else Conclusion.from_json(stored.data)
        except ValueError:  # it is only remembered to save work: the question is decided again
            return None

    def conclude(self, question: str, conclusion: Conclusion) -> None:
        """Remember that the question has been decided."""
        self._store.write(f"verdicts/{question}.json", conclusion.to_json())

    # The champion pointer.

    def pointer(self) -> Pointer:
        """Who is champion.

        Raises: ConfigError if older code wrote the store, or it is being rebuilt; ServiceError if the record is
            damaged, or missing although models were registered, which does not mean that there is no champion.
        """
        stored = self._store.read(POINTER)
        if stored is None:
            if any(self._store.names("models/")):
                raise ServiceError(f"{self._store.address(POINTER)} is missing; restore it from a backup")
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
        stored = self._store.read(f"promotions/{run_id}.json") if RUN_ID.fullmatch(run_id) else None
        return stored.data if stored else None

    def submit_promotion(self, run_id: str, record: bytes) -> None:
        """Begin the record of a promotion; one that an earlier attempt of the run has left is replaced."""
        put_new(self._store, f"promotions/{run_id}.json", record)

    def note_promotion(self, run_id: str, record: bytes) -> None:
        """Keep how far a promotion has come."""
        self._store.write(f"promotions/{run_id}.json", record)


def _request(run_id: str) -> str:
    return f"requests/{run_id}.json"


def _is_of_newer_code(data: bytes) -> bool:
    try:
        record = parsed(data)
    except ValueError:
        return False
    if not isinstance(record, dict):
        return False
    kind, trigger = record.get("kind"), record.get("trigger")
    is_new_trigger = isinstance(trigger, str) and trigger not in {*Trigger}
    return isinstance(kind, str) and (kind not in KINDS or is_new_trigger)

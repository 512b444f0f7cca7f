"""Events: written down with the run that they tell of, delivered afterwards, each under one id.

An event is written before the run's record, and delivered only once that record says that the run has ended. If the
process is killed in between, the run is made again and writes the same id again. A listener that is away gets the
event later; no run waits for it or fails with it. An event that a listener refuses again and again is set aside for
it, so that its later ones go on.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pydantic import AwareDatetime, Field

from retrain.data.open_enum import OpenEnum
from retrain.errors import Bug, LockHeld, RetrainError, ServiceUnavailable
from retrain.gate.decide import Verdict
from retrain.records.base import Record, put_new, set_aside, skipping, visible
from retrain.records.request import RUN_ID, Trigger
from retrain.records.run import Run, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from retrain.ports import ObjectStore

OUTBOX = "outbox/"
UNDELIVERED = "undelivered/"
LOCK = "outbox"
MOST_REFUSALS = 5  # of one event by one listener; a listener that is away does not refuse


class Kind(OpenEnum):
    """What an event tells of."""

    VERDICT = "verdict"
    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    FAILURE = "failure"
    HELD = "held"
    SERVICE = "service"
    ALARM = "alarm"
    RECOVERY = "recovery"
    STALE = "stale"
    APPROVAL = "approval"


class Event(Record):
    """That a run has ended.

    Attributes:
        id: the same however often it is delivered.
        end: which of the run's ends it tells of, from 1.
        at: when the run ended; events are delivered in this order.
        delivered: the listeners that have taken it.
        trouble: why the last delivery failed; empty if none has.
        refusals: how often each listener has refused it.
    """

    id: str
    kind: Kind
    run_id: str
    end: int
    at: AwareDatetime
    delivered: tuple[str, ...] = ()
    trouble: str = ""
    refusals: dict[str, int] = Field(default_factory=dict)

    @property
    def refused_for_good(self) -> set[str]:
        """The listeners that are not asked to take it any more."""
        return {name for name, times in self.refusals.items() if times >= MOST_REFUSALS}


def event_of(run: Run, at: datetime) -> Event:
    """The event that tells of a run's end."""
    if run.status is Status.FAILED:
        kind = Kind.FAILURE
    elif run.trigger is Trigger.SERVICE:
        kind = Kind.SERVICE
    elif run.trigger is Trigger.ROLLBACK and run.model is not None:  # else nothing was to be taken back any more
        kind = Kind.ROLLBACK
    elif run.verdict is Verdict.PROMOTE and run.model is not None:
        kind = Kind.PROMOTION
    elif run.status is Status.AWAITING:
        kind = Kind.APPROVAL
    elif run.status is Status.HELD:
        kind = Kind.HELD
    elif run.watch is not None and run.watch.news is not None:
        kind = Kind(run.watch.news)
    else:
        kind = Kind.VERDICT
    return Event(id=f"{run.run_id}-{run.ends}", kind=kind, run_id=run.run_id, end=run.ends, at=at)


class Listener(Protocol):
    """Somebody who is told of every event."""

    @property
    def name(self) -> str:
        """By which the outbox remembers what it has taken; never changes."""

    def receive(self, event: Event, run: Run) -> None:
        """Take an event; the same id may come again. `run` is the run's record as it is now.

        Raises: ServiceUnavailable if it cannot be taken now: the event is kept and brought again, and later events
            wait. Any other error refuses the event: it is brought again at most `MOST_REFUSALS` times.
        """


class Outbox:
    """The events that are not delivered yet."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, event: Event) -> None:
        """Write an event down; the same id again replaces it."""
        put_new(self._store, _name(event.id), event.to_json())

    def waiting(self) -> list[Event]:
        """All of them, in the order in which their runs ended. A damaged one is set aside under `unreadable/`."""
        return self._read(OUTBOX, self._names())

    def undelivered(self) -> list[Event]:
        """The events that a listener has refused for good, in the same order."""
        return self._read(UNDELIVERED, visible(self._store.names(UNDELIVERED)))

    def _names(self) -> Iterator[str]:
        return visible(self._store.names(OUTBOX))

    def _read(self, folder: str, names: Iterable[str]) -> list[Event]:
        found: list[Event] = []
        for name in names:
            with skipping():  # an event that the store refuses holds up no other
                event = self._read_one(folder, name)
                found += [event] if event else []
        return sorted(found, key=lambda event: (event.at, event.id))

    def _read_one(self, folder: str, name: str) -> Event | None:
        stored = self._store.read(name)
        if stored is None:
            return None
        try:
            event = Event.from_json(stored.data)
        except ValueError:
            event = None
        if event is not None and f"{folder}{event.id}.json" == name and RUN_ID.fullmatch(event.run_id):
            return event
        set_aside(self._store, name, stored)
        return None

    def deliver(
        self,
        listeners: Sequence[Listener],
        recorded: Callable[[str], Run | None],
        others_since: datetime | None = None,
    ) -> None:
        """Bring every event to every listener that has not taken it, then forget it.

        A listener that fails is asked no more until the next call, which begins with the same event: each listener
        gets its events in their order. An event that one has refused `MOST_REFUSALS` times is moved to
        `undelivered/`, and the listener gets the next ones. An event of a kind that only newer code knows is left
        to it. No failure of a listener is raised.

        Whoever holds the lock delivers, and looks again after letting go: an event that was put meanwhile, by a
        process that found the lock held, is delivered too.

        Args:
            recorded: reads a run's record.
            others_since: events of this moment and later are kept when all have taken them, because other processes
                may know other listeners; None if these are all.
        Raises: ServiceError if the store itself is away.
        """
        tried: set[str] = set()
        away: set[str] = set()
        while fresh := [name for name in self._names() if name not in tried]:
            tried |= {*fresh}
            try:
                with self._store.lock(LOCK):
                    for event in self._read(OUTBOX, fresh):
                        if event.kind.is_known:
                            with skipping():
                                away |= self._bring(event, listeners, away, recorded, others_since)
            except LockHeld:
                return

    def _bring(
        self,
        event: Event,
        listeners: Sequence[Listener],
        away: Collection[str],
        recorded: Callable[[str], Run | None],
        others_since: datetime | None,
    ) -> set[str]:
        """Bring one event to those that are not away. Returns: the names of those that still have to take it."""
        run = _known(event, recorded)
        if run is None:
            return set()
        done = {*event.delivered} | event.refused_for_good
        left = _offered(event, run, [one for one in listeners if one.name not in done | {*away}])
        refused = left.refused_for_good & {listener.name for listener in listeners}
        missing = {listener.name for listener in listeners} - {*left.delivered} - refused
        if not missing and (others_since is None or event.at < others_since):
            if refused:
                self._store.write(f"{UNDELIVERED}{event.id}.json", left.to_json())
            self._store.delete(_name(event.id))
        elif left != event:
            self._store.write(_name(event.id), left.to_json())
        return missing


def _known(event: Event, recorded: Callable[[str], Run | None]) -> Run | None:
    """The run that it tells of; None while that has not ended, or cannot be read. Raises: ServiceUnavailable."""
    with skipping():  # a damaged record holds up its own event and no other
        run = recorded(event.run_id)
        return run if run is not None and run.ends >= event.end else None
    return None


def _offered(event: Event, run: Run, listeners: Sequence[Listener]) -> Event:
    """The event with those that have taken it, and why the others have not."""
    trouble = []
    for listener in listeners:
        try:
            listener.receive(event, run)
        except Exception as error:  # noqa: BLE001 - the door of a listener: it is on record, and tried again
            told = error if isinstance(error, RetrainError) else Bug(error)
            trouble.append(f"{listener.name}: {told}")
            if not isinstance(error, ServiceUnavailable):
                times = event.refusals.get(listener.name, 0) + 1
                event = event.evolve(refusals={**event.refusals, listener.name: times})
        else:
            event = event.evolve(delivered=(*event.delivered, listener.name))
    return event.evolve(trouble="; ".join(trouble) or event.trouble)


def _name(event_id: str) -> str:
    return f"{OUTBOX}{event_id}.json"

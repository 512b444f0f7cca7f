"""What is remembered of a service besides its address: who stopped it, how often it was restarted, what failed."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, NonNegativeInt

from retrain.ports import ABSENT
from retrain.records.base import Record, set_aside

if TYPE_CHECKING:
    from retrain.ports import ObjectStore

FOLDER = "service-states/"
MOST_FAILURES = 6
FIRST_PAUSE = timedelta(minutes=1)  # doubled after each failure


class State(StrEnum):
    """What a look at a service found."""

    ANSWERS = "answers"
    HUNG = "hung"
    DEAD = "dead"
    TAKEN = "port taken by another process"
    WRONG = "wrong forecasts"
    DAMAGED = "record damaged"
    MISSING = "no service"
    UNREACHABLE = "not reachable from here"
    STOPPED = "stopped by a person"


class ServiceState(Record):
    """What is remembered of one service. A service that never had trouble has no such record.

    Attributes:
        since: when it was last started again, stopped or found in trouble.
        restarts: how often it was started again since it was promoted.
        failures: attempts to start it again that failed, one after the other.
        tried: when the last attempt began.
        trouble: why that failed.
        asked: the run that was asked to repair it.
    """

    name: str
    version: str
    state: State = State.ANSWERS
    since: AwareDatetime | None = None
    restarts: NonNegativeInt = 0
    failures: NonNegativeInt = 0
    tried: AwareDatetime | None = None
    trouble: str = ""
    asked: str = ""

    @property
    def is_stopped(self) -> bool:
        """Whether a person stopped it: no trigger starts it again."""
        return self.state is State.STOPPED

    @property
    def is_given_up(self) -> bool:
        """Whether so many attempts failed that a person has to act."""
        return self.failures >= MOST_FAILURES

    def may_try(self, now: datetime) -> bool:
        """Whether a trigger may start it again now."""
        if self.is_stopped or self.is_given_up:
            return False
        if self.failures == 0 or self.tried is None:
            return True
        return now >= self.tried + FIRST_PAUSE * int(2 ** (self.failures - 1))

    def trying(self, state: State, now: datetime) -> ServiceState:
        """When an attempt begins, which counts as failed until it has succeeded."""
        return self.evolve(state=state, since=now, failures=self.failures + 1, tried=now)

    def answering(self, now: datetime) -> ServiceState:
        """When it answers again."""
        return self.evolve(
            state=State.ANSWERS, since=now, restarts=self.restarts + 1, failures=0, tried=None, trouble=""
        )


class ServiceStates:
    """The records of all services."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read(self, name: str, version: str) -> tuple[ServiceState, str]:
        """What is remembered of a service, and its ETag. A damaged record is set aside, and is as none."""
        stored = self._store.read(_record(name))
        if stored is None:
            return ServiceState(name=name, version=version), ABSENT
        try:
            return ServiceState.from_json(stored.data), stored.etag
        except ValueError:
            set_aside(self._store, _record(name), stored)
            return ServiceState(name=name, version=version), ABSENT

    def write(self, state: ServiceState, if_etag: str | None = None) -> str:
        """Remember it, and give the ETag. Raises: Conflict if it was changed meanwhile."""
        return self._store.write(_record(state.name), state.to_json(), if_etag=if_etag)

    def forget(self, name: str) -> None:
        """Remove what is remembered: the service was promoted anew, or retired."""
        self._store.delete(_record(name))


def _record(name: str) -> str:
    return f"{FOLDER}{name}.json"

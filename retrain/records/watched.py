"""What the watch over a champion found, as a run records it, and what has been told of it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Self

from retrain.data.open_enum import OpenEnum
from retrain.ports import ABSENT
from retrain.records.base import Record, set_aside, unreadable
from retrain.records.request import RunName

if TYPE_CHECKING:
    from retrain.ports import ObjectStore

WATCH = "watch/"
TOLD = f"{WATCH}told.json"
MOST_ALARMS = 20


class News(OpenEnum):
    """What a run is the first to find."""

    ALARM = "alarm"
    RECOVERY = "recovery"
    STALE = "stale"


class Statistic(Record):
    """One test: its name, its value on the last day, and the limit that it has to reach for an alarm."""

    name: str
    value: float
    limit: float


class Alarm(Record):
    """That the days of a champion are not what it was fitted to.

    Attributes:
        names: the tests that have reached their limits since it began, the first of them first.
        day: the day of data on which the first of them did.
        until: the day of data on which all were far below their limits again; None if that has not come.
    """

    names: tuple[str, ...]
    day: date
    until: date | None = None


class Probation(Record):
    """How a new champion compares with the one before it, on the days after its training.

    Attributes:
        over: the version of the one before it.
        ends: the last day that is compared.
        days: how many were observed so far and compared; 0 while they are too few for any evidence.
        loss, over_loss: of the champion and of the one before it, in the unit of RETRAIN_LOSS.
        evidence, needed: that the one before it is better, and from where on it is made champion again.
        rollback: the run that this one has asked for.
        note: why nothing could be compared; empty if it could.
    """

    over: str
    ends: date
    days: int = 0
    loss: float | None = None
    over_loss: float | None = None
    evidence: float | None = None
    needed: float | None = None
    rollback: str | None = None
    note: str = ""

    @property
    def is_lost(self) -> bool:
        """Whether the one before it is better, beyond what may be chance."""
        if self.note or self.evidence is None or self.needed is None:
            return False
        return self.evidence >= self.needed


class Watched(Record):
    """How the days since a champion's training compare with what it expected.

    Attributes:
        version: of the champion.
        through: the last day that is watched; None if there is none yet.
        days: how many days are.
        alarm: the last one that there was, whether it was told or not; None if there was none.
        news: what this run was the first to find; None for nothing.
        retrain: the run that this one has asked for.
        stale: the newest day, if it is longer ago than RETRAIN_STALE_DAYS; None if not.
        probation: how it compares with the champion before it; None where it is not on probation.
        note: why nothing could be watched, or not every day; empty if all was.
    """

    version: str
    through: date | None = None
    days: int = 0
    statistics: tuple[Statistic, ...] = ()
    alarm: Alarm | None = None
    news: News | None = None
    retrain: str | None = None
    stale: date | None = None
    probation: Probation | None = None
    note: str = ""


class ToldAlarm(Record):
    """The last alarm that was told.

    Attributes:
        by: the run that told it.
        retrain: the run that it asked for.
        recovered_by: the run that told that it is over; empty if none has.
    """

    version: str
    day: date
    by: RunName
    retrain: RunName
    recovered_by: str = ""


class ToldStale(Record):
    """The last origin that was told to be stale, and the run that told it."""

    origin: date
    by: RunName


class ToldProbation(Record):
    """The last champion that was taken back on probation, and the run that makes the one before it champion."""

    version: str
    rollback: RunName


class Told(Record):
    """What has been told of the watch, so that nothing is told again.

    Attributes:
        alarms: the last one of each version, the newest last; those of versions long gone are forgotten.
        judged: the last version whose probation is over, and was not lost.
    """

    alarms: tuple[ToldAlarm, ...] = ()
    stale: ToldStale | None = None
    probation: ToldProbation | None = None
    judged: str = ""

    def alarm_of(self, version: str) -> ToldAlarm | None:
        """The last one of a version that was told."""
        return next((alarm for alarm in self.alarms if alarm.version == version), None)

    def with_alarm(self, alarm: ToldAlarm) -> Self:
        """With this one as the last of its version."""
        others = [each for each in self.alarms if each.version != alarm.version]
        return self.evolve(alarms=(*others, alarm)[-MOST_ALARMS:])

    @property
    def runs(self) -> set[str]:
        """Those that told, and those that were asked for."""
        stale, probation = self.stale, self.probation
        named = {run for alarm in self.alarms for run in (alarm.by, alarm.retrain, alarm.recovered_by)}
        named |= {stale.by} if stale else set()
        return named | ({probation.rollback} if probation else set())


class Tellings:
    """The record of what has been told, in a state store. Only the holder of the lock changes it."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._etag = ABSENT

    def look(self) -> Told:
        """What has been told, and nothing is changed. Raises: DamagedRecord."""
        stored = self._store.read(TOLD)
        try:
            return Told.from_json(stored.data) if stored else Told()
        except ValueError as error:
            raise unreadable(self._store, TOLD, error) from error

    def read(self) -> Told:
        """What has been told. A damaged record is set aside: something may be told again, and nothing is lost."""
        stored = self._store.read(TOLD)
        if stored is None:
            return Told()
        try:
            told = Told.from_json(stored.data)
        except ValueError:
            set_aside(self._store, TOLD, stored)
            return Told()
        self._etag = stored.etag
        return told

    def write(self, told: Told) -> None:
        """Replace what was read last. Raises: Conflict if somebody else has changed it since."""
        self._etag = self._store.write(TOLD, told.to_json(), if_etag=self._etag)

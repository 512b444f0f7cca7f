"""What nothing needs any more, and since when that is known: the record from one sweep to the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, Field

from retrain.data.open_enum import OpenEnum
from retrain.records.base import Record, put_new, set_aside

if TYPE_CHECKING:
    from retrain.ports import ObjectStore

RECORD = "sweep.json"


class Kind(OpenEnum):
    """What sort of thing it is, in the order in which they are removed."""

    SERVICE = "service"
    IMAGE = "image"
    ARTIFACT = "artifact"
    RUN = "run"
    FORECAST = "forecast"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Leftover:
    """A thing that nothing needs.

    Attributes:
        why: for a person.
        size: in bytes, where that is known.
    """

    kind: Kind
    name: str
    why: str
    size: int | None = None

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return f"{self.kind} {self.name}"


class LastSweep(Record):
    """What the last sweep has found and done.

    Attributes:
        at: when it began.
        since: since when each leftover is known, by its key.
        removed: the keys of what it has removed.
        trouble: what it could not look at or remove, and why.
    """

    at: AwareDatetime
    since: dict[str, AwareDatetime] = Field(default_factory=dict)
    removed: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()

    def knows(self, leftover: Leftover, now: datetime) -> datetime:
        """Since when it is known; now, if it is new, or if that lies ahead: a clock was wrong."""
        return min(self.since.get(leftover.key, now), now)


def last_sweep(store: ObjectStore) -> LastSweep | None:
    """The last sweep; None before the first. A damaged record is as none: everything is then found anew."""
    stored = store.read(RECORD)
    try:
        return LastSweep.from_json(stored.data) if stored else None
    except ValueError:
        return None


def keep_sweep(sweep: LastSweep, store: ObjectStore) -> None:
    """Write it down; a damaged record is set aside before. The lock is to be held."""
    stored = store.read(RECORD)
    if stored is not None and last_sweep(store) is None:
        set_aside(store, RECORD, stored)
    if stored is None:
        put_new(store, RECORD, sweep.to_json())
    else:
        store.write(RECORD, sweep.to_json())

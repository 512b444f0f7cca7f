"""How far the inbox was gone through, where it has more files than are asked for at once."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import AwareDatetime

from retrain.errors import Conflict
from retrain.ports import ABSENT
from retrain.records.base import Record, skipping

if TYPE_CHECKING:
    from retrain.ports import ObjectStore

RECORD = "inbox.json"
LASTS = timedelta(days=7)  # longer than from one tick to the next


class InboxPlace(Record):
    """The last name that was asked for, and when: for a week, the next tick begins after it."""

    after: str
    at: AwareDatetime


def last_asked(store: ObjectStore, now: datetime) -> str:
    """That name; empty if there is none of the last week.

    Other files than those of an earlier week begin with the first name: their order decides which of two amounts is
    the newer one. A record that is damaged or refused is as none.
    """
    with skipping(), suppress(ValueError):
        stored = store.read(RECORD)
        place = InboxPlace.from_json(stored.data) if stored else None
        if place is not None and timedelta(0) <= now - place.at < LASTS:
            return place.after
    return ""


def keep_last_asked(name: str, now: datetime, store: ObjectStore) -> None:
    """Write it down, unless another tick does so at this moment, or the store refuses it."""
    with skipping(), suppress(Conflict):
        stored = store.read(RECORD)
        store.write(RECORD, InboxPlace(after=name, at=now).to_json(), if_etag=stored.etag if stored else ABSENT)

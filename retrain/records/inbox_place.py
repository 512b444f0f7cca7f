"""How far the inbox was gone through, where it has more files than are asked for at once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from retrain.errors import Conflict
from retrain.ports import ABSENT
from retrain.records.base import Record

if TYPE_CHECKING:
    from retrain.ports import ObjectStore

RECORD = "inbox.json"


class InboxPlace(Record):
    """The last name that was asked for; the next tick begins after it."""

    after: str


def last_asked(store: ObjectStore) -> str:
    """That name; empty before the first time. A damaged record is as none: the first name is then the first."""
    stored = store.read(RECORD)
    try:
        return InboxPlace.from_json(stored.data).after if stored else ""
    except ValueError:
        return ""


def keep_last_asked(name: str, store: ObjectStore) -> None:
    """Write it down, unless another tick does so at this moment."""
    stored = store.read(RECORD)
    with suppress(Conflict):
        store.write(RECORD, InboxPlace(after=name).to_json(), if_etag=stored.etag if stored else ABSENT)

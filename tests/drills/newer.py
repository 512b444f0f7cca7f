"""Newer code, as this code meets it in a rolling upgrade: the same code on a store that adds to all it writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from retrain.records.history import RECORD

if TYPE_CHECKING:
    from retrain.ports import ObjectStore

ADDED = "added_by_newer_code"
CONTENT = {"colour": "green", "sizes": [1, None, {"x": 2.5}], "nothing": None}
MAPPINGS = {"steps", "promotion", "seconds", "settings", "refusals"}
"""Their keys are names of things and not of fields."""
NOT_RECORDS = ("artifacts/", "quarantine/", "unreadable/")


class NewerStore:
    """An object store in which every JSON record, and every record within one, gets fields that nobody knows.

    Attributes:
        written: the names of these records.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.written: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, name: str, data: bytes, if_etag: str | None = None) -> str:
        """See ObjectStore."""
        if name.endswith(".json") and not name.startswith(NOT_RECORDS):
            self.written.add(name)
            record, rest = parts(name, data)
            data = json.dumps(with_more(json.loads(record)), indent=None if rest else 1).encode() + rest
        return self._store.write(name, data, if_etag)


def parts(name: str, data: bytes) -> tuple[bytes, bytes]:
    """The record of an object, and what follows it: `history.json` has its days on a second line."""
    end = data.index(b"\n") if name == RECORD else len(data)
    return data[:end], data[end:]


def with_more(record: Any, *, is_mapping: bool = False) -> Any:
    """The same with more fields at every level."""
    if isinstance(record, list):
        return [with_more(each) for each in record]
    if not isinstance(record, dict):
        return record
    more = {name: with_more(part, is_mapping=name in MAPPINGS) for name, part in record.items()}
    return more if is_mapping else {**more, ADDED: CONTENT}

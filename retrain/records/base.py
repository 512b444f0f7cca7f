"""What every record has in common: it never changes, and it keeps the fields that newer code added."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from retrain.errors import Conflict, DamagedRecord, ServiceError, ServiceUnavailable
from retrain.ports import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from retrain.ports import ObjectStore, Stored

NEW_VALUE = {"enum", "literal_error", "union_tag_invalid"}
"""Of pydantic's errors, those of a text that is not among the values that this code knows."""


def parsed(data: bytes) -> Any:
    """Read JSON. Raises: ValueError if it is damaged or nested without end."""
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


class Record(BaseModel):
    """A frozen record that reads and writes JSON. Unknown fields are kept and written again."""

    model_config = ConfigDict(frozen=True, extra="allow")

    def evolve(self, **changes: Any) -> Self:
        """A copy in which these fields are replaced."""
        return self.model_copy(update=changes)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a stored record. Raises: ValueError (pydantic's is one) if it is damaged."""
        return cls.model_validate(parsed(data))

    def as_json(self) -> dict[str, Any]:
        """The record as a JSON object."""
        return self.model_dump(mode="json")

    def to_json(self) -> bytes:
        """As it is stored. A number that is not finite becomes null."""
        return json.dumps(self.as_json(), indent=1, allow_nan=False).encode()


RESTORE = "restore it from a backup, or make the store anew with `retrain rebuild`"
"""What a person can do about a record or an artifact that cannot be read."""


def unreadable(store: ObjectStore, name: str, error: Exception) -> DamagedRecord:
    """The error for a record that is damaged."""
    where = store.address(name)
    return DamagedRecord(f"{where} cannot be read ({type(error).__name__}); {RESTORE}")


def missing(store: ObjectStore, name: str) -> DamagedRecord:
    """The error for an object that another record names and that is not there."""
    return DamagedRecord(f"{store.address(name)} is missing; {RESTORE}")


def is_of_newer_code(error: Exception) -> bool:
    """Whether a record could not be read only because it holds a value that newer code has introduced."""
    if not isinstance(error, ValidationError):
        return False
    return all(each["type"] in NEW_VALUE for each in error.errors(include_url=False, include_context=False))


def visible(names: Iterable[str]) -> Iterator[str]:
    """The names without those of hidden files and folders, which other programs leave and no record has."""
    return (name for name in names if not any(part.startswith(".") for part in name.split("/")))


@contextmanager
def skipping() -> Iterator[None]:
    """Go on without an object that cannot be read, written or removed. Raises: ServiceUnavailable."""
    try:
        yield
    except ServiceUnavailable:
        raise
    except ServiceError:
        return


def put_new(store: ObjectStore, name: str, data: bytes) -> bool:
    """Write a record that is new, or that an earlier attempt of the same run has left.

    Returns: whether it is certainly new.
    Raises: Conflict if another process writes it at this moment.
    """
    try:
        store.write(name, data, if_etag=ABSENT)
    except Conflict:
        store.read(name)  # what is there now is the condition of the write, unless this holder wrote it before
        store.write(name, data)
        return False
    return True


def set_aside(store: ObjectStore, name: str, stored: Stored) -> str:
    """Move a damaged record out of the way, where a person finds it; it is not obeyed. Returns: its new name."""
    aside = f"unreadable/{name}"
    store.write(aside, stored.data)
    store.delete(name)
    return aside

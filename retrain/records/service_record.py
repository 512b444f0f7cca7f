"""The record of a service: its address and its keys, as each platform keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from retrain.errors import AccessDenied, ServiceError, ServiceUnavailable
from retrain.ports import Service
from retrain.records.base import parsed

FOLDER = "services/"
"""Where the state store has them, on Azure."""
NOTHING: Mapping[str, str] = MappingProxyType({})
FIELDS = {field.name for field in fields(Service)}


def read_service(data: bytes) -> Service:
    """Read a record; fields that newer code added are passed over. Raises: ValueError if it is damaged."""
    record = parsed(data)
    known = {name: value for name, value in record.items() if name in FIELDS} if isinstance(record, dict) else {}
    if not all(isinstance(value, str) for value in known.values()):
        raise ValueError("a field is not a text")
    try:
        service = Service(**known)
    except TypeError as error:
        raise ValueError(str(error)) from error
    if not (service.name and service.version):
        raise ValueError("it names no service")
    return service


def written(service: Service, before: bytes | None = None, more: Mapping[str, str] = NOTHING) -> bytes:
    """As it is stored.

    Args:
        before: the record that it replaces, whose other fields are kept.
        more: fields of the record that a service does not have.
    """
    kept: dict[str, Any] = {}
    if before is not None:
        try:
            found = parsed(before)
        except ValueError:
            found = {}
        kept = found if isinstance(found, dict) else {}
    return json.dumps({**kept, **asdict(service), **more}, indent=1).encode()


class Records(Protocol):
    """Where a platform keeps the records of its services."""

    def read(self, name: str) -> Service | None:
        """A service as on record. Raises: ServiceError if its record is damaged."""

    def set_aside(self, name: str) -> None:
        """Move a damaged record out of the way, where a person finds it."""


def read_or_set_aside(records: Records, name: str) -> Service | None:
    """The service as on record; a damaged record is set aside. Raises: ServiceUnavailable; AccessDenied."""
    try:
        return records.read(name)
    except (ServiceUnavailable, AccessDenied):
        raise
    except ServiceError:
        records.set_aside(name)
        return None


def rotated(service: Service, key: str, until: datetime, now: datetime) -> Service:
    """The service with a new key; the present one is good until then.

    While an earlier rotation is under way it stays as it is, so that one that was interrupted is completed and no
    third key cuts the first one off; but a rotation without an overlap is made at once.
    """
    if until > now and service.key_before and now < datetime.fromisoformat(service.before_until):
        return service
    return replace(service, key=key, key_before=service.key, before_until=until.isoformat())

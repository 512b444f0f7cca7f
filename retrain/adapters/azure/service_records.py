"""The addresses and keys of the services in Azure, kept in the state container.

Azure never returns a container's key again, and reading an address from Azure at every forecast would be slow and
soon throttled. Everyone who can read the state container can call the services.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from retrain.errors import ServiceError
from retrain.ports import Service

if TYPE_CHECKING:
    from retrain.ports import ObjectStore


class ServiceRecords:
    """One small object for each service."""

    def __init__(self, state: ObjectStore) -> None:
        self._state = state

    def read(self, name: str) -> Service | None:
        """A service as last saved. Raises: ServiceError if its record cannot be parsed."""
        stored = self._state.read(_record(name))
        if stored is None:
            return None
        try:
            return Service(**json.loads(stored.data))
        except (ValueError, TypeError) as exc:
            where = self._state.address(_record(name))
            raise ServiceError(
                f"{where} cannot be read ({type(exc).__name__}); remove it and promote again"
            ) from exc

    def save(self, service: Service) -> None:
        """Save a service: before it is created, so that its key is not lost, and again when it has an address."""
        self._state.write(_record(service.name), json.dumps(asdict(service)).encode())

    def remove(self, name: str) -> None:
        """Delete the record of a service."""
        self._state.delete(_record(name))


def _record(name: str) -> str:
    return f"services/{name}.json"

"""What a store keeps of the services in Azure: their addresses and keys.

Azure gives a key to nobody again, and asking for an address at every forecast would be slow and soon throttled.
Whoever may read the state container may ask the services.
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
    """One small object a service."""

    def __init__(self, state: ObjectStore) -> None:
        self._state = state

    def read(self, name: str) -> Service | None:
        """A service as it was last written. Raises: ServiceError if its record cannot be understood."""
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

    def keep(self, service: Service) -> None:
        """Write a service down: before it exists, so that its key is not lost, and again when it has an address."""
        self._state.write(_record(service.name), json.dumps(asdict(service)).encode())

    def forget(self, name: str) -> None:
        """The service is gone."""
        self._state.delete(_record(name))


def _record(name: str) -> str:
    return f"services/{name}.json"

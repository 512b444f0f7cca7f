"""The addresses and keys of the services in Azure, kept in the state container.

Azure never returns a container's key again, and reading an address from Azure at every forecast would be slow and
soon throttled. Everyone who can read the state container can call the services.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from retrain.errors import ServiceError
from retrain.ports import Service
from retrain.records.base import parsed, set_aside, skipping
from retrain.records.service_record import FOLDER, read_service, written

if TYPE_CHECKING:
    from retrain.ports import ObjectStore
    from retrain.records.service_keys import ServiceKeys

CERTIFICATE_KEY = "certificate_key"
"""A field of the record that no `Service` has: whoever asks a service needs its certificate alone."""


class ServiceRecords:
    """One small object for each service."""

    def __init__(self, state: ObjectStore, keys: ServiceKeys) -> None:
        self._state, self._keys = state, keys

    def read(self, name: str) -> Service | None:
        """A service as last saved. Raises: ServiceError if its record cannot be parsed."""
        stored = self._state.read(_record(name))
        if stored is None:
            return None
        try:
            service = read_service(stored.data)
            if service.name != name:
                raise ValueError(f"it is the record of {service.name}")
        except ValueError as exc:
            where = self._state.address(_record(name))
            raise ServiceError(
                f"{where} cannot be read ({type(exc).__name__}); the next trigger sets it aside and starts the "
                "service again"
            ) from exc
        return self._keys.shown(service)

    def set_aside(self, name: str) -> None:
        """Move a damaged record out of the way, where a person finds it."""
        stored = self._state.read(_record(name))
        if stored is not None:
            set_aside(self._state, _record(name), stored)

    def listed(self, name: str, version: str) -> Service:
        """The same, for a list: a service without address and key if there is no record that can be read."""
        service = None
        with skipping():
            service = self.read(name)
        return service or Service(name, version, "", "")

    def certificate_key(self, name: str) -> str:
        """The private key of a service's certificate, which only its container needs; empty if there is none."""
        stored = self._state.read(_record(name))
        found = parsed(stored.data).get(CERTIFICATE_KEY, "") if stored is not None else ""
        return self._keys.value(str(found))

    def save(self, service: Service, certificate_key: str | None = None) -> None:
        """Save a service: before it is created, so that its key is not lost, and again when it has an address.

        Args: certificate_key: of the service's certificate; None leaves on record the one that is there.
        """
        before, hidden = self._state.read(_record(service.name)), self._keys.hidden(service)
        more = {}
        if certificate_key is not None:
            more[CERTIFICATE_KEY] = self._keys.reference(service.name, certificate_key)
        self._state.write(_record(service.name), written(hidden, before.data if before else None, more))
        if before is not None:
            with suppress(ValueError):
                self._keys.retire_before(read_service(before.data), hidden)

    def remove(self, name: str) -> None:
        """Delete the record of a service."""
        self._keys.forget(name)
        self._state.delete(_record(name))


def _record(name: str) -> str:
    return f"{FOLDER}{name}.json"

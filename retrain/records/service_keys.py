"""Where the keys of services are kept: in their records, or in a vault, and then a record only says where.

A record that refers to a vault holds `vault:NAME/VERSION` in place of the key.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from retrain.errors import ConfigError, NotFound, RetrainError, ServiceError

if TYPE_CHECKING:
    from retrain.ports import Secrets, Service

REFERENCE = "vault:"


class ServiceKeys:
    """Replaces keys by references to a vault, and back; does nothing without a vault.

    Args: scope: what tells the services of this store from those of another that shares the vault.
    """

    def __init__(self, secrets: Secrets | None = None, scope: str = "") -> None:
        self._secrets, self._scope = secrets, hashlib.sha256(scope.encode()).hexdigest()[:8]
        self._known: dict[str, str] = {}

    def hidden(self, service: Service) -> Service:
        """The service as its record holds it: a key that is new is put into the vault."""
        if self._secrets is None:
            return service
        key, before = (self.reference(service.name, one) for one in (service.key, service.key_before))
        return replace(service, key=key, key_before=before)

    def shown(self, service: Service) -> Service:
        """The service with its keys.

        Raises: ConfigError if they are in a vault and none is set; ServiceError if the vault has lost them.
        """
        return replace(service, key=self.value(service.key), key_before=self.value(service.key_before))

    def retire_before(self, old: Service, new: Service) -> None:
        """Disable in the vault what `old` had and `new` has no more; a failure leaves it until the service goes."""
        for reference in {old.key, old.key_before} - {new.key, new.key_before}:
            if self._secrets is not None and reference.startswith(REFERENCE):
                with suppress(RetrainError):
                    self._secrets.disable(*_place(reference))

    def forget(self, name: str) -> None:
        """Remove the keys of a service that is gone, all versions of them."""
        if self._secrets is not None:
            with suppress(NotFound):
                self._secrets.remove(self._name(name))

    def reference(self, service: str, key: str) -> str:
        """What a record holds in place of a key of a service: the key itself without a vault."""
        if not key or self._secrets is None:
            return key
        name = self._name(service)
        mine = f"{REFERENCE}{name}/"  # another service with the same key may be removed, and its secret with it
        same = (one for one, value in self._known.items() if value == key and one.startswith(mine))
        known = next(same, None)
        if known is None:
            known = f"{REFERENCE}{name}/{self._secrets.put(name, key)}"
            self._known[known] = key
        return known

    def value(self, found: str) -> str:
        """The key that a record holds or refers to.

        Raises: ConfigError if it is in a vault and none is set; ServiceError if the vault has lost it.
        """
        if not found.startswith(REFERENCE):
            return found
        if self._secrets is None:
            raise ConfigError(
                "the keys of the services are in a vault; set RETRAIN_KEYS=vault and RETRAIN_VAULT_URL"
            )
        if found not in self._known:
            name, version = _place(found)
            try:
                self._known[found] = self._secrets.get(name, version)
            except NotFound as error:
                raise ServiceError(f"{error}; the next trigger starts the service with a new key") from error
        return self._known[found]

    def _name(self, service: str) -> str:
        return f"{re.sub('[^0-9A-Za-z-]', '-', service)}-{self._scope}"


def _place(reference: str) -> tuple[str, str]:
    name, _, version = reference.removeprefix(REFERENCE).partition("/")
    return name, version

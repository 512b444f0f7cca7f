"""Keys of services as secrets of an Azure Key Vault."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from retrain.adapters.azure.arm import bounds, translated
from retrain.adapters.azure.credentials import sign_in
from retrain.errors import AccessDenied, Conflict, NotFound, ServiceUnavailable
from retrain.poll import poll

if TYPE_CHECKING:
    from azure.keyvault.secrets import SecretClient

    from retrain.settings import Settings

OPERATION_SECONDS = 120


class KeyVaultSecrets:
    """One secret for each service, a version of it for each key."""

    def __init__(self, settings: Settings) -> None:
        self._url, self._client_id = str(settings.platform.vault_url), settings.storage.client_id

    def put(self, name: str, value: str) -> str:
        """See Secrets. A secret of that name that was deleted is recovered, and a purge under way waited for.

        Raises: ServiceUnavailable if neither happens within `OPERATION_SECONDS`.
        """
        for _ in poll(OPERATION_SECONDS):
            try:
                return self._set(name, value)
            except Conflict:
                self._recover(name)
        where = self._where("writing", name)
        raise ServiceUnavailable(
            f"{where}: an earlier one of that name is not recovered within {OPERATION_SECONDS} s"
        )

    def get(self, name: str, version: str) -> str:
        """See Secrets."""
        with translated(self._where("reading", name)):
            return str(self._client.get_secret(name, version).value)

    def disable(self, name: str, version: str) -> None:
        """See Secrets."""
        with translated(self._where("disabling a version of", name)):
            self._client.update_secret_properties(name, version, enabled=False)

    def remove(self, name: str) -> None:
        """See Secrets. A vault that protects what was deleted keeps it for its own time."""
        with translated(self._where("deleting", name)):
            deleted = self._client.begin_delete_secret(name).result()
        if deleted.recovery_id is None:  # a vault without soft delete
            return
        self._wait_until_deleted(name)
        try:
            with translated(self._where("purging", name)):
                self._client.purge_deleted_secret(name)
        except (AccessDenied, NotFound):
            return

    def _wait_until_deleted(self, name: str) -> None:
        """Raises: ServiceUnavailable."""
        where = self._where("deleting", name)
        for _ in poll(OPERATION_SECONDS):
            try:
                with translated(where):
                    self._client.get_deleted_secret(name)
            except NotFound:
                continue
            except AccessDenied:  # it is there, for others
                return
            return
        raise ServiceUnavailable(f"{where}: it has not ended within {OPERATION_SECONDS} s")

    def _recover(self, name: str) -> None:
        """Ask for it, and wait for nothing: the SDK's own wait has no limit that ends its thread."""
        with suppress(Conflict, NotFound), translated(self._where("recovering", name)):
            self._client.begin_recover_deleted_secret(name)

    def _set(self, name: str, value: str) -> str:
        with translated(self._where("writing", name)):
            return str(self._client.set_secret(name, value).properties.version)

    @cached_property
    def _client(self) -> SecretClient:
        from azure.keyvault.secrets import SecretClient

        # A vault on the loopback is an emulator: the resource that its challenge names is not its host.
        return SecretClient(
            self._url,
            sign_in(self._client_id),
            verify_challenge_resource=not _is_loopback(self._url),
            **bounds(),
        )

    def _where(self, what: str, name: str) -> str:
        return f"{what} secret {name} of Microsoft.KeyVault/vaults at {self._url}"


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""The blobs that Azure's services read and write themselves, in the same Azurite that the product uses."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobSasPermissions, BlobServiceClient, generate_blob_sas

if TYPE_CHECKING:
    from tests.azurite import SecureAzurite

VALID = timedelta(hours=1)


class Storage:
    """Containers, made when they are needed, and links into them."""

    def __init__(self, azurite: SecureAzurite) -> None:
        self._azurite = azurite
        self._client = BlobServiceClient(
            azurite.url, credential=azurite.key, connection_verify=str(azurite.certificate)
        )
        self._containers: set[str] = set()

    @property
    def account(self) -> str:
        """The account's name."""
        return self._azurite.account

    @property
    def url(self) -> str:
        """The address of its blobs."""
        return self._azurite.url

    def place_of(self, url: str) -> tuple[str, str]:
        """The container and the name, as it is in an address, of a blob."""
        container, _, name = url.removeprefix(f"{self._azurite.url}/").partition("/")
        return container, name

    def has(self, container: str, name: str) -> bool:
        """Whether there is such a blob."""
        return bool(self._client.get_blob_client(container, name).exists())

    def names(self, container: str) -> list[str]:
        """The blobs of a container."""
        self.create(container)
        return [str(name) for name in self._client.get_container_client(container).list_blob_names()]

    def write(self, container: str, name: str, data: bytes) -> None:
        """Write a blob, over whatever was there."""
        self.create(container)
        self._client.get_blob_client(container, name).upload_blob(data, overwrite=True)

    def read(self, container: str, name: str) -> bytes:
        """Read a blob."""
        return self._client.get_blob_client(container, name).download_blob().readall()

    def link(self, container: str, name: str, write: bool = False) -> str:
        """An address that needs no other key for an hour."""
        self.create(container)
        signature = generate_blob_sas(
            self._azurite.account,
            container,
            name,
            account_key=self._azurite.key,
            permission=BlobSasPermissions(read=True, create=write, write=write),
            expiry=datetime.now(UTC) + VALID,
        )
        return f"{self._azurite.url}/{container}/{name}?{signature}"

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def create(self, container: str) -> None:
        """Create a container if there is none."""
        if container not in self._containers:
            with suppress(ResourceExistsError):
                self._client.create_container(container)
            self._containers.add(container)

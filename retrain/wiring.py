"""Settings -> adapters. The only place that chooses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from retrain.adapters.process import ProcessPlatform
from retrain.errors import ConfigError
from retrain.ports import Ports

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.storage.blob import BlobServiceClient

    from retrain.ports import ObjectStore
    from retrain.settings import Settings

CONNECT_SECONDS = 10
READ_SECONDS = 60
RETRIES = 3


def _silent(_stage: str, _detail: str) -> None:
    """A Function has nobody to show progress to."""


def connect(settings: Settings, progress: Callable[[str, str], None] = _silent) -> Ports:
    """Open the store that the settings name; nothing is called yet."""
    inbox, state = _stores(settings)
    platform = ProcessPlatform(settings.root / "platform")
    return Ports(inbox=inbox, state=state, platform=platform, now=lambda: datetime.now(UTC), progress=progress)


def _stores(settings: Settings) -> tuple[ObjectStore, ObjectStore]:
    if settings.store == "blob":
        from retrain.adapters.blob import BlobStore

        service = _blob_service(settings)
        return BlobStore(service, settings.transactions_container), BlobStore(service, settings.state_container)
    from retrain.adapters.folder import FolderStore

    return FolderStore(settings.root / "inbox"), FolderStore(settings.root)


def _blob_service(settings: Settings) -> BlobServiceClient:
    from azure.storage.blob import BlobServiceClient

    bounds: dict[str, Any] = {
        "connection_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retry_total": RETRIES,
    }
    if settings.storage_connection is not None:
        try:
            return BlobServiceClient.from_connection_string(
                settings.storage_connection.get_secret_value(), **bounds
            )
        except ValueError:
            raise ConfigError("TRANSACTIONS_STORAGE is no connection string; copy it from the account") from None

    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    credential: Any = DefaultAzureCredential()
    if settings.client_id is not None:
        credential = ManagedIdentityCredential(client_id=settings.client_id)
    return BlobServiceClient(str(settings.storage_uri), credential=credential, **bounds)

"""Settings -> adapters. The only place that chooses."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from retrain.adapters.notify.listeners import listeners
from retrain.errors import ConfigError
from retrain.records.context import Context
from retrain.records.ledger import Ledger
from retrain.records.registry import Registry
from retrain.records.service_keys import ServiceKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from azure.storage.blob import BlobServiceClient

    from retrain.adapters.azure.azureml import Workspace
    from retrain.adapters.azure.event_grid import EventSubscription
    from retrain.adapters.azure.pipeline import Release
    from retrain.ports import Jobs, ObjectStore, Platform, Secrets
    from retrain.records.outbox import Listener
    from retrain.settings import Settings
    from retrain.telemetry.channel import Telemetry
    from retrain.telemetry.export import Exporters


def _silent(_stage: str, _detail: str) -> None:
    """A Function has nobody to show progress to."""


def connect(settings: Settings, progress: Callable[[str, str], None] = _silent) -> Context:
    """Open the stores and the records in them, once for whoever asks; nothing is called yet."""
    inbox, state, forecasts = _stores(settings)
    ledger, registry = Ledger(state), Registry(state, settings.platform.model_name)

    def now() -> datetime:
        return datetime.now(UTC)

    platform, jobs, told = _platform(settings, state, ledger, registry)
    return Context(
        inbox,
        state,
        ledger,
        registry,
        platform,
        now,
        progress,
        jobs,
        (*told, *listeners(settings)),
        hears_all=settings.platform.name == "local",
        forecasts=forecasts,
        asked_under=settings.deciding,
    )


def _platform(
    settings: Settings, state: ObjectStore, ledger: Ledger, registry: Registry
) -> tuple[Platform, Jobs | None, tuple[Listener, ...]]:
    """Where versions answer, who promotes, and who is told there."""
    if settings.platform.name == "local":
        from retrain.adapters.local.process import ProcessPlatform

        return ProcessPlatform(settings.storage.root / "platform", _keys(settings, state)), None, ()

    from retrain.adapters.azure.azureml import Workspace
    from retrain.adapters.azure.catalog import AzureMlCatalog
    from retrain.adapters.azure.pipeline import PipelineJobs

    workspace = Workspace(settings)
    jobs = PipelineJobs(workspace, settings) if settings.azure.jobs == "azureml" else None
    catalog = AzureMlCatalog(workspace, settings, ledger, registry)
    return _on_azure(settings, workspace, state), jobs, (catalog,)


@contextmanager
def without_trace(context: Context) -> Iterator[Context]:
    """The same context on stores that forget at the end what was written: a dry run leaves nothing behind."""
    from retrain.adapters.local.overlay import OverlayStore

    with tempfile.TemporaryDirectory() as folder:
        inbox = OverlayStore(context.inbox, Path(folder) / "inbox")
        # What others have asked for is theirs to make.
        state = OverlayStore(context.state, Path(folder) / "state", hidden="requests/")
        ledger, registry = Ledger(state), Registry(state, context.registry.name)
        yield replace(
            context, inbox=inbox, state=state, ledger=ledger, registry=registry, listeners=(), forecasts=None
        )


def exporting(settings: Settings) -> tuple[Telemetry, ...]:
    """What sends telemetry from outside the Function App; empty, and nothing imported, where no target is set."""
    sent = settings.telemetry
    if not (sent.insights or sent.otlp):
        return ()
    from retrain.telemetry.export import Exporting, Target

    targets = []
    if sent.insights:
        targets.append(Target("APPLICATIONINSIGHTS_CONNECTION_STRING", lambda: _insights(settings)))
    if sent.otlp:
        targets.append(Target("OTEL_EXPORTER_OTLP_ENDPOINT", lambda: _otlp(settings)))
    return (Exporting(targets),)


def _insights(settings: Settings) -> AbstractContextManager[Exporters]:
    """Signed in as for the storage; by the connection string alone where the storage needs no identity."""
    from retrain.adapters.azure.credentials import sign_in
    from retrain.adapters.azure.insights import exporters

    is_by_identity = settings.storage.store == "blob" and settings.storage.connection is None
    credential = sign_in(settings.storage.client_id) if is_by_identity else None
    return exporters(str(settings.telemetry.insights), credential)


def _otlp(settings: Settings) -> AbstractContextManager[Exporters]:
    from retrain.adapters.otlp import exporters

    return exporters(str(settings.telemetry.otlp))


def releaser(settings: Settings) -> Release:
    """Who registers what jobs are made of. Raises: ConfigError where there are no such jobs."""
    if settings.platform.name != "azure":
        raise ConfigError("there is nothing to release: jobs need RETRAIN_PLATFORM=azure")

    from retrain.adapters.azure.azureml import Workspace
    from retrain.adapters.azure.pipeline import Release

    return Release(Workspace(settings), settings)


def subscription(settings: Settings) -> EventSubscription:
    """How the Function App learns of new files. Raises: ConfigError where no events tell of them."""
    from retrain.adapters.azure.event_grid import EventSubscription

    return EventSubscription(settings)


def _on_azure(settings: Settings, workspace: Workspace, state: ObjectStore) -> Platform:
    if settings.azure.target == "aci":
        from retrain.adapters.azure.aci import AciPlatform

        return AciPlatform(settings, state, _keys(settings, state))
    if settings.azure.target == "container-apps":
        from retrain.adapters.azure.container_apps import ContainerAppsPlatform

        return ContainerAppsPlatform(settings, state, _keys(settings, state))
    from retrain.adapters.azure.online import OnlinePlatform

    return OnlinePlatform(settings, workspace, state, _keys(settings, state))


def vault(settings: Settings) -> Secrets | None:
    """Where the keys of services are kept apart from their records; None if they are in them."""
    if settings.platform.keys == "state":
        return None
    from retrain.adapters.azure.vault import KeyVaultSecrets

    return KeyVaultSecrets(settings)


def _keys(settings: Settings, state: ObjectStore) -> ServiceKeys:
    secrets = vault(settings)
    return ServiceKeys() if secrets is None else ServiceKeys(secrets, state.address(""))


def _stores(settings: Settings) -> tuple[ObjectStore, ObjectStore, ObjectStore]:
    """The inbox, the state and the published forecasts."""
    storage, forecasts = settings.storage, settings.watch.forecasts_container
    if storage.store == "blob":
        from retrain.adapters.azure.blob import BlobStore

        service = _blob_service(settings)
        names = (storage.transactions_container, storage.state_container, forecasts)
        inbox, state, published = (BlobStore(service, name) for name in names)
        return inbox, state, published
    from retrain.adapters.local.folder import FolderStore

    return FolderStore(storage.root / "inbox"), FolderStore(storage.root), FolderStore(storage.root / forecasts)


def _blob_service(settings: Settings) -> BlobServiceClient:
    from azure.storage.blob import BlobServiceClient

    from retrain.adapters.azure.credentials import sign_in
    from retrain.adapters.azure.transport import storage_limits

    limits = storage_limits()
    if settings.storage.connection is not None:
        try:
            return BlobServiceClient.from_connection_string(
                settings.storage.connection.get_secret_value(), **limits
            )
        except ValueError:
            raise ConfigError(
                "TRANSACTIONS_STORAGE is not a connection string; copy it from the storage account"
            ) from None

    return BlobServiceClient(str(settings.storage.uri), credential=sign_in(settings.storage.client_id), **limits)

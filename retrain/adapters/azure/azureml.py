"""The Azure ML workspace: its client, its datastore and its environments."""

from __future__ import annotations

import hashlib
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from retrain.adapters.azure.arm import arm_bounds, or_none, translated
from retrain.adapters.azure.credentials import sign_in

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

    from retrain.settings import Settings

CLOUDS = {
    "https://management.azure.com": "AzureCloud",
    "https://management.usgovcloudapi.net": "AzureUSGovernment",
    "https://management.chinacloudapi.cn": "AzureChinaCloud",
}


class Workspace:
    """One workspace; its client is created at its first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.id = (
            f"/subscriptions/{settings.azure.subscription}/resourceGroups/{settings.azure.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{settings.azure.workspace}"
        )

    @cached_property
    def client(self) -> MLClient:
        """The client of the Azure ML SDK."""
        # The SDK logs warnings of its own classes at import, and an error for a model that does not exist yet.
        logging.getLogger("azure.ai.ml").setLevel(logging.ERROR)
        logging.getLogger("azure.ai.ml._telemetry").setLevel(logging.CRITICAL)
        from azure.ai.ml import MLClient

        settings = self._settings
        return MLClient(
            sign_in(settings.storage.client_id),
            settings.azure.subscription,
            settings.azure.resource_group,
            settings.azure.workspace,
            enable_telemetry=False,
            show_progress=False,
            **_cloud(settings.azure.arm_url),
            **arm_bounds(),
        )

    def uri(self, artifact: str) -> str:
        """The address of an object of the state container in Azure ML."""
        settings = self._settings
        place = f"subscriptions/{settings.azure.subscription}/resourcegroups/{settings.azure.resource_group}"
        place = f"{place}/workspaces/{settings.azure.workspace}/datastores/{datastore(settings)}"
        return f"azureml://{place}/paths/{artifact}"

    def context(self, what: str) -> str:
        """What is being done in this workspace, for error messages."""
        return f"{what} in {self.id.lstrip('/')}"


def datastore(settings: Settings) -> str:
    """The name of the state container in the workspace, which other containers may share."""
    whole = f"{settings.storage.uri}/{settings.storage.state_container}"
    return f"retrain_{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def show_datastore(workspace: Workspace, settings: Settings) -> None:
    """Register the state container as a datastore, without credentials, so that models can refer to it."""
    from azure.ai.ml.entities import AzureBlobDatastore

    name, url = datastore(settings), urlsplit(str(settings.storage.uri))
    suffix = str(url.hostname).partition(".blob.")[2]
    where = workspace.context(f"looking for datastore {name}")
    if or_none(where, lambda: workspace.client.datastores.get(name)) is None:
        store = AzureBlobDatastore(
            name=name,
            account_name=settings.storage.account,
            container_name=settings.storage.state_container,
            endpoint=suffix or str(url.hostname),
        )
        with translated(workspace.context(f"registering datastore {name}")):
            workspace.client.datastores.create_or_update(store)


def show_environment(workspace: Workspace, name: str, version: str, image: str) -> None:
    """Register an image as an environment, once."""
    from azure.ai.ml.entities import Environment

    if not has_environment(workspace, name, version):
        with translated(workspace.context(f"registering environment {name}:{version}")):
            environment = Environment(name=name, version=version, image=image)
            workspace.client.environments.create_or_update(environment)


def has_environment(workspace: Workspace, name: str, version: str) -> bool:
    """Whether that version of the environment exists."""
    where = workspace.context(f"looking for environment {name}:{version}")
    return or_none(where, lambda: workspace.client.environments.get(name, version)) is not None


def _cloud(arm_url: str) -> dict[str, Any]:
    """The client's arguments for a cloud; for an unknown one, `arm_url` serves all its endpoints."""
    known = CLOUDS.get(arm_url)
    if known is not None:
        return {"cloud": known}
    kinds = (
        "azure_portal",
        "resource_manager",
        "active_directory",
        "aml_resource_id",
        "registry_discovery_endpoint",
    )
    endpoints = dict.fromkeys(kinds, arm_url)
    return {"cloud": arm_url, "cloud_metadata": {**endpoints, "storage_endpoint": arm_url.removeprefix("https://")}}

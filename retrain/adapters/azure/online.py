"""Versions behind one Azure ML online endpoint, a deployment each; its traffic mirrors who is champion.

Managed endpoints run on Azure's machines, Kubernetes endpoints on an attached cluster. A deployment is asked by its
name to prove itself before traffic reaches it. The endpoint checks the key, so the container lets everybody in.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.acr import ImageBuilder
from retrain.adapters.azure.arm import finished, found, patiently, translated, word
from retrain.adapters.azure.online_deployment import IMAGE, ROUTE, VERSION, deployment, deployment_name, endpoint
from retrain.adapters.azure.service_records import ServiceRecords
from retrain.errors import NotFound
from retrain.ports import LOG_LINES, Image, Service
from retrain.records.registry import service_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.ai.ml.entities import OnlineDeployment, OnlineEndpoint

    from retrain.adapters.azure.azureml import Workspace
    from retrain.ports import ObjectStore
    from retrain.settings import Settings

OPERATION_SECONDS = 1800
LIVING = {"Succeeded", "Creating", "Updating", "Scaling"}


class OnlinePlatform:
    """Deployments of the model's endpoint."""

    def __init__(self, settings: Settings, workspace: Workspace, state: ObjectStore) -> None:
        self._settings, self._workspace = settings, workspace
        self._images, self._records = ImageBuilder(settings), ServiceRecords(state)
        # Unique in the region, at most 32 characters, and the same again.
        unique = hashlib.sha256(f"{workspace.id}/{settings.platform.model_name}".encode()).hexdigest()[:8]
        self._endpoint = f"{settings.platform.model_name[:23].rstrip('-')}-{unique}"

    def build(self, model: str, version: str, context: Mapping[str, bytes]) -> Image:
        """See Platform."""
        return self._images.build(model, version, context)

    def deploy(self, name: str, version: str, image: str) -> Service:
        """See Platform."""
        there = self._there()
        if there is None or word(there.provisioning_state) == "Failed":
            self._run("creating", lambda: self._endpoints.begin_create_or_update(self._wanted_endpoint()))
        deployed = self._look(version)
        serves = deployed is not None and word(deployed.provisioning_state) == "Succeeded"
        if deployed is None or not serves or (deployed.tags or {}).get(IMAGE) != image:
            wanted = deployment(self._endpoint, version, image, self._settings)
            patiently(lambda: self._run(f"deploying {name} at", lambda: self._begin(wanted)))
        service = self._addressed(name, version)
        self._records.keep(service)
        return service

    def point_to(self, name: str) -> None:
        """See Platform."""
        traffic, there = {_deployed(name): 100}, self._there()
        if there is not None and there.traffic != traffic:
            there.traffic = traffic
            self._run(f"sending the traffic to {name} at", lambda: self._endpoints.begin_create_or_update(there))

    def find(self, version: str) -> Service | None:
        """See Platform."""
        service = self._records.read(service_name(self._settings.platform.model_name, version))
        return service if service and service.deployment else None

    def services(self) -> list[Service]:
        """See Platform."""
        deployments = found(
            self._doing("listing the deployments of"), lambda: list(self._deployments.list(self._endpoint))
        )
        versions = [(one.tags or {}).get(VERSION) for one in deployments or []]
        named = [
            (service_name(self._settings.platform.model_name, version), version) for version in versions if version
        ]
        return [self._records.read(name) or Service(name, version, "", "") for name, version in named]

    def is_running(self, name: str) -> bool:
        """See Platform."""
        there = self._look(_version(name))
        return there is not None and word(there.provisioning_state) in LIVING

    def log(self, name: str) -> list[str]:
        """See Platform."""
        text = found(
            self._doing(f"reading the log of {name} at"),
            lambda: self._deployments.get_logs(_deployed(name), self._endpoint, lines=LOG_LINES),
        )
        return str(text or "").splitlines()[-LOG_LINES:]

    def remove(self, name: str) -> None:
        """See Platform. A deployment that has traffic cannot be deleted, so it loses that first."""
        with suppress(NotFound):
            there = self._there()
            if there is not None and (there.traffic or {}).get(_deployed(name)):
                there.traffic = {_deployed(name): 0}
                self._run("taking the traffic from", lambda: self._endpoints.begin_create_or_update(there))
            self._run(
                f"removing {name} at", lambda: self._deployments.begin_delete(_deployed(name), self._endpoint)
            )
        self._records.forget(name)

    @property
    def _endpoints(self) -> Any:
        return self._workspace.client.online_endpoints

    @property
    def _deployments(self) -> Any:
        return self._workspace.client.online_deployments

    def _wanted_endpoint(self) -> OnlineEndpoint:
        return endpoint(self._endpoint, self._settings)

    def _begin(self, wanted: OnlineDeployment) -> Any:
        return self._deployments.begin_create_or_update(wanted)

    def _there(self) -> OnlineEndpoint | None:
        return found(self._doing("looking at"), lambda: self._endpoints.get(self._endpoint))

    def _look(self, version: str) -> OnlineDeployment | None:
        return found(
            self._doing(f"looking at version {version} of"),
            lambda: self._deployments.get(deployment_name(version), self._endpoint),
        )

    def _addressed(self, name: str, version: str) -> Service:
        """The endpoint's address and key, and the deployment that is meant."""
        with translated(self._doing("reading address and key of")):
            url = str(self._endpoints.get(self._endpoint).scoring_uri).removesuffix(ROUTE)
            key = str(self._endpoints.get_keys(self._endpoint).primary_key)
        return Service(name, version, url, key, deployment=deployment_name(version))

    def _run(self, what: str, begin: Any) -> None:
        """Begin an operation and wait for its end."""
        where = self._doing(what)
        with translated(where):
            finished(begin(), where, OPERATION_SECONDS)

    def _doing(self, what: str) -> str:
        return self._workspace.doing(f"{what} endpoint {self._endpoint}")


def _version(name: str) -> str:
    return name.rpartition("-v")[2]


def _deployed(name: str) -> str:
    return deployment_name(_version(name))

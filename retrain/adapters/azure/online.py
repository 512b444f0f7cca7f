"""Versions behind one Azure ML online endpoint: a deployment for each; all traffic goes to the champion.

Managed endpoints run on machines of Azure, Kubernetes endpoints on an attached cluster. A new deployment is tested
by requests that name it, before it gets traffic. The endpoint checks the key; the container does not.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.acr import ImageBuilder
from retrain.adapters.azure.arm import or_none, state_name, translated, wait_for, with_retries
from retrain.adapters.azure.online_deployment import IMAGE, ROUTE, VERSION, deployment, deployment_name, endpoint
from retrain.adapters.azure.pull_identity import check_pull_identity
from retrain.adapters.azure.service_records import ServiceRecords
from retrain.adapters.fence import fenced
from retrain.errors import NotFound, UsageError
from retrain.ports import LOG_LINES, Image, Service, StoredImage
from retrain.records.registry import service_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from azure.ai.ml.entities import OnlineDeployment, OnlineEndpoint

    from retrain.adapters.azure.azureml import Workspace
    from retrain.ports import ObjectStore
    from retrain.records.service_keys import ServiceKeys
    from retrain.settings import Settings

OPERATION_SECONDS = 1800
ALIVE = {"Succeeded", "Creating", "Updating", "Scaling"}


class OnlinePlatform:
    """Deployments of the model's endpoint."""

    restarts_by_itself = True  # by its liveness route
    wake_seconds = 0.0

    def __init__(self, settings: Settings, workspace: Workspace, state: ObjectStore, keys: ServiceKeys) -> None:
        self._settings, self._workspace = settings, workspace
        self._images, self._records = ImageBuilder(settings), ServiceRecords(state, keys)
        # Unique in the region, at most 32 characters, and stable.
        unique = hashlib.sha256(f"{workspace.id}/{settings.platform.model_name}".encode()).hexdigest()[:8]
        self._endpoint = f"{settings.platform.model_name[:23].rstrip('-')}-{unique}"

    @fenced
    def build(self, model: str, version: str, context: Mapping[str, bytes]) -> Image:
        """See Platform."""
        return self._images.build(model, version, context)

    @fenced
    def deploy(self, name: str, version: str, image: str) -> Service:
        """See Platform."""
        there = self._get_endpoint()
        if there is None or state_name(there.provisioning_state) == "Failed":
            if self._settings.azure.pull_identity is not None:
                check_pull_identity(self._settings)
            self._run("creating", lambda: self._endpoints.begin_create_or_update(self._wanted_endpoint()))
        deployed = self._get_deployment(version)
        serves = deployed is not None and state_name(deployed.provisioning_state) == "Succeeded"
        if deployed is None or not serves or (deployed.tags or {}).get(IMAGE) != image:
            wanted = deployment(self._endpoint, version, image, self._settings)
            with_retries(lambda: self._run(f"deploying {name} at", lambda: self._begin(wanted)))
        service = self._with_address(name, version)
        self._records.save(service)
        return service

    @fenced
    def point_to(self, name: str) -> None:
        """See Platform."""
        traffic, there = {_deployment_of(name): 100}, self._get_endpoint()
        if there is not None and there.traffic != traffic:
            there.traffic = traffic
            self._run(f"sending the traffic to {name} at", lambda: self._endpoints.begin_create_or_update(there))

    def find(self, version: str) -> Service | None:
        """See Platform."""
        service = self._records.read(service_name(self._settings.platform.model_name, version))
        return service if service and service.deployment else None

    def services(self) -> list[Service]:
        """See Platform."""
        deployments = or_none(
            self._context("listing the deployments of"), lambda: list(self._deployments.list(self._endpoint))
        )
        versions = [(one.tags or {}).get(VERSION) for one in deployments or []]
        named = [
            (service_name(self._settings.platform.model_name, version), version) for version in versions if version
        ]
        return [self._records.listed(name, version) for name, version in named]

    def is_running(self, name: str) -> bool:
        """See Platform."""
        there = self._get_deployment(_version_of(name))
        return there is not None and state_name(there.provisioning_state) in ALIVE

    def log(self, name: str) -> list[str]:
        """See Platform."""
        text = or_none(
            self._context(f"reading the log of {name} at"),
            lambda: self._deployments.get_logs(_deployment_of(name), self._endpoint, lines=LOG_LINES),
        )
        return str(text or "").splitlines()[-LOG_LINES:]

    @fenced
    def stop(self, name: str, *, at_once: bool = False) -> None:  # noqa: ARG002 - Azure knows one way
        """See Platform. A deployment with traffic cannot be deleted, so its traffic is set to 0 first."""
        with suppress(NotFound):
            there = self._get_endpoint()
            if there is not None and (there.traffic or {}).get(_deployment_of(name)):
                there.traffic = {_deployment_of(name): 0}
                self._run("taking the traffic from", lambda: self._endpoints.begin_create_or_update(there))
            self._run(
                f"removing {name} at", lambda: self._deployments.begin_delete(_deployment_of(name), self._endpoint)
            )

    @fenced
    def rotate(self, name: str, until: datetime) -> Service:  # noqa: ARG002 - nothing is rotated
        """See Platform. Raises: UsageError: the keys are those of the endpoint, common to its versions."""
        raise UsageError(
            f"{name} is behind endpoint {self._endpoint}, whose keys Azure ML keeps; "
            f"`az ml online-endpoint regenerate-keys --name {self._endpoint}` replaces one, and `retrain "
            f"services --restart {name}` reads it"
        )

    @fenced
    def remove(self, name: str) -> None:
        """See Platform."""
        self.stop(name)
        self._records.remove(name)

    def images(self, model: str) -> list[StoredImage]:
        """See Platform."""
        return self._images.stored.of(model)

    @fenced
    def remove_image(self, image: StoredImage) -> None:
        """See Platform."""
        self._images.stored.remove(image)

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

    def _get_endpoint(self) -> OnlineEndpoint | None:
        return or_none(self._context("looking at"), lambda: self._endpoints.get(self._endpoint))

    def _get_deployment(self, version: str) -> OnlineDeployment | None:
        return or_none(
            self._context(f"looking at version {version} of"),
            lambda: self._deployments.get(deployment_name(version), self._endpoint),
        )

    def _with_address(self, name: str, version: str) -> Service:
        """The service with the address and key of the endpoint, and the name of its deployment."""
        with translated(self._context("reading address and key of")):
            url = str(self._endpoints.get(self._endpoint).scoring_uri).removesuffix(ROUTE)
            key = str(self._endpoints.get_keys(self._endpoint).primary_key)
        return Service(name, version, url, key, deployment=deployment_name(version))

    def _run(self, what: str, begin: Any) -> None:
        """Start an operation and wait for its end."""
        where = self._context(what)
        with translated(where):
            wait_for(begin(), where, OPERATION_SECONDS)

    def _context(self, what: str) -> str:
        return self._workspace.context(f"{what} endpoint {self._endpoint}")


def _version_of(name: str) -> str:
    return name.rpartition("-v")[2]


def _deployment_of(name: str) -> str:
    return deployment_name(_version_of(name))

"""Versions on Azure Container Instances: each runs in a container group of its own."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from retrain.adapters.azure.aci_group import CONTAINER, FINGERPRINT, MODEL, VERSION, container_group
from retrain.adapters.azure.aci_tls import OFF, SELF_SIGNED, Pair, own, self_signed
from retrain.adapters.azure.acr import ImageBuilder
from retrain.adapters.azure.arm import management_options, or_none, state_name, translated, wait_for, with_retries
from retrain.adapters.azure.pull_identity import check_pull_identity
from retrain.adapters.azure.service_records import ServiceRecords
from retrain.adapters.fence import fenced
from retrain.errors import NotFound, ServiceError
from retrain.poll import poll
from retrain.ports import LOG_LINES, Image, Service, StoredImage
from retrain.records.registry import service_name
from retrain.records.service_record import read_or_set_aside, rotated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.mgmt.containerinstance import ContainerInstanceManagementClient
    from azure.mgmt.containerinstance.models import ContainerGroup

    from retrain.ports import ObjectStore
    from retrain.records.service_keys import ServiceKeys
    from retrain.settings import Settings

OPERATION_SECONDS = 900  # shorter in a Function: see AzureSettings.operation_seconds
ADDRESS_SECONDS = 60
POLL_SECONDS = 2.0


class AciPlatform:
    """Container groups of one resource group that carry the model's tag."""

    restarts_by_itself = True  # by its liveness probe
    wake_seconds = 0.0

    def __init__(self, settings: Settings, state: ObjectStore, keys: ServiceKeys) -> None:
        self._settings, self._state = settings, state
        self._records = ServiceRecords(state, keys)
        self._images = ImageBuilder(settings)
        self._group = str(settings.azure.resource_group)

    @fenced
    def build(self, model: str, version: str, context: Mapping[str, bytes]) -> Image:
        """See Platform."""
        return self._images.build(model, version, context)

    @fenced
    def deploy(self, name: str, version: str, image: str) -> Service:
        """See Platform. A group that differs is removed first: not every property can be changed."""
        service, files = self._secured(self._recorded(name, version))
        wanted = container_group(service, image, files, self._settings)
        with_retries(lambda: self._create_or_update(name, wanted))
        service = self._with_address(service)
        self._records.save(service)
        return service

    def point_to(self, name: str) -> None:
        """Nothing to do: container groups have no common address."""

    def find(self, version: str) -> Service | None:
        """See Platform."""
        service = self._records.read(service_name(self._settings.platform.model_name, version))
        is_group = service and service.url and not service.deployment and not service.revision
        return service if is_group else None

    def services(self) -> list[Service]:
        """See Platform."""
        with translated(self._context("listing")):
            groups = [
                group
                for group in self._client.container_groups.list_by_resource_group(self._group)
                if (group.tags or {}).get(MODEL) == self._settings.platform.model_name
            ]
        return [self._service_of(group) for group in groups]

    def is_running(self, name: str) -> bool:
        """False if the container ended or crashes in a loop; True while its image is still being pulled."""
        group = self._get(name)
        return group is not None and _is_alive(group)

    def log(self, name: str) -> list[str]:
        """See Platform."""
        logs = or_none(
            self._context("reading the log of", name),
            lambda: self._client.containers.list_logs(self._group, name, CONTAINER, tail=LOG_LINES),
        )
        return ((logs and logs.content) or "").splitlines()[-LOG_LINES:]

    @fenced
    def stop(self, name: str, *, at_once: bool = False) -> None:  # noqa: ARG002 - Azure knows one way
        """See Platform. The group is removed, so that it costs nothing; its record stays."""
        with suppress(NotFound):
            with_retries(lambda: self._delete(name))

    @fenced
    def rotate(self, name: str, until: datetime) -> Service:
        """See Platform. The group is updated, for which Azure restarts its container: it is away for seconds."""
        there, group = self._records.read(name), self._get(name)
        if there is None or group is None:
            raise NotFound(f"there is no service {name[:80]!r}; `retrain services` lists them")
        service, files = self._secured(rotated(there, secrets.token_urlsafe(32), until, datetime.now(UTC)))
        wanted = container_group(service, str(group.containers[0].image), files, self._settings)
        with_retries(lambda: self._update(name, wanted))
        service = self._with_address(service)
        self._records.save(service)
        return service

    @fenced
    def remove(self, name: str) -> None:
        """See Platform."""
        with suppress(NotFound):
            with_retries(lambda: self._delete(name))
        self._records.remove(name)

    def images(self, model: str) -> list[StoredImage]:
        """See Platform."""
        return self._images.stored.of(model)

    @fenced
    def remove_image(self, image: StoredImage) -> None:
        """See Platform."""
        self._images.stored.remove(image)

    @property
    def _operation_seconds(self) -> float:
        return min(OPERATION_SECONDS, self._settings.azure.operation_seconds)

    @cached_property
    def _client(self) -> ContainerInstanceManagementClient:
        from azure.mgmt.containerinstance import ContainerInstanceManagementClient

        return ContainerInstanceManagementClient(**management_options(self._settings))

    def _get(self, name: str) -> ContainerGroup | None:
        return or_none(
            self._context("looking at", name), lambda: self._client.container_groups.get(self._group, name)
        )

    def _create_or_update(self, name: str, wanted: ContainerGroup) -> None:
        existing = self._get(name)
        if existing is not None and _is_current(existing, wanted):
            return
        check_pull_identity(self._settings)
        if existing is not None:
            self._delete(name)
        self._update(name, wanted)

    def _update(self, name: str, wanted: ContainerGroup) -> None:
        where = self._context("deploying", name)
        with translated(where):
            begun = self._client.container_groups.begin_create_or_update(self._group, name, wanted)
            wait_for(begun, where, self._operation_seconds)

    def _delete(self, name: str) -> None:
        where = self._context("removing", name)
        with translated(where):
            wait_for(self._client.container_groups.begin_delete(self._group, name), where, self._operation_seconds)

    def _with_address(self, service: Service) -> Service:
        """The service with its address, which Azure may assign after it has created the group."""
        for _ in poll(ADDRESS_SECONDS, POLL_SECONDS):
            group = self._get(service.name)
            url = self._url(service, group) if group else ""
            if url:
                return replace(service, url=url)
        raise ServiceError(
            f"container group {service.name} was created and has no address after {ADDRESS_SECONDS} s; "
            "retrain again, and look at the group in the portal if it happens again"
        )

    def _url(self, service: Service, group: ContainerGroup) -> str:
        """The URL of a group; empty while it has no address."""
        address = group.ip_address
        host = address and (address.ip if self._settings.azure.subnet else address.fqdn)
        scheme = "https" if service.certificate else "http"
        return f"{scheme}://{host}:{address.ports[0].port}" if address and host else ""

    def _service_of(self, group: ContainerGroup) -> Service:
        """A group's service at its present address: a private one changes whenever Azure restarts the group."""
        name = str(group.name)
        service = self._records.listed(name, (group.tags or {}).get(VERSION, ""))
        if not service.key:
            return service
        moved = replace(service, url=self._url(service, group) or service.url)
        if moved != service:
            self._records.save(moved)
        return moved

    def _recorded(self, name: str, version: str) -> Service:
        """The service as on record, or a new one: deploying again keeps the key."""
        there = read_or_set_aside(self._records, name)
        if there is not None and not there.deployment and not there.revision:
            return there
        return Service(name, version, "", secrets.token_urlsafe(32))

    def _secured(self, service: Service) -> tuple[Service, Mapping[str, str]]:
        """The service with its certificate, put on record with its keys, and its TLS files by name."""
        chosen, pair = self._settings.azure.tls, Pair()
        if chosen == SELF_SIGNED:
            key = self._records.certificate_key(service.name) if service.certificate else ""
            pair = Pair(service.certificate, key) if key else self_signed(service.name)
        elif chosen != OFF:
            pair = own(chosen, self._state)
        service = replace(service, certificate=pair.certificate)
        self._records.save(service, certificate_key=pair.key if chosen == SELF_SIGNED else "")
        return service, pair.files

    def _context(self, what: str, name: str = "") -> str:
        group = f"resourceGroups/{self._group}/providers/Microsoft.ContainerInstance/containerGroups"
        return f"{what} {group}/{name}".rstrip("/")


def _is_current(group: ContainerGroup, wanted: ContainerGroup) -> bool:
    """Whether the group runs as wanted: False if its creation failed, it was stopped, or its properties differ."""
    state = group.instance_view.state if group.instance_view else None
    settled = state_name(group.provisioning_state) == "Succeeded" and state_name(state) in {"Running", "Pending"}
    return settled and _is_alive(group) and (group.tags or {}).get(FINGERPRINT) == (wanted.tags or {})[FINGERPRINT]


def _is_alive(group: ContainerGroup) -> bool:
    """False if its container ended or crashes in a loop."""
    view = group.containers[0].instance_view
    now = view.current_state if view else None
    crashes = now is not None and str(now.detail_status).startswith("CrashLoopBackOff")
    ended = now is not None and state_name(now.state) == "Terminated"
    return state_name(group.provisioning_state) != "Failed" and not crashes and not ended

"""Versions on Azure Container Instances: a container group of its own for each, beside those that run."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from retrain.adapters.azure.aci_group import CONTAINER, FINGERPRINT, MODEL, VERSION, container_group
from retrain.adapters.azure.acr import ImageBuilder
from retrain.adapters.azure.arm import finished, found, management, patiently, translated, word
from retrain.adapters.azure.service_records import ServiceRecords
from retrain.errors import ConfigError, NotFound, ServiceError
from retrain.poll import poll
from retrain.ports import LOG_LINES, Image, Service
from retrain.records.registry import service_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.mgmt.containerinstance import ContainerInstanceManagementClient
    from azure.mgmt.containerinstance.models import ContainerGroup

    from retrain.ports import ObjectStore
    from retrain.settings import Settings

OPERATION_SECONDS = 900
ADDRESS_SECONDS = 60
POLL_SECONDS = 2.0


class AciPlatform:
    """Container groups of one resource group that carry the model's tag."""

    def __init__(self, settings: Settings, state: ObjectStore) -> None:
        self._settings, self._state = settings, state
        self._records = ServiceRecords(state)
        self._images = ImageBuilder(settings)
        self._group = str(settings.resource_group)

    def build(self, model: str, version: str, context: Mapping[str, bytes]) -> Image:
        """See Platform."""
        return self._images.build(model, version, context)

    def deploy(self, name: str, version: str, image: str) -> Service:
        """See Platform. A group that is not what it should be is removed first: not everything can be changed."""
        service = self._recorded(name, version)
        wanted = container_group(service, image, self._tls(), self._settings)
        patiently(lambda: self._ensure(name, wanted))
        service = self._addressed(service)
        self._records.keep(service)
        return service

    def point_to(self, name: str) -> None:
        """Container groups have no address in common."""

    def find(self, version: str) -> Service | None:
        """See Platform."""
        service = self._records.read(service_name(self._settings.model_name, version))
        return service if service and service.url and not service.deployment else None

    def services(self) -> list[Service]:
        """See Platform."""
        with translated(self._doing("listing")):
            groups = [
                group
                for group in self._client.container_groups.list_by_resource_group(self._group)
                if (group.tags or {}).get(MODEL) == self._settings.model_name
            ]
        return [self._seen(group) for group in groups]

    def is_running(self, name: str) -> bool:
        """Not if the container ended, or falls again and again; one that is still being pulled lives."""
        group = self._look(name)
        return group is not None and _lives(group)

    def log(self, name: str) -> list[str]:
        """See Platform."""
        logs = found(
            self._doing("reading the log of", name),
            lambda: self._client.containers.list_logs(self._group, name, CONTAINER, tail=LOG_LINES),
        )
        return ((logs and logs.content) or "").splitlines()[-LOG_LINES:]

    def remove(self, name: str) -> None:
        """See Platform."""
        with suppress(NotFound):
            patiently(lambda: self._delete(name))
        self._records.forget(name)

    @cached_property
    def _client(self) -> ContainerInstanceManagementClient:
        from azure.mgmt.containerinstance import ContainerInstanceManagementClient

        return ContainerInstanceManagementClient(**management(self._settings))

    def _look(self, name: str) -> ContainerGroup | None:
        return found(self._doing("looking at", name), lambda: self._client.container_groups.get(self._group, name))

    def _ensure(self, name: str, wanted: ContainerGroup) -> None:
        there = self._look(name)
        if there is not None and _serves(there, wanted):
            return
        if there is not None:
            self._delete(name)
        where = self._doing("deploying", name)
        with translated(where):
            begun = self._client.container_groups.begin_create_or_update(self._group, name, wanted)
            finished(begun, where, OPERATION_SECONDS)

    def _delete(self, name: str) -> None:
        where = self._doing("removing", name)
        with translated(where):
            finished(self._client.container_groups.begin_delete(self._group, name), where, OPERATION_SECONDS)

    def _addressed(self, service: Service) -> Service:
        """The service with its address, which may come later than the group."""
        for _ in poll(ADDRESS_SECONDS, POLL_SECONDS):
            group = self._look(service.name)
            url = self._url(service, group) if group else ""
            if url:
                return replace(service, url=url)
        raise ServiceError(
            f"container group {service.name} was created and has no address after {ADDRESS_SECONDS} s; "
            "retrain again, and look at the group in the portal if it stays so"
        )

    def _url(self, service: Service, group: ContainerGroup) -> str:
        """Where a group answers; empty while it has no address."""
        address = group.ip_address
        host = address and (address.ip if self._settings.subnet else address.fqdn)
        scheme = "https" if service.certificate else "http"
        return f"{scheme}://{host}:{address.ports[0].port}" if address and host else ""

    def _seen(self, group: ContainerGroup) -> Service:
        """A group's service at today's address: a private one changes whenever Azure restarts the group."""
        name = str(group.name)
        service = self._records.read(name)
        if service is None:
            return Service(name, (group.tags or {}).get(VERSION, ""), "", "")
        moved = replace(service, url=self._url(service, group) or service.url)
        if moved != service:
            self._records.keep(moved)
        return moved

    def _recorded(self, name: str, version: str) -> Service:
        """The service's record, made once: whoever deploys again uses the same key, and today's certificate."""
        certificate = self._tls().get("certificate.pem", "")
        there = self._records.read(name)
        if there is not None and not there.deployment:
            return replace(there, certificate=certificate)
        new = Service(name, version, "", secrets.token_urlsafe(32), certificate=certificate)
        self._records.keep(new)
        return new

    def _tls(self) -> dict[str, str]:
        """Certificate and key as they lie in the store; nothing where TLS is not asked for."""
        found: dict[str, str] = {}
        for file in ("certificate.pem", "key.pem") if self._settings.tls else ():
            stored = self._state.read(f"{self._settings.tls}/{file}")
            if stored is None:
                where = self._state.address(f"{self._settings.tls}/{file}")
                raise ConfigError(
                    f"RETRAIN_TLS names a folder without {where}; upload it, or leave RETRAIN_TLS empty"
                )
            found[file] = stored.data.decode(errors="replace")
            if "-----BEGIN " not in found[file]:
                where = self._state.address(f"{self._settings.tls}/{file}")
                raise ConfigError(f"{where} is no PEM file; convert it, for example with openssl")
        return found

    def _doing(self, what: str, name: str = "") -> str:
        group = f"resourceGroups/{self._group}/providers/Microsoft.ContainerInstance/containerGroups"
        return f"{what} {group}/{name}".rstrip("/")


def _serves(group: ContainerGroup, wanted: ContainerGroup) -> bool:
    """Whether there is nothing to do: not where a creation failed, somebody stopped it, or it should be another."""
    state = group.instance_view.state if group.instance_view else None
    settled = word(group.provisioning_state) == "Succeeded" and word(state) in {"Running", "Pending"}
    return settled and _lives(group) and (group.tags or {}).get(FINGERPRINT) == (wanted.tags or {})[FINGERPRINT]


def _lives(group: ContainerGroup) -> bool:
    """Not if its container ended, or falls again and again."""
    view = group.containers[0].instance_view
    now = view.current_state if view else None
    falls = now is not None and str(now.detail_status).startswith("CrashLoopBackOff")
    ended = now is not None and word(now.state) == "Terminated"
    return word(group.provisioning_state) != "Failed" and not falls and not ended

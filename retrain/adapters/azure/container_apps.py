"""Versions on Azure Container Apps: one app, a revision for each version, all traffic to the champion.

A new revision has an address of its own, at which it is proven before it gets traffic. The platform has the
certificate. All versions of an app accept the same key, so that whoever asks at the stable address keeps theirs.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from retrain.adapters.azure.acr import ImageBuilder
from retrain.adapters.azure.app_client import AppClient, traffic_of
from retrain.adapters.azure.arm import with_retries
from retrain.adapters.azure.container_app import AppKeys, revision_template
from retrain.adapters.azure.revisions import WHOLE, Revision, active, crashes, entries
from retrain.adapters.azure.service_records import ServiceRecords
from retrain.adapters.fence import fenced
from retrain.errors import NotFound, ServiceError
from retrain.poll import poll
from retrain.ports import LOG_LINES, Image, Service, StoredImage
from retrain.records.registry import service_name
from retrain.records.service_record import read_or_set_aside, rotated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from azure.mgmt.appcontainers.models import ContainerApp

    from retrain.ports import ObjectStore
    from retrain.records.service_keys import ServiceKeys
    from retrain.settings import Settings

ADDRESS_SECONDS = 60
POLL_SECONDS = 2.0
WAKE_SECONDS = 120.0  # a measurement that was published has a median of 37


class ContainerAppsPlatform:
    """The revisions of the model's app that carry a version."""

    restarts_by_itself = True  # by its liveness probe

    def __init__(self, settings: Settings, state: ObjectStore, keys: ServiceKeys) -> None:
        self._settings, self._records = settings, ServiceRecords(state, keys)
        self._images, self._app = ImageBuilder(settings), AppClient(settings)
        self.wake_seconds = 0.0 if settings.azure.min_replicas else WAKE_SECONDS

    @fenced
    def build(self, model: str, version: str, context: Mapping[str, bytes]) -> Image:
        """See Platform."""
        return self._images.build(model, version, context)

    @fenced
    def deploy(self, name: str, version: str, image: str) -> Service:
        """See Platform. A revision cannot be changed: what differs is a new one, and the one before ends."""
        revision, keys = with_retries(lambda: self._ensured(name, version, image))
        service = _with_keys(Service(name, version, f"https://{revision.host}", "", revision=revision.name), keys)
        self._records.save(service)
        return service

    @fenced
    def point_to(self, name: str) -> None:
        """See Platform."""
        with_retries(lambda: self._send_traffic(name))

    def find(self, version: str) -> Service | None:
        """See Platform."""
        service = self._records.read(self._service_name(version))
        return service if service and service.revision else None

    def services(self) -> list[Service]:
        """See Platform."""
        return [
            self._records.listed(self._service_name(version), version) for version in active(self._app.revisions())
        ]

    def is_running(self, name: str) -> bool:
        """True also of one without replicas, which starts as soon as it is asked; False if it crashes in a loop."""
        running = active(self._app.revisions()).values()
        revision = next((one for one in running if self._service_name(one.version) == name), None)
        if revision is None or revision.has_failed:
            return False
        return revision.is_healthy or not crashes(self._app.replicas(revision))

    def log(self, name: str) -> list[str]:
        """See Platform. Without a replica, what Azure says about the revision: its output is gone with it."""
        mine = [one for one in self._app.revisions() if self._service_name(one.version) == name]
        return self._app.log(mine[-1])[-LOG_LINES:] if mine else []

    @fenced
    def stop(self, name: str, *, at_once: bool = False) -> None:  # noqa: ARG002 - Azure knows one way
        """See Platform. Its revision is deactivated, and keeps its address; the traffic stays where it was."""
        with_retries(lambda: self._end(name))

    @fenced
    def rotate(self, name: str, until: datetime) -> Service:
        """See Platform. The key is that of all versions of the app; each restarts, so they are away for seconds."""
        revisions, there = self._app.revisions(), self._records.read(name)
        if there is None or there.version not in active(revisions):
            raise NotFound(f"there is no service {name[:80]!r}; `retrain services` lists them")
        service = rotated(there, secrets.token_urlsafe(32), until, datetime.now(UTC))
        keys = AppKeys.of(service)
        for one in [service, *self.services()]:  # before the app has it: whoever asks tries both keys
            if one.key:
                self._records.save(_with_keys(one, keys))
        with_retries(lambda: self._app.put(self._app.get(), revisions, keys=keys))
        for revision in active(revisions).values():
            self._app.restart(revision)
        return service

    @fenced
    def remove(self, name: str) -> None:
        """See Platform. With the last service the app is removed."""
        with_retries(lambda: self._remove(name))
        self._records.remove(name)

    def images(self, model: str) -> list[StoredImage]:
        """See Platform."""
        return self._images.stored.of(model)

    @fenced
    def remove_image(self, image: StoredImage) -> None:
        """See Platform."""
        self._images.stored.remove(image)

    def _ensured(self, name: str, version: str, image: str) -> tuple[Revision, AppKeys]:
        """The version's revision with its address: the one that is there, activated if need be, or a new one."""
        app, revisions = self._app.get(), self._app.revisions()
        there = read_or_set_aside(self._records, name)
        keys = self._keys(app, there, revisions)
        template = revision_template(version, image, self._settings)
        same = [one for one in revisions if one.suffix.startswith(template["revisionSuffix"])]
        stopped = there.revision if there else ""  # one that was removed may be at fault: it does not come back
        usable = [one for one in same if not one.has_failed and (one.is_active or one.name == stopped)]
        good = usable[-1] if usable else None
        if good is None:
            suffix = template["revisionSuffix"] + (f"-{len(same)}" if same else "")
            made = Revision(f"{self._app.name}--{suffix}", version, created=datetime.now(UTC))
            self._app.put(app, [*revisions, made], template={**template, "revisionSuffix": suffix}, keys=keys)
            good = made
        elif not good.is_active:
            self._app.activate(good)
        revision = self._with_address(good.name)
        for other in self._app.revisions():
            if other.version == version and other.is_active and other.name != revision.name:
                self._app.deactivate(other)
        return revision, keys

    def _with_address(self, name: str) -> Revision:
        for _ in poll(ADDRESS_SECONDS, POLL_SECONDS):
            found = next((one for one in self._app.revisions() if one.name == name and one.is_active), None)
            if found is not None and found.host:
                return found
        raise ServiceError(
            f"revision {name} was created and has no address after {ADDRESS_SECONDS} s; retrain again, and look at "
            "the container app in the portal if it happens again"
        )

    def _keys(self, app: ContainerApp | None, there: Service | None, revisions: Sequence[Revision]) -> AppKeys:
        """The app's keys. Where it has none, those on record, so that they outlive it, or a new one."""
        if app is not None and (found := AppKeys.shown(self._app.secrets())):
            return found
        others = (self._records.listed(self._service_name(one.version), one.version) for one in revisions)
        recorded = next((one for one in [there, *others] if one and one.revision), None)
        return AppKeys.of(recorded) if recorded else AppKeys(secrets.token_urlsafe(32))

    def _send_traffic(self, name: str) -> None:
        app, revisions = self._app.get(), self._app.revisions()
        version = next((one for one in active(revisions) if self._service_name(one) == name), None)
        if app is None or version is None:
            return
        wanted = entries(revisions, {version: WHOLE})
        if traffic_of(app) != wanted:
            self._app.put(app, revisions, weights=wanted)

    def _end(self, name: str) -> list[Revision]:
        """End the revisions of a service. Returns: those of the others."""
        revisions = self._app.revisions()
        mine = [one for one in revisions if self._service_name(one.version) == name]
        for revision in mine:
            if revision.is_active:
                self._app.deactivate(revision)
        return [one for one in revisions if one not in mine]

    def _remove(self, name: str) -> None:
        if not self._app.settled():
            return
        others = self._end(name)
        if not any(one.is_active or self._is_on_record(one.version) for one in others):
            self._app.delete()

    def _is_on_record(self, version: str) -> bool:
        """Whether a service may be started again: it was stopped, and not removed."""
        try:
            return self._records.read(self._service_name(version)) is not None
        except ServiceError:
            return True

    def _service_name(self, version: str) -> str:
        return service_name(self._settings.platform.model_name, version)


def _with_keys(service: Service, keys: AppKeys) -> Service:
    return replace(service, key=keys.key, key_before=keys.before, before_until=keys.until)

"""The calls on one container app: read it, write it as a whole, and what can be done with its revisions."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.arm import (
    APP_BUSY,
    Transient,
    management_options,
    or_none,
    state_name,
    translated,
    wait_for,
)
from retrain.adapters.azure.container_app import MODEL, app_name, container_app
from retrain.adapters.azure.log_stream import read_log
from retrain.adapters.azure.revisions import read_revisions, traffic
from retrain.errors import ConfigError, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from azure.mgmt.appcontainers import ContainerAppsAPIClient
    from azure.mgmt.appcontainers.models import ContainerApp

    from retrain.adapters.azure.container_app import AppKeys
    from retrain.adapters.azure.revisions import Revision
    from retrain.settings import Settings

API_VERSION = "2025-01-01"  # the one whose types the tests check bodies against
OPERATION_SECONDS = 1200  # Azure gives up on a revision that does not start after ten to fifteen minutes
POLL_SECONDS = 2.0
UNDER_WAY = {"InProgress", "Deleting"}


class AppClient:
    """The app of the model that the settings name. Every method raises as `translated` does."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._group = settings, str(settings.azure.resource_group)
        self.name = app_name(settings.platform.model_name)

    def get(self) -> ContainerApp | None:
        """The app, if there is one. Raises: ConfigError if it is somebody else's."""
        app = or_none(self._context("looking at"), lambda: self._client.container_apps.get(self._group, self.name))
        if app is not None and (app.tags or {}).get(MODEL) != self._settings.platform.model_name:
            raise ConfigError(
                f"container app {self.name} is there and not this model's: it has no tag {MODEL} with its name; "
                "set another RETRAIN_MODEL_NAME, or give it the tag"
            )
        return app

    def settled(self) -> bool:
        """Whether there is an app. Raises: Transient while an operation on it goes on: what it makes comes yet."""
        app = self.get()
        if app is None or app.properties is None:
            return False
        if state_name(app.properties.provisioning_state) in UNDER_WAY:
            raise Transient(f"{self._context('changing')}: {APP_BUSY}")
        return True

    def put(
        self,
        app: ContainerApp | None,
        revisions: Sequence[Revision],
        template: Mapping[str, Any] | None = None,
        keys: AppKeys | None = None,
        weights: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        """Create the app or change it: a whole document, so that a call whose answer is lost may be repeated.

        Args:
            app: as it is.
            revisions: all, with the one that the template makes.
            template: of a new revision; None for none.
            keys: None to keep those that it has.
            weights: the traffic; None to keep it where it is.
        """
        there = app.as_dict(exclude_readonly=True) if app is not None else None
        ours = keys.secrets if keys else []
        held = self.secrets() if app is not None else []
        others = [one for one in held if one["name"] not in {one["name"] for one in ours}]
        body = container_app(
            there,
            template or (there or {})["properties"]["template"],
            [*others, *ours],
            traffic(revisions, traffic_of(app)) if weights is None else weights,
            self._settings,
        )
        with self._operation("deploying" if template else "changing") as run:
            run(self._client.container_apps.begin_create_or_update(self._group, self.name, body))  # type: ignore[call-overload]

    def delete(self) -> None:
        """Remove the app; does nothing if there is none."""
        with suppress(NotFound), self._operation("removing") as run:
            run(self._client.container_apps.begin_delete(self._group, self.name))

    def secrets(self) -> list[dict[str, Any]]:
        """All secrets with their values, which Container Apps shows, unlike Container Instances."""
        with translated(self._context("reading the secrets of")):
            found = self._client.container_apps.list_secrets(self._group, self.name)
        return [one.as_dict() for one in found.value or []]

    def revisions(self) -> list[Revision]:
        """Those of versions, the oldest first; none without an app."""
        found = or_none(
            self._context("listing the revisions of"), lambda: list(self._revisions.list_revisions(*self._path()))
        )
        return read_revisions(found or [])

    def replicas(self, revision: Revision) -> list[Any]:
        """What runs of a revision; none while it is scaled to zero."""
        listing = self._client.container_apps_revision_replicas.list_replicas
        found = or_none(self._context("looking at", revision), lambda: listing(*self._path(revision)))
        return list(found.value or []) if found else []

    def log(self, revision: Revision) -> list[str]:
        """The last lines of a replica; without one, what Azure says about the revision."""
        with translated(self._context("reading the log of", revision)):
            lines = read_log(self._client, self._group, self.name, self.replicas(revision))
        return lines or [line for line in [revision.trouble] if line]

    def activate(self, revision: Revision) -> None:
        """Let an ended revision run again."""
        with translated(self._context("starting", revision)):
            self._revisions.activate_revision(*self._path(revision))

    def deactivate(self, revision: Revision) -> None:
        """End a revision; it keeps its address."""
        with suppress(NotFound), translated(self._context("stopping", revision)):
            self._revisions.deactivate_revision(*self._path(revision))

    def restart(self, revision: Revision) -> None:
        """Let a revision read its secrets anew."""
        with translated(self._context("restarting", revision)):
            self._revisions.restart_revision(*self._path(revision))

    @cached_property
    def _client(self) -> ContainerAppsAPIClient:
        from azure.mgmt.appcontainers import ContainerAppsAPIClient

        options = management_options(self._settings)
        return ContainerAppsAPIClient(api_version=API_VERSION, polling_interval=POLL_SECONDS, **options)

    @property
    def _revisions(self) -> Any:
        return self._client.container_apps_revisions

    @contextmanager
    def _operation(self, what: str) -> Iterator[Any]:
        where = self._context(what)
        with translated(where):
            yield lambda begun: wait_for(begun, where, OPERATION_SECONDS)

    def _path(self, revision: Revision | None = None) -> tuple[str, ...]:
        return (self._group, self.name) if revision is None else (self._group, self.name, revision.name)

    def _context(self, what: str, revision: Revision | None = None) -> str:
        app = f"resourceGroups/{self._group}/providers/Microsoft.App/containerApps/{self.name}"
        return f"{what} {app}" if revision is None else f"{what} {app}/revisions/{revision.name}"


def traffic_of(app: ContainerApp | None) -> list[dict[str, Any]]:
    """The traffic as the app has it; none without an app."""
    configuration = app.properties.configuration if app is not None and app.properties else None
    ingress = configuration.ingress if configuration else None
    return [one.as_dict() for one in (ingress.traffic or [])] if ingress else []

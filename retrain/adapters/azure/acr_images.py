"""The images of a model in a container registry: listed and removed by the registry's own interface.

Source: the REST reference of Azure Container Registry, `Manifests - Get List` and `Manifests - Delete`, and
`AAD-OAuth.md` of github.com/Azure/acr for its tokens: one of Azure is exchanged for one of the registry, and that
for one of what is to be done in a repository.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.credentials import sign_in
from retrain.adapters.azure.rest import Rest, arm, resource_group
from retrain.adapters.azure.roles import missing_role
from retrain.errors import AccessDenied, NotFound, RetrainError, ServiceError
from retrain.ports import StoredImage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from retrain.settings import Settings

REGISTRY_API = "2025-04-01"
PAGE = 500
TAG = re.compile(r"([1-9]\d*)(?:-[0-9a-f]{12})?", re.ASCII)
"""How `ImageBuilder` names its builds: by version, and by version and content."""
READ, DELETE = "metadata_read", "delete"
ROLES = {READ: "AcrPull", DELETE: "AcrDelete"}
WITH_ABAC = "; if it uses ABAC, the role Container Registry Repository Contributor instead"


class RegistryImages:
    """The images of one registry."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = (
            f"{resource_group(settings)}/providers/Microsoft.ContainerRegistry/registries/{settings.azure.registry}"
        )

    def of(self, model: str) -> list[StoredImage]:
        """Those that were built for the model's versions: each of its tags names the same version."""
        found = []
        for manifest in self._manifests(model):
            version = _version(manifest.get("tags") or [])
            if version:
                name, size = f"{model}@{manifest['digest']}", int(manifest.get("imageSize") or 0)
                found.append(StoredImage(name, version, size))
        return found

    def has(self, repository: str, digest: str) -> bool:
        """Whether an image is there; True also if the registry does not tell this identity."""
        try:
            path, what = f"/acr/v1/{repository}/_manifests/{digest}", "looking for an image of"
            self._call("GET", path, what, repository, READ)
        except NotFound:
            return False
        except RetrainError:
            return True
        return True

    def remove(self, image: StoredImage) -> None:
        """Remove one with all its tags; nothing happens if it is gone."""
        repository, _, digest = image.name.partition("@")
        with suppress(NotFound):
            self._call("DELETE", f"/v2/{repository}/manifests/{digest}", "removing an image of", repository, DELETE)

    @cached_property
    def _server(self) -> str:
        found = arm(self._settings).get(self._path, f"looking at {self._path[1:]}", api_version=REGISTRY_API)
        server = str((found.get("properties") or {}).get("loginServer") or "")
        if not server:
            raise ServiceError(f"{self._path[1:]}: Azure names no address of it; look at it in the portal")
        return server

    @cached_property
    def _registry(self) -> Rest:
        return Rest(f"https://{self._server}")

    def _manifests(self, repository: str) -> Iterator[dict[str, Any]]:
        last = ""
        while True:
            query = {"n": str(PAGE), **({"last": last} if last else {})}
            path, what = f"/acr/v1/{repository}/_manifests", "listing the images of"
            try:
                page = self._call("GET", path, what, repository, READ, query).get("manifests") or []
            except NotFound:  # nothing has been built yet
                return
            yield from page
            if len(page) < PAGE:
                return
            last = str(page[-1]["digest"])

    def _call(
        self, method: str, path: str, what: str, repository: str, right: str, query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        where = f"{what} {self._path[1:]}/{repository}"
        try:
            headers = {"Authorization": f"Bearer {self._token(repository, right, where)}"}
            return self._registry.call(method, path, where, query=query or {}, headers=headers)
        except AccessDenied as error:
            advice = missing_role(ROLES[right], self._path[1:])
            raise AccessDenied(f"{where}: refused; {advice}{WITH_ABAC}") from error

    def _token(self, repository: str, right: str, where: str) -> str:
        """A token for this right alone; one without it is given to whoever has no role, and is refused then."""
        azure = sign_in(self._settings.storage.client_id)
        asked = {"service": self._server, "grant_type": "access_token"}
        form = {**asked, "access_token": azure.get_token(f"{self._settings.azure.arm_url}/.default").token}
        refresh = self._registry.call("POST", "/oauth2/exchange", where, form=form)["refresh_token"]
        scope = f"repository:{repository}:{right}"
        form = {**asked, "grant_type": "refresh_token", "scope": scope, "refresh_token": str(refresh)}
        return str(self._registry.call("POST", "/oauth2/token", where, form=form)["access_token"])


def _version(tags: Sequence[str]) -> str:
    """The version that all tags name; empty if they name none, or several."""
    named = [TAG.fullmatch(tag) for tag in tags]
    versions = {found[1] for found in named if found}
    return versions.pop() if all(named) and len(versions) == 1 else ""

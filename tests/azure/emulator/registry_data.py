"""The registry's own interface: tokens for what may be done in a repository, and the list of its manifests.

Source: the REST reference of Azure Container Registry, and `AAD-OAuth.md` of github.com/Azure/acr. Whoever has no
role gets a token all the same, which allows nothing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import jwt

from tests.azure.emulator.access import who_asks
from tests.azure.emulator.identity import LIFETIME_SECONDS, SIGNATURE
from tests.azure.emulator.roles import ACR
from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import REGISTRY_PATH

if TYPE_CHECKING:
    from tests.azure.emulator.world import World

ACTIONS = {"metadata_read": f"{ACR}/pull/read", "delete": f"{ACR}/artifacts/delete"}
TOKENS = ("/oauth2/exchange", "/oauth2/token")
SIZE = 1 << 27


class RegistryData:
    """It answers at the address of Azure Resource Manager."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.routes.add("POST", TOKENS[0], self._exchange, anywhere=True)
        world.routes.add("POST", TOKENS[1], self._token, anywhere=True)
        world.routes.add("GET", "/acr/v1/{repository}/_manifests", self._list, anywhere=True)
        world.routes.add("GET", "/acr/v1/{repository}/_manifests/{digest}", self._get, anywhere=True)
        world.routes.add("DELETE", "/v2/{repository}/manifests/{digest}", self._delete, anywhere=True)

    def _exchange(self, request: Request) -> Response:
        form = _form(request)
        who = who_asks({"Authorization": f"Bearer {form.get('access_token', '')}"})
        if form.get("grant_type") != "access_token" or not form.get("service") or not who:
            return _refused(401, "UNAUTHORIZED", "authentication required")
        return Response(200, {"refresh_token": _signed(oid=who, grant_type="refresh_token")})

    def _token(self, request: Request) -> Response:
        form = _form(request)
        claims = _claims(form.get("refresh_token", ""))
        if form.get("grant_type") != "refresh_token" or claims.get("grant_type") != "refresh_token":
            return _refused(401, "UNAUTHORIZED", "authentication required")
        _, name, asked = form["scope"].split(":")
        access, who = self._world.switches.access, claims["oid"]
        allowed = [right for right in asked.split(",") if access.allows(who, ACTIONS[right], REGISTRY_PATH)]
        granted = [] if self._world.switches.abac else [{"name": name, "actions": allowed}]
        return Response(200, {"access_token": _signed(oid=claims["oid"], access=granted)})

    def _list(self, request: Request, repository: str) -> Response:
        if not _may(request, repository, "metadata_read"):
            return _refused(401, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization")
        found = self._world.images.of(repository)
        if not found:
            return _refused(404, "NAME_UNKNOWN", "repository name not known to registry")
        last, most = request.query.get("last", ""), int(request.query.get("n", "100"))
        page = [digest for digest in sorted(found) if digest > last][:most]
        manifests = [{"digest": digest, "imageSize": SIZE, "tags": found[digest]} for digest in page]
        return Response(200, {"imageName": repository, "manifests": manifests})

    def _get(self, request: Request, repository: str, digest: str) -> Response:
        if not _may(request, repository, "metadata_read"):
            return _refused(401, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization")
        found = self._world.images.of(repository)
        if digest not in found:
            return _refused(404, "MANIFEST_UNKNOWN", "manifest is not known to registry")
        return Response(200, {"manifest": {"digest": digest, "imageSize": SIZE, "tags": found[digest]}})

    def _delete(self, request: Request, repository: str, digest: str) -> Response:
        if not _may(request, repository, "delete"):
            return _refused(401, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization")
        if not self._world.images.remove(repository, digest):
            return _refused(404, "MANIFEST_UNKNOWN", "manifest is not found")
        return Response(202)


def _form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def _signed(**claims: Any) -> str:
    return jwt.encode({**claims, "exp": int(time.time()) + LIFETIME_SECONDS}, SIGNATURE, algorithm="HS256")


def _claims(token: str) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, SIGNATURE, algorithms=["HS256"]))
    except jwt.PyJWTError:
        return {}


def _may(request: Request, repository: str, right: str) -> bool:
    headers = {name.lower(): value for name, value in request.headers.items()}
    access = _claims(headers.get("authorization", "").removeprefix("Bearer ")).get("access") or []
    return any(one["name"] == repository and right in one["actions"] for one in access)


def _refused(status: int, code: str, message: str) -> Response:
    return Response(status, {"errors": [{"code": code, "message": message}]})

"""A Key Vault: secrets with versions, soft delete, and the challenge by which clients learn whom to sign in to."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.azure.emulator.access import who_asks
from tests.azure.emulator.identity import TENANT
from tests.azure.emulator.roles import SECRETS
from tests.azure.emulator.web import Request, Response, Server
from tests.azure.emulator.world import PROVIDERS

if TYPE_CHECKING:
    from tests.azure.emulator.tls import Certificate
    from tests.azure.emulator.world import Switches

SECRET = re.compile(r"/(secrets|deletedsecrets)/([0-9A-Za-z-]+)(?:/([0-9a-z]+))?/?")
VAULT_PATH = f"{PROVIDERS}Microsoft.KeyVault/vaults/vault"
ACTIONS = {
    "GET": "getSecret/action",
    "PUT": "setSecret/action",
    "PATCH": "update/action",
    "DELETE": "delete",
    "recover": "recover/action",
}
CHALLENGE = f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", resource="https://vault.azure.net"'


@dataclass
class _Secret:
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: bool = False


class KeyVault:
    """One vault; `refuses` answers 403 to every call, as without a role.

    Attributes:
        recovers: whether a recovery that it accepts ever ends.
        deletes: whether a deletion that it accepts ever ends.
        purging: how many writes it refuses yet, because the purge of that name is not over.
    """

    def __init__(self, switches: Switches, certificate: Certificate) -> None:
        self._switches, self._server = switches, Server(certificate)
        self.secrets: dict[str, _Secret] = {}
        self.url = f"https://localhost:{self._server.port}"
        self.calls: list[str] = []
        self.recovers = self.deletes = True
        self.purging = 0
        self._server.start(self._answer)

    def close(self) -> None:
        """Answer no more."""
        self._server.close()

    def values(self, name: str) -> list[str]:
        """Every value that a secret had, the oldest first, with those that are disabled left out."""
        found = self.secrets[name].versions.values()
        return [one["value"] for one in found if one["attributes"]["enabled"]]

    def _answer(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not headers.get("authorization", "").startswith("Bearer "):
            return Response(401, _error("Unauthorized", "no token"), {"WWW-Authenticate": CHALLENGE})
        self.calls.append(f"{request.method} {request.path}")
        if self._switches.vault_refuses or not self._may(request):
            return Response(403, _error("Forbidden", "Caller is not authorized to perform action on resource."))
        match = SECRET.fullmatch(request.path)
        if match is None:
            return _missing(request.path)
        kind, name, last = match.groups()
        if kind == "deletedsecrets":
            return self._deleted(request, name, last)
        return self._put(request, name) if request.method == "PUT" else self._alive(request, name, last)

    def _may(self, request: Request) -> bool:
        """Whether whoever asks has a role for it on the vault."""
        what = ACTIONS.get(request.path.rpartition("/")[2]) or ACTIONS[request.method]
        return self._switches.access.allows(who_asks(request.headers), f"{SECRETS}/{what}", VAULT_PATH)

    def _put(self, request: Request, name: str) -> Response:
        if self.purging:
            self.purging -= 1
            return Response(409, _error("Conflict", f"Secret {name} is currently being deleted."))
        found = self.secrets.setdefault(name, _Secret())
        if found.deleted:
            return Response(
                409, _error("Conflict", f"Secret {name} is currently in a deleted but recoverable state")
            )
        version, now = secrets.token_hex(16), int(time.time())
        attributes = {"enabled": True, "created": now, "updated": now, "recoveryLevel": "Recoverable+Purgeable"}
        bundle = {"value": request.json["value"], "id": f"{self.url}/secrets/{name}/{version}"}
        found.versions[version] = {**bundle, "attributes": attributes}
        return Response(200, found.versions[version])

    def _alive(self, request: Request, name: str, version: str | None) -> Response:
        found = self.secrets.get(name)
        if found is None or found.deleted or (version and version not in found.versions):
            return _missing(request.path)
        if request.method == "DELETE":
            found.deleted = True
            return self._bundle(name)
        one = found.versions[version or list(found.versions)[-1]]
        if request.method == "PATCH":
            one["attributes"].update(request.json["attributes"])
            return Response(200, {name: value for name, value in one.items() if name != "value"})
        if not one["attributes"]["enabled"]:
            return Response(403, _error("Forbidden", "Operation get is not allowed on a disabled secret."))
        return Response(200, one)

    def _deleted(self, request: Request, name: str, action: str | None) -> Response:
        found = self.secrets.get(name)
        if found is None or not found.deleted or (request.method == "GET" and not self.deletes):
            return _missing(request.path)
        if request.method == "POST" and action == "recover":
            found.deleted = not self.recovers
            return Response(200, {"id": f"{self.url}/secrets/{name}", "attributes": {"enabled": True}})
        if request.method == "DELETE":
            del self.secrets[name]
            return Response(204)
        return self._bundle(name)

    def _bundle(self, name: str) -> Response:
        place = {"id": f"{self.url}/secrets/{name}", "recoveryId": f"{self.url}/deletedsecrets/{name}"}
        now = int(time.time())
        return Response(
            200, {**place, "deletedDate": now, "scheduledPurgeDate": now + 1, "attributes": {"enabled": True}}
        )


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _missing(path: str) -> Response:
    return Response(404, _error("SecretNotFound", f"A secret with {path} was not found in this key vault."))

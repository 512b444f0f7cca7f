"""Who signs in: the managed identity endpoint of an App Service, and a person by `az`.

The tokens are real in form, signed by nobody who matters.
"""

from __future__ import annotations

import secrets
import sys
import time
from typing import TYPE_CHECKING

import jwt

from tests.azure.emulator.web import HOST, Request, Response, Server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.azure.emulator.world import Switches

TENANT = "00000000-0000-0000-0000-0000000000aa"
SIGNATURE = "nobody checks the signature of a loopback"
LIFETIME_SECONDS = 3600
API_VERSION = "2019-08-01"
PERSON = "22222222-2222-2222-2222-222222222222"
"""The object id of whoever is signed in by `az`."""
AZ = """#!{python} -IS
import socket, sys
where = "/msi/token?person=1&resource=" + sys.argv[sys.argv.index("--resource") + 1]
with socket.create_connection(("{host}", {port})) as line:
    line.sendall(("GET " + where + " HTTP/1.0\\r\\nX-Identity-Header: {header}\\r\\n\\r\\n").encode())
    head, _, found = b"".join(iter(lambda: line.recv(65536), b"")).decode().partition("\\r\\n\\r\\n")
if head.split()[1] != "200":
    sys.exit("ERROR: Please run 'az login' to setup account.")
print(found)
"""
"""It starts once for every token, so it imports little: a client of HTTP would take twice as long as the rest."""


class IdentityEndpoint:
    """Answers who knows the header, as long as an identity is granted."""

    def __init__(self, switches: Switches) -> None:
        self._switches, self._header = switches, secrets.token_hex(16)
        self._server = Server()
        self._server.start(self._answer)
        url = f"http://{HOST}:{self._server.port}/msi/token"
        self.environment = {"IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": self._header}

    def install_az(self, folder: Path) -> Path:
        """Write an `az` that gives a person's tokens, as the genuine one prints them, into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        tool = folder / "az"
        tool.write_text(AZ.format(python=sys.executable, host=HOST, port=self._server.port, header=self._header))
        tool.chmod(0o755)
        return tool

    def close(self) -> None:
        """Answer no more."""
        self._server.close()

    def _answer(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        resource = request.query.get("resource", "")
        if headers.get("x-identity-header") != self._header:
            return Response(401, {"statusCode": 401, "message": "the identity header is wrong"})
        if request.query.get("person"):
            return self._persons(resource)
        if not self._switches.granted or request.query.get("api-version") != API_VERSION or not resource:
            return Response(400, {"statusCode": 400, "error": "invalid_request", "message": "Identity not found"})
        client = request.query.get("client_id", "system")
        now = int(time.time())
        return Response(
            200,
            {
                "access_token": token(resource, client, now),
                "expires_on": str(now + LIFETIME_SECONDS),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": client,
            },
        )

    def _persons(self, resource: str) -> Response:
        """What `az` prints."""
        now = int(time.time())
        if not self._switches.signed_in:
            return Response(401, {"error": "nobody is signed in"})
        return Response(200, {"accessToken": token(resource, PERSON, now), "expires_on": now + LIFETIME_SECONDS})


def token(resource: str, client: str, now: int) -> str:
    """A token for a resource: storage and the SDKs read its claims."""
    claims = {
        "aud": resource,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "tid": TENANT,
        "oid": client,
        "appid": client,
        "iat": now,
        "nbf": now - 60,
        "exp": now + LIFETIME_SECONDS,
    }
    return jwt.encode(claims, SIGNATURE, algorithm="HS256")

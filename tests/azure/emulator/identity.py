"""The managed identity endpoint of an App Service: real tokens in form, signed by nobody who matters."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import jwt

from tests.azure.emulator.web import HOST, Request, Response, Server

if TYPE_CHECKING:
    from tests.azure.emulator.world import Switches

TENANT = "00000000-0000-0000-0000-0000000000aa"
SIGNATURE = "nobody checks the signature of a loopback"
LIFETIME_SECONDS = 3600
API_VERSION = "2019-08-01"


class IdentityEndpoint:
    """Answers who knows the header, as long as an identity is granted."""

    def __init__(self, switches: Switches) -> None:
        self._switches, self._header = switches, secrets.token_hex(16)
        self._server = Server()
        self._server.start(self._answer)
        self.environment = {
            "IDENTITY_ENDPOINT": f"http://{HOST}:{self._server.port}/msi/token",
            "IDENTITY_HEADER": self._header,
        }

    def close(self) -> None:
        """Answer no more."""
        self._server.close()

    def _answer(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        resource = request.query.get("resource", "")
        if headers.get("x-identity-header") != self._header:
            return Response(401, {"statusCode": 401, "message": "the identity header is wrong"})
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

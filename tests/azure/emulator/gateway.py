"""What stands before the deployments of an endpoint: it asks for the key and picks who answers."""

from __future__ import annotations

import http.client
import re
from typing import TYPE_CHECKING, Protocol

from tests.azure.emulator.web import HOST, Request, Response, Server

if TYPE_CHECKING:
    from tests.azure.emulator.container import Container

PATH = re.compile(r"/endpoints/([^/]+)(/.*)?")
SECONDS = 60
# Of one connection only.
HOP = {"host", "connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade", "server", "date"}


class Behind(Protocol):
    """What the gateway has to know."""

    def key_of(self, endpoint: str) -> str | None: ...
    def target(self, endpoint: str, deployment: str | None) -> Container | None: ...


class Gateway:
    """One plain HTTP listener for all endpoints."""

    def __init__(self, behind: Behind) -> None:
        self._behind, self._server = behind, Server()
        self._server.start(self._answer)

    def address(self, endpoint: str, path: str) -> str:
        """Where an endpoint's path is."""
        return f"http://{HOST}:{self._server.port}/endpoints/{endpoint}/{path.lstrip('/')}"

    def close(self) -> None:
        """Answer no more."""
        self._server.close()

    def _answer(self, request: Request) -> Response:
        match = PATH.fullmatch(request.path)
        headers = {name.lower(): value for name, value in request.headers.items()}
        key = self._behind.key_of(match[1]) if match else None
        if match is None or key is None:
            return _refused(404, "no such endpoint")
        if headers.get("authorization") != f"Bearer {key}":
            return _refused(401, "key_auth_bad_header_no_auth")
        container = self._behind.target(match[1], headers.pop("azureml-model-deployment", None))
        if container is None:
            return _refused(404, "There's no valid deployment with a positive traffic weight.")
        return _forward(request, match[2] or "/", headers, container)


def _forward(request: Request, path: str, headers: dict[str, str], container: Container) -> Response:
    connection = http.client.HTTPConnection(HOST, container.launch.port, timeout=SECONDS)
    sent = {name: value for name, value in headers.items() if name not in HOP}
    try:
        connection.request(request.method, path, body=request.body or None, headers=sent)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as exc:
        return _refused(502, f"the deployment does not answer: {exc}")
    finally:
        connection.close()
    kept = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
    kept["azureml-model-deployment"] = container.launch.name.partition("/")[2]
    if answer.status == http.HTTPStatus.OK:
        return Response(200, body, kept)
    # Azure answers 424 for whatever a container says that is not 200, and tells in headers what it was.
    told = {
        "ms-azureml-model-error-statuscode": str(answer.status),
        "ms-azureml-model-error-reason": "model_error",
    }
    return Response(424, body, {**kept, **told})


def _refused(status: int, message: str) -> Response:
    return Response(status, {"error": {"code": str(status), "message": message}})

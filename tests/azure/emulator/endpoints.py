"""Azure ML's online endpoints: one address and key, and deployments behind it that really run."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from retrain.adapters.local.process import free_port
from retrain.poll import poll
from tests.azure.emulator.container import Container
from tests.azure.emulator.documents import set_state
from tests.azure.emulator.gateway import Gateway
from tests.azure.emulator.machine_learning import WORKSPACES
from tests.azure.emulator.operations import RETRY_AFTER_WHOLE
from tests.azure.emulator.probes import Probe, probes_of_deployment
from tests.azure.emulator.routes import ArmError, not_found
from tests.azure.emulator.services import Launch
from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import WORKSPACE_PATH

if TYPE_CHECKING:
    from pathlib import Path

    from tests.azure.emulator.documents import Document
    from tests.azure.emulator.world import World

READY_SECONDS = 60  # a scoring process is ready in two on an idle machine
RESOURCES = {
    "containerResourceRequests": {"cpu": "1", "memory": "1Gi"},
    "containerResourceLimits": {"cpu": "2", "memory": "2Gi"},
}


class Endpoints:
    """The endpoints, their keys, and the containers of their deployments."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys: dict[str, dict[str, str]] = {}
        self._containers: dict[tuple[str, str], Container] = {}
        self._gateway = Gateway(self)
        add, endpoint = world.routes.add, f"{WORKSPACES}/onlineEndpoints/{{endpoint}}"
        add("PUT", endpoint, self._put)
        add("GET", endpoint, self._get)
        add("DELETE", endpoint, self._delete)
        add("GET", f"{WORKSPACES}/onlineEndpoints", self._list)
        add("POST", f"{endpoint}/listKeys", self._list_keys)
        deployment = f"{endpoint}/deployments/{{name}}"
        add("PUT", deployment, self._put_deployment)
        add("GET", deployment, self._get)
        add("DELETE", deployment, self._delete_deployment)
        add("GET", f"{endpoint}/deployments", self._list)
        add("POST", f"{deployment}/getLogs", self._logs)

    def containers(self) -> list[Container]:
        """All that were started and not removed."""
        return list(self._containers.values())

    def key_of(self, endpoint: str) -> str | None:
        """What callers present; None if there is no such endpoint."""
        return self._keys.get(endpoint.lower(), {}).get("primaryKey")

    def target(self, endpoint: str, deployment: str | None) -> Container | None:
        """The deployment that answers: the one that is named, else the one with most of the traffic."""
        document = self._world.documents.find(_path(endpoint)) or {"properties": {}}
        traffic = document["properties"].get("traffic") or {}
        name = deployment or max(traffic, key=traffic.__getitem__, default="")
        served = deployment or traffic.get(name)
        return self._containers.get((endpoint.lower(), name.lower())) if served else None

    def close(self) -> None:
        """End everything."""
        self._gateway.close()
        self.stop_services()

    def stop_services(self) -> None:
        """End every deployment's container."""
        for key in list(self._containers):
            self._containers.pop(key).stop()

    def _get(self, request: Request, **_: str) -> Response:
        return Response(200, self._world.documents.get(request.path))

    def _list(self, request: Request, **_: str) -> Response:
        return Response(200, {"value": self._world.documents.children(request.path)})

    def _list_keys(self, request: Request, endpoint: str) -> Response:
        if self.key_of(endpoint) is None:
            raise not_found(request.path)
        return Response(200, self._keys[endpoint.lower()])

    def _put(self, request: Request, endpoint: str) -> Response:
        path, body = request.path, request.json
        properties = body["properties"]
        self._check_traffic(endpoint, properties.get("traffic") or {})
        given = properties.pop("keys", None) or {}
        made = {name: given.get(name) or secrets.token_urlsafe(32) for name in ("primaryKey", "secondaryKey")}
        self._keys.setdefault(endpoint.lower(), made)
        uri = self._gateway.address(endpoint, "score")
        own = {"swaggerUri": f"{uri}/swagger.json", "provisioningState": "Creating"}
        with self._world.documents.lock:
            there = self._world.documents.find(path)
            kept = there["properties"]["scoringUri"] if there else uri
            shown = {**body, "properties": {"traffic": {}, **properties, **own, "scoringUri": kept}}
            document, new = self._world.documents.put(path, shown)
        headers = self._world.operations.start(path, lambda: None, lambda state: self._set(path, state))
        return Response(201 if new else 200, document, headers)

    def _check_traffic(self, endpoint: str, traffic: dict[str, int]) -> None:
        names = {each["name"] for each in self._world.documents.children(f"{_path(endpoint)}/deployments")}
        if unknown := sorted(set(traffic) - names):
            raise ArmError(400, "BadArgument", f"Deployment {unknown[0]} of the traffic does not exist")
        if sum(traffic.values()) not in (0, 100):
            raise ArmError(400, "BadArgument", f"The traffic adds up to {sum(traffic.values())}, not to 0 or 100")

    def _delete(self, request: Request, endpoint: str) -> Response:
        path = request.path
        if self._world.documents.find(path) is None:
            return Response(204)
        deployments = self._world.documents.children(f"{path}/deployments")

        def work() -> None:
            for deployment in deployments:
                self._stop(endpoint, deployment["name"])
            self._keys.pop(endpoint.lower(), None)

        return self._removed(path, work)

    def _put_deployment(self, request: Request, endpoint: str, name: str) -> Response:
        path, body = request.path, request.json
        self._world.documents.get(_path(endpoint))
        # The service fills these in, and the SDK's deserializer breaks without them.
        filled = {"scaleSettings": {"scaleType": "Default"}, "containerResourceRequirements": RESOURCES}
        properties = {**filled, **body["properties"], "provisioningState": "Creating"}
        document, new = self._world.documents.put(path, {**body, "properties": properties})
        headers = self._world.operations.start(
            path, lambda: self._start(endpoint, name, body), lambda state: self._set(path, state)
        )
        return Response(201 if new else 200, document, headers)

    def _delete_deployment(self, request: Request, endpoint: str, name: str) -> Response:
        if self._world.documents.find(request.path) is None:
            return Response(204)
        traffic = self._world.documents.get(_path(endpoint))["properties"].get("traffic") or {}
        if traffic.get(name):
            message = f"Deployment {name} serves {traffic[name]} % of the traffic; set it to 0 before deleting it."
            raise ArmError(400, "BadRequest", message)
        return self._removed(request.path, lambda: self._stop(endpoint, name))

    def _logs(self, request: Request, endpoint: str, name: str) -> Response:
        self._world.documents.get(f"{_path(endpoint)}/deployments/{name}")
        container = self._containers.get((endpoint.lower(), name.lower()))
        lines = (request.json or {}).get("tail")
        return Response(200, {"content": container.log(lines) if container else ""})

    def _removed(self, path: str, work: Any) -> Response:
        self._world.documents.change(path, set_state("Deleting"))

        def settle(state: str) -> None:
            if state == "Succeeded":
                self._world.documents.remove(path)
            else:
                self._set(path, "Succeeded")

        return Response(202, None, {**self._world.operations.start(path, work, settle), **RETRY_AFTER_WHOLE})

    def _set(self, path: str, state: str) -> None:
        self._world.documents.change(path, set_state(state))

    def _start(self, endpoint: str, name: str, body: Document) -> None:
        self._stop(endpoint, name)
        properties = body["properties"]
        identifier = (properties.get("environmentId") or "").removeprefix("azureml:")
        environment = self._world.documents.get(identifier)["properties"]
        inference = environment.get("inferenceConfig") or {}
        container = Container(
            Launch(
                f"{endpoint}/{name}",
                self._image(environment),
                self._world.folder / "endpoints" / endpoint / name,
                free_port(),
                {key: str(value) for key, value in (properties.get("environmentVariables") or {}).items()},
                self._world.runner,
                tamper=dict(self._world.switches.tamper),
            ),
            probes_of_deployment(properties, inference),
            "Always",
            self._world.timeline.note,
        )
        self._containers[endpoint.lower(), name.lower()] = container
        container.start()
        self._await_ready(container, inference)
        route = (inference.get("scoringRoute") or {}).get("path") or "/score"
        self._address(endpoint, route)

    def _image(self, environment: dict[str, Any]) -> Path:
        image = self._world.images.folder_of(environment.get("image") or "")
        if image is None:
            raise ArmError(400, "ImageBuildFailure", f"Unable to pull image {environment.get('image')}")
        return image

    def _await_ready(self, container: Container, inference: dict[str, Any]) -> None:
        """A deployment succeeds when its container is ready, and not before.

        Raises: ArmError if that never happens; the container is ended then, and its log kept.
        """
        route = inference.get("readinessRoute") or inference.get("livenessRoute") or {}
        probe = Probe("Readiness", route.get("path") or "/")
        for _ in poll(READY_SECONDS):
            if probe.miss(container.launch) is None:
                return
            if container.view()["restartCount"] > 1:
                break
        container.stop()
        message = "User container has crashed or terminated. Please see its log."
        raise ArmError(400, "ResourceNotReady", message)

    def _address(self, endpoint: str, route: str) -> None:
        def change(document: Document) -> None:
            # The first deployment decides: clients keep the address when others come.
            if document["properties"]["scoringUri"] == self._gateway.address(endpoint, "score"):
                document["properties"]["scoringUri"] = self._gateway.address(endpoint, route)

        self._world.documents.change(_path(endpoint), change)

    def _stop(self, endpoint: str, name: str) -> None:
        container = self._containers.pop((endpoint.lower(), name.lower()), None)
        if container is not None:
            container.stop()


def _path(endpoint: str) -> str:
    return f"{WORKSPACE_PATH}/onlineEndpoints/{endpoint}"

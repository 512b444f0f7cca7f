"""ACI: container groups of one container each, whose processes really run."""

from __future__ import annotations

import base64
import copy
from typing import TYPE_CHECKING, Any

from retrain.adapters.local.process import free_port
from tests.azure.emulator.container import Container
from tests.azure.emulator.documents import set_state
from tests.azure.emulator.probes import probes_of
from tests.azure.emulator.routes import ArmError, not_found
from tests.azure.emulator.services import Launch
from tests.azure.emulator.standing import PULLER
from tests.azure.emulator.web import HOST, Request, Response
from tests.azure.emulator.world import PROVIDERS, PULL, PULL_IDENTITY, REGISTRY_PATH

if TYPE_CHECKING:
    from tests.azure.emulator.documents import Document
    from tests.azure.emulator.world import World

TRANSITIONS = ("Pending", "Creating", "Updating", "Deleting")


class ContainerInstances:
    """The groups and their containers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.containers: dict[str, Container] = {}
        groups = "Microsoft.ContainerInstance/containerGroups"
        world.routes.add("PUT", f"{groups}/{{name}}", self._put)
        world.routes.add("GET", f"{groups}/{{name}}", self._get)
        world.routes.add("PATCH", f"{groups}/{{name}}", self._patch)
        world.routes.add("DELETE", f"{groups}/{{name}}", self._delete)
        world.routes.add("GET", groups, self._list)
        world.routes.add("GET", f"{groups}/{{name}}/containers/{{container}}/logs", self._logs)

    def close(self) -> None:
        """End every container."""
        for name in list(self.containers):
            self.containers.pop(name).stop()

    def _put(self, request: Request, name: str) -> Response:
        path, body = _path(name), request.json
        if not body.get("location") or not body["properties"].get("containers"):
            raise ArmError(400, "InvalidRequestContent", "location and containers are required")
        shown = public(body)
        shown["properties"]["provisioningState"] = "Creating"
        with self._world.documents.lock:
            self._settled(path)
            self._updatable(path, shown)
            document, new = self._world.documents.put(path, shown)

        def settle(state: str) -> None:
            self._world.documents.change(path, set_state(state))

        headers = self._world.operations.start(path, lambda: self._start(name, body), settle)
        return Response(201 if new else 200, document, headers)

    def _get(self, _request: Request, name: str) -> Response:
        document = self._world.documents.get(_path(name))
        self._look(document, name)
        return Response(200, document)

    def _list(self, _request: Request) -> Response:
        groups = self._world.documents.children(_path("").rstrip("/"))
        for document in groups:
            self._address(document, document["name"])
        return Response(200, {"value": groups})

    def _patch(self, request: Request, name: str) -> Response:
        tags = (request.json or {}).get("tags") or {}
        self._world.documents.change(_path(name), lambda document: document.update(tags=tags))
        return self._get(request, name)

    def _delete(self, _request: Request, name: str) -> Response:
        path = _path(name)
        with self._world.documents.lock:
            if self._world.documents.find(path) is None:
                return Response(204)
            self._settled(path)
            document = self._world.documents.change(path, set_state("Deleting"))

        def settle(state: str) -> None:
            if state == "Succeeded":
                self._world.documents.remove(path)
            else:
                self._world.documents.change(path, set_state("Succeeded"))

        # A name of its own, so that a fault may strike a creation and spare the removal.
        headers = self._world.operations.start(f"{path}/removal", lambda: self._stop(name), settle)
        return Response(202, document, headers)

    def _logs(self, request: Request, name: str, container: str) -> Response:
        document = self._world.documents.get(_path(name))
        if all(each["name"] != container for each in document["properties"]["containers"]):
            raise not_found(request.path)
        running = self.containers.get(name.lower())
        lines = int(request.query.get("tail", "0")) or None
        return Response(200, {"content": running.log(lines) if running else ""})

    def _settled(self, path: str) -> None:
        document = self._world.documents.find(path)
        if document and document["properties"]["provisioningState"] in TRANSITIONS:
            message = f"The container group '{document['name']}' is still transitioning, please retry later."
            raise ArmError(409, "ContainerGroupTransitioning", message)

    def _updatable(self, path: str, wanted: Document) -> None:
        """A group that failed cannot be updated, nor can its size or its network: it has to be removed first."""
        there = self._world.documents.find(path)
        if there is None:
            return
        fixed = [
            [group["properties"]["containers"][0]["properties"]["resources"], group["properties"].get("subnetIds")]
            for group in (there, wanted)
        ]
        if there["properties"]["provisioningState"] == "Failed" or fixed[0] != fixed[1]:
            raise ArmError(
                400, "InvalidContainerGroupUpdate", f"Container group '{there['name']}' cannot be updated."
            )

    def _start(self, name: str, body: Document) -> None:
        self._stop(name)
        properties = body["properties"]
        asked = properties["containers"][0]["properties"]
        image = self._world.images.folder_of(asked["image"])
        if image is None or not may_pull(body) or not self._has_pull_role(body):
            message = f"The image '{asked['image']}' in container group '{name}' is not accessible."
            raise ArmError(400, "InaccessibleImage", f"{message} Please check the image and registry credential.")
        launch = Launch(
            name,
            image,
            self._world.folder / "containers" / name,
            free_port(),
            variables_of(asked.get("environmentVariables") or []),
            self._world.runner,
            volumes_of(properties, asked),
            dict(self._world.switches.tamper),
        )
        policy = properties.get("restartPolicy") or "Always"
        container = Container(launch, probes_of(asked), policy, self._world.timeline.note)
        self.containers[name.lower()] = container
        container.start()

    def _has_pull_role(self, body: Document) -> bool:
        """Whether an identity of the group may pull from the registry."""
        pulls = [name for name in body["identity"]["userAssignedIdentities"] if name.endswith(f"/{PULL_IDENTITY}")]
        return bool(pulls) and self._world.switches.access.allows(PULLER, PULL, REGISTRY_PATH)

    def _stop(self, name: str) -> None:
        container = self.containers.pop(name.lower(), None)
        if container is not None:
            container.stop()

    def _look(self, document: Document, name: str) -> None:
        self._address(document, name)
        container, properties = self.containers.get(name.lower()), document["properties"]
        if container is None:
            properties["instanceView"] = {"state": "Pending" if _coming(document) else "Failed", "events": []}
            return
        view = container.view()
        properties["instanceView"] = {"state": container.state, "events": view["events"]}
        properties["containers"][0]["properties"]["instanceView"] = view

    def _address(self, document: Document, name: str) -> None:
        container, properties = self.containers.get(name.lower()), document["properties"]
        if "ipAddress" not in properties:
            return
        address = properties["ipAddress"]
        for field in ("ip", "fqdn"):
            address.pop(field, None)
        if container is None or self._world.switches.aci_without_address:
            return
        address.update(ip=HOST, ports=[{"protocol": "TCP", "port": container.launch.port}])
        if address.get("type") != "Private" and not properties.get("subnetIds"):
            address["fqdn"] = "localhost"


def _path(name: str) -> str:
    return f"{PROVIDERS}Microsoft.ContainerInstance/containerGroups/{name}"


def _coming(document: Document) -> bool:
    return document["properties"]["provisioningState"] in TRANSITIONS


def may_pull(body: Document) -> bool:
    """Whether a user-assigned identity is there, and named for the registry: nothing else can pull."""
    assigned = {name.lower() for name in (body.get("identity") or {}).get("userAssignedIdentities") or {}}
    credentials = body["properties"].get("imageRegistryCredentials") or []
    return bool(assigned) and any((each.get("identity") or "").lower() in assigned for each in credentials)


def variables_of(listed: list[dict[str, str]]) -> dict[str, str]:
    """Environment variables, the secret ones too."""
    return {each["name"]: str(each.get("secureValue", each.get("value", ""))) for each in listed}


def volumes_of(properties: dict[str, Any], asked: dict[str, Any]) -> dict[str, dict[str, bytes]]:
    """The files of each secret volume by where it is mounted."""
    secrets = {each["name"]: each.get("secret") or {} for each in properties.get("volumes") or []}
    return {
        mount["mountPath"]: {name: base64.b64decode(data) for name, data in secrets[mount["name"]].items()}
        for mount in asked.get("volumeMounts") or []
    }


def public(body: Document) -> Document:
    """What may be read back of a group: no secret ever."""
    shown = copy.deepcopy(body)
    for container in shown["properties"]["containers"]:
        for variable in container["properties"].get("environmentVariables") or []:
            variable.pop("secureValue", None)
    for volume in shown["properties"].get("volumes") or []:
        if "secret" in volume:
            volume["secret"] = {}
    for credential in shown["properties"].get("imageRegistryCredentials") or []:
        credential.pop("password", None)
    return shown

"""Azure ML's assets: a workspace, and versions of models, environments and components that do not change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.azure.emulator.documents import moment
from tests.azure.emulator.routes import ArmError, not_found
from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import LOCATION, PROVIDERS, WORKSPACE, WORKSPACE_PATH

if TYPE_CHECKING:
    from tests.azure.emulator.documents import Document
    from tests.azure.emulator.world import World

WORKSPACES = f"Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"
DATASTORE_URI = re.compile(
    r"azureml://subscriptions/[^/]+/resourcegroups/[^/]+/workspaces/[^/]+/datastores/(\w+)/paths/.", re.IGNORECASE
)
# What of a version can never be another, by the kind of asset.
FIXED = {
    "models": ("modelUri", "modelType"),
    "environments": ("image", "build"),
    "components": ("command", "environment"),
}


class MachineLearning:
    """Everything in the workspace that is only kept."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.documents.put(WORKSPACE_PATH, _workspace(world))
        add = world.routes.add
        add("GET", WORKSPACES, self._get)
        add("GET", "/discovery", self._discover, anywhere=True)
        for kind in FIXED:
            add("PUT", f"{WORKSPACES}/(?P<kind>{kind})/{{name}}/versions/{{version}}", self._put_version)
            add("GET", f"{WORKSPACES}/{kind}/{{name}}/versions/{{version}}", self._get)
            add("GET", f"{WORKSPACES}/{kind}/{{name}}/versions", self._list)
            add("GET", f"{WORKSPACES}/{kind}/{{name}}", self._get)
            add("GET", f"{WORKSPACES}/{kind}", self._list)
        add("PUT", f"{WORKSPACES}/datastores/{{name}}", self._put)
        add("GET", f"{WORKSPACES}/datastores/{{name}}", self._get)
        add("GET", f"{WORKSPACES}/datastores", self._list)
        add("POST", f"{WORKSPACES}/datastores/{{name}}/listSecrets", self._secrets)
        add("GET", f"{WORKSPACES}/computes/{{name}}", self._compute)

    def _discover(self, _request: Request) -> Response:
        keys = ("api", "catalog", "experimentation", "history", "hyperdrive", "modelmanagement", "pipelines")
        return Response(200, dict.fromkeys((*keys, "studio"), self._world.arm_url))

    def _get(self, request: Request, **_: str) -> Response:
        return Response(200, self._world.documents.get(request.path))

    def _list(self, request: Request, **_: str) -> Response:
        found = self._world.documents.children(request.path)
        # The SDK asks for the newest version like this.
        top = int(request.query.get("$top", "0")) or len(found)
        return Response(200, {"value": found[:top]})

    def _put(self, request: Request, **_: str) -> Response:
        document, new = self._world.documents.put(request.path, request.json)
        return Response(201 if new else 200, document)

    def _secrets(self, request: Request, name: str) -> Response:
        if self._world.documents.find(request.path.rpartition("/")[0]) is None:
            raise not_found(request.path)
        raise ArmError(400, "UserError", f"No secrets for credentials of type None: datastore {name}")

    def _compute(self, request: Request, name: str) -> Response:
        """Any compute is there, and a Kubernetes cluster."""
        properties = {"computeType": "Kubernetes", "provisioningState": "Succeeded", "properties": {}}
        where = {"id": request.path, "name": name, "location": LOCATION}
        return Response(200, {**where, "type": f"{WORKSPACES}/computes", "properties": properties})

    def _put_version(self, request: Request, kind: str, name: str, version: str) -> Response:
        body: Document = request.json
        filled: dict[str, Any] = {"provisioningState": "Succeeded"}
        if kind == "models":
            if not DATASTORE_URI.match(body["properties"]["modelUri"]):
                raise ArmError(400, "UserError", f"Invalid URI {body['properties']['modelUri']}")
            store = DATASTORE_URI.match(body["properties"]["modelUri"])
            self._world.documents.get(f"{WORKSPACE_PATH}/datastores/{store[1] if store else ''}")
            # The SDK's deserializer breaks without it.
            filled["flavors"] = {}
        with self._world.documents.lock:
            there = self._world.documents.find(request.path)
            if there is not None and fixed(kind, there) != fixed(kind, body):
                message = f"{kind} {name}:{version} exists already, and a version does not change; use another one."
                raise ArmError(409, "Conflict", message)
            properties = {**filled, **body["properties"]}
            document, new = self._world.documents.put(request.path, {**body, "properties": properties})
        latest = {"latestVersion": version, "nextVersion": None, "isArchived": False}
        self._world.documents.put(request.path.rpartition("/versions/")[0], {"properties": latest})
        self._world.timeline.note(f"{kind} {name}:{version} {'registered' if new else 'updated'}")
        return Response(201 if new else 200, document)


def fixed(kind: str, document: Document) -> list[Any]:
    """What may not change."""
    properties = document["properties"].get("componentSpec") or document["properties"]
    return [properties.get(key) for key in FIXED[kind]]


def _workspace(world: World) -> Document:
    storage = f"{PROVIDERS}Microsoft.Storage/storageAccounts/{world.storage.account}"
    properties = {
        "discoveryUrl": f"{world.arm_url}/discovery",
        "mlFlowTrackingUri": f"azureml://{LOCATION}.api.azureml.ms/mlflow/v1.0{WORKSPACE_PATH}",
        "workspaceId": "00000000-0000-0000-0000-0000000000bb",
        "storageAccount": storage,
        "creationTime": moment(),
        "provisioningState": "Succeeded",
    }
    return {
        "location": LOCATION,
        "kind": "Default",
        "identity": {"type": "SystemAssigned"},
        "properties": properties,
    }

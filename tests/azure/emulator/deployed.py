"""What a deployment leaves: the Function App with settings and keys, the event subscription, the puller's roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.azure.emulator.documents import kind_of
from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import PROVIDERS, REGISTRY

if TYPE_CHECKING:
    from tests.azure.emulator.world import Deployment, World

APP = "retrainer-app"
TOPIC = f"{PROVIDERS}Microsoft.EventGrid/systemTopics/landings"
ROLES = "/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/"


class Deployed:
    """Read only: `switches.deployed` says how it is."""

    def __init__(self, world: World) -> None:
        self._world = world
        add, site = world.routes.add, f"Microsoft.Web/sites/{APP}"
        add("GET", site, self._site)
        add("POST", f"{site}/config/appsettings/list", self._settings)
        add("POST", f"{site}/host/default/listkeys", self._keys)
        add("GET", "Microsoft.EventGrid/systemTopics", self._topics)
        add("GET", "Microsoft.EventGrid/systemTopics/landings/eventSubscriptions", self._subscriptions)
        registry = f"Microsoft.ContainerRegistry/registries/{REGISTRY}"
        add("GET", f"{registry}/providers/Microsoft.Authorization/roleAssignments", self._assignments)
        add("GET", "Microsoft.Network/virtualNetworks/{net}/subnets/{name}", self._subnet)

    @property
    def _state(self) -> Deployment:
        return self._world.switches.deployed

    def _site(self, request: Request) -> Response:
        runtime = {"name": "python", "version": self._state.python}
        properties = {"state": self._state.state, "functionAppConfig": {"runtime": runtime}}
        return Response(200, {"id": request.path, "name": APP, "properties": properties})

    def _settings(self, request: Request) -> Response:
        return Response(200, {"id": request.path, "properties": self._state.settings})

    def _keys(self, _request: Request) -> Response:
        return Response(200, {"masterKey": "m", "functionKeys": {}, "systemKeys": self._state.system_keys})

    def _topics(self, _request: Request) -> Response:
        source = f"{PROVIDERS}Microsoft.Storage/storageAccounts/{self._world.storage.account}"
        topic = {"id": TOPIC, "name": "landings", "type": kind_of(TOPIC), "properties": {"source": source}}
        return Response(200, {"value": [topic]})

    def _subscriptions(self, _request: Request) -> Response:
        properties: dict[str, Any] = {
            "provisioningState": self._state.subscription,
            "filter": {
                "subjectBeginsWith": self._state.subject,
                "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
            },
            "destination": {
                "endpointType": "WebHook",
                "properties": {"endpointBaseUrl": f"https://{APP}.azurewebsites.net/runtime/webhooks/blobs"},
            },
        }
        found = [{"id": f"{TOPIC}/eventSubscriptions/landed", "name": "landed", "properties": properties}]
        return Response(200, {"value": found if self._state.subscription else []})

    def _assignments(self, _request: Request) -> Response:
        roles = [{"properties": {"roleDefinitionId": ROLES + role}} for role in self._state.roles_of_puller]
        return Response(200, {"value": roles})

    def _subnet(self, request: Request, net: str, name: str) -> Response:  # noqa: ARG002 - all are alike
        delegations = [{"properties": {"serviceName": service}} for service in self._state.delegated]
        return Response(200, {"id": request.path, "name": name, "properties": {"delegations": delegations}})

"""What a deployment leaves: the Function App with settings and keys, the event subscription, the puller's roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.azure.emulator.app_host import EXTENSION
from tests.azure.emulator.event_grid import TOPIC_PATH
from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import FUNCTION_APP, REGISTRY

if TYPE_CHECKING:
    from tests.azure.emulator.app_host import AppHost
    from tests.azure.emulator.event_grid import EventGrid
    from tests.azure.emulator.world import Deployment, World

ROLES = "/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/"


class Deployed:
    """As `switches.deployed` says, with the code that a test deploys to the host and what it subscribes."""

    def __init__(self, world: World, host: AppHost, events: EventGrid) -> None:
        self._world, self._host, self._events = world, host, events
        add, site = world.routes.add, f"Microsoft.Web/sites/{FUNCTION_APP}"
        add("GET", site, self._site)
        add("POST", f"{site}/config/appsettings/list", self._settings)
        add("POST", f"{site}/host/default/listkeys", self._keys)
        add("GET", f"{TOPIC_PATH.partition('/providers/')[2]}/eventSubscriptions", self._subscriptions)
        registry = f"Microsoft.ContainerRegistry/registries/{REGISTRY}"
        add("GET", f"{registry}/providers/Microsoft.Authorization/roleAssignments", self._assignments)
        add("GET", "Microsoft.Network/virtualNetworks/{net}/subnets/{name}", self._subnet)

    @property
    def _state(self) -> Deployment:
        return self._world.switches.deployed

    def _site(self, request: Request) -> Response:
        runtime = {"name": "python", "version": self._state.python}
        address = {"defaultHostName": self._host.url.removeprefix("https://")}
        properties = {**address, "state": self._state.state, "functionAppConfig": {"runtime": runtime}}
        return Response(200, {"id": request.path, "name": FUNCTION_APP, "properties": properties})

    def _settings(self, request: Request) -> Response:
        return Response(200, {"id": request.path, "properties": self._state.settings})

    def _keys(self, _request: Request) -> Response:
        keys = self._host.keys_made()
        system = {} if keys is None else {EXTENSION: keys[EXTENSION]}
        functions = {} if keys is None else {"default": keys["default"]}
        return Response(200, {"masterKey": "m", "functionKeys": functions, "systemKeys": system})

    def _subscriptions(self, _request: Request) -> Response:
        return Response(200, {"value": self._events.subscriptions()})

    def _assignments(self, _request: Request) -> Response:
        roles = [{"properties": {"roleDefinitionId": ROLES + role}} for role in self._state.roles_of_puller]
        return Response(200, {"value": roles})

    def _subnet(self, request: Request, net: str, name: str) -> Response:  # noqa: ARG002 - all are alike
        delegations = [{"properties": {"serviceName": service}} for service in self._state.delegated]
        return Response(200, {"id": request.path, "name": name, "properties": {"delegations": delegations}})

"""What else a deployment leaves: the app's settings, the roles of the pulling identity, a subnet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import FUNCTION_APP, REGISTRY

if TYPE_CHECKING:
    from tests.azure.emulator.world import Deployment, World

ROLES = "/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/"


class Deployed:
    """Read only: `switches.deployed` says how it is."""

    def __init__(self, world: World) -> None:
        self._world = world
        add, registry = world.routes.add, f"Microsoft.ContainerRegistry/registries/{REGISTRY}"
        add("POST", f"Microsoft.Web/sites/{FUNCTION_APP}/config/appsettings/list", self._settings)
        add("GET", f"{registry}/providers/Microsoft.Authorization/roleAssignments", self._assignments)
        add("GET", "Microsoft.Network/virtualNetworks/{net}/subnets/{name}", self._subnet)

    @property
    def _state(self) -> Deployment:
        return self._world.switches.deployed

    def _settings(self, request: Request) -> Response:
        return Response(200, {"id": request.path, "properties": self._state.settings})

    def _assignments(self, _request: Request) -> Response:
        roles = [{"properties": {"roleDefinitionId": ROLES + role}} for role in self._state.roles_of_puller]
        return Response(200, {"value": roles})

    def _subnet(self, request: Request, net: str, name: str) -> Response:  # noqa: ARG002 - all are alike
        delegations = [{"properties": {"serviceName": service}} for service in self._state.delegated]
        return Response(200, {"id": request.path, "name": name, "properties": {"delegations": delegations}})

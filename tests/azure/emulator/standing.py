"""What stands in the subscription before anything is deployed: two identities, quota, a resource provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.azure.emulator.routes import not_found
from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import SUBSCRIPTION

if TYPE_CHECKING:
    from tests.azure.emulator.world import World

APP = "11111111-1111-1111-1111-111111111111"
PULLER = "33333333-3333-3333-3333-333333333333"
IDENTITIES = {"retrainer": APP, "puller": PULLER}
"""The client id of each identity by its name; the emulator takes it for its object id too."""
TOTAL = "Total Cluster Dedicated Regional vCPUs"


class Standing:
    """Identities, quota, and the resource provider of container groups."""

    def __init__(self, world: World) -> None:
        self._world = world
        add = world.routes.add
        usages = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.%s/locations/{{region}}/usages"
        add("GET", "Microsoft.ManagedIdentity/userAssignedIdentities/{name}", self._identity)
        provider = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerInstance"
        add("GET", provider, self._provider, anywhere=True)
        add("POST", f"{provider}/register", self._register, anywhere=True)
        add("GET", usages % "MachineLearningServices", self._cores_of_jobs, anywhere=True)
        add("GET", usages % "ContainerInstance", self._groups, anywhere=True)

    def _identity(self, request: Request, name: str) -> Response:
        if name not in IDENTITIES:
            raise not_found(request.path)
        properties = {"clientId": IDENTITIES[name], "principalId": IDENTITIES[name]}
        return Response(200, {"id": request.path, "name": name, "properties": properties})

    def _provider(self, _request: Request) -> Response:
        """One that is being registered is so at the next look."""
        state = self._world.switches.provider
        if state == "Registering":
            self._world.switches.provider = "Registered"
        return Response(200, {"namespace": "Microsoft.ContainerInstance", "registrationState": state})

    def _register(self, request: Request) -> Response:
        self._world.switches.provider = "Registering"
        return self._provider(request)

    def _cores_of_jobs(self, _request: Request, region: str) -> Response:  # noqa: ARG002 - one quota for all
        cores = self._world.switches.cores_of_jobs
        names = (TOTAL, "Standard DSv2 Family Cluster Dedicated vCPUs")
        return Response(200, {"value": [usage(name, 0, cores) for name in names]})

    def _groups(self, _request: Request, region: str) -> Response:  # noqa: ARG002 - one quota for all
        groups = self._world.switches.container_groups
        return Response(200, {"value": [usage("ContainerGroups", 0, groups), usage("StandardCores", 0, groups)]})


def usage(name: str, used: int, limit: int) -> dict[str, Any]:
    """One line of a quota."""
    return {"name": {"value": name, "localizedValue": name}, "currentValue": used, "limit": limit, "unit": "Count"}

"""Application Insights without local sign-in: takes in what an identity with the role publishes, and keeps it."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from tests.azure.emulator.access import EMULATED, who_asks
from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import PROVIDERS

if TYPE_CHECKING:
    from tests.azure.emulator.world import World

COMPONENTS = "Microsoft.Insights/components"
INSIGHTS_PATH = f"{PROVIDERS}{COMPONENTS}/{EMULATED[COMPONENTS]}"
PUBLISH = "Microsoft.Insights/Telemetry/write"
TRACK = "/v2.1/track"


class Insights:
    """One component; `items` are what it has taken in."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.items: list[Any] = []
        world.routes.add("POST", TRACK, self._track, anywhere=True)

    def _track(self, request: Request) -> Response:
        self._world.switches.access.demand(who_asks(request.headers), PUBLISH, INSIGHTS_PATH)
        packed = {name.lower(): value for name, value in request.headers.items()}.get("content-encoding") == "gzip"
        body = gzip.decompress(request.body) if packed else request.body
        items = [item for line in body.splitlines() if line.strip() for item in _listed(json.loads(line))]
        self.items.extend(items)
        return Response(200, {"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []})


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

"""Which action a call of Azure Resource Manager is, on which resource, and which others its body asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.azure.emulator.access import who_asks

if TYPE_CHECKING:
    from tests.azure.emulator.access import Access
    from tests.azure.emulator.web import Request

VERBS = {"GET": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
JOIN_ENVIRONMENT = "Microsoft.App/managedEnvironments/join/action"
JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"


def admit(access: Access, request: Request) -> None:
    """Raises: ArmError if whoever asks lacks a role for a call."""
    action, scope = action_of(request.method, request.path)
    if not action:
        return
    who = who_asks(request.headers)
    access.demand(who, action, scope)
    for linked, resource in _linked(request.json if request.method == "PUT" else None):
        access.demand_linked(who, action, linked, resource)


def action_of(method: str, path: str) -> tuple[str, str]:
    """The action and the resource; empty for a path outside a resource group, such as that of an operation.

    `POST /…/registries/NAME/scheduleRun` is `registries/scheduleRun/action` on the registry.
    """
    around, found, below = path.rpartition("/providers/")  # the last: a role is an extension
    if not found or "/resourceGroups/" not in around:
        return "", ""
    provider, *segments = below.strip("/").split("/")
    if not around.startswith("/subscriptions/"):  # the history of runs and other services of a workspace
        around = "/subscriptions/" + around.partition("/subscriptions/")[2]
        segments = segments[:2]
        return f"{provider}/{segments[0]}/experiments/runs/{VERBS.get(method, 'action')}", "/".join(
            [f"{around}/providers/{provider}", *segments]
        )
    kinds, is_call = segments[0::2], len(segments) % 2 == 1
    verb = "action" if method == "POST" else VERBS[method]
    resource = segments[:-1] if is_call else segments
    scope = "/".join([f"{around}/providers/{provider}", *resource]) if resource else around
    return "/".join([provider, *kinds, verb]), scope


def _linked(body: Any) -> list[tuple[str, str]]:
    if not isinstance(body, dict):
        return []
    identities = (body.get("identity") or {}).get("userAssignedIdentities") or {}
    properties = body.get("properties") or {}
    subnets, environment = properties.get("subnetIds") or [], properties.get("environmentId")
    return [
        *((ASSIGN, identity) for identity in identities),
        *((JOIN, subnet["id"]) for subnet in subnets),
        *((JOIN_ENVIRONMENT, one) for one in [environment] if one and "/managedEnvironments/" in one),
    ]

"""Resources as expressions see them: what is known before a deployment, and what only a deployed one tells."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

NAMESPACE = uuid.UUID("5f3b9f56-8f4f-4c39-9e5c-0d3b0e1a7c11")


def identifier(*parts: object) -> str:
    """A GUID that depends on its parts alone."""
    return str(uuid.uuid5(NAMESPACE, "/".join(map(str, parts))))


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a deployment.

    Attributes:
        type: for example `Microsoft.Storage/storageAccounts`.
        version: of its API.
        id: its whole path; of an extension resource, below what it extends.
        scope: id of what it extends or belongs to: for a role assignment, where the role holds.
        body: as declared, evaluated, without `parent`, `scope` and `dependsOn`.
        existing: it is not deployed here.
        place: file and line of its declaration.
        read: properties that only a deployed resource tells and that the template reads.
    """

    type: str
    version: str
    name: str
    id: str
    scope: str
    body: dict[str, Any]
    existing: bool
    place: str
    read: set[str] = field(default_factory=set, compare=False)


def told_by(resource: Resource, path: str) -> Any:
    """What a deployed resource would tell under a path, or None if nothing here knows."""
    if path in ("id", "name", "type"):
        return getattr(resource, path)
    known = {
        "properties.principalId": identifier("principal", resource.id),
        "identity.principalId": identifier("principal", resource.id),
        "properties.clientId": identifier("client", resource.id),
        "properties.ConnectionString": f"InstrumentationKey={identifier('key', resource.id)};"
        "IngestionEndpoint=https://westeurope-1.in.applicationinsights.azure.com/",
        "properties.customerId": identifier("customer", resource.id),
        "properties.defaultDomain": f"{identifier('domain', resource.id)[:8]}.westeurope.azurecontainerapps.io",
        "properties.staticIp": "10.20.4.10",
        "properties.defaultHostName": f"{resource.name}.azurewebsites.net",
    }
    for service in ("blob", "queue", "table"):
        known[f"properties.primaryEndpoints.{service}"] = f"https://{resource.name}.{service}.core.windows.net/"
    return known.get(path, _declared(resource.body, path))


def _declared(body: Any, path: str) -> Any:
    for part in path.split("."):
        body = body.get(part) if isinstance(body, dict) else None
    return None if isinstance(body, dict) else body

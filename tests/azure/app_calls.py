"""What a world has asked of Container Apps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.container_apps import ContainerAppsPlatform

if TYPE_CHECKING:
    from retrain.ports import Service
    from tests.azure.cloud import Cloud


def puts(cloud: Cloud) -> list[Any]:
    """The bodies of this world's app, in order."""
    path = f"/containerApps/{cloud.name}"
    return [call.body for call in cloud.azure.calls if call.method == "PUT" and call.path.endswith(path)]


def made(cloud: Cloud) -> list[str]:
    """The revisions that were asked for, in order, each once."""
    suffixes = [f"{body['properties']['template']['revisionSuffix']}" for body in puts(cloud)]
    return list(dict.fromkeys(suffixes))


def traffic(cloud: Cloud) -> dict[str, int]:
    """The weight of each label, as last written."""
    return {
        one["label"]: one["weight"] for one in puts(cloud)[-1]["properties"]["configuration"]["ingress"]["traffic"]
    }


def removals(cloud: Cloud) -> list[str]:
    """What of Container Apps was deleted."""
    calls = cloud.azure.calls[cloud.calls_before :]
    return [call.path.partition("Microsoft.App")[2] for call in calls if call.method == "DELETE"]


def at_stable_address(cloud: Cloud, service: Service) -> Service:
    """The same key at the app's own address."""
    platform = cloud.context.platform
    assert isinstance(platform, ContainerAppsPlatform)
    app = platform._app.get()
    assert app is not None
    fqdn = app.as_dict()["properties"]["configuration"]["ingress"]["fqdn"]
    return replace(service, url=f"https://{fqdn}")

"""The definitions of an online endpoint and its deployments: our container with its own routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrain.records.image import SERVICE_PORT

if TYPE_CHECKING:
    from azure.ai.ml.entities import OnlineDeployment, OnlineEndpoint

    from retrain.settings import Settings

ROUTE = "/forecast"
VERSION, IMAGE = "retrain-version", "retrain-image"


def endpoint(name: str, settings: Settings) -> OnlineEndpoint:
    """The endpoint of a model, with keys of its own."""
    from azure.ai.ml.entities import (
        IdentityConfiguration,
        KubernetesOnlineEndpoint,
        ManagedIdentityConfiguration,
        ManagedOnlineEndpoint,
    )

    if settings.azure.target == "kubernetes":
        return KubernetesOnlineEndpoint(name=name, compute=settings.azure.kubernetes_compute, auth_mode="key")
    if settings.azure.pull_identity is None:  # its own identity can pull from the registry of the workspace only
        return ManagedOnlineEndpoint(name=name, auth_mode="key")
    pulls = ManagedIdentityConfiguration(resource_id=settings.azure.pull_identity)
    identity = IdentityConfiguration(type="user_assigned", user_assigned_identities=[pulls])
    return ManagedOnlineEndpoint(name=name, auth_mode="key", identity=identity)


def deployment_name(version: str) -> str:
    """The name of a version's deployment; Azure ML requires at least three characters."""
    return f"version-{version}"


def deployment(endpoint_name: str, version: str, image: str, settings: Settings) -> OnlineDeployment:
    """The deployment of one version. Args: image: its reference by digest."""
    from azure.ai.ml.entities import (
        Environment,
        KubernetesOnlineDeployment,
        ManagedOnlineDeployment,
        OnlineRequestSettings,
    )

    route = {"liveness_route": "/healthz", "readiness_route": "/readyz", "scoring_route": ROUTE}
    routes = {name: {"port": SERVICE_PORT, "path": path} for name, path in route.items()}
    definition: dict[str, Any] = {
        "name": deployment_name(version),
        "endpoint_name": endpoint_name,
        "environment": Environment(
            name=f"{settings.platform.model_name}-service",
            version=f"{version}-{image.rpartition(':')[2][:12]}",
            image=image,
            inference_config=routes,
        ),
        "environment_variables": {"SCORING_PORT": str(SERVICE_PORT), "SCORING_ALLOW_ANONYMOUS": "1"},
        "tags": {VERSION: version, IMAGE: image},
        "instance_count": 1,
        "request_settings": OnlineRequestSettings(
            request_timeout_ms=30_000, max_concurrent_requests_per_instance=8
        ),
    }
    if settings.azure.target == "kubernetes":
        return KubernetesOnlineDeployment(**definition, resources=_resources(settings))
    return ManagedOnlineDeployment(**definition, instance_type=settings.azure.instance_type)


def _resources(settings: Settings) -> Any:
    from azure.ai.ml.entities import ResourceRequirementsSettings, ResourceSettings

    size = ResourceSettings(cpu=f"{settings.azure.cpu:g}", memory=f"{settings.azure.memory_gb:g}Gi")
    return ResourceRequirementsSettings(requests=size, limits=size)

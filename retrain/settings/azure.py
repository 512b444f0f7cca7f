"""The settings of `RETRAIN_PLATFORM=azure`: where in Azure, and how big."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from retrain.errors import ConfigError

SERVICE_NAME = r"^[a-z](-?[a-z0-9])*$"
LONGEST_MODEL_NAME = 40  # leaves room for the version and for what makes a DNS label unique


def _blank_is_none(value: Any) -> Any:
    return None if value == "" else value


type Unset[T] = Annotated[T | None, BeforeValidator(_blank_is_none)]


class AzureSettings(BaseModel):
    """One field a setting, as in Settings."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    target: Literal["aci", "managed-online", "kubernetes"] = Field(
        "aci",
        alias="RETRAIN_TARGET",
        description="on Azure, what versions run on: `aci`, `managed-online` or `kubernetes`",
    )
    jobs: Literal["azureml", "inline"] = Field(
        "azureml",
        alias="RETRAIN_JOBS",
        description="on Azure, who promotes: an Azure ML pipeline, or with `inline` the triggered process itself",
    )
    subscription: Unset[str] = Field(None, alias="RETRAIN_SUBSCRIPTION", description="id of the subscription")
    resource_group: Unset[str] = Field(
        None, alias="RETRAIN_RESOURCE_GROUP", description="the group that holds workspace, registry and services"
    )
    location: Unset[str] = Field(
        None, alias="RETRAIN_LOCATION", description="region of the services, as `westeurope`"
    )
    workspace: Unset[str] = Field(None, alias="RETRAIN_WORKSPACE", description="name of the Azure ML workspace")
    registry: Unset[Annotated[str, Field(pattern=r"^[A-Za-z0-9]{5,50}$")]] = Field(
        None, alias="RETRAIN_REGISTRY", description="name of the container registry, without `.azurecr.io`"
    )
    base_image: Unset[str] = Field(
        None,
        alias="RETRAIN_BASE_IMAGE",
        description="what images are built on; a copy of `python:3.13-slim` of your own spares Docker Hub's limits",
    )
    identity: Unset[Annotated[str, Field(pattern=r"^/subscriptions/.+/userAssignedIdentities/[^/]+$")]] = Field(
        None, alias="RETRAIN_IDENTITY", description="resource id of the user-assigned identity that pulls images"
    )
    compute: str = Field(
        "serverless",
        alias="RETRAIN_COMPUTE",
        min_length=1,
        description="where jobs run: `serverless` or a cluster's name",
    )
    job_minutes: int = Field(
        60,
        alias="RETRAIN_JOB_MINUTES",
        ge=1,
        le=1440,
        description="a job that takes no step for so long has failed",
    )
    cpu: float = Field(1.0, alias="RETRAIN_CPU", ge=0.1, le=32, description="cores of a service")
    memory_gb: float = Field(1.0, alias="RETRAIN_MEMORY_GB", ge=0.1, le=256, description="memory of a service, GB")
    subnet: Unset[Annotated[str, Field(pattern=r"^/subscriptions/.+/subnets/[^/]+$")]] = Field(
        None,
        alias="RETRAIN_SUBNET",
        description="resource id of the subnet for container groups; empty for public ones",
    )
    tls: Unset[Annotated[str, Field(pattern=r"^tls[a-z0-9/-]*$")]] = Field(
        None,
        alias="RETRAIN_TLS",
        description="folder in the state container with `certificate.pem` and `key.pem`, as `tls`; empty for HTTP",
    )
    instance_type: str = Field(
        "Standard_DS2_v2", alias="RETRAIN_INSTANCE_TYPE", min_length=1, description="of online deployments"
    )
    kubernetes_compute: Unset[str] = Field(
        None,
        alias="RETRAIN_KUBERNETES_COMPUTE",
        description="the attached cluster, for `RETRAIN_TARGET=kubernetes`",
    )
    arm_url: str = Field(
        "https://management.azure.com",
        alias="RETRAIN_ARM_URL",
        pattern=r"^https://[^/\s]+$",
        description="Azure Resource Manager; another one in sovereign clouds",
    )
    commit: Unset[str] = Field(
        None, alias="RETRAIN_COMMIT", description="the commit that runs here, kept with each version"
    )


def check_azure(settings: AzureSettings, model_name: str, client_id: str | None) -> None:
    """See that all is there which the target needs.

    Args: client_id: of the identity that signs in to the storage; None where that is done by a connection string.
    Raises: ConfigError naming the setting.
    """
    needed = {
        "RETRAIN_SUBSCRIPTION": settings.subscription,
        "RETRAIN_RESOURCE_GROUP": settings.resource_group,
        "RETRAIN_WORKSPACE": settings.workspace,
        "RETRAIN_REGISTRY": settings.registry,
    }
    if settings.target == "aci":
        needed |= {"RETRAIN_LOCATION": settings.location, "RETRAIN_IDENTITY": settings.identity}
    if settings.target == "kubernetes":
        needed |= {"RETRAIN_KUBERNETES_COMPUTE": settings.kubernetes_compute}
    for name, value in needed.items():
        if not value:
            raise ConfigError(
                f"{name} is not set, and RETRAIN_PLATFORM=azure needs it; add it to the Function App's app settings"
            )
    if not re.fullmatch(SERVICE_NAME, model_name) or len(model_name) > LONGEST_MODEL_NAME:
        raise ConfigError(
            f"RETRAIN_MODEL_NAME is {model_name!r}; on Azure it also names services and images, so write at most "
            f"{LONGEST_MODEL_NAME} lower-case letters, digits and single hyphens, a letter first"
        )
    if settings.tls and settings.target != "aci":
        raise ConfigError("RETRAIN_TLS is for container groups; an online endpoint has a certificate of its own")
    if settings.jobs == "azureml" and not client_id:
        raise ConfigError(
            "RETRAIN_JOBS=azureml signs in by identity, for a job must not be told a secret; set "
            "TRANSACTIONS_STORAGE__blobServiceUri and TRANSACTIONS_STORAGE__clientId instead of "
            "TRANSACTIONS_STORAGE, or RETRAIN_JOBS=inline"
        )

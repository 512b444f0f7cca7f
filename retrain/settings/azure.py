"""Where in Azure, on what, and how big; used with `RETRAIN_PLATFORM=azure` only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from retrain.errors import ConfigError
from retrain.settings.masking import quoted
from retrain.settings.setting import Group, Optional, setting

if TYPE_CHECKING:
    from retrain.settings.platform import PlatformSettings
    from retrain.settings.storage import StorageSettings

SERVICE_NAME = r"^[a-z](-?[a-z0-9])*$"
LONGEST_MODEL_NAME = 40  # leaves room for the version and for what makes a DNS label unique
STEP, MOST_CORES, GB_PER_CORE = 0.25, 4.0, 2.0  # of Container Apps, in its consumption profile
IDENTITY = r"^/subscriptions/.+/userAssignedIdentities/[^/]+$"
FUNCTION_SECONDS = 1800
"""`functionTimeout` of host.json: after that the host ends the process of a trigger."""
DECIDING_SECONDS = 240
"""What is left of it for reading and deciding."""
ENVIRONMENT = r"^/subscriptions/.+/managedEnvironments/[^/]+$"
SUBNET = r"^/subscriptions/.+/subnets/[^/]+$"


class AzureSettings(Group):
    """The resources that services and jobs use."""

    target: Literal["aci", "container-apps", "managed-online", "kubernetes"] = setting(
        "aci",
        "RETRAIN_TARGET",
        "service that model versions run on: `aci`, `container-apps`, `managed-online` or `kubernetes`",
    )
    jobs: Literal["azureml", "inline"] = setting(
        "azureml",
        "RETRAIN_JOBS",
        "what carries out a promotion: `azureml` for an Azure ML pipeline, `inline` for the triggered process",
    )
    subscription: Optional[str] = setting(None, "RETRAIN_SUBSCRIPTION", "id of the subscription", unit="id")
    resource_group: Optional[str] = setting(
        None,
        "RETRAIN_RESOURCE_GROUP",
        "resource group that holds the workspace, the registry and the services",
        unit="name",
    )
    location: Optional[str] = setting(
        None, "RETRAIN_LOCATION", "region of the services, for example `westeurope`", unit="name"
    )
    workspace: Optional[str] = setting(None, "RETRAIN_WORKSPACE", "Azure ML workspace", unit="name")
    registry: Optional[Annotated[str, Field(pattern=r"^[A-Za-z0-9]{5,50}$")]] = setting(
        None, "RETRAIN_REGISTRY", "container registry, without `.azurecr.io`", unit="name"
    )
    base_image: Optional[str] = setting(
        None,
        "RETRAIN_BASE_IMAGE",
        "image that others are built on; your own copy of `python:3.13-slim` avoids the limits of Docker Hub",
        unit="name",
    )
    pull_identity: Optional[Annotated[str, Field(pattern=IDENTITY)]] = setting(
        None,
        "RETRAIN_PULL_IDENTITY",
        "user-assigned identity that services have: it pulls their image and may do nothing else",
        unit="resource id",
    )
    compute: str = setting(
        "serverless",
        "RETRAIN_COMPUTE",
        "where jobs run: `serverless` or the name of a cluster",
        unit="name",
        min_length=1,
    )
    job_minutes: int = setting(
        60,
        "RETRAIN_JOB_MINUTES",
        "time after which a job that has finished no further step counts as failed",
        unit="minutes",
        ge=1,
        le=1440,
    )
    cpu: float = setting(1.0, "RETRAIN_CPU", "processors of a service", unit="cores", ge=0.1, le=32)
    memory_gb: float = setting(1.0, "RETRAIN_MEMORY_GB", "memory of a service", unit="GB", ge=0.1, le=256)
    subnet: Optional[Annotated[str, Field(pattern=SUBNET)]] = setting(
        None, "RETRAIN_SUBNET", "subnet for container groups; empty for public addresses", unit="resource id"
    )
    tls: str = setting(
        "self-signed",
        "RETRAIN_TLS",
        "TLS of container groups: `self-signed` makes a certificate for each version; `off` is plain HTTP, which "
        "shows keys to whoever is in between; `tls` names a folder of the state container with `certificate.pem` "
        "and `key.pem`",
        pattern=r"^(self-signed|off|tls[a-z0-9/-]*)$",
    )
    container_apps_environment: Optional[Annotated[str, Field(pattern=ENVIRONMENT)]] = setting(
        None,
        "RETRAIN_CONTAINER_APPS_ENVIRONMENT",
        "environment of the container app, needed with RETRAIN_TARGET=container-apps",
        unit="resource id",
    )
    min_replicas: int = setting(
        0,
        "RETRAIN_MIN_REPLICAS",
        "replicas of a version on Container Apps that always run; with 0 the first request after a pause waits "
        "until one has started",
        unit="replicas",
        ge=0,
        le=25,
    )
    instance_type: str = setting(
        "Standard_DS2_v2",
        "RETRAIN_INSTANCE_TYPE",
        "size of the machines of an online deployment",
        unit="name",
        min_length=1,
    )
    kubernetes_compute: Optional[str] = setting(
        None,
        "RETRAIN_KUBERNETES_COMPUTE",
        "attached cluster, needed with RETRAIN_TARGET=kubernetes",
        unit="name",
    )
    arm_url: str = setting(
        "https://management.azure.com",
        "RETRAIN_ARM_URL",
        "endpoint of Azure Resource Manager; sovereign clouds have another one",
        unit="URL",
        pattern=r"^https://[^/\s]+$",
    )
    commit: Optional[str] = setting(
        None, "RETRAIN_COMMIT", "commit of the code that runs here; it is kept with each version", unit="id"
    )

    @property
    def is_inline(self) -> bool:
        """Whether a promotion has to end within the time of one Function."""
        return self.jobs == "inline"

    @property
    def build_seconds(self) -> int:
        """The limit for building an image."""
        return 720 if self.is_inline else 1800

    @property
    def operation_seconds(self) -> int:
        """The limit for one operation on a container group."""
        return 420 if self.is_inline else 900

    def inline_seconds(self, platform: PlatformSettings) -> float:
        """The longest time of an inline promotion on container groups."""
        return self.build_seconds + self.operation_seconds + platform.ready_seconds + platform.confirm_seconds

    def check(self, platform: PlatformSettings, storage: StorageSettings) -> None:
        """See that all is set that `RETRAIN_PLATFORM=azure` needs. Raises: ConfigError naming the setting."""
        self._check_complete()
        if not re.fullmatch(SERVICE_NAME, platform.model_name) or len(platform.model_name) > LONGEST_MODEL_NAME:
            raise ConfigError(
                f"RETRAIN_MODEL_NAME is {quoted(platform.model_name)}; on Azure it also names services and images, "
                f"so write at most {LONGEST_MODEL_NAME} lower-case letters, digits and single hyphens, a letter "
                "first"
            )
        if self.tls.startswith("tls") and self.target != "aci":
            raise ConfigError(
                "RETRAIN_TLS is for container groups only; an online endpoint has its own certificate"
            )
        signs_in_by_identity = storage.connection is None and storage.client_id is not None
        if self.jobs == "azureml" and not signs_in_by_identity:
            raise ConfigError(
                "RETRAIN_JOBS=azureml needs an identity, because a job is not given secrets; set "
                "TRANSACTIONS_STORAGE__blobServiceUri and TRANSACTIONS_STORAGE__clientId instead of "
                "TRANSACTIONS_STORAGE, or RETRAIN_JOBS=inline"
            )
        longest = self.inline_seconds(platform)
        if self.is_inline and self.target == "aci" and longest > FUNCTION_SECONDS - DECIDING_SECONDS:
            raise ConfigError(
                f"RETRAIN_READY_SECONDS={platform.ready_seconds:g} and RETRAIN_CONFIRM_SECONDS="
                f"{platform.confirm_seconds:g} are too long for RETRAIN_JOBS=inline: a promotion could take "
                f"{longest:g} s, and a Function is ended after {FUNCTION_SECONDS} s; lower them, or set "
                "RETRAIN_JOBS=azureml"
            )
        if storage.store != "blob":
            raise ConfigError(
                "RETRAIN_PLATFORM=azure needs RETRAIN_STORE=blob, because jobs and services run on other machines"
            )

    def _check_complete(self) -> None:
        needed = {
            "RETRAIN_SUBSCRIPTION": self.subscription,
            "RETRAIN_RESOURCE_GROUP": self.resource_group,
            "RETRAIN_WORKSPACE": self.workspace,
            "RETRAIN_REGISTRY": self.registry,
        }
        if self.target == "aci":
            needed |= {"RETRAIN_LOCATION": self.location, "RETRAIN_PULL_IDENTITY": self.pull_identity}
        if self.target == "kubernetes":
            needed |= {"RETRAIN_KUBERNETES_COMPUTE": self.kubernetes_compute}
        if self.target == "container-apps":
            needed |= {
                "RETRAIN_LOCATION": self.location,
                "RETRAIN_PULL_IDENTITY": self.pull_identity,
                "RETRAIN_CONTAINER_APPS_ENVIRONMENT": self.container_apps_environment,
            }
            self._check_size()
        missing = [name for name, value in needed.items() if not value]
        if missing:
            are, them = ("are", "them") if len(missing) > 1 else ("is", "it")
            raise ConfigError(
                f"{', '.join(missing)} {are} not set, and RETRAIN_PLATFORM=azure needs {them}; add {them} to the "
                "app settings of the Function App"
            )

    def _check_size(self) -> None:
        """See that the size is one that Container Apps has: quarters of a core, and 2 GB for each core."""
        if self.cpu % STEP or not STEP <= self.cpu <= MOST_CORES or self.memory_gb != GB_PER_CORE * self.cpu:
            raise ConfigError(
                f"RETRAIN_CPU={self.cpu:g} with RETRAIN_MEMORY_GB={self.memory_gb:g} is not a size of Container "
                f"Apps, which has quarters of a core up to {MOST_CORES:g} and {GB_PER_CORE:g} GB for each core; "
                "write RETRAIN_CPU=0.5 and RETRAIN_MEMORY_GB=1"
            )

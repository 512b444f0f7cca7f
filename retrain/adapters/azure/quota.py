"""How many cores and services the subscription still grants in a region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from retrain.adapters.azure.rest import arm, resource_group
from retrain.errors import AccessDenied, NotFound, QuotaUsedUp

if TYPE_CHECKING:
    from retrain.adapters.azure.rest import Rest
    from retrain.settings import Settings

USAGES_API = "2024-10-01"
GROUPS_API = "2023-05-01"
SERVERLESS = "serverless"
TOTAL = "Total Cluster Dedicated Regional vCPUs"
FAMILY = "Family Cluster Dedicated vCPUs"
SMALLEST_NODE_CORES = 2
REQUEST_MORE = (
    "request quota for Azure Machine Learning in that region (Azure ML studio, Quota), or set RETRAIN_COMPUTE to a "
    "cluster, or RETRAIN_JOBS=inline"
)


class Free(NamedTuple):
    """What is left of a quota, and how much it is."""

    left: int
    limit: int

    @property
    def text(self) -> str:
        """For a sentence."""
        return f"{self.left} of {self.limit}"


def check_quota(settings: Settings) -> None:
    """See that a job can get a node, as far as this identity may look. Raises: QuotaUsedUp with what to do."""
    if settings.azure.jobs == "inline" or settings.azure.compute != SERVERLESS:
        return
    try:
        region, free = job_cores(settings, arm(settings))
    except (AccessDenied, NotFound):
        return
    if free is not None and free.left < SMALLEST_NODE_CORES:
        raise QuotaUsedUp(no_cores(region, free))


def no_cores(region: str, free: Free) -> str:
    """The sentence for a subscription whose jobs get no node."""
    return f"Azure ML has {free.text} cores left for jobs in {region}, and a job needs one node; {REQUEST_MORE}"


def job_cores(settings: Settings, rest: Rest) -> tuple[str, Free | None]:
    """The region of the workspace, and the cores that the largest node of a job could have there.

    None if Azure does not say. Raises: as `Rest.get`.
    """
    where = f"{resource_group(settings)}/providers/Microsoft.MachineLearningServices/workspaces/"
    where += str(settings.azure.workspace)
    region = str(rest.get(where, f"looking at {where.lstrip('/')}", api_version=USAGES_API)["location"])
    usages = _usages("Microsoft.MachineLearningServices", region, USAGES_API, settings, rest)
    total = next((free for name, free in usages.items() if name == TOTAL), None)
    families = [free for name, free in usages.items() if name.endswith(FAMILY)]
    if total is None:
        return region, None
    widest = max(families, default=total, key=lambda free: free.left)
    return region, min(total, widest, key=lambda free: free.left)


def groups_and_cores(settings: Settings, rest: Rest) -> tuple[Free | None, Free | None]:
    """Container groups and cores of the services' region; None if Azure does not say. Raises: as `Rest.get`."""
    region = str(settings.azure.location)
    usages = _usages("Microsoft.ContainerInstance", region, GROUPS_API, settings, rest)
    return usages.get("ContainerGroups"), usages.get("StandardCores")


def _usages(provider: str, region: str, version: str, settings: Settings, rest: Rest) -> dict[str, Free]:
    path = f"/subscriptions/{settings.azure.subscription}/providers/{provider}/locations/{region}/usages"
    found = rest.listed(path, f"looking at the quota of {provider} in {region}", api_version=version)
    return {_name(usage): Free(_left(usage), int(usage["limit"])) for usage in found}


def _left(usage: dict[str, Any]) -> int:
    return max(int(usage["limit"]) - int(usage["currentValue"]), 0)


def _name(usage: dict[str, Any]) -> str:
    return str((usage.get("name") or {}).get("value", ""))

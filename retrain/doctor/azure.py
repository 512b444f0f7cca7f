"""What runs and jobs use in Azure, each role by a call that changes nothing and that needs it.

Where only a right to write would show that a role is there, something is removed or cancelled that does not exist:
Azure looks at the role first.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.acr import ABAC, role_mode
from retrain.adapters.azure.credentials import identify
from retrain.adapters.azure.pull_identity import pull_identity, refuse_identity_of_app
from retrain.adapters.azure.quota import (
    GROUPS_API,
    REQUEST_MORE,
    SERVERLESS,
    SMALLEST_NODE_CORES,
    groups_and_cores,
    job_cores,
    no_cores,
)
from retrain.adapters.azure.rest import resource_group
from retrain.adapters.azure.roles import role_for
from retrain.doctor.check import Check, Finding, fault, ok, warning
from retrain.errors import AccessDenied, NotFound

if TYPE_CHECKING:
    from retrain.adapters.azure.rest import Rest
    from retrain.ports import Secrets
    from retrain.settings import Settings

WORKSPACE_API = "2024-10-01"
ASSIGNMENTS_API = "2022-04-01"
NETWORK_API = "2024-05-01"
NOTHING = "retrain-doctor"
"""A name that no job, group or secret has."""
PULLING = {
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "b93aa761-3e63-49ed-ac28-beffa264f7ac": "Container Registry Repository Reader",
}
"""The definitions of the roles that allow to pull: in a registry without ABAC, and with it."""


def azure_checks(settings: Settings, rest: Rest, secrets: Secrets | None) -> list[Check]:
    """Args: secrets: the vault, if keys are kept in one."""
    group, chosen = resource_group(settings), settings.azure
    workspace = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{chosen.workspace}"
    registry = f"{group}/providers/Microsoft.ContainerRegistry/registries/{chosen.registry}"
    groups = f"{group}/providers/Microsoft.ContainerInstance/containerGroups"
    checks = [
        _check("workspace", partial(look_at_workspace, workspace, rest), workspace),
        _check("registry", partial(look_at_registry, registry, rest), registry),
    ]
    if chosen.target == "aci":
        checks.append(_check("container groups", partial(look_at_groups, groups, rest), groups, group))
        checks.append(_optional("quota of services", partial(quota_of_services, settings, rest), group))
    if chosen.pull_identity:
        pulls = chosen.pull_identity
        checks.append(_check("pull identity", partial(look_at_pull_identity, settings, rest), pulls))
        checks.append(_optional("pulling images", partial(pulling, registry, settings, rest), registry))
    if chosen.subnet:
        checks.append(_check("subnet", partial(look_at_subnet, chosen.subnet, rest), chosen.subnet))
    if secrets is not None:
        vault = f"/Microsoft.KeyVault/{settings.platform.vault_url}"
        checks.append(_check("vault", partial(look_at_vault, secrets), vault, str(settings.platform.vault_url)))
    if chosen.jobs == "azureml":
        checks.append(_optional("quota of jobs", partial(quota_of_jobs, settings, rest), workspace))
        checks.append(_check("release", partial(released, workspace, settings, rest), workspace))
    return checks


def who(settings: Settings, scope: str) -> Finding:
    """Whom Azure takes this process for, and by which credential."""
    from retrain.adapters.azure.arm import translated

    with translated("signing in"):
        found = identify(settings.storage.client_id, scope)
    return ok(f"signed in by {found.by} as {found.name} (object {found.object_id})")


def look_at_workspace(workspace: str, rest: Rest) -> Finding:
    """It exists, and this identity may act on its jobs."""
    what = f"in {workspace.lstrip('/')}"
    found = rest.get(workspace, f"looking {what}", api_version=WORKSPACE_API)
    with suppress(NotFound):
        rest.post(f"{workspace}/jobs/{NOTHING}/cancel", f"cancelling no job {what}", api_version=WORKSPACE_API)
    return ok(f"{found['name']} in {found['location']}")


def look_at_registry(registry: str, rest: Rest) -> Finding:
    """It exists, and this identity may have it build."""
    what = f"in {registry.lstrip('/')}"
    rest.post(f"{registry}/listBuildSourceUploadUrl", f"asking where to upload {what}", api_version="2019-04-01")
    if uses_abac(registry, rest):
        return ok(
            "images can be built; it uses ABAC, so this identity needs Container Registry Repository Writer, and "
            "RETRAIN_PULL_IDENTITY Container Registry Repository Reader"
        )
    return ok("images can be built")


def uses_abac(registry: str, rest: Rest) -> bool:
    """False also if this identity may not look."""
    try:
        return role_mode(registry, rest) == ABAC
    except AccessDenied:
        return False


def look_at_groups(groups: str, rest: Rest) -> Finding:
    """This identity may list, create and remove them."""
    found = list(rest.listed(groups, f"listing {groups.lstrip('/')}", api_version=GROUPS_API))
    rest.delete(f"{groups}/{NOTHING}", f"removing no group of {groups.lstrip('/')}", api_version=GROUPS_API)
    return ok(f"{len(found)} in the resource group")


def look_at_pull_identity(settings: Settings, rest: Rest) -> Finding:
    """It exists, and is not the app's own."""
    found = pull_identity(settings, rest)
    refuse_identity_of_app(found, settings)
    return ok(f"services have the identity {found.get('clientId')}, which is not that of the app")


def pulling(registry: str, settings: Settings, rest: Rest) -> Finding:
    """The pulling identity may pull, and nothing else in the registry."""
    principal = str(pull_identity(settings, rest).get("principalId"))
    assigned = rest.listed(
        f"{registry}/providers/Microsoft.Authorization/roleAssignments",
        f"looking at the roles in {registry.lstrip('/')}",
        api_version=ASSIGNMENTS_API,
        **{"$filter": f"assignedTo('{principal}')"},
    )
    roles = {str(each["properties"]["roleDefinitionId"]).rpartition("/")[2] for each in assigned}
    wanted = "Container Registry Repository Reader" if uses_abac(registry, rest) else "AcrPull"
    if wanted not in {PULLING.get(role) for role in roles}:
        return fault(
            f"RETRAIN_PULL_IDENTITY has not the role {wanted}, so no service can start",
            f"give the identity {settings.azure.pull_identity} the role {wanted} on {registry.lstrip('/')}",
        )
    if roles - PULLING.keys():
        return warning(
            "RETRAIN_PULL_IDENTITY has other roles besides, and every service has that identity", "take them away"
        )
    return ok(f"RETRAIN_PULL_IDENTITY has the role {wanted}")


def look_at_subnet(subnet: str, rest: Rest) -> Finding:
    """It exists, and is delegated to container groups."""
    found = rest.get(subnet, f"looking at {subnet.lstrip('/')}", api_version=NETWORK_API).get("properties") or {}
    services = [each["properties"]["serviceName"] for each in found.get("delegations") or []]
    if "Microsoft.ContainerInstance/containerGroups" not in services:
        return fault("the subnet is not delegated to Microsoft.ContainerInstance/containerGroups", "delegate it")
    return ok("it is delegated to container groups")


def look_at_vault(secrets: Secrets) -> Finding:
    """This identity may remove secrets, which is the most that is done there."""
    with suppress(NotFound):
        secrets.remove(NOTHING)
    return ok("keys can be kept there")


def quota_of_services(settings: Settings, rest: Rest) -> Finding:
    """There is room for one service more."""
    groups, cores = groups_and_cores(settings, rest)
    if groups is None or cores is None:
        return warning("Azure does not say how many container groups are left", "look in the portal, Quotas")
    told = f"{groups.text} container groups and {cores.text} cores are left in {settings.azure.location}"
    if groups.left < 1 or cores.left < settings.azure.cpu:
        return fault(told, "request more quota in the region, or set another RETRAIN_LOCATION")
    return ok(told)


def quota_of_jobs(settings: Settings, rest: Rest) -> Finding:
    """A job gets a node."""
    if settings.azure.compute != SERVERLESS:
        return ok(f"jobs run on the cluster {settings.azure.compute}, which has its own size")
    region, free = job_cores(settings, rest)
    if free is None:
        return warning(f"Azure does not say how many cores are left for jobs in {region}", REQUEST_MORE)
    if free.left < SMALLEST_NODE_CORES:
        return fault(no_cores(region, free), REQUEST_MORE)
    return ok(f"{free.text} cores are left for jobs in {region}")


def released(workspace: str, settings: Settings, rest: Rest) -> Finding:
    """The components of the code that runs here are registered."""
    from retrain.adapters.azure.pipeline import released_as

    name, version = released_as(settings)
    path = f"{workspace}/components/{name}/versions/{version}"
    try:
        rest.get(path, f"looking for component {name}:{version}", api_version=WORKSPACE_API)
    except NotFound:
        return fault(
            f"the code that runs here ({version}) was not released", "run `retrain release` from its commit"
        )
    return ok(f"the code that runs here is released as {version}")


def _check(name: str, look: Any, resource: str, scope: str = "") -> Check:
    """A check of a resource with the role that its kind needs."""
    return Check(name, look, role_for(f"{resource}/"), (scope or resource).lstrip("/"), after="identity")


def _optional(name: str, look: Any, scope: str) -> Check:
    return Check(name, look, "Reader", scope.lstrip("/"), optional=True, after="identity")

"""What can be wrong with a deployment, each with the line of `retrain doctor` that tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.azure.cloud import CLIENT_ID, PULL_IDENTITY
from tests.azure.emulator.access import operator_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.azure.cloud import Cloud

IDENTITY_OF_APP = PULL_IDENTITY.replace("puller", "retrainer")


@dataclass(frozen=True)
class Fault:
    """What is wrong, the line that tells of it, and what it says and advises."""

    what: str
    happens: Callable[[Cloud], object]
    line: str
    says: str
    advises: str = ""
    outcome: str = "fault"
    variables: dict[str, str] = field(default_factory=dict)


def refused(method: str, path: str) -> Callable[[Cloud], object]:
    return lambda cloud: cloud.azure.fail(method, path, 403, "AuthorizationFailed", times=None)


def switched(name: str, value: object) -> Callable[[Cloud], object]:
    return lambda cloud: setattr(cloud.azure, name, value)


def found_as(name: str, value: object) -> Callable[[Cloud], object]:
    return lambda cloud: setattr(cloud.azure.deployed, name, value)


def nothing(_cloud: Cloud) -> None:
    """The variables alone are wrong."""


ON = "on subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/forecasting"
FAULTS = (
    Fault("nobody is signed in", switched("granted", False), "identity", "not signed in"),
    Fault("a setting is wrong", nothing, "settings", "RETRAIN_TLS is 'on'", variables={"RETRAIN_TLS": "on"}),
    Fault("no container to land in", nothing, "containers", "there is no container nowhere-in",
          "az storage container create --name nowhere-in", variables={"TRANSACTIONS_CONTAINER": "nowhere-in"}),
    Fault("no state yet", nothing, "containers", "no container nowhere-state yet", "nothing", "warning",
          {"RETRAIN_STATE_CONTAINER": "nowhere-state"}),
    Fault("no workspace", nothing, "workspace", "there is no such resource",
          variables={"RETRAIN_WORKSPACE": "other"}),
    Fault("no role in the workspace", refused("POST", "/cancel$"), "workspace", "refused",
          f"give this identity the role AzureML Data Scientist {ON}/providers/Microsoft.MachineLearningServices"),
    Fault("no role to build", refused("POST", "/listBuildSourceUploadUrl$"), "registry", "refused",
          f"give this identity the role Container Registry Tasks Contributor {ON}/providers"),
    Fault("no role for groups", refused("DELETE", "/containerGroups/"), "container groups", "refused",
          f"give this identity the role Azure Container Instances Contributor Role {ON}"),
    Fault("no role to assign", refused("GET", "/userAssignedIdentities/"), "pull identity", "refused",
          f"give this identity the role Managed Identity Operator {ON}/providers/Microsoft.ManagedIdentity"),
    Fault("the identity of the app", switched("added", frozenset({operator_of(IDENTITY_OF_APP)})), "pull identity",
          "the identity of the app itself",
          variables={"RETRAIN_PULL_IDENTITY": IDENTITY_OF_APP, "TRANSACTIONS_STORAGE__clientId": CLIENT_ID}),
    Fault("the puller may not pull", found_as("roles_of_puller", []), "pulling images", "has not the role AcrPull",
          f"give the identity {PULL_IDENTITY} the role AcrPull {ON}"),
    Fault("the puller may push", found_as("roles_of_puller", ["7f951dda-4ed3-4680-a7ca-43fe172d538d", "x"]),
          "pulling images", "other roles besides", "take them away", "warning"),
    Fault("AcrPull with ABAC", switched("abac", True), "pulling images",
          "has not the role Container Registry Repository Reader"),
    Fault("a subnet for other things", found_as("delegated", []), "subnet", "is not delegated", "delegate it"),
    Fault("no role for the vault", switched("vault_refuses", True), "vault", "refused",
          "give this identity the role Key Vault Secrets Officer on https://"),
    Fault("no quota for jobs", switched("cores_of_jobs", 0), "quota of jobs", "0 of 0 cores left", "request quota"),
    Fault("no quota for services", switched("container_groups", 0), "quota of services", "0 of 0 container groups",
          "request more quota"),
    Fault("not allowed to see the quota", refused("GET", "MachineLearningServices/locations/"), "quota of jobs",
          "this identity may not look", "the role Reader", "warning"),
    Fault("not released", refused("GET", "nowhere"), "release", "was not released", "run `retrain release`",
          variables={"RETRAIN_BASE_IMAGE": "another"}),
    Fault("another Python", found_as("python", "3.12"), "app", "it runs python 3.12"),
    Fault("a stopped app", found_as("state", "Stopped"), "app", "it is stopped", "az functionapp start"),
    Fault("no app settings", found_as("settings", {}), "app settings", "TRANSACTIONS_STORAGE__queueServiceUri",
          "add them to the app settings"),
    Fault("a host that has not started", lambda cloud: cloud.azure.app.reset(), "host keys",
          "has not made the key blobs_extension"),
    Fault("not allowed to see the keys", refused("POST", "/listkeys$"), "host keys", "may not look",
          "the role Website Contributor", "warning"),
    Fault("no name of the app", nothing, "app", "its name is not known", "set RETRAIN_FUNCTION_APP", "warning",
          {"RETRAIN_FUNCTION_APP": ""}),
    Fault("no subscription", lambda cloud: cloud.azure.events.reset(), "event subscription",
          "no event subscription", "run `retrain subscribe`"),
    Fault("a subscription that failed", lambda cloud: cloud.azure.events.fail(), "event subscription", "is Failed"),
    Fault("a subscription of another container", lambda cloud: cloud.azure.events.widen(), "event subscription",
          "has another filter", "run `retrain subscribe`"),
    Fault("an inline promotion of an endpoint", nothing, "jobs", "the next trigger then continues it",
          "RETRAIN_JOBS=azureml", "warning", {"RETRAIN_JOBS": "inline", "RETRAIN_TARGET": "managed-online"}),
)  # fmt: skip

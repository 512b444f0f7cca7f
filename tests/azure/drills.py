"""What the drills on Azure do and expect: every call with every refusal, and what can go wrong beside calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.azure.emulator import Emulator

GROUPS = r"Microsoft\.ContainerInstance/containerGroups"
CREATION = rf"{GROUPS}/[^/]+$"
STATUSES = {
    400: "InvalidRequest",
    403: "AuthorizationFailed",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}
PASSING = (429, 500, 503)

JOBS = {"RETRAIN_JOBS": "azureml"}


@dataclass(frozen=True, slots=True)
class Place:
    """A call that a promotion makes. `step`: at which the run fails if it is refused; empty where it goes on."""

    call: str
    method: str
    path: str
    step: str
    overrides: dict[str, str] = field(default_factory=dict)


PLACES = (
    Place("look for the job", "GET", r"/jobs/retrain-[^/]+$", "submit", JOBS),
    Place("look for its component", "GET", r"/components/retrain_deploy/", "submit", JOBS),
    Place("look at the workspace", "GET", r"/workspaces/[^/]+$", "", JOBS),
    Place("submit the job", "PUT", r"/jobs/retrain-[^/]+$", "submit", JOBS),
    Place("look for the datastore", "GET", r"/datastores/[^/]+$", ""),
    Place("look for the model", "GET", r"/models/[^/]+/versions/2$", ""),
    Place("list the model's versions", "GET", r"/models/[^/]+/versions$", ""),
    Place("register the model", "PUT", r"/models/[^/]+/versions/2$", ""),
    Place("look for an earlier build", "GET", r"/registries/[^/]+/runs$", "build"),
    Place("look at the registry", "GET", r"/registries/[^/]+$", ""),
    Place("ask where to upload", "POST", r"/listBuildSourceUploadUrl$", "build"),
    Place("schedule the build", "POST", r"/scheduleRun$", "build"),
    Place("look at the build", "GET", r"/runs/ca\d+$", "build"),
    Place("ask for the build's log", "POST", r"/listLogSasUrl$", ""),
    Place("look for the image's entry", "GET", r"/environments/[^/]+/versions/2-", ""),
    Place("list the image", "PUT", r"/environments/[^/]+/versions/2-", ""),
    Place("look for the group", "GET", rf"{GROUPS}/[^/]+-v2$", "deploy"),
    Place("look at the pulling identity", "GET", r"/userAssignedIdentities/", "deploy"),
    Place("create the group", "PUT", rf"{GROUPS}/[^/]+-v2$", "deploy"),
    Place("follow the operation", "GET", r"/operations/", "deploy"),
    Place("list the groups", "GET", rf"{GROUPS}$", ""),
    Place("remove an old group", "DELETE", rf"{GROUPS}/[^/]+-v1$", "", {"RETRAIN_KEEP_SERVICES": "1"}),
)

CRASHES = {"scoring/__main__.py": b"raise SystemExit('out of luck')\n"}
NEVER_READY = {"scoring/__main__.py": b"import time\ntime.sleep(60)\n"}
GENUINE = (Path(__file__).parents[2] / "scoring" / "schema.py").read_bytes()
assert b'"mean": mean,' in GENUINE
WRONG_NUMBERS = {"scoring/schema.py": GENUINE.replace(b'"mean": mean,', b'"mean": mean + 1,')}


@dataclass(frozen=True, slots=True)
class Mishap:
    """Something that goes wrong, how often, and what comes of it.

    Attributes:
        happens: makes it go wrong.
        says: what the run's reason must tell; empty where the promotion gets over it.
        step: at which it fails.
    """

    what: str
    happens: Callable[[Emulator], object]
    says: str
    step: str = "deploy"
    overrides: dict[str, str] = field(default_factory=dict)


def switched(name: str, value: object) -> Callable[[Emulator], object]:
    """Turn a switch of the emulator."""
    return lambda azure: setattr(azure, name, value)


DENIED = (
    "The client 'c' with object id 'o' does not have authorization to perform action "
    "'Microsoft.ContainerInstance/containerGroups/write' over scope '/subscriptions/s/resourceGroups/forecasting'"
)
ASSIGN = (
    "The client 'c' has permission to perform action 'Microsoft.ContainerInstance/containerGroups/write'; however, "
    "it does not have permission to perform action "
    "'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the linked scope(s) "
    "'/subscriptions/s/identities/retrainer'"
)

OF_ANY_SERVICE = (
    Mishap("the container crashes in a loop", switched("tamper", CRASHES), "ended before it was ready", "prove"),
    Mishap(
        "the container is never ready",
        switched("tamper", NEVER_READY),
        "was not ready within 2 s",
        "prove",
        {"RETRAIN_READY_SECONDS": "2"},
    ),
    Mishap(
        "the service answers other numbers",
        switched("tamper", WRONG_NUMBERS),
        "forecasts other numbers than its artifact",
        "prove",
    ),
)
"""What a service does wrong, wherever it runs."""

MISHAPS = (
    Mishap(
        "the role for container groups is missing",
        lambda azure: azure.fail("PUT", GROUPS, 403, "AuthorizationFailed", DENIED, None),
        "give this identity the role Azure Container Instances Contributor Role on "
        "/subscriptions/s/resourceGroups/forecasting",
    ),
    Mishap(
        "the role to assign the pulling identity is missing",
        lambda azure: azure.fail("PUT", GROUPS, 403, "LinkedAuthorizationFailed", ASSIGN, None),
        "give this identity the role Managed Identity Operator on /subscriptions/s/identities/retrainer",
    ),
    Mishap(
        "the subscription may not run ACR Tasks",
        lambda azure: azure.fail("POST", "/scheduleRun$", 403, "TasksOperationsNotAllowed", "not permitted", None),
        "ACR Tasks are not allowed on free credit",
        "build",
    ),
    Mishap("the build fails", switched("broken_build", True), "the build of .* has failed", "build"),
    Mishap(
        "the quota is used up",
        lambda azure: azure.fail("PUT", GROUPS, 409, "ContainerGroupQuotaReached", "4 of 4 cores are used", None),
        "request more quota in the region",
    ),
    Mishap(
        "the image cannot be pulled, once",
        lambda azure: azure.fail_operation(CREATION, "InaccessibleImage", "not accessible"),
        "",
    ),
    Mishap(
        "the image cannot be pulled",
        lambda azure: azure.fail_operation(CREATION, "InaccessibleImage", "not accessible", times=None),
        "RETRAIN_PULL_IDENTITY the role AcrPull",
    ),
    Mishap(
        "another operation on the group is going on, twice",
        lambda azure: azure.fail("PUT", GROUPS, 409, "ContainerGroupTransitioning", times=2),
        "",
    ),
    Mishap(
        "another operation on the group goes on for ever",
        lambda azure: azure.fail("PUT", GROUPS, 409, "ContainerGroupTransitioning", "still transitioning", None),
        "another operation on the group is in progress",
    ),
    Mishap(
        "the operation fails",
        lambda azure: azure.fail_operation(CREATION, "InternalError", "it broke", times=None),
        "InternalError, it broke",
    ),
    Mishap(
        "the operation is cancelled",
        lambda azure: azure.fail_operation(CREATION, status="Canceled", times=None),
        "a person or a policy cancelled it",
    ),
    Mishap(
        "the answer to the creation is lost",
        lambda azure: azure.drop("PUT", GROUPS, done=True),
        "",
    ),
    Mishap(
        "the group has no address",
        switched("aci_without_address", True),
        "was created and has no address",
    ),
    *OF_ANY_SERVICE,
)

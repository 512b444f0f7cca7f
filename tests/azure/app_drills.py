"""What the drills on Container Apps do and expect: the calls that Container Instances do not have, and mishaps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.azure.drills import OF_ANY_SERVICE, PASSING, STATUSES, Mishap, Place, switched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.azure.emulator import Emulator

APP = r"Microsoft\.App/containerApps/[^/]+$"
REVISIONS = r"Microsoft\.App/containerApps/[^/]+/revisions"
KEEP_ONE = {"RETRAIN_KEEP_SERVICES": "1"}

PLACES = (
    Place("look at the app", "GET", APP, "deploy"),
    Place("list the revisions", "GET", rf"{REVISIONS}$", "deploy"),
    Place("read the secrets", "POST", r"/listSecrets$", "deploy"),
    Place("write the app with the revision", "PUT", APP, "deploy"),
    Place("follow the operation", "GET", r"/operations/", "deploy"),
    Place("end an old revision", "POST", r"/deactivate$", "", KEEP_ONE),
)

WRITE = "Microsoft.App/containerApps/write"
SCOPE = "/subscriptions/s/resourceGroups/forecasting"
APP_SCOPE = f"{SCOPE}/providers/Microsoft.App/containerApps/m"
DENIED = (
    "The client 'c' with object id 'o' does not have authorization to perform action "
    f"'{WRITE}' over scope '{APP_SCOPE}'"
)


def linked(action: str, scope: str) -> str:
    """What Azure says if a body refers to what its sender may not use."""
    return (
        f"The client 'c' has permission to perform action '{WRITE}'; however, it does not have permission to "
        f"perform action '{action}' on the linked scope(s) '{scope}'"
    )


JOIN = linked("Microsoft.App/managedEnvironments/join/action", f"{SCOPE}/environment")
ASSIGN = linked("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", f"{SCOPE}/puller")
INVALID = "InvalidParameterValueInContainerTemplate"
NO_IMAGE = "Field 'template.containers.scoring.image' is invalid with details: 'MANIFEST_UNKNOWN'"
EXPIRED = "Failed to provision revision for container app. Error details: Operation expired."
AT_WORK = "ContainerAppOperationInProgress"


def _refused(status: int, code: str, message: str = "", times: int | None = None) -> Callable[[Emulator], object]:
    return lambda azure: azure.fail("PUT", APP, status, code, message, times)


MISHAPS = (
    Mishap(
        "the role for container apps is missing",
        _refused(403, "AuthorizationFailed", DENIED),
        f"give this identity the role Container Apps Contributor on {APP_SCOPE}",
    ),
    Mishap(
        "the role to join the environment is missing",
        _refused(403, "LinkedAuthorizationFailed", JOIN),
        f"give this identity the role Container Apps Contributor on {SCOPE}/environment",
    ),
    Mishap(
        "the role to assign the pulling identity is missing",
        _refused(403, "LinkedAuthorizationFailed", ASSIGN),
        f"give this identity the role Managed Identity Operator on {SCOPE}/puller",
    ),
    Mishap("the image cannot be pulled, once", _refused(400, INVALID, NO_IMAGE, 1), ""),
    Mishap(
        "the image cannot be pulled", _refused(400, INVALID, NO_IMAGE), "RETRAIN_PULL_IDENTITY the role AcrPull"
    ),
    Mishap("another operation on the app is going on, twice", _refused(409, AT_WORK, "provisioning", 2), ""),
    Mishap(
        "another operation on the app goes on for ever",
        _refused(409, AT_WORK, "there is an active provisioning operation"),
        "another operation on the app is in progress",
    ),
    Mishap(
        "a quota is used up",
        _refused(400, "ManagedEnvironmentQuotaExceeded", "100 of 100 cores are used"),
        "request more quota in the region",
    ),
    Mishap(
        "the environment has no cores left, and Azure says nothing",
        switched("app_without_cores", True),
        "was not ready within 2 s",
        "prove",
        {"RETRAIN_READY_SECONDS": "2"},
    ),
    Mishap(
        "the revision fails",
        lambda azure: azure.fail_operation(APP, "ContainerAppOperationError", EXPIRED, times=None),
        "Operation expired",
    ),
    Mishap(
        "the operation is cancelled",
        lambda azure: azure.fail_operation(APP, status="Canceled", times=None),
        "a person or a policy cancelled it",
    ),
    Mishap("the answer to the creation is lost", lambda azure: azure.drop("PUT", APP, done=True), ""),
    Mishap("the revision has no address", switched("app_without_address", True), "was created and has no address"),
    *OF_ANY_SERVICE,
    Mishap("a secret was removed by a person", lambda azure: azure.apps.remove_secrets(), ""),
    Mishap("the champion is asleep", lambda azure: azure.apps.scale_to_zero(), ""),
    Mishap(
        "the traffic cannot be moved", switched("app_keeps_traffic", True), "InternalServerError|busy", "switch"
    ),
)
KILLS = (
    "before the revision is written",
    "after it, before it is on record",
    "before the traffic moves",
    "after it",
    "before the old revision ends",
    "after it",
)


def page(refusals: Mapping[str, Mapping[int, str]], mishaps: Mapping[str, str]) -> str:
    """The page docs/azure-drills-container-apps.md. Args: as of the page of Container Instances."""
    heads = [str(status) for status in STATUSES]
    rows = (
        f"| {place.call} | {' | '.join(refusals[place.call][status] for status in STATUSES)} |" for place in PLACES
    )
    return "\n".join(
        [
            "# Drills on Container Apps",
            "",
            "Written by `make drills WRITE_TABLES=1`; `make drills` compares. As [the drills on",
            "Azure](azure-drills.md), with `RETRAIN_TARGET=container-apps`, where they differ: jobs, builds and",
            "the list of models are the same. A promotion that was killed at any write was finished by the next",
            "trigger, with one revision a version.",
            "",
            "## Each call of a promotion, refused for as long as it lasts",
            "",
            f"| call | {' | '.join(heads)} |",
            f"|---|{'---|' * len(heads)}",
            *rows,
            "",
            f"Refused once with {', '.join(map(str, PASSING))} and a time to come again: promoted.",
            "",
            "## What else can happen",
            "",
            "| what | the run says |",
            "|---|---|",
            *(f"| {mishap.what} | {mishaps[mishap.what]} |" for mishap in MISHAPS),
            "",
        ]
    )


def plain(text: str) -> str:
    """A reason without the names of revisions, which depend on the image."""
    return re.sub(r"--v(\d+)-[0-9a-f]{8}", r"--v\1-HASH", text)

"""What Container Apps refuses of an app: before anything is done, as the service does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.azure.emulator.routes import ArmError
from tests.azure.emulator.standing import PULLER
from tests.azure.emulator.world import ENVIRONMENT_PATH, PULL, REGISTRY_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.azure.emulator.documents import Document
    from tests.azure.emulator.world import World

LONGEST_NAME = 32
SIZES = {step / 4: step / 2 for step in range(1, 17)}
"""The memory in Gi that goes with each number of cores, in the consumption profile."""


def check(world: World, app: str, body: Document, there: Document | None, revisions: Sequence[Document]) -> str:
    """The name of the revision that the body makes, or has made. Raises: ArmError as the service refuses."""
    if there is not None:
        settled(there)
    if not body.get("location") or body["properties"].get("environmentId") != ENVIRONMENT_PATH:
        raise ArmError(400, "InvalidRequestContent", "location and an environment that exists are required")
    if len(app) > LONGEST_NAME:
        raise ArmError(400, "ContainerAppInvalidName", f"Invalid ContainerApp name '{app}'.")
    template, configuration = body["properties"]["template"], body["properties"]["configuration"]
    name = f"{app}--{template['revisionSuffix']}"
    _secrets(configuration, template)
    _size(template["containers"][0]["resources"])
    before = next((one for one in revisions if one["name"] == name), None)
    if before is not None and before["properties"]["template"] != template:
        raise ArmError(
            400, "InvalidParameterValueInContainerTemplate", f"Revision {name} exists and cannot be changed."
        )
    _traffic(configuration["ingress"]["traffic"], {name, *(one["name"] for one in revisions)})
    if before is not None and world.switches.app_keeps_traffic:
        raise ArmError(500, "InternalServerError", "the traffic cannot be changed")
    if before is None:
        _image(world, body, template["containers"][0]["image"])
    return name


def settled(document: Document) -> None:
    """Raises: ArmError while another operation on the app goes on."""
    if document["properties"]["provisioningState"] in ("InProgress", "Deleting"):
        message = (
            f"Cannot modify a container app '{document['name']}' because there is an active provisioning operation."
        )
        raise ArmError(409, "ContainerAppOperationInProgress", message)


def _secrets(configuration: Document, template: Document) -> None:
    given = configuration.get("secrets") or []
    if empty := [one["name"] for one in given if not one.get("value")]:
        message = (
            f"Container app secret(s) with name(s) '{', '.join(empty)}' are invalid: value should be provided."
        )
        raise ArmError(400, "ContainerAppSecretInvalid", message)
    names = {one["name"] for one in given}
    for one in _references(template):
        if one not in names:
            raise ArmError(400, "ContainerAppSecretRefNotFound", f"SecretRef '{one}' is not found.")


def _references(template: Document) -> Iterator[str]:
    for container in template["containers"]:
        yield from (one["secretRef"] for one in container.get("env") or [] if "secretRef" in one)


def _size(resources: Document) -> None:
    if SIZES.get(resources["cpu"]) != float(resources["memory"].removesuffix("Gi")):
        message = "The total requested CPU and memory resources for this application are invalid."
        raise ArmError(400, "ContainerAppInvalidResourceTotal", message)


def _traffic(traffic: Sequence[Document], known: set[str]) -> None:
    labels = [one.get("label") for one in traffic if one.get("label")]
    unknown = [one["revisionName"] for one in traffic if one["revisionName"] not in known]
    if unknown or len(set(labels)) != len(labels) or sum(one["weight"] for one in traffic) != 100:
        told = f"Traffic weights must add up to 100, of revisions that exist, a label once; unknown: {unknown}"
        raise ArmError(400, "ContainerAppInvalidTrafficWeight", told)


def _image(world: World, body: Document, image: str) -> None:
    """A user-assigned identity that is the app's own pulls it, with the role to do so."""
    if world.images.folder_of(image) is None:
        raise _not_pulled(image, "MANIFEST_UNKNOWN: manifest is not found")
    assigned = {name.lower() for name in (body.get("identity") or {}).get("userAssignedIdentities") or {}}
    registries: list[dict[str, Any]] = body["properties"]["configuration"].get("registries") or []
    named = any((one.get("identity") or "").lower() in assigned for one in registries)
    if not (assigned and named and world.switches.access.allows(PULLER, PULL, REGISTRY_PATH)):
        raise _not_pulled(image, "UNAUTHORIZED: authentication required")


def _not_pulled(image: str, why: str) -> ArmError:
    message = (
        "The following field(s) are either invalid or missing. Field 'template.containers.scoring.image' is "
        f"invalid with details: 'Invalid value: \"{image}\": {why}';."
    )
    return ArmError(400, "InvalidParameterValueInContainerTemplate", message)

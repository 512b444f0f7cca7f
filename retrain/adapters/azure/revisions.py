"""The revisions of a container app as they are read: of which version, and whether they run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.arm import state_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azure.mgmt.appcontainers.models import Revision as Found

NAME = re.compile(r"--v(\d+)-[0-9a-f]{8}(?:-\d+)?$")
FAILED = {"Failed", "ActivationFailed"}
WHOLE = 100  # percent
NEVER = datetime.min.replace(tzinfo=UTC)
CRASHES = 2  # starts again so often before it counts as a crash in a loop


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of ours.

    Attributes:
        is_active: it runs, or starts as soon as it is asked.
        has_failed: Azure could not provision it, or gave up starting it.
        is_healthy: Azure says so.
        host: where it alone answers; empty while it has no address.
        trouble: what Azure says is wrong with it; empty if nothing.
    """

    name: str
    version: str
    is_active: bool = True
    has_failed: bool = False
    is_healthy: bool = False
    host: str = ""
    created: datetime = NEVER
    trouble: str = ""

    @property
    def suffix(self) -> str:
        """What follows the name of the app."""
        return self.name.partition("--")[2]


def read_revisions(found: Sequence[Found]) -> list[Revision]:
    """Those that carry a version, the oldest first."""
    ours = [_revision(one, match[1]) for one in found if (match := NAME.search(str(one.name)))]
    return sorted(ours, key=lambda one: (one.created, one.name))


def active(revisions: Sequence[Revision]) -> dict[str, Revision]:
    """The newest active revision of each version."""
    return {one.version: one for one in revisions if one.is_active}


def traffic(revisions: Sequence[Revision], before: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The traffic of the active revisions, each version with the weight that it had.

    Azure wants 100 in all: if they had less, the version with most of it gets all; without any, the newest.

    Args: before: the traffic so far.
    """
    weights: dict[str, int] = {}
    for one in before:
        match = NAME.search(str(one.get("revisionName") or ""))
        if match:
            weights[match[1]] = weights.get(match[1], 0) + int(one.get("weight") or 0)
    running = active(revisions).values()
    if running and sum(weights.get(one.version, 0) for one in running) != WHOLE:
        most = max(running, key=lambda one: (weights.get(one.version, 0), one.created))
        weights = {most.version: WHOLE}
    return entries(revisions, weights)


def entries(revisions: Sequence[Revision], weights: dict[str, int]) -> list[dict[str, Any]]:
    """The traffic as Azure takes it, with a label for each version.

    Args: weights: in percent, by version; the others get none.
    """
    return [
        {"revisionName": one.name, "label": f"v{version}", "weight": weights.get(version, 0)}
        for version, one in active(revisions).items()
    ]


def crashes(replicas: Sequence[Any]) -> bool:
    """Whether all containers of a revision's replicas end again and again; False if there is none."""
    containers = [one for replica in replicas for one in (replica.containers or [])]
    return bool(containers) and all((one.restart_count or 0) >= CRASHES and not one.ready for one in containers)


def _revision(found: Found, version: str) -> Revision:
    details = found.properties.get("runningStateDetails") if found.properties else None  # the SDK does not name it
    return Revision(
        str(found.name),
        version,
        bool(found.active),
        not FAILED.isdisjoint({state_name(found.provisioning_state), state_name(found.running_state)}),
        state_name(found.health_state) == "Healthy",
        str(found.fqdn or ""),
        found.created_time or NEVER,
        str(found.provisioning_error or details or ""),
    )

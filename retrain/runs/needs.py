"""Which versions need a service or an image, and which artifacts are needed: what is not known is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrain.records.request import OfNewerCode, Repair, RollBack

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from retrain.records.champion import Pointer
    from retrain.records.request import Request


@dataclass(frozen=True, slots=True)
class Known:
    """What the records say.

    Attributes:
        versions: those that are registered.
        requests: what waits; None for one that cannot be read.
        promotions: the runs that have begun a promotion, ended or not.
        keep_services, keep_images: how many champions, the newest first, keep theirs.
    """

    pointer: Pointer
    versions: Collection[str]
    requests: Mapping[str, Request | None] = field(default_factory=dict)
    promotions: Collection[str] = ()
    keep_services: int = 1
    keep_images: int = 1

    @property
    def is_unclear(self) -> bool:
        """Whether anything may be needed: by a promotion under way, or a request that this code cannot read."""
        return any(
            request is None or isinstance(request, OfNewerCode) or run_id in self.promotions
            for run_id, request in self.requests.items()
        )


@dataclass(frozen=True, slots=True)
class Needed:
    """The versions whose services and images are needed. What is of no version that is known is needed too."""

    services: frozenset[str]
    images: frozenset[str]


def needed(known: Known) -> Needed:
    """What a rollback, a repair, the watch over a new champion, or a promotion under way may need."""
    if known.is_unclear:
        everything = frozenset(known.versions)
        return Needed(everything, everything)
    champions = known.pointer.versions
    champion = known.pointer.champion
    named = {champion.version if champion else None, known.pointer.predecessor}
    named |= {request.to for request in known.requests.values() if isinstance(request, RollBack)}
    named |= {request.version for request in known.requests.values() if isinstance(request, Repair)}
    services = frozenset(version for version in {*champions[: known.keep_services], *named} if version)
    return Needed(services, services | frozenset(champions[: known.keep_images]))


def unneeded_artifacts(
    artifacts: Sequence[str], by_versions: Collection[str], by_runs: Collection[str]
) -> list[str]:
    """The artifacts that neither a version nor a run names.

    Args: by_runs: of promotions, also one that has failed, which may be repeated; and of a winner that waits.
    """
    return [sha256 for sha256 in artifacts if sha256 not in by_versions and sha256 not in by_runs]

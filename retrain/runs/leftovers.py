"""Finds what nothing needs any more. What this code does not recognise is never among it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrain.errors import NotFound, RetrainError
from retrain.promotion.record import Promotion
from retrain.records.approval import UNPROMOTED, last_asking
from retrain.records.ledger import PROMOTIONS
from retrain.records.leftovers import Kind, Leftover
from retrain.records.registry import ARTIFACTS, service_name
from retrain.records.service_record import FOLDER as SERVICES
from retrain.records.service_state import FOLDER as STATES
from retrain.runs.needs import Known, Needed, needed, unneeded_artifacts
from retrain.runs.outdated import outdated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrain.ports import ObjectStore, StoredImage
    from retrain.records.context import Context
    from retrain.settings import Settings

ARTIFACT = re.compile(rf"{ARTIFACTS}([0-9a-f]{{64}})\.json", re.ASCII)
PROMOTION = re.compile(rf"{PROMOTIONS}(.+)\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at everything has found.

    Attributes:
        unseen: the kinds that could not be looked at, each with the reason.
    """

    leftovers: tuple[Leftover, ...]
    unseen: dict[Kind, str]


def leftovers(settings: Settings, context: Context) -> Found:
    """Everything that nothing needs, in the order in which it is removed.

    Raises: RetrainError if the records that say what is needed cannot be read.
    """
    known = known_from(settings, context)
    needs = needed(known)
    looks: dict[Kind, Callable[[], Iterator[Leftover]]] = {
        Kind.SERVICE: lambda: _services(known, needs, context),
        Kind.IMAGE: lambda: _images(known, needs, context),
        Kind.ARTIFACT: lambda: _artifacts(known, context),
        **outdated(known, settings, context),
    }
    found: list[Leftover] = []
    unseen: dict[Kind, str] = {}
    for kind, look in looks.items():
        try:
            found += look()
        except RetrainError as error:
            unseen[kind] = str(error)
    return Found(tuple(found), unseen)


def known_from(settings: Settings, context: Context) -> Known:
    """The records that say what is needed. Raises: RetrainError."""
    ledger, platform = context.ledger, settings.platform
    asked = ledger.asked()
    read = {request.run_id: request for request in ledger.requests(asked)}
    named = (PROMOTION.fullmatch(name) for name in context.state.names(PROMOTIONS))
    return Known(
        pointer=ledger.pointer(),
        versions=frozenset(context.registry.versions()),
        requests={run_id: read.get(run_id) for run_id in asked},
        promotions=frozenset(each[1] for each in named if each),
        keep_services=platform.keep_services,
        keep_images=platform.keep_images,
    )


def unneeded_image(image: StoredImage, known: Known, needs: Needed, running: set[str]) -> bool:
    """Whether an image belongs to no service: of a version that is known, or never finished."""
    if not image.version:
        return not known.is_unclear
    return image.version in known.versions and image.version not in needs.images | running


def _services(known: Known, needs: Needed, context: Context) -> Iterator[Leftover]:
    """Those that run, are stopped, or are only on record."""
    running = {service.version for service in context.platform.services()}
    recorded = _versions_in(SERVICES, context) | _versions_in(STATES, context)
    for version in sorted(known.versions, key=int):
        if version in running | recorded and version not in needs.services:
            how = "" if version in running else "only a record is left: "
            why = f"{how}version {version} is neither champion nor one of the last {known.keep_services}"
            yield Leftover(Kind.SERVICE, service_name(context.registry.name, version), why)


def _versions_in(folder: str, context: Context) -> set[str]:
    name = re.compile(rf"{folder}{re.escape(context.registry.name)}-v([1-9]\d*)\.json", re.ASCII)
    return {named[1] for each in context.state.names(folder) if (named := name.fullmatch(each))}


def _images(known: Known, needs: Needed, context: Context) -> Iterator[Leftover]:
    running = {service.version for service in context.platform.services()}
    for image in context.platform.images(context.registry.name):
        if unneeded_image(image, known, needs, running):
            why = f"version {image.version} is not one of the last {known.keep_images} champions"
            why = why if image.version else "its build was never finished"
            yield Leftover(Kind.IMAGE, image.name, why, image.size)


def _artifacts(known: Known, context: Context) -> Iterator[Leftover]:
    """There are none while there are no more artifacts than versions, which saves reading every record."""
    state = context.state
    there = [named[1] for name in state.names(ARTIFACTS) if (named := ARTIFACT.fullmatch(name))]
    if known.is_unclear or known.requests or len(there) <= len(known.versions):
        return
    by_versions = {context.registry.get(version).artifact_sha256 for version in known.versions}
    by_runs = {_submitted(run_id, context) for run_id in known.promotions} | _waiting(context)
    for sha256 in unneeded_artifacts(there, by_versions, by_runs):
        why = "its run ended before it was submitted, so it is no version"
        yield Leftover(Kind.ARTIFACT, sha256, why, _size(f"{ARTIFACTS}{sha256}.json", state))


def _submitted(run_id: str, context: Context) -> str:
    try:
        return Promotion.of(run_id, context).artifact_sha256
    except NotFound:  # a name that no run has
        return ""


def _waiting(context: Context) -> set[str]:
    """The winner that a person may still approve: its artifact is named by its run alone. Raises: DamagedRecord."""
    asking = last_asking(context.state)
    run = context.ledger.recorded(asking.run_id) if asking else None
    asked = run.approval if run else None
    return {asked.artifact_sha256} if asked is not None and asked.state not in UNPROMOTED else set()


def _size(name: str, state: ObjectStore) -> int | None:
    stored = state.read(name)
    return len(stored.data) if stored else None

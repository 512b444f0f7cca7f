"""Removes one leftover. Each way may be interrupted anywhere and made again: it ends the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.monitoring.issued import ISSUED
from retrain.records.ledger import AHEAD, folder_of
from retrain.records.leftovers import Kind, Leftover
from retrain.records.quarantine import FOLDER as QUARANTINE
from retrain.records.quarantine import REASON
from retrain.records.registry import artifact_name
from retrain.records.service_state import ServiceStates
from retrain.runs.outdated import FILES

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.records.context import Context


def remove(leftover: Leftover, context: Context) -> None:
    """Remove it. Raises: what the store or the platform raises."""
    ways: dict[Kind, Callable[[str, Context], None]] = {
        Kind.SERVICE: _service,
        Kind.IMAGE: _image,
        Kind.ARTIFACT: _artifact,
        Kind.RUN: _run,
        Kind.FORECAST: _forecast,
        Kind.QUARANTINE: _copy,
    }
    ways[leftover.kind](leftover.name, context)


def _service(name: str, context: Context) -> None:
    context.platform.remove(name)
    ServiceStates(context.state).forget(name)


def _image(name: str, context: Context) -> None:
    for image in context.platform.images(context.registry.name):
        if image.name == name:
            context.platform.remove_image(image)


def _artifact(sha256: str, context: Context) -> None:
    context.state.delete(artifact_name(sha256))


def _run(run_id: str, context: Context) -> None:
    """The report first: a run that is listed has all that belongs to it."""
    for name in FILES:
        context.state.delete(f"{folder_of(run_id)}{name}")
    context.state.delete(f"{AHEAD}{run_id}")


def _forecast(stem: str, context: Context) -> None:
    """What was published first: the record says that there is something."""
    for ending in ("csv", "parquet"):
        if context.forecasts is not None:
            context.forecasts.delete(f"{stem}.{ending}")
    context.state.delete(f"{ISSUED}{stem}.json")


def _copy(run_id: str, context: Context) -> None:
    """The reason first: a file that is listed has its copy."""
    names = list(context.state.names(f"{QUARANTINE}{run_id}/"))
    for name in sorted(names, key=lambda name: not name.endswith(REASON)):
        context.state.delete(name)

"""A service is started again: the same version, image and key, and the same address if it is free."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from retrain.errors import RetrainError
from retrain.promotion.look import MENDED_BY_STOPPING
from retrain.promotion.record import Promotion
from retrain.promotion.verify import prove, wait_until_ready
from retrain.records.base import skipping
from retrain.records.image import build_context
from retrain.records.registry import service_name
from retrain.records.service_state import State

if TYPE_CHECKING:
    from retrain.ports import Service
    from retrain.promotion.look import Look
    from retrain.records.context import Context
    from retrain.records.registry import RegisteredModel
    from retrain.settings import Settings
    from scoring.model import ForecastModel


def start_again(
    model: RegisteredModel,
    loaded: ForecastModel,
    found: Look,
    settings: Settings,
    context: Context,
    *,
    anew: bool = False,
) -> Service:
    """Start a service that does not answer, and prove it.

    Args:
        found: what a look at it found.
        anew: build its image again, because it failed before.
    Raises: ServiceError if it does not get ready or does not prove itself; what the platform raises.
    """
    name = service_name(model.name, model.version)
    if found.state in MENDED_BY_STOPPING:
        context.platform.stop(name, at_once=True)
    elif found.state is State.ANSWERS:  # a person asks for it
        context.platform.stop(name)
    image = "" if anew or found.state is State.WRONG else _recorded_image(model, context)
    service = _deployed(name, model, image, context) if image else None
    service = service or context.platform.deploy(name, model.version, _built(model, context))
    wait_until_ready(service, context.platform, settings.platform.ready_seconds)
    prove(service, loaded)
    return service


def _deployed(name: str, model: RegisteredModel, image: str, context: Context) -> Service | None:
    """The service from the recorded image; None if it cannot be started from that, which may be gone by now."""
    with skipping():
        return context.platform.deploy(name, model.version, image)
    return None


def _built(model: RegisteredModel, context: Context) -> str:
    artifact = context.registry.artifact(model)
    return context.platform.build(model.name, model.version, build_context(model, artifact)).reference


def _recorded_image(model: RegisteredModel, context: Context) -> str:
    """The image that was built for the version; empty if that is not on record."""
    with suppress(RetrainError):
        built = Promotion.of(model.run_id, context).steps.get("build")
        return (built and built.image) or ""
    return ""

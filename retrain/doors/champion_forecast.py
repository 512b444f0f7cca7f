"""The stable route: ask the champion's service, whoever is champion, for the days after the last accepted one."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from retrain.errors import ServiceError, ServiceUnavailable
from retrain.monitoring.observed_days import age_notes, tellings
from retrain.promotion.client import ANSWER_SECONDS, ask, current
from retrain.records.history import Histories

if TYPE_CHECKING:
    from retrain.monitoring.observed_days import Told
    from retrain.ports import Service
    from retrain.records.context import Context
    from retrain.settings import Settings

MOST_DAYS = 365  # what a service forecasts at most
NOTES = "notes"  # on an answer that is not complete yet


def champion_forecast(days: int, settings: Settings, context: Context) -> dict[str, Any]:
    """Forecast `days` days with the champion as it was trained, told every accepted day since.

    Returns: the service's answer; how many days old its newest one is; and, as `warning`, which days were left out,
        and what else the forecast lacks.
    Raises: NotFound if there is no champion; ServiceUnavailable if its service does not answer.
    """
    service = _champions_service(context)
    try:
        answer = _asked(service, days, settings, context)
    except ServiceError:
        # A promotion may have retired the service between two lines, or the platform have moved it; another version
        # may answer where it was.
        successor = current(_champions_service(context), context.platform)
        if successor == service:
            raise
        answer = _asked(successor, days, settings, context)
    today, origin = context.now().date(), date.fromisoformat(answer["origin"])
    notes = (*answer.pop(NOTES), *age_notes(origin, today))
    said = {"warning": " ".join(f"{note[0].upper()}{note[1:]}." for note in notes)} if notes else {}
    return answer | {"data_age_days": (today - origin).days} | said


def _champions_service(context: Context) -> Service:
    version = context.champion_of(context.ledger.pointer()).version
    service = context.platform.find(version)
    if service is not None:
        return service
    raise ServiceUnavailable(
        f"version {version} is champion and has no service; `retrain rollback --to {version}` starts one"
    )


def _asked(service: Service, days: int, settings: Settings, context: Context) -> dict[str, Any]:
    try:
        trained_through = date.fromisoformat(_ready(service, context)["trained_through"])
    except (KeyError, TypeError, ValueError) as exc:
        raise ServiceError(f"service {service.name} does not say what it was trained on; roll back") from exc
    history = Histories(context.state).days()
    is_corrected = history.is_corrected(context.registry.of_record(service.version).lineage)
    today = context.now().date()
    first, *others = tellings(history, settings.data.gaps, trained_through, today, is_corrected=is_corrected)
    try:
        return _told(service, days, first)
    except ServiceUnavailable:
        raise
    except ServiceError as refusal:  # it still answers from what it has
        if not others:
            raise
        return _told(service, days, others[0].noting(f"the champion does not know {others[0].lacks}: {refusal}"))


def _ready(service: Service, context: Context) -> dict[str, Any]:
    """Its answer, for which one that has ended in a pause starts again."""
    return ask(service, "/readyz", answer_seconds=max(ANSWER_SECONDS, context.platform.wake_seconds))


def _told(service: Service, days: int, told: Told) -> dict[str, Any]:
    """The answer of a service that is told these days, with the notes on them."""
    observations = [{"date": day.isoformat(), "amount": amount} for day, amount in told.observed.items()]
    body = {"horizon_days": days, "observations": observations} | ({"restart": True} if told.restart else {})
    return ask(service, "/forecast", body) | {NOTES: told.notes}

"""The stable route: ask the champion's service, whoever is champion, for the days after the last accepted one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from retrain.data.series import GapPolicy
from retrain.doors.observed_days import REACH_DAYS, age_notes, to_go_on_with, to_restart_on, until_now
from retrain.errors import NotFound, ServiceError, ServiceUnavailable
from retrain.promotion.client import ask, current
from retrain.records.history import Histories

if TYPE_CHECKING:
    from collections.abc import Collection

    from retrain.data.series import Days
    from retrain.doors.observed_days import Told
    from retrain.ports import Service
    from retrain.records.context import Context
    from retrain.records.counted_days import CountedDays
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
    champion = context.ledger.pointer().champion
    if champion is None:
        raise NotFound("there is no champion yet; land a file of transactions first")
    version = champion.version
    service = context.platform.find(version)
    if service is not None:
        return service
    raise ServiceUnavailable(
        f"version {version} is champion and has no service; `retrain rollback --to {version}` starts one"
    )


def _asked(service: Service, days: int, settings: Settings, context: Context) -> dict[str, Any]:
    try:
        trained_through = date.fromisoformat(ask(service, "/readyz")["trained_through"])
    except (KeyError, TypeError, ValueError) as exc:
        raise ServiceError(f"service {service.name} does not say what it was trained on; roll back") from exc
    history = Histories(context.state).days()
    today = context.now().date()
    known, notes = until_now(history.days, today)
    usable = newer_days(date.min, known, settings.data.gaps, history.unknown)
    going_on = to_go_on_with(usable, trained_through)
    must_restart = _is_corrected(service, history, context) or trained_through > today + timedelta(days=1)
    restarted = to_restart_on(usable) if must_restart else going_on if going_on.restart else None
    if restarted is None:
        return _told(service, days, going_on.noting(*notes))
    try:
        return _told(service, days, restarted.noting(*notes))
    except ServiceUnavailable:
        raise
    except ServiceError as refusal:  # it still answers from what it has
        within = to_go_on_with(_within_reach(usable, trained_through), trained_through)
        what = (
            "the corrected days that it was trained on" if must_restart else "the days that are too far off for it"
        )
        return _told(service, days, within.noting(f"the champion does not know {what}: {refusal}", *notes))


def _told(service: Service, days: int, told: Told) -> dict[str, Any]:
    """The answer of a service that is told these days, with the notes on them."""
    observations = [{"date": day.isoformat(), "amount": amount} for day, amount in told.observed.items()]
    body = {"horizon_days": days, "observations": observations} | ({"restart": True} if told.restart else {})
    return ask(service, "/forecast", body) | {NOTES: told.notes}


def _within_reach(days: Days, trained_through: date) -> Days:
    """The days that a service takes that does not restart."""
    return {day: amount for day, amount in days.items() if (day - trained_through).days <= REACH_DAYS}


def _is_corrected(service: Service, history: CountedDays, context: Context) -> bool:
    """Whether days that the champion was trained on were corrected since."""
    return history.is_corrected(context.registry.get(service.version).lineage)


def newer_days(day: date, history: Days, gaps: GapPolicy, held: Collection[date] = ()) -> Days:
    """The accepted days after `day`, without those that are held.

    A missing one stays missing, which the model bears, unless it means zero. So does a closed one: the model knows
    its own closed days, and passes over them.
    """
    newer = {newest: amount for newest, amount in history.items() if newest > day and newest not in held}
    if gaps is GapPolicy.ZERO and newer:
        day = max(day, min(history) - timedelta(days=1))
        whole = (day + timedelta(days=ahead) for ahead in range(1, (max(newer) - day).days + 1))
        return {each: newer.get(each, 0.0) for each in whole if each not in held}
    return newer

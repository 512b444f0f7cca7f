"""The stable route: ask the champion's service, whoever is champion, for the days after the last accepted one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from retrain.data.series import GapPolicy
from retrain.errors import NotFound, ServiceError, ServiceUnavailable
from retrain.promotion.client import ask, current
from retrain.records.history import Histories

if TYPE_CHECKING:
    from collections.abc import Collection

    from retrain.data.series import Days
    from retrain.ports import Service
    from retrain.records.context import Context
    from retrain.records.counted_days import CountedDays
    from retrain.settings import Settings

MOST_DAYS = 365  # what a service forecasts at most
# What fits into the body that a service reads; older days no longer change the forecast.
MOST_OBSERVATIONS = 1000
RESTART_DAYS = 60  # fewer tell a model too little to restart on them


def champion_forecast(days: int, settings: Settings, context: Context) -> dict[str, Any]:
    """Forecast `days` days with the champion as it was trained, told every accepted day since.

    Returns: the service's answer, and how many days old its newest one is.
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
    age = context.now().date() - date.fromisoformat(answer["origin"])
    return answer | {"data_age_days": age.days}


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
    restart = _must_restart(service, history, context)
    before = date.min if restart else trained_through
    observed = newer_days(before, history.days, settings.data.gaps, history.unknown)
    if not restart:
        return ask(service, "/forecast", _body(days, observed))
    try:
        return ask(service, "/forecast", {**_body(days, observed), "restart": True})
    except ServiceUnavailable:
        raise
    except ServiceError as refusal:  # it still answers from what it has
        newer = {day: amount for day, amount in observed.items() if day > trained_through}
        answer = ask(service, "/forecast", _body(days, newer))
        return answer | {"warning": f"it does not know the corrected days that it was trained on: {refusal}"}


def _body(days: int, observed: Days) -> dict[str, Any]:
    newest = list(observed.items())[-MOST_OBSERVATIONS:]
    observations = [{"date": day.isoformat(), "amount": amount} for day, amount in newest]
    return {"horizon_days": days, "observations": observations}


def _must_restart(service: Service, history: CountedDays, context: Context) -> bool:
    """Whether the model is to forget the days that it was trained on, because some were corrected since."""
    lineage = context.registry.get(service.version).lineage
    return len(history.totals) >= RESTART_DAYS and history.is_corrected(lineage)


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

"""The record of what waits and what answers, made by the timer: the queue, its trouble, the services, the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.errors import RetrainError, ServiceError
from retrain.promotion.look import look
from retrain.records.base import skipping
from retrain.records.history import Histories
from retrain.records.request import asked_at
from retrain.records.run import Status
from retrain.records.service_state import State
from retrain.telemetry.facts import Facts

if TYPE_CHECKING:
    from datetime import datetime

    from retrain.records.context import Context
    from retrain.records.run import Run


def state_facts(context: Context) -> Facts:
    """What is there now. A part that cannot be read is null, and `unreadable` says why.

    It asks every service who it is, which costs up to 3 s for one that hangs.
    """
    facts: Facts = {"retrain": "state", **_NOTHING_KNOWN}
    unreadable = []
    for part in (_queue, _champion, _services):
        try:
            facts |= part(context)
        except RetrainError as error:
            unreadable.append(str(error))
    return {**facts, "unreadable": "; ".join(unreadable) or None}


_NOTHING_KNOWN: Facts = dict.fromkeys(
    (
        "requests",
        "oldest_request_seconds",
        "trouble_run",
        "trouble",
        "trouble_seconds",
        "undelivered_events",
        "champion",
        "champion_since",
        "data_age_days",
        "services",
        "services_answering",
        "champion_answers",
    )
)


def _queue(context: Context) -> Facts:
    now = context.now()
    asked = context.ledger.asked()
    troubled = next(filter(None, (_in_trouble(run_id, context) for run_id in asked)), None)
    return {
        "requests": len(asked),
        "oldest_request_seconds": _age(asked[0], now) if asked else 0.0,
        "trouble_run": troubled.run_id if troubled else None,
        "trouble": (troubled.trouble or troubled.reason) if troubled else None,
        "trouble_seconds": _age(troubled.run_id, now) if troubled else 0.0,
        "undelivered_events": len(context.ledger.outbox.undelivered()),
    }


def _in_trouble(run_id: str, context: Context) -> Run | None:
    """The run of a request that is to be made again, or that could not be made; None if it is well."""
    with skipping():
        run = context.ledger.recorded(run_id)
        if run is not None and ((run.status is Status.PROMOTING and run.trouble) or run.will_retry):
            return run
        request = context.ledger.request(run_id) if run is None else None
        if request is not None and request.left_because:
            return context.ledger.run(run_id)
    return None


def _age(run_id: str, now: datetime) -> float | None:
    asked = asked_at(run_id)
    return round(max(0.0, (now - asked).total_seconds()), 3) if asked else None


def _champion(context: Context) -> Facts:
    champion = context.ledger.pointer().champion
    days = Histories(context.state).days().totals
    return {
        "champion": champion.version if champion else None,
        "champion_since": champion.since.isoformat() if champion else None,
        "data_age_days": (context.now().date() - max(days)).days if days else None,
    }


def _services(context: Context) -> Facts:
    champion = context.ledger.pointer().champion
    versions = {service.version for service in context.platform.services()}
    if champion is not None:
        versions.add(champion.version)
    answering = {version for version in versions if _answers(version, context)}
    return {
        "services": len(versions),
        "services_answering": len(answering),
        "champion_answers": champion.version in answering if champion else None,
    }


def _answers(version: str, context: Context) -> bool:
    try:
        return look(version, None, context.platform, attempts=1).state is State.ANSWERS
    except ServiceError:
        return False

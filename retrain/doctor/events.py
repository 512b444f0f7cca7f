"""The Event Grid subscription, without which no landed file starts a run before the timer does."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from retrain.adapters.azure.roles import role_for
from retrain.doctor.check import Check, Finding, fault, ok

if TYPE_CHECKING:
    from retrain.settings import Settings


def event_checks(settings: Settings, group: str) -> list[Check]:
    """Of the subscription, if the trigger learns of files by events. Args: group: the resource group's path."""
    if settings.triggers.blob_source != "EventGrid" or not settings.triggers.function_app:
        return []
    role, scope = role_for("Microsoft.EventGrid/"), group.lstrip("/")
    return [
        Check("event subscription", lambda: subscription(settings), role, scope, optional=True, after="identity")
    ]


def subscription(settings: Settings) -> Finding:
    """It tells the app of every file that lands, at the webhook of its present key."""
    from retrain.adapters.azure.event_grid import EventSubscription

    with closing(EventSubscription(settings)) as events:
        wrong, _, advice = events.fault().partition("; ")
    if wrong:
        return fault(wrong, advice)
    return ok(f"it tells {settings.triggers.function_app} of files in {settings.storage.transactions_container}")

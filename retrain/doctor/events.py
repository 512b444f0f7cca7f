"""The Event Grid subscription, without which no landed file starts a run before the timer does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from retrain.adapters.azure.roles import role_for
from retrain.doctor.check import Check, Finding, fault, ok

if TYPE_CHECKING:
    from retrain.adapters.azure.rest import Rest
    from retrain.settings import Settings

EVENTS_API = "2025-02-15"
CREATED = "Microsoft.Storage.BlobCreated"
WEBHOOK = "/runtime/webhooks/blobs"
SUBSCRIBE = "run `retrain subscribe`"


def event_checks(settings: Settings, rest: Rest, group: str) -> list[Check]:
    """Of the subscription, if the blob trigger learns of files by events."""
    if settings.triggers.blob_source != "EventGrid":
        return []
    return [
        Check(
            "event subscription",
            lambda: subscription(settings, rest, group),
            role=role_for("Microsoft.EventGrid/"),
            scope=group.lstrip("/"),
            optional=True,
            after="identity",
        )
    ]


def subscription(settings: Settings, rest: Rest, group: str) -> Finding:
    """One that tells the app of every blob that is created in the container of transactions."""
    account, container = settings.storage.account, settings.storage.transactions_container
    topics = [
        topic
        for topic in rest.listed(
            f"{group}/providers/Microsoft.EventGrid/systemTopics", "listing system topics", api_version=EVENTS_API
        )
        if str(topic["properties"].get("source", "")).lower().endswith(f"/storageaccounts/{account.lower()}")
    ]
    found = [
        each
        for topic in topics
        for each in rest.listed(
            f"{topic['id']}/eventSubscriptions", f"listing subscriptions of {topic['name']}", api_version=EVENTS_API
        )
    ]
    mine = [each for each in found if _tells_of(each["properties"], container)]
    if not mine:
        return fault(
            f"no event subscription of the storage account {account} tells the app of blobs in {container}, so "
            "files wait for the timer",
            SUBSCRIBE,
        )
    ready = [each for each in mine if each["properties"].get("provisioningState") == "Succeeded"]
    if not ready:
        state = mine[0]["properties"].get("provisioningState")
        return fault(f"the event subscription {mine[0]['name']} is {str(state).lower()}", SUBSCRIBE)
    return ok(f"{ready[0]['name']} tells the app of blobs in {container}")


def _tells_of(properties: dict[str, Any], container: str) -> bool:
    chosen = properties.get("filter") or {}
    kinds = chosen.get("includedEventTypes") or [CREATED]
    begins = str(chosen.get("subjectBeginsWith") or "")
    destination = (properties.get("destination") or {}).get("properties") or {}
    address = str(destination.get("endpointBaseUrl") or destination.get("endpointUrl") or "")
    reaches = f"/blobServices/default/containers/{container}/".startswith(begins)
    return CREATED in kinds and reaches and urlsplit(address).path == WEBHOOK

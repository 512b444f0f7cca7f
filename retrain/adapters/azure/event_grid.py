"""The event subscription by which a file that lands reaches the blob trigger.

The host of the Function App takes events at a webhook, which asks for a key that the host makes at its first start.
So the subscription cannot be part of the template: it is made after the code was deployed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from retrain.adapters.azure.function_app import FunctionApp
from retrain.adapters.azure.rest import arm, resource_group
from retrain.errors import ConfigError, NotFound, ServiceError, ServiceUnavailable
from retrain.poll import poll
from retrain.ports import Subscribed

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.settings import Settings

API = "2025-02-15"
FUNCTION = "retrain_on_new_data"
EXTENSION = "blobs_extension"
WEBHOOK = "/runtime/webhooks/blobs?functionName=Host.Functions."
START_SECONDS = 600  # a first start installs nothing, but reads a package of hundreds of megabytes
OPERATION_SECONDS = 300
MOST_ATTEMPTS, MOST_MINUTES = 30, 1440  # the most that Event Grid allows
UNFINISHED = {"Creating", "Updating"}
# They tell of a file that is still empty; another event follows when it is written.
BEGINNINGS = ["CreateFile", "SftpCreate"]


class EventSubscription:
    """The subscription of one Function App, named like it. Raises: ConfigError if a setting is missing."""

    def __init__(self, settings: Settings) -> None:
        if settings.platform.name != "azure":
            raise ConfigError("there is nothing to subscribe to: events need RETRAIN_PLATFORM=azure")
        if settings.triggers.blob_source != "EventGrid":
            raise ConfigError("RETRAIN_BLOB_SOURCE is not EventGrid, so the app listens to no events")
        if not settings.storage.account:
            raise ConfigError(
                "TRANSACTIONS_STORAGE__blobServiceUri is not set; it names the storage account of the events"
            )
        self._settings, self._arm = settings, arm(settings)
        self._app = FunctionApp(self._arm, settings)

    def close(self) -> None:
        """End its connections."""
        self._arm.close()

    def subscribe(self, progress: Callable[[str, str], None]) -> Subscribed:
        """Create the subscription, or bring it up to date. Idempotent.

        Raises: NotFound if there is no app or no topic; ServiceUnavailable if the app's host did not start in time;
            AccessDenied; ServiceError if the webhook did not accept the subscription.
        """
        address, topic = self._app.address(), self._topic()
        progress("key", f"of the host of {self._app.name}")
        webhook = f"{address}{WEBHOOK}{FUNCTION}"
        wanted = self._wanted(topic, f"{webhook}&code={quote(self._key(), safe='')}")
        before = self._found(topic)
        is_right = _holds(before, wanted) and self._is_in_force(topic)
        if not is_right:
            progress("subscription", self._app.name)
            self._put(topic, wanted)
        return Subscribed(
            name=self._app.name,
            change="unchanged" if is_right else "created" if before is None else "updated",
            topic=topic["name"],
            container=self._settings.storage.transactions_container,
            delivers_to=webhook,
            dead_letters=f"{self._settings.storage.account}/{self._settings.triggers.dead_letters}",
        )

    def fault(self) -> str:
        """What is wrong with it and what to do; empty if events arrive as they should. It changes nothing.

        Raises: NotFound if there is no app or no topic; AccessDenied; ServiceError.
        """
        address, topic = self._app.address(), self._topic()
        key, found = self._app.system_key(EXTENSION), self._found(topic)
        if found is None:
            return (
                f"there is no event subscription {self._app.name}, so no file starts a run; run `retrain subscribe`"
            )
        if not key or not self._app.has(FUNCTION):
            return f"the host of {self._app.where} does not start, or has no function {FUNCTION}; see its log"
        wanted = self._wanted(topic, f"{address}{WEBHOOK}{FUNCTION}&code={quote(key, safe='')}")
        wrong = [name for name, value in wanted.items() if not _holds(found.get(name), value)]
        if wrong:
            return (
                f"the event subscription {self._app.name} has another {', '.join(wrong)}; run `retrain subscribe`"
            )
        state = str(found.get("provisioningState"))
        if state == "Succeeded":
            return ""
        return f"the event subscription {self._app.name} is {state}; run `retrain subscribe`"

    def _topic(self) -> dict[str, Any]:
        """The system topic of the storage account."""
        account = f"/storageaccounts/{self._settings.storage.account}".lower()
        group = resource_group(self._settings)
        what = f"listing the Event Grid topics of {group.lstrip('/')}"
        path = f"{group}/providers/Microsoft.EventGrid/systemTopics"
        for topic in self._arm.listed(path, what, api_version=API):
            if str((topic.get("properties") or {}).get("source", "")).lower().endswith(account):
                return topic
        raise NotFound(
            f"{group.lstrip('/')} has no Event Grid system topic of the storage account "
            f"{self._settings.storage.account}; run `azd provision`, or `az eventgrid system-topic create`"
        )

    def _key(self) -> str:
        """The key of the webhook, as soon as the host has started and knows the function.

        A webhook of a function that the host does not know accepts every event and forgets it.
        """
        key, has_function = "", False
        self._app.wake()
        for _ in poll(START_SECONDS):
            has_function = has_function or self._app.has(FUNCTION)
            key = key or self._app.system_key(EXTENSION)
            if key and has_function:
                return key
        missing = f"has made no key {EXTENSION}" if has_function else f"has no function {FUNCTION}"
        raise ServiceUnavailable(
            f"the host of {self._app.where} {missing} within {START_SECONDS} s; deploy the code, see its log, "
            "and run `retrain subscribe` again"
        )

    def _wanted(self, topic: dict[str, Any], endpoint: str) -> dict[str, Any]:
        """The properties of the subscription."""
        container = self._settings.storage.transactions_container
        letters = {
            "resourceId": topic["properties"]["source"],
            "blobContainerName": self._settings.triggers.dead_letters,
        }
        return {
            "destination": {
                "endpointType": "WebHook",
                "properties": {"endpointUrl": endpoint, "maxEventsPerBatch": 1, "minimumTlsVersionAllowed": "1.2"},
            },
            "filter": {
                "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
                "subjectBeginsWith": f"/blobServices/default/containers/{container}/",
                "advancedFilters": [{"operatorType": "StringNotIn", "key": "data.api", "values": BEGINNINGS}],
            },
            "eventDeliverySchema": "EventGridSchema",
            "retryPolicy": {"maxDeliveryAttempts": MOST_ATTEMPTS, "eventTimeToLiveInMinutes": MOST_MINUTES},
            # The topic writes them as itself: the storage account takes no keys.
            "deadLetterWithResourceIdentity": {
                "identity": {"type": "SystemAssigned"},
                "deadLetterDestination": {"endpointType": "StorageBlob", "properties": letters},
            },
        }

    def _place(self, topic: dict[str, Any]) -> tuple[str, str]:
        """Its path, and the words for it."""
        path = f"{topic['id']}/eventSubscriptions/{self._app.name}"
        return path, path.lstrip("/")

    def _found(self, topic: dict[str, Any]) -> dict[str, Any] | None:
        """The properties of the subscription with the whole address of its webhook; None if there is none."""
        path, where = self._place(topic)
        try:
            found: dict[str, Any] = self._arm.get(path, f"looking for {where}", api_version=API)["properties"]
        except NotFound:
            return None
        destination = found.get("destination") or {}  # none where it delivers with an identity, which differs
        if destination.get("endpointType") == "WebHook":
            whole = self._arm.post(f"{path}/getFullUrl", f"asking where {where} delivers", api_version=API)
            destination.setdefault("properties", {})["endpointUrl"] = whole.get("endpointUrl")
        return found

    def _is_in_force(self, topic: dict[str, Any]) -> bool:
        """Whether Event Grid has accepted it; one that it is still looking at is waited for."""
        return self._settled(*self._place(topic)) == "Succeeded"

    def _put(self, topic: dict[str, Any], wanted: dict[str, Any]) -> None:
        """Create or replace it, and wait until Event Grid has seen the webhook answer.

        A host that starts refuses the first call of its webhook, so that is tried again.
        """
        path, where = self._place(topic)
        refused: ServiceError | None = None
        for _ in poll(OPERATION_SECONDS):
            try:
                self._arm.put(path, f"creating {where}", {"properties": wanted}, api_version=API)
                state = self._settled(path, where)
            except ServiceError as error:
                if "validat" not in str(error).lower():
                    raise
                refused = error
                continue
            if state == "Succeeded":
                return
            refused = ServiceError(f"creating {where}: it is {state}")
        raise ServiceError(
            f"the webhook of {self._app.where} did not accept the subscription within {OPERATION_SECONDS} s "
            f"({refused}); see the app's log, and run `retrain subscribe` again"
        )

    def _settled(self, path: str, where: str) -> str:
        """Its state when the operation on it has ended, or the last one within the time limit."""
        state = ""
        for _ in poll(OPERATION_SECONDS):
            found = self._arm.get(path, f"waiting for {where}", api_version=API)
            state = str(found["properties"].get("provisioningState", "Succeeded"))
            if state not in UNFINISHED:
                break
        return state


def _holds(found: Any, wanted: Any) -> bool:
    """Whether Azure's answer has everything that was asked for; it adds defaults, and spells ids in its own way."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_holds(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        pairs = zip(found, wanted, strict=False) if isinstance(found, list) else ()
        return isinstance(found, list) and len(found) == len(wanted) and all(_holds(a, b) for a, b in pairs)
    if isinstance(wanted, str) and wanted.startswith("/subscriptions/"):
        return str(found).lower() == wanted.lower()
    return bool(found == wanted)

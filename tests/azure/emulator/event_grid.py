"""Event Grid: the system topic of the storage account, its subscriptions, and their deliveries.

Source: learn.microsoft.com/azure/event-grid, "Message delivery and retry", "Webhook event delivery" and "Azure Blob
Storage as an Event Grid source". The times between attempts are counted and not waited for.
"""

from __future__ import annotations

import copy
import http.client
import itertools
import json
import ssl
import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from tests.azure.emulator.access import TOPIC as TOPIC_IDENTITY
from tests.azure.emulator.documents import moment, set_state
from tests.azure.emulator.roles import BLOBS
from tests.azure.emulator.routes import ArmError
from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import ACCOUNT_PATH, PROVIDERS, TOPIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.azure.emulator.documents import Document
    from tests.azure.emulator.tls import Certificate
    from tests.azure.emulator.world import World

TOPICS = "Microsoft.EventGrid/systemTopics"
TOPIC_PATH = f"{PROVIDERS}{TOPICS}/{TOPIC}"
CREATED = "Microsoft.Storage.BlobCreated"
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
ANSWER_SECONDS = 30
PAUSE_SECONDS = 0.01
DONE = range(200, 205)
FINAL = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 413: "RequestEntityTooLarge"}
MINUTE, HOUR = 60, 3600
SCHEDULE = (10, 30, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR)
AT_LAST = 12 * HOUR


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt: when by Event Grid's clock, in seconds since the event, and what the webhook answered."""

    event: str
    after: int
    status: int


class EventGrid:
    """One topic. `deliveries` are all attempts, in the order in which they ended; without topics lists are null."""

    def __init__(self, world: World, certificate: Certificate) -> None:
        self._world = world
        self._trust = ssl.create_default_context(cafile=str(certificate.certificate))
        self._addresses: dict[str, str] = {}
        self._threads: list[threading.Thread] = []
        self.deliveries: list[Delivery] = []
        self.has_topics = True
        subscriptions = f"{TOPICS}/{{topic}}/eventSubscriptions"
        world.routes.add("GET", TOPICS, self._topics)
        world.routes.add("PUT", f"{subscriptions}/{{name}}", self._put)
        world.routes.add("GET", f"{subscriptions}/{{name}}", self._get)
        world.routes.add("DELETE", f"{subscriptions}/{{name}}", self._delete)
        world.routes.add("POST", f"{subscriptions}/{{name}}/getFullUrl", self._full_url)

    def subscriptions(self) -> list[Document]:
        """Those of the topic."""
        return self._world.documents.children(f"{TOPIC_PATH}/eventSubscriptions")

    def blob_created(self, container: str, name: str, api: str = "PutBlob") -> dict[str, Any]:
        """The event of a blob that was written; nobody is told of it yet."""
        url = f"{self._world.storage.url}/{container}/{quote(name)}"
        return {
            "topic": ACCOUNT_PATH,
            "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
            "eventType": CREATED,
            "id": str(uuid.uuid4()),
            "data": {"api": api, "eTag": "0x8D4BCC2E4835CD0", "blobType": "BlockBlob", "url": url},
            "dataVersion": "",
            "metadataVersion": "1",
            "eventTime": moment(),
        }

    def publish(self, event: dict[str, Any]) -> int:
        """Deliver an event to every subscription whose filter it passes. Returns: to how many."""
        told = [one for one in self.subscriptions() if _passes(event, one["properties"]["filter"])]
        for subscription in told:
            thread = threading.Thread(target=self._deliver, args=(event, subscription), daemon=True)
            self._threads.append(thread)
            thread.start()
        return len(told)

    def change(self, how: Callable[[Document], Any]) -> None:
        """Change every subscription, as somebody else would."""
        for one in self.subscriptions():
            self._world.documents.change(one["id"], how)

    def widen(self) -> None:
        """Tell every subscription of the files of every container."""
        self.change(lambda it: it["properties"]["filter"].update(subjectBeginsWith=""))

    def fail(self) -> None:
        """Leave every subscription as one whose creation failed."""
        self.change(set_state("Failed"))

    def wait(self, seconds: float) -> None:
        """Wait until every event is delivered or given up. Raises: TimeoutError."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                raise TimeoutError(f"an event was neither delivered nor given up within {seconds:g} s")
        self._threads.clear()

    def reset(self) -> None:
        """Without subscriptions."""
        for one in self.subscriptions():
            self._world.documents.remove(one["id"])
        self._addresses.clear()
        self.deliveries.clear()
        self.has_topics = True

    def close(self) -> None:
        """Wait for what is under way."""
        for thread in self._threads:
            thread.join()

    def _topics(self, _request: Request) -> Response:
        if not self.has_topics:
            return Response(200, {"value": None})
        properties = {"source": ACCOUNT_PATH, "topicType": "Microsoft.Storage.StorageAccounts"}
        other = {"source": f"{ACCOUNT_PATH}2", "topicType": "Microsoft.Storage.StorageAccounts"}
        return Response(
            200,
            {
                "value": [
                    {"id": f"{TOPIC_PATH}2", "name": f"{TOPIC}2", "properties": other},
                    {"id": TOPIC_PATH, "name": TOPIC, "properties": properties},
                ]
            },
        )

    def _put(self, request: Request, topic: str, name: str) -> Response:
        body: Document = copy.deepcopy(request.json)
        webhook = body["properties"]["destination"]["properties"]
        address = webhook.pop("endpointUrl")
        base = address.partition("?")[0]
        if not address.startswith("https://"):
            raise ArmError(400, "InvalidRequest", "Webhook endpoints have to be https.")
        self._shake_hands(address, base)
        webhook["endpointBaseUrl"] = base
        body["properties"] |= {"provisioningState": "Creating", "topic": ACCOUNT_PATH}
        path = _path(topic, name)
        self._addresses[path.lower()] = address
        document, is_new = self._world.documents.put(path, body)
        return Response(201 if is_new else 200, document)

    def _get(self, _request: Request, topic: str, name: str) -> Response:
        document = self._world.documents.get(_path(topic, name))
        if document["properties"]["provisioningState"] == "Creating":
            self._world.documents.change(_path(topic, name), set_state("Succeeded"))
        return Response(200, document)

    def _delete(self, _request: Request, topic: str, name: str) -> Response:
        return Response(200 if self._world.documents.remove(_path(topic, name)) else 204)

    def _full_url(self, _request: Request, topic: str, name: str) -> Response:
        self._world.documents.get(_path(topic, name))
        return Response(200, {"endpointUrl": self._addresses[_path(topic, name).lower()]})

    def _shake_hands(self, address: str, base: str) -> None:
        """Raises: ArmError unless the webhook repeats the code that it is sent."""
        code = str(uuid.uuid4())
        data = {"validationCode": code, "validationUrl": f"https://example.com/?id={code}"}
        event = {
            "id": str(uuid.uuid4()),
            "topic": ACCOUNT_PATH,
            "subject": "",
            "eventType": VALIDATION,
            "data": data,
        }
        status, answer = self._post(address, "SubscriptionValidation", {**event, "eventTime": moment()})
        if status != http.HTTPStatus.OK or json.loads(answer).get("validationResponse") != code:
            told = f"Http POST request failed with response status code: {http.HTTPStatus(status).phrase}"
            raise ArmError(400, "Url validation", f"Webhook validation handshake failed for {base}. {told}.")

    def _deliver(self, event: dict[str, Any], subscription: Document) -> None:
        address = self._addresses[subscription["id"].lower()]
        policy, after = subscription["properties"]["retryPolicy"], 0
        pauses = itertools.chain(SCHEDULE, itertools.repeat(AT_LAST))
        for attempt in itertools.count(1):
            status, _ = self._post(address, "Notification", event)
            self.deliveries.append(Delivery(event["id"], after, status))
            self._world.timeline.note(f"Event Grid delivers {event['subject']}, attempt {attempt}: {status}")
            if status in DONE:
                return
            after += next(pauses)
            is_late = after > policy["eventTimeToLiveInMinutes"] * MINUTE
            if status in FINAL or is_late or attempt == policy["maxDeliveryAttempts"]:
                reason = FINAL.get(status, "TimeToLiveExceeded" if is_late else "MaxDeliveryAttemptsExceeded")
                self._give_up(event, subscription, reason, attempt, status)
                return
            time.sleep(PAUSE_SECONDS)

    def _give_up(
        self, event: dict[str, Any], subscription: Document, reason: str, attempts: int, status: int
    ) -> None:
        """Keep the event among the dead letters, with why; not at all if the topic may not write there."""
        letters = subscription["properties"]["deadLetterWithResourceIdentity"]["deadLetterDestination"]
        when = moment()
        told = {"deadLetterReason": reason, "deliveryAttempts": attempts, "lastHttpStatusCode": status}
        letter = {**event, **told, "publishTime": event["eventTime"], "lastDeliveryAttemptTime": when}
        day, hour = when[:10].replace("-", "/"), int(when[11:13])
        name = f"{TOPIC}/{subscription['name']}/{day}/{hour}/{event['id']}.json".upper().replace(".JSON", ".json")
        container = letters["properties"]["blobContainerName"]
        scope = f"{ACCOUNT_PATH}/blobServices/default/containers/{container}/blobs/{name}"
        if self._world.switches.access.allows(TOPIC_IDENTITY, f"{BLOBS}/containers/blobs/write", scope):
            self._world.storage.write(container, name, json.dumps([letter]).encode())

    def _post(self, address: str, kind: str, event: dict[str, Any]) -> tuple[int, bytes]:
        """Send one event. Returns: status and body; 503 if nobody answers."""
        url = urlsplit(address)
        headers = {"Content-Type": "application/json; charset=utf-8", "aeg-event-type": kind}
        connection = http.client.HTTPSConnection(url.netloc, timeout=ANSWER_SECONDS, context=self._trust)
        try:
            connection.request("POST", f"{url.path}?{url.query}", json.dumps([event]), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 503, b""
        finally:
            connection.close()


def _path(topic: str, name: str) -> str:
    return f"{PROVIDERS}{TOPICS}/{topic}/eventSubscriptions/{name}"


def _passes(event: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a subscription's filter lets an event through. Raises: ValueError for what is not emulated."""
    if event["eventType"] not in wanted["includedEventTypes"]:
        return False
    if not event["subject"].lower().startswith(wanted["subjectBeginsWith"].lower()):
        return False
    for one in wanted.get("advancedFilters", []):
        if (one["operatorType"], one["key"]) != ("StringNotIn", "data.api"):
            raise ValueError(f"the filter {one} is not emulated")
        if event["data"]["api"] in one["values"]:
            return False
    return True

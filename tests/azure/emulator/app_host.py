"""The host of the Function App: its functions and keys, its webhook of events, and what it hands to the worker.

What it does with an event is what the storage extension of the genuine host does (azure-sdk-for-net, `sdk/storage/
Microsoft.Azure.WebJobs.Extensions.Storage.Blobs`: BlobsExtensionConfigProvider, BlobQueueTriggerExecutor): it
accepts whatever a caller with the key sends, puts it on a queue, forgets what is for a function that it does not
know or of a blob that is gone, and gives up an invocation that has failed five times.
"""

from __future__ import annotations

import queue
import secrets
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from retrain.poll import poll
from tests.azure.emulator.routes import ArmError, not_found
from tests.azure.emulator.web import Request, Response, Server
from tests.azure.emulator.world import FUNCTION_APP

if TYPE_CHECKING:
    from tests.azure.emulator.tls import Certificate
    from tests.azure.emulator.world import World
    from tests.functions.worker import Worker

SITE = f"Microsoft.Web/sites/{FUNCTION_APP}"
WEBHOOK = "/runtime/webhooks/blobs"
EXTENSION = "blobs_extension"
CONNECTION = "TRANSACTIONS_STORAGE"
PREFIX = "Host.Functions."
MOST_ATTEMPTS = 5  # poisonBlobThreshold of host.json
STARTING = "Encountered an error (ServiceUnavailable) from host runtime."


@dataclass(frozen=True, slots=True)
class Landed:
    """A message of the host's own queue of blobs."""

    function: str
    container: str
    blob: str
    attempt: int = 1


class AppHost:
    """One Function App; without code until it is deployed.

    Attributes:
        answers: whether its functions answer over HTTP.
        page: what it answers with 200 instead of its functions; empty for their answers.
        has_address: whether Azure Resource Manager tells its address.
        poisoned: blobs whose invocation failed too often.
        forgotten: messages that the host did not pass on, and why.
        errors: messages of invocations that failed.
    """

    def __init__(self, world: World, certificate: Certificate) -> None:
        self._world, self._server = world, Server(certificate)
        self.url = f"https://localhost:{self._server.port}"
        self.keys = {EXTENSION: secrets.token_urlsafe(32) + "==", "default": secrets.token_urlsafe(32)}
        self._worker: Worker | None = None
        self._looks, self._is_called = 0, False
        self._cold: deque[int] = deque()
        self._queue: queue.Queue[Landed | None] = queue.Queue()
        self.answers = self.has_address = True
        self.page = b""
        self.poisoned: list[Landed] = []
        self.forgotten: list[tuple[Landed, str]] = []
        self.errors: list[str] = []
        for method, path, handler in (
            ("GET", SITE, self._site),
            ("GET", f"{SITE}/functions/{{name}}", self._function),
            ("POST", f"{SITE}/host/default/listkeys", self._list_keys),
        ):
            world.routes.add(method, path, handler)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        self._server.start(self._answer)

    def deploy(self, worker: Worker, looks: int = 0) -> None:
        """The code is there.

        Args: looks: how often Azure Resource Manager looks at the host before it has its keys; unless it is 0,
            the app has no instance before it is called.
        """
        self._worker, self._looks, self._is_called = worker, looks, looks == 0

    def cool(self, *statuses: int) -> None:
        """The app sleeps: the next calls of its webhook get these answers, while it starts."""
        self._cold.extend(statuses)

    def wait(self, seconds: float) -> None:
        """Wait until its queue is empty. Raises: TimeoutError."""
        for _ in poll(seconds):
            if self._queue.unfinished_tasks == 0:
                return
        raise TimeoutError(f"the host has not worked off its queue within {seconds:g} s")

    def reset(self) -> None:
        """As before any deployment, with what it remembers forgotten."""
        self._worker, self._looks = None, 0
        self.answers = self.has_address = True
        for kept in (self._cold, self.poisoned, self.forgotten, self.errors):
            kept.clear()

    def close(self) -> None:
        """End it."""
        self._queue.put(None)
        self._thread.join()
        self._server.close()

    def _started(self) -> bool:
        """Whether it has, as Azure Resource Manager looks at it once more."""
        if self._worker is None or not self._is_called:
            return False
        self._looks -= 1
        return self._looks < 0

    def _site(self, request: Request) -> Response:
        found = self._world.switches.deployed
        runtime = {"runtime": {"name": "python", "version": found.python}}
        host = self.url.removeprefix("https://") if self.has_address else None
        properties = {"defaultHostName": host, "state": found.state, "functionAppConfig": runtime}
        return Response(200, {"id": request.path, "name": FUNCTION_APP, "properties": properties})

    def _function(self, request: Request, name: str) -> Response:
        if not self._started() or self._worker is None or name not in self._worker.functions:
            raise not_found(request.path)
        return Response(200, {"id": request.path, "name": f"{FUNCTION_APP}/{name}", "properties": {"name": name}})

    def _list_keys(self, _request: Request) -> Response:
        if not self._started():
            raise ArmError(400, "BadRequest", STARTING)
        system = {EXTENSION: self.keys[EXTENSION]}
        functions = {"default": self.keys["default"]}
        return Response(200, {"masterKey": secrets.token_hex(8), "functionKeys": functions, "systemKeys": system})

    def _answer(self, request: Request) -> Response:
        self._is_called = True
        if request.path == WEBHOOK and request.method == "POST":
            return self._event(request)
        return self._route(request)

    def _event(self, request: Request) -> Response:
        if self._cold:
            return Response(self._cold.popleft())
        if self._worker is None:
            return Response(404)
        if request.query.get("code") != self.keys[EXTENSION]:
            return Response(401)
        kind = {name.lower(): value for name, value in request.headers.items()}.get("aeg-event-type", "")
        if kind == "SubscriptionValidation":
            return Response(200, {"validationResponse": request.json[0]["data"]["validationCode"]})
        if kind != "Notification":
            return Response(400)
        for event in request.json:
            container, blob = self._world.storage.place_of(event["data"]["url"])
            self._queue.put(Landed(request.query.get("functionName", ""), container, unquote(blob)))
        return Response(202)

    def _route(self, request: Request) -> Response:
        """A function with a route of its own, such as `/api/runs`."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        if self._worker is None:
            return Response(404)
        if not self.answers:
            return Response(503)
        if self.page:
            return Response(200, self.page)
        if headers.get("x-functions-key") != self.keys["default"]:
            return Response(401)
        for name in self._worker.functions:
            trigger = self._worker.bindings(name).get("httpTrigger")
            if trigger and f"/api/{trigger['route']}" == request.path and request.method in trigger["methods"]:
                answer = self._worker.http(name, request.method, request.body, None, None, **request.query)
                return Response(answer.status, answer.body)
        return Response(404)

    def _work(self) -> None:
        while (landed := self._queue.get()) is not None:
            try:
                self._invoke(landed)
            finally:
                self._queue.task_done()

    def _invoke(self, landed: Landed) -> None:
        from tests.functions.worker import InvocationFailed

        name = landed.function.removeprefix(PREFIX)
        if self._worker is None or not landed.function.startswith(PREFIX) or name not in self._worker.functions:
            self.forgotten.append((landed, "the function cannot be found"))
        elif not self._world.storage.has(landed.container, landed.blob):
            self.forgotten.append((landed, "the blob cannot be found"))
        else:
            self._world.timeline.note(f"the host invokes {name} for {landed.container}/{landed.blob}")
            try:
                self._worker.blob(name, landed.container, landed.blob, CONNECTION)
            except InvocationFailed as error:
                self.errors.append(str(error))
                self._again(landed)

    def _again(self, landed: Landed) -> None:
        if landed.attempt == MOST_ATTEMPTS:
            self.poisoned.append(landed)
        else:
            self._queue.put(Landed(landed.function, landed.container, landed.blob, landed.attempt + 1))

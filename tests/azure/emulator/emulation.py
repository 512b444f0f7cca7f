"""The emulator as tests see it: one address, one environment, faults, switches and a record."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.azure.emulator import demands
from tests.azure.emulator import world as names
from tests.azure.emulator.app_host import AppHost
from tests.azure.emulator.container_apps import ContainerApps
from tests.azure.emulator.container_instances import ContainerInstances
from tests.azure.emulator.deployed import Deployed
from tests.azure.emulator.documents import Documents
from tests.azure.emulator.endpoints import Endpoints
from tests.azure.emulator.event_grid import EventGrid
from tests.azure.emulator.faults import Ending, Faults, OperationEnded
from tests.azure.emulator.identity import IdentityEndpoint
from tests.azure.emulator.images import Images
from tests.azure.emulator.insights import Insights
from tests.azure.emulator.jobs import Jobs
from tests.azure.emulator.key_vault import KeyVault
from tests.azure.emulator.machine_learning import MachineLearning
from tests.azure.emulator.operations import Operations
from tests.azure.emulator.registry import Registry
from tests.azure.emulator.registry_data import TOKENS, RegistryData
from tests.azure.emulator.routes import ArmError, Routes
from tests.azure.emulator.standing import Standing
from tests.azure.emulator.storage import Storage
from tests.azure.emulator.timeline import Call, Timeline
from tests.azure.emulator.tls import Certificate
from tests.azure.emulator.web import Request, Response, Server
from tests.azure.emulator.world import Runner, Switches, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.azure.emulator.documents import Document
    from tests.azurite import SecureAzurite

OPERATIONS = f"/subscriptions/{names.SUBSCRIPTION}/providers/Microsoft.Loopback/operations"
# The SDK fetches the workspace's discovery document without signing in; a form asks for a registry's tokens.
ANONYMOUS = ("/discovery", *TOKENS)


class Emulator(Switches):
    """An Azure Resource Manager that does the work."""

    SUBSCRIPTION = names.SUBSCRIPTION
    RESOURCE_GROUP = names.RESOURCE_GROUP
    WORKSPACE = names.WORKSPACE
    REGISTRY = names.REGISTRY
    LOCATION = names.LOCATION
    FUNCTION_APP = names.FUNCTION_APP

    def __init__(self, folder: Path, azurite: SecureAzurite, runner: Runner = "process") -> None:
        super().__init__()
        self._timeline, self._faults = Timeline(), Faults()
        certificate = Certificate(azurite.certificate, azurite.certificate_key)
        self._server, self.vault = Server(certificate), KeyVault(self, certificate)
        self._identity = IdentityEndpoint(self)
        self._storage = Storage(azurite)
        self.az = self._identity.install_az(folder / "bin")
        self.arm_url = f"https://localhost:{self._server.port}"
        self.environment = {**self._identity.environment, "REQUESTS_CA_BUNDLE": str(azurite.certificate)}
        self._routes = Routes(names.PROVIDERS)
        self._operations = Operations(self.arm_url + OPERATIONS, self._faults, self._timeline)
        self._routes.add("GET", OPERATIONS + "/{name}", self._operations.answer, anywhere=True)
        self.images = Images(folder.resolve() / "images", f"{names.REGISTRY}.azurecr.io")
        world = World(
            folder.resolve(),
            runner,
            self.arm_url,
            self.environment,
            self,
            self._storage,
            Documents(),
            self.images,
            self._operations,
            self._timeline,
            self._routes,
        )
        self._registry, self._groups, self._jobs = Registry(world), ContainerInstances(world), Jobs(world)
        MachineLearning(world)
        RegistryData(world)
        self.insights = Insights(world)
        Standing(world)
        Deployed(world)
        self._endpoints, self.apps = Endpoints(world), ContainerApps(world, certificate)
        self.app, self.events = AppHost(world, certificate), EventGrid(world, certificate)
        self._server.start(self._answer)

    @property
    def calls(self) -> list[Call]:
        """Every call so far, in order."""
        return list(self._timeline.calls)

    def note(self, text: str) -> None:
        """Add a line to the timeline."""
        self._timeline.note(text)

    def record(self, path: Path) -> None:
        """Write the timeline."""
        self._timeline.write(path)

    def fail(
        self,
        method: str,
        path_regex: str,
        status: int,
        code: str,
        message: str = "",
        times: int | None = 1,
        retry_after: float | None = 0.05,
    ) -> None:
        """Answer such calls with an error, before anything is done; `retry_after` goes with 408, 429 and 5xx."""
        # azure-core repeats whatever carries the header, so nothing permanent may.
        passing = status in (408, 429) or status >= 500
        headers = {"Retry-After": str(retry_after)} if passing and retry_after is not None else {}
        self._faults.fail(method, path_regex, ArmError(status, code, message or code, headers), times)

    def drop(self, method: str, path_regex: str, times: int | None = 1, done: bool = False) -> None:
        """Close the connection of such calls without an answer; `done`: but only after the work."""
        self._faults.drop(method, path_regex, times, done)

    def fail_operation(
        self, path_regex: str, code: str = "", message: str = "", status: Ending = "Failed", times: int | None = 1
    ) -> None:
        """End the long-running operation that such a call starts; nothing runs."""
        error = ArmError(400, code, message or code) if status == "Failed" else None
        self._faults.fail_operation(path_regex, OperationEnded(status, error), times)

    def heal(self) -> None:
        """No faults, and all switches as at the start."""
        self._faults.heal()
        self.reset()
        self.events.reset()
        self.app.reset()

    def create_container(self, name: str) -> None:
        """Create a container of the storage account."""
        self._storage.create(name)

    def upload(self, container: str, name: str, data: bytes) -> None:
        """Write a blob, of which the storage account tells Event Grid."""
        self._storage.write(container, name, data)
        self.events.publish(self.events.blob_created(container, name))

    def stored(self, container: str) -> dict[str, bytes]:
        """The blobs of a container."""
        return {name: self._storage.read(container, name) for name in self._storage.names(container)}

    def wait_for_events(self, seconds: float) -> None:
        """Wait until every event is delivered or given up, and the app's queue is empty. Raises: TimeoutError."""
        self.events.wait(seconds)
        self.app.wait(seconds)

    def stop_services(self) -> None:
        """End every container that runs; what is on record of them stays."""
        self._groups.close()
        self._endpoints.stop_services()
        self.apps.stop_services()

    def services(self) -> list[str]:
        """The container groups and deployments whose process or thread is alive."""
        containers = [*self._groups.containers.values(), *self._endpoints.containers()]
        alive = [container.launch.name for container in containers if container.alive]
        return sorted([*alive, *self.apps.services()])

    def job(self, name: str) -> Document:
        """A job's document, with its `message` and its `steps`."""
        return self._jobs.document(name)

    def cancel_job(self, name: str) -> None:
        """End a job now."""
        self._jobs.find(name).cancel()

    def wait_for_jobs(self, seconds: float) -> None:
        """Wait until no job runs.

        Raises: TimeoutError if one still does.
        """
        self._jobs.wait(seconds)

    def close(self) -> None:
        """End all that runs."""
        self.events.close()
        self.app.close()
        self._jobs.close()
        self._registry.close()
        self._operations.close()
        self._server.close()
        # Again: a request that was under way may have started something.
        self._operations.close()
        self._groups.close()
        self._endpoints.close()
        self.apps.stop_services()
        self._identity.close()
        self.vault.close()
        self._storage.close()

    def _answer(self, request: Request) -> Response:
        at = self._timeline.now()
        started, status, note = time.perf_counter(), 0, "dropped"
        try:
            response, note = self._respond(request)
            status = response.status
        finally:
            seconds = time.perf_counter() - started
            version = request.query.get("api-version", "")
            call = Call(at, seconds, request.method, request.path, version, request.json, status, note)
            self._timeline.add(call)
        return response

    def _respond(self, request: Request) -> tuple[Response, str]:
        try:
            self._admit(request)
            self._faults.check(request)
            demands.admit(self.access, request)
            response = self._routes.answer(request)
        except ArmError as error:
            return error.response, error.code
        self._faults.check_answer(request)
        return response, ""

    def _admit(self, request: Request) -> None:
        bearer = {name.lower(): value for name, value in request.headers.items()}.get("authorization", "")
        if request.path not in ANONYMOUS and not bearer.startswith("Bearer "):
            raise ArmError(401, "AuthenticationFailed", "The 'Authorization' header is missing.")


@contextmanager
def emulator(folder: Path, storage: SecureAzurite, runner: Runner = "process") -> Iterator[Emulator]:
    """Run an emulator, and end all that it has started."""
    running = Emulator(folder, storage, runner)
    try:
        yield running
    finally:
        running.close()

"""Azure ML's jobs: submitted once under a name, then run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.azure.emulator.history import History
from tests.azure.emulator.machine_learning import WORKSPACES
from tests.azure.emulator.operations import RETRY_AFTER_WHOLE
from tests.azure.emulator.routes import ArmError, not_found
from tests.azure.emulator.runs import Run
from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import WORKSPACE_PATH

if TYPE_CHECKING:
    from tests.azure.emulator.documents import Document
    from tests.azure.emulator.world import World


class Jobs:
    """All runs by name."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.runs: dict[str, Run] = {}
        History(world, self.runs)
        job = f"{WORKSPACES}/jobs/{{name}}"
        world.routes.add("PUT", job, self._put)
        world.routes.add("GET", job, self._get)
        world.routes.add("GET", f"{WORKSPACES}/jobs", self._list)
        world.routes.add("POST", f"{job}/cancel", self._cancel)

    def close(self) -> None:
        """End every job."""
        for run in self.runs.values():
            run.cancel()

    def wait(self, seconds: float) -> None:
        """Wait until no job runs.

        Raises: TimeoutError if one still does.
        """
        deadline = time.monotonic() + seconds
        for run in list(self.runs.values()):
            if not run.wait(max(deadline - time.monotonic(), 0)):
                raise TimeoutError(f"job {run.name} is {run.status} after {seconds} s")

    def document(self, name: str) -> Document:
        """A job's document, with its message and its steps."""
        run = self.find(name)
        return {**self._world.documents.get(_path(name)), **run.summary()}

    def find(self, name: str) -> Run:
        """By name.

        Raises: ArmError if there is none.
        """
        run = self.runs.get(name)
        if run is None:
            raise not_found(_path(name))
        return run

    def _put(self, request: Request, name: str) -> Response:
        body: dict[str, Any] = request.json
        self._check(body["properties"])
        studio = {"endpoint": f"https://ml.azure.com/runs/{name}?wsid={WORKSPACE_PATH}", "jobServiceType": "Studio"}
        body["properties"].update(status="Queued", services={"Studio": studio})
        with self._world.documents.lock:
            if self._world.documents.find(_path(name)) is not None:
                raise ArmError(409, "Conflict", f"A job with this name already exists: {name}. Jobs do not change.")
            document, _ = self._world.documents.put(_path(name), body)
            self.runs[name] = Run(self._world, document)
        self.runs[name].start()
        return Response(201, document)

    def _check(self, properties: dict[str, Any]) -> None:
        if properties.get("jobType") != "Pipeline":
            raise ArmError(400, "UserError", "only pipeline jobs are emulated")
        for step, node in properties["jobs"].items():
            component = node.get("componentId") or ""
            if self._world.documents.find(component.removeprefix("azureml:")) is None:
                raise ArmError(400, "UserError", f"step {step}: component '{component}' does not exist")

    def _get(self, _request: Request, name: str) -> Response:
        return Response(200, self._world.documents.get(_path(name)))

    def _list(self, request: Request) -> Response:
        return Response(200, {"value": self._world.documents.children(request.path)})

    def _cancel(self, request: Request, name: str) -> Response:
        run = self.find(name)
        headers = self._world.operations.start(request.path, run.cancel, lambda _: None)
        return Response(202, None, {**headers, **RETRY_AFTER_WHOLE})


def _path(name: str) -> str:
    return f"{WORKSPACE_PATH}/jobs/{name}"

"""The run history: what the SDK asks when it streams a job, lists its steps or looks for its error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.azure.emulator.routes import ArmError
from tests.azure.emulator.runs import LOGS, Run, StepRun
from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import WORKSPACE_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.azure.emulator.world import World

PREFIX = f"/history/v1.0{WORKSPACE_PATH}"


class History:
    """Jobs and their steps as runs."""

    def __init__(self, world: World, runs: Mapping[str, Run]) -> None:
        self._world, self._runs = world, runs
        for below in ("", "/experiments/[^/]+", "/experimentids/[^/]+"):
            base = f"{PREFIX}{below}/runs/{{run}}"
            world.routes.add("GET", base, self._get, anywhere=True)
            world.routes.add("PATCH", base, self._patch, anywhere=True)
            world.routes.add("GET", f"{base}/details", self._details, anywhere=True)
            world.routes.add("GET", f"{base}/children", self._children, anywhere=True)

    def _get(self, _request: Request, run: str) -> Response:
        return Response(200, self._described(run))

    def _patch(self, request: Request, run: str) -> Response:
        found, _ = self._find(run)
        body = request.json or {}
        changes = {key: body[key] for key in ("tags", "displayName", "description") if body.get(key)}
        path = f"{WORKSPACE_PATH}/jobs/{found.name}"
        self._world.documents.change(path, lambda document: document["properties"].update(changes))
        return Response(200, self._described(run))

    def _children(self, _request: Request, run: str) -> Response:
        found, _ = self._find(run)
        return Response(200, {"value": [self._described(step.run_id) for step in found.steps.values()]})

    def _details(self, _request: Request, run: str) -> Response:
        _, step = self._find(run)
        log = step.log if step else ""
        logs = {"user_logs/std_log.txt": self._world.storage.link(LOGS, log)} if log else {}
        described = self._described(run)
        keys = ("runId", "status", "startTimeUtc", "endTimeUtc", "error", "properties")
        kept = {key: described[key] for key in keys if key in described}
        return Response(200, {**kept, "target": "serverless", "logFiles": logs, "inputs": {}, "warnings": []})

    def _described(self, name: str) -> dict[str, Any]:
        run, step = self._find(name)
        status, message = (step.status, step.message) if step else (run.status, run.message)
        described: dict[str, Any] = {
            "runId": name,
            "rootRunId": run.name,
            "status": status,
            "displayName": step.name if step else run.name,
            "experimentId": run.experiment,
            "createdUtc": run.created,
            "startTimeUtc": step.started if step else run.created,
            "endTimeUtc": (step.ended if step else run.ended) or None,
            "runType": "azureml.StepRun" if step else "azureml.PipelineRun",
            "tags": {},
            "properties": {},
            **({"parentRunId": run.name} if step else {}),
        }
        if status == "Failed":
            described["error"] = {"error": {"code": "UserError", "message": message}}
        return described

    def _find(self, name: str) -> tuple[Run, StepRun | None]:
        for run in list(self._runs.values()):
            if run.name == name:
                return run, None
            for step in run.steps.values():
                if step.run_id == name:
                    return run, step
        raise ArmError(404, "UserError", f"Run {name} was not found")

"""The life of a submitted job: its steps are run one after the other, in a thread of its own."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.azure.emulator.documents import moment
from tests.azure.emulator.routes import ArmError
from tests.azure.emulator.steps import Execution, Step, steps_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.azure.emulator.documents import Document
    from tests.azure.emulator.world import World

ENDED = ("Completed", "Failed", "Canceled")
LOGS = "azureml"


@dataclass(slots=True)
class StepRun:
    """How far a step is."""

    name: str
    run_id: str
    status: str = "NotStarted"
    started: str | None = None
    ended: str | None = None
    message: str = ""
    log: str = ""


class Run:
    """One job's."""

    def __init__(self, world: World, job: Document) -> None:
        self._world, self._job, self.name = world, job, str(job["name"])
        self.status, self.message = "Queued", ""
        self.created, self.ended = moment(), ""
        self.steps = {
            step: StepRun(step, str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.name}/{step}")))
            for step in job["properties"]["jobs"]
        }
        self._lock = threading.RLock()
        self._execution: Execution | None = None
        self._canceled = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def folder(self) -> Path:
        """Of its logs and outputs."""
        return self._world.folder / "jobs" / self.name

    @property
    def experiment(self) -> str:
        """Its experiment's name."""
        return str(self._job["properties"].get("experimentName") or "Default")

    def start(self) -> None:
        """Run it, unless no job is to start."""
        if self._world.switches.jobs_start:
            self._thread.start()

    def cancel(self) -> None:
        """End it now; one that has ended stays as it is."""
        with self._lock:
            self._canceled = True
            self._set("CancelRequested")
            if self._execution is not None:
                self._execution.kill()
        # Canceled only when nothing of it runs any more.
        self.wait(None)
        self._end("Canceled")

    def wait(self, seconds: float | None) -> bool:
        """Wait for its end; True if it has ended, or never began."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._set("Preparing")
            steps = steps_of(self._world, self._job, self.folder)
            self._set("Running")
            for step in steps:
                if not self._run_step(step):
                    return
            self._end("Completed")
        except ArmError as error:
            self._end("Failed", error.message)
        except Exception as exc:  # noqa: BLE001 - whoever waits for the job would otherwise wait for ever
            self._end("Failed", f"the emulator failed: {exc!r}")

    def _run_step(self, step: Step) -> bool:
        state = self.steps[step.name]
        if killed := self._world.switches.kill_steps.get(step.name):
            self._fail(state, killed)
            return False
        execution = Execution(step, self.folder / f"{step.name}.log", self._world.environment)
        with self._lock:
            if self._canceled:
                return False
            self._execution, state.status, state.started = execution, "Running", moment()
        self._note(f"step {step.name} started: {' '.join(step.command)}")
        code = execution.run()
        self._note(f"step {step.name} ended with exit code {code}")
        self._keep_log(state, execution)
        if self._canceled:
            return False
        if code:
            message = f"Execution failed. Step {step.name} exited with code {code}: {execution.last_line}"
            self._fail(state, message)
            return False
        state.status, state.ended = "Completed", moment()
        return True

    def _fail(self, state: StepRun, message: str) -> None:
        state.status, state.ended, state.message = "Failed", moment(), message
        self._end("Failed", message)

    def _keep_log(self, state: StepRun, execution: Execution) -> None:
        name = f"ExperimentRun/dcid.{state.run_id}/user_logs/std_log.txt"
        self._world.storage.write(LOGS, name, execution.log.read_bytes())
        state.log = name

    def _end(self, status: str, message: str = "") -> None:
        with self._lock:
            if self.status in ENDED:
                return
            if self._canceled:
                status, message = "Canceled", "The run was canceled."
            for state in self.steps.values():
                if state.status == "Running":
                    state.status, state.ended = "Canceled", moment()
            self.message, self.ended = message, moment()
            self._set(status)

    def _set(self, status: str) -> None:
        with self._lock:
            if self.status in ENDED:
                return
            self.status = status
            path = self._job["id"]
            self._world.documents.change(path, lambda document: document["properties"].update(status=status))
        self._note(status + (f": {self.message}" if self.message else ""))

    def _note(self, text: str) -> None:
        self._world.timeline.note(f"job {self.name} {text}")

    def summary(self) -> dict[str, Any]:
        """For tests: the message and what became of each step."""
        return {"message": self.message, "steps": {name: state.status for name, state in self.steps.items()}}

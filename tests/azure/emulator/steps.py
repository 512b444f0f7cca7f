"""One step of a job: its command, run in a process of its own from its image."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.azure.emulator.routes import ArmError
from tests.azure.emulator.services import tail
from tests.azure.emulator.world import PULL, REGISTRY_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.azure.emulator.documents import Document
    from tests.azure.emulator.world import World

BINDING = re.compile(r"^\$\{\{parent\.jobs\.([^.}]+)\.outputs\.([^.}]+)}}$")
PARENT = re.compile(r"^\$\{\{parent\.inputs\.([^.}]+)}}$")
PLACE = re.compile(r"\$\{\{(inputs|outputs)\.([^}]+)}}")


@dataclass(frozen=True, slots=True)
class Step:
    """A step as it will be run."""

    name: str
    command: tuple[str, ...]
    image: Path
    environment: Mapping[str, str]
    after: frozenset[str]
    mounted: tuple[Path, ...]


def steps_of(world: World, job: Document, folder: Path) -> list[Step]:
    """A pipeline job's steps, each after those whose outputs it takes.

    Raises: ArmError if something that it names does not exist, or steps wait for each other.
    """
    waiting = {name: step_of(world, job, name, folder) for name in job["properties"]["jobs"]}
    ordered: list[Step] = []
    while waiting:
        done = {step.name for step in ordered}
        ready = [step for step in waiting.values() if step.after <= done]
        if not ready:
            raise ArmError(400, "UserError", f"steps {', '.join(waiting)} wait for each other")
        ordered.append(ready[0])
        del waiting[ready[0].name]
    return ordered


def step_of(world: World, job: Document, name: str, folder: Path) -> Step:
    """Resolve a node: its component, that one's environment, that one's image."""
    node = job["properties"]["jobs"][name]
    component = world.documents.get(node["componentId"].removeprefix("azureml:"))["properties"]["componentSpec"]
    environment = world.documents.get(component["environment"].removeprefix("azureml:"))["properties"]
    image = world.images.folder_of(environment.get("image") or "")
    if image is None:
        raise ArmError(400, "ImageBuildFailure", f"Unable to pull image {environment.get('image')}")
    client = (node.get("identity") or {}).get("client_id")
    if client and not world.switches.access.allows(client, PULL, REGISTRY_PATH):
        raise ArmError(400, "ImageBuildFailure", f"Unable to pull image {environment.get('image')}: unauthorized")
    given = {key: value.get("value", value.get("uri")) for key, value in (node.get("inputs") or {}).items()}
    parents = {key: value.get("value") for key, value in (job["properties"].get("inputs") or {}).items()}
    inputs = {key: _input(str(value), parents, folder) for key, value in given.items()}
    outputs = {key: str(_output(folder, name, key)) for key in component.get("outputs") or {}}
    variables = {**(component.get("environment_variables") or {}), **(node.get("environment_variables") or {})}
    # Azure ML tells a step whose identity is named which one that is.
    identity = {"DEFAULT_IDENTITY_CLIENT_ID": client} if client else {}
    return Step(
        name,
        tuple(shlex.split(_fill(component["command"], {"inputs": inputs, "outputs": outputs}))),
        image,
        {
            "AZUREML_RUN_ID": f"{job['name']}_{name}",
            **identity,
            **{key: str(each) for key, each in variables.items()},
        },
        frozenset(match[1] for value in given.values() if (match := BINDING.match(str(value)))),
        tuple(Path(inputs[key]) for key, value in given.items() if BINDING.match(str(value))),
    )


def _input(value: str, parents: Mapping[str, Any], folder: Path) -> str:
    if match := PARENT.match(value):
        return str(parents[match[1]])
    if match := BINDING.match(value):
        return str(_output(folder, match[1], match[2]))
    return value


def _output(folder: Path, step: str, name: str) -> Path:
    path = folder / "outputs" / step / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def _fill(command: str, values: Mapping[str, Mapping[str, str]]) -> str:
    return PLACE.sub(lambda match: shlex.quote(values[match[1]][match[2]]), command)


class Execution:
    """The process of a step, which may be killed at any time."""

    def __init__(self, step: Step, log: Path, environment: Mapping[str, str]) -> None:
        self.step, self.log = step, log
        self._environment = environment
        self._lock, self._killed = threading.Lock(), False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def last_line(self) -> str:
        """The last line that it wrote."""
        written = [line for line in tail(self.log).splitlines() if line.strip()]
        return written[-1] if written else "it wrote nothing"

    def run(self) -> int:
        """Run it to its end; gives the exit code."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if any(not list(folder.iterdir()) for folder in self.step.mounted):
            # Blob storage has no empty folders: an output without a file is none.
            self.log.write_text("UriMountSession failed: DataAccessError(NotFound)\n")
            return 1
        command = [sys.executable if part == "python" else part for part in self.step.command[:1]]
        with tempfile.TemporaryDirectory() as home, self.log.open("wb") as log:
            with self._lock:
                if self._killed:
                    return -signal.SIGKILL
                self._process = subprocess.Popen(
                    [*command, *self.step.command[1:]],
                    cwd=home,
                    env=self._variables(home),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            return self._process.wait()

    def kill(self) -> None:
        """End it with all that it has started, or see that it never starts."""
        with self._lock:
            self._killed = True
            if self._process is not None and self._process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def _variables(self, home: str) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": home,
            "PYTHONPATH": str(self.step.image),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            **self._environment,
            **self.step.environment,
        }

"""The genuine scoring app of an image, as a process or as a thread."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from scoring.__main__ import load, tls_of
from scoring.app import create_app
from scoring.keys import keys_of
from scoring.model import BadArtifact
from tests.azure.emulator.web import HOST
from tests.serving import serve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.azure.emulator.world import Runner

STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Launch:
    """What is started: an image, its environment, and the files that are laid beside and over it."""

    name: str
    image: Path
    folder: Path
    port: int
    environment: Mapping[str, str]
    runner: Runner
    volumes: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    tamper: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def app(self) -> Path:
        """The copy of the image that runs."""
        return self.folder / "app"

    @property
    def log(self) -> Path:
        """What it writes to stdout and stderr."""
        return self.folder / "log.txt"

    @property
    def variables(self) -> dict[str, str]:
        """The environment as it is here: paths below a volume are moved, and it listens on the loopback."""
        forced = {"PATH": os.environ.get("PATH", ""), "SCORING_HOST": HOST, "SCORING_PORT": str(self.port)}
        moved = {name: self._moved(value) for name, value in self.environment.items()}
        return {**moved, **forced}

    def lay_out(self) -> None:
        """Copy the image, sabotage it if asked to, and write the volumes."""
        shutil.rmtree(self.app, ignore_errors=True)
        shutil.copytree(self.image, self.app)
        files = {self.app / path: data for path, data in self.tamper.items()}
        for mount, contents in self.volumes.items():
            files |= {self._below(mount) / name: data for name, data in contents.items()}
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def _moved(self, value: str) -> str:
        for mount in self.volumes:
            if value == mount or value.startswith(mount.rstrip("/") + "/"):
                return str(self._below(mount)) + value[len(mount.rstrip("/")) :]
        return value

    def _below(self, mount: str) -> Path:
        return self.folder / "volumes" / mount.strip("/")


class Service(Protocol):
    """One that was started."""

    @property
    def pid(self) -> int: ...
    @property
    def exit_code(self) -> int | None: ...
    def stop(self) -> None: ...


class ProcessService:
    """As in a container: `python -m scoring` in the image's folder."""

    def __init__(self, launch: Launch) -> None:
        with launch.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "scoring"],
                cwd=launch.app,
                env=launch.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask, then insist."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class ThreadService:
    """The same app in this process: starts in milliseconds."""

    def __init__(self, launch: Launch) -> None:
        self._failure: int | None = None
        variables = launch.variables
        try:
            served, keys = load(launch.app / variables.get("SCORING_MODEL", "model")), keys_of(variables)
            tls = tls_of(variables)
        except (BadArtifact, ValueError) as exc:
            launch.log.write_text(f"scoring: {exc}\n")
            self._failure = 1
            return
        listening = socket.create_server((HOST, launch.port))
        self._serving = serve(create_app(served, keys), listening, **tls)

    @property
    def pid(self) -> int:
        """Of this process."""
        return os.getpid()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        if self._failure is not None:
            return self._failure
        return None if self._serving.thread.is_alive() else 0

    def stop(self) -> None:
        """End the thread."""
        if self._failure is None:
            self._serving.end()


def start(launch: Launch) -> Service:
    """Start an image; what was tampered with only a process of its own can run."""
    return ProcessService(launch) if launch.runner == "process" or launch.tamper else ThreadService(launch)


def tail(path: Path, lines: int | None = None) -> str:
    """The last lines of a log."""
    if not path.exists():
        return ""
    text = path.read_text(errors="replace").splitlines(keepends=True)
    return "".join(text[-lines:] if lines else text)

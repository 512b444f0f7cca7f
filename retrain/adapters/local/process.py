"""The platform on this machine: an image is a folder, a service is a process on a free loopback port.

The process table, not a record, says which services run: a promotion that was killed at any moment finds its
service again and never starts a second one. A record holds what the process table does not: port and key.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from retrain.adapters.fence import fenced
from retrain.errors import ConfigError, ServiceError
from retrain.poll import poll
from retrain.ports import LOG_LINES, Image, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

POLL_SECONDS = 0.05
STARTING_SECONDS = 5  # how long to wait for a process that is just being started
KERNEL = {0, 2}  # the kernel's own threads have no arguments; they are children of these
STOP_SECONDS = 25  # more than the service allows for its last requests
MARK = "SCORING_INSTANCE"
FIRST_PORT, FIRST_EPHEMERAL = 23_000, 32_768  # Linux hands out from there on, macOS and Windows from 49,152
# The shell exits at once, so the service is no child of this process and outlives it.
DETACH = '"$@" >> "$SCORING_LOG" 2>&1 < /dev/null &'


class ProcessPlatform:
    """Images below `root/images`, records and logs below `root/services`."""

    def __init__(self, root: Path) -> None:
        self._images, self._services = root.resolve() / "images", root.resolve() / "services"

    @fenced
    def build(self, model: str, version: str, context: Mapping[str, bytes]) -> Image:
        """Create a folder like /app in the Dockerfile; a folder with other contents is replaced."""
        image = self._images / f"{model}-v{version}"
        if not _has_files(image, context):
            unfinished = self._images / f".{image.name}-{secrets.token_hex(4)}"
            for path, data in context.items():
                (unfinished / path).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / path).write_bytes(data)
            shutil.rmtree(image, ignore_errors=True)
            unfinished.replace(image)
        return Image(str(image))

    @fenced
    def deploy(self, name: str, version: str, image: str) -> Service:
        """See Platform."""
        there = self._read(name)
        if there is not None and self.is_running(name):
            return there
        # A recorded service whose port is free keeps its port: if a process that was killed has just started the
        # same service, one of the two finds the port in use and ends.
        service = there if there is not None and _is_free(urlsplit(there.url).port or 0) else None
        if service is None:
            service = Service(name, version, f"http://127.0.0.1:{free_port()}", secrets.token_urlsafe(32))
            self._write(service)
        self._start(service, image)
        return service

    def point_to(self, name: str) -> None:
        """See Platform."""

    def find(self, version: str) -> Service | None:
        """See Platform."""
        return next((service for service in self.services() if service.version == version), None)

    def services(self) -> list[Service]:
        """See Platform."""
        records = sorted(self._services.glob("*.json")) if self._services.exists() else []
        return [service for record in records if (service := self._read(record.stem))]

    def is_running(self, name: str) -> bool:
        """See Platform."""
        return any(self._processes(name))

    def log(self, name: str) -> list[str]:
        """See Platform."""
        try:
            return self._log(name).read_text(errors="replace").splitlines()[-LOG_LINES:]
        except OSError:
            return []

    @fenced
    def remove(self, name: str) -> None:
        """See Platform."""
        for process in self._processes(name):
            _signal(process.terminate)
        # Waiting for the process object itself would also wait until its new parent has reaped it.
        for _ in poll(STOP_SECONDS, POLL_SECONDS):
            if not self.is_running(name):
                break
        for process in self._processes(name):
            _signal(process.kill)
        self._record(name).unlink(missing_ok=True)

    def _start(self, service: Service, image: str) -> None:
        url = urlsplit(service.url)
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "SCORING_HOST": str(url.hostname),
            "SCORING_PORT": str(url.port),
            "SCORING_KEY": service.key,
            "SCORING_LOG": str(self._log(service.name)),
            MARK: str(self._record(service.name)),
        }
        command = ["/bin/sh", "-c", DETACH, "sh", sys.executable, "-m", "scoring"]
        try:
            subprocess.run(command, cwd=image, env=environment, start_new_session=True, check=True)  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as exc:
            raise ServiceError(f"{service.name} could not be started from {image}: {exc}") from exc

    def _processes(self, name: str) -> list[Any]:
        """The processes of a service; waits while any process is just being started, for it may be one of them."""
        for _ in poll(STARTING_SECONDS, POLL_SECONDS):
            found, is_starting = self._scan(name)
            if found or not is_starting:
                return found
        return []

    def _scan(self, name: str) -> tuple[list[Any], bool]:
        """The processes of a service, and whether any process is just being started.

        Between two programs (execve) a process has neither arguments nor an environment, so it may be the service.
        """
        try:
            import psutil
        except ImportError as exc:
            raise ConfigError(
                "RETRAIN_PLATFORM=local needs the packages of requirements-dev.txt; run make setup"
            ) from exc

        mark, found, is_starting = str(self._record(name)), [], False
        for process in psutil.process_iter(["cmdline", "status", "ppid"]):
            arguments = process.info["cmdline"]
            if process.info["status"] == psutil.STATUS_ZOMBIE or arguments is None:
                continue
            if not any(arguments):
                is_starting |= not {process.pid, process.info["ppid"]} & KERNEL
            elif "scoring" in arguments:
                with suppress(psutil.Error):
                    environment = process.environ()
                    is_starting |= not environment
                    found += [process] if environment.get(MARK) == mark else []
        return found, is_starting

    def _record(self, name: str) -> Path:
        return self._services / f"{name}.json"

    def _log(self, name: str) -> Path:
        return self._services / f"{name}.log"

    def _read(self, name: str) -> Service | None:
        try:
            return Service(**json.loads(self._record(name).read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as exc:
            raise ServiceError(f"{self._record(name)} cannot be read; remove it and promote again") from exc

    def _write(self, service: Service) -> None:
        """Write the record in one step, readable by this user only: it holds the key."""
        self._services.mkdir(parents=True, exist_ok=True)
        unfinished = self._services / f".{service.name}-{secrets.token_hex(4)}"
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(asdict(service)))
        unfinished.replace(self._record(service.name))


def _signal(end: Callable[[], None]) -> None:
    """Send a signal to a process, which may have ended already."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        end()


def _has_files(image: Path, context: Mapping[str, bytes]) -> bool:
    return all((image / path).is_file() and (image / path).read_bytes() == data for path, data in context.items())


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A free loopback port that the kernel gives to no outgoing connection.

    The kernel gives the ports from `FIRST_EPHEMERAL` on to new connections, so one of those may be taken between
    this choice and its use.

    Raises: ServiceError if all ports below are in use.
    """
    ports = list(range(FIRST_PORT, FIRST_EPHEMERAL))
    random.SystemRandom().shuffle(ports)
    for port in ports:
        if _is_free(port):
            return port
    raise ServiceError(
        f"no port from {FIRST_PORT} to {FIRST_EPHEMERAL} is free; stop the programs that listen there"
    )

"""The platform on this machine: an image is a folder, a service is a process on a free loopback port.

The process table says what runs, not a record: a promotion that was killed at any moment finds its service again,
and never starts a second one. A record holds only what a process cannot be asked: its port and its key.
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

from retrain.errors import ConfigError, ServiceError
from retrain.poll import poll
from retrain.ports import LOG_LINES, Image, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

POLL_SECONDS = 0.05
STARTING_SECONDS = 5  # a process that is being started is looked at again for so long
KERNEL = {0, 2}  # the kernel's own threads have no arguments; they are children of these
STOP_SECONDS = 25  # more than the service grants its last requests
MARK = "SCORING_INSTANCE"
FIRST_PORT, FIRST_EPHEMERAL = 23_000, 32_768  # Linux hands out from there on, macOS and Windows from 49,152
# The shell leaves at once, so the service belongs to nobody here and outlives whoever started it.
DETACH = '"$@" >> "$SCORING_LOG" 2>&1 < /dev/null &'


class ProcessPlatform:
    """Images below `root/images`, records and logs below `root/services`."""

    def __init__(self, root: Path) -> None:
        self._images, self._services = root.resolve() / "images", root.resolve() / "services"

    def build(self, model: str, version: str, context: Mapping[str, bytes]) -> Image:
        """Lay the folder out as the Dockerfile would its /app; a folder with other bytes in it is laid out anew."""
        image = self._images / f"{model}-v{version}"
        if not _holds(image, context):
            unfinished = self._images / f".{image.name}-{secrets.token_hex(4)}"
            for path, data in context.items():
                (unfinished / path).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / path).write_bytes(data)
            shutil.rmtree(image, ignore_errors=True)
            unfinished.replace(image)
        return Image(str(image))

    def deploy(self, name: str, version: str, image: str) -> Service:
        """See Platform."""
        there = self._read(name)
        if there is not None and self.is_running(name):
            return there
        # A record whose port is free is started again as it stands: should a process that was killed have
        # started the service an instant ago, one of the two will find the port taken and end.
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

    def remove(self, name: str) -> None:
        """See Platform."""
        for process in self._processes(name):
            _send(process.terminate)
        # Waiting for the process itself would also wait for whoever adopted it to collect its remains.
        for _ in poll(STOP_SECONDS, POLL_SECONDS):
            if not self.is_running(name):
                break
        for process in self._processes(name):
            _send(process.kill)
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
        """The processes of a service, also while one of them is being started."""
        for _ in poll(STARTING_SECONDS, POLL_SECONDS):
            found, is_starting = self._look(name)
            if found or not is_starting:
                return found
        return []

    def _look(self, name: str) -> tuple[list[Any], bool]:
        """The processes of a service, and whether any process is being started at this moment.

        Between two programs (execve) a process has neither arguments nor an environment, so it may be any.
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
        """Whole or not at all, and for this user's eyes only: it holds the key."""
        self._services.mkdir(parents=True, exist_ok=True)
        unfinished = self._services / f".{service.name}-{secrets.token_hex(4)}"
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(asdict(service)))
        unfinished.replace(self._record(service.name))


def _send(end: Callable[[], None]) -> None:
    """Ask a process to end, which it may have done already."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        end()


def _holds(image: Path, context: Mapping[str, bytes]) -> bool:
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
    """A loopback port that nobody uses at this moment, and that no outgoing connection is given.

    The kernel hands the ports above `FIRST_EPHEMERAL` to every connection that begins, so one of those may be taken
    between this choice and its use.

    Raises: ServiceError if all of those below are taken.
    """
    ports = list(range(FIRST_PORT, FIRST_EPHEMERAL))
    random.SystemRandom().shuffle(ports)
    for port in ports:
        if _is_free(port):
            return port
    raise ServiceError(f"no port from {FIRST_PORT} to {FIRST_EPHEMERAL} is free; end what listens there")

"""The platform on this machine: an image is a folder, a service is a process on a free loopback port.

The process table, not a record, says which services run: a promotion that was killed at any moment finds its
service again and never starts a second one. A record holds what the process table does not: port and keys.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from retrain.adapters.fence import fenced
from retrain.adapters.local.service_files import LOG_BYTES, ServiceFiles
from retrain.errors import AccessDenied, ConfigError, NotFound, ServiceError, ServiceUnavailable
from retrain.poll import poll
from retrain.ports import Image, Service, StoredImage
from retrain.records.service_keys import ServiceKeys
from retrain.records.service_record import read_or_set_aside, rotated

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    restarts_by_itself = False
    wake_seconds = 0.0

    def __init__(self, root: Path, keys: ServiceKeys | None = None) -> None:
        self._images = root.resolve() / "images"
        self._files = ServiceFiles(root.resolve() / "services", keys or ServiceKeys())

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
        """See Platform. The address changes if another process has taken the port meanwhile."""
        there = read_or_set_aside(self._files, name)
        if there is None:  # what runs under this name has a key that nobody knows
            self.stop(name, at_once=True)
            there = Service(name, version, "", secrets.token_urlsafe(32))
        elif self.is_running(name):
            self._files.write_keys(there)
            return there
        # A recorded service whose port is free keeps its port: if a process that was killed has just started the
        # same service, one of the two finds the port in use and ends.
        port = urlsplit(there.url).port
        if port is None or not _is_free(port):
            there = replace(there, url=f"http://127.0.0.1:{free_port()}")
        self._files.save(there)
        self._start(there, image)
        return there

    @fenced
    def rotate(self, name: str, until: datetime) -> Service:
        """See Platform. The service reads its keys anew; callers ask which one it knows before they send it."""
        there = self._files.read(name)
        if there is None:
            raise NotFound(f"there is no service {name[:80]!r}; `retrain services` lists them")
        service = rotated(there, secrets.token_urlsafe(32), until, datetime.now(UTC))
        self._files.save(service)
        return service

    def point_to(self, name: str) -> None:
        """See Platform."""

    def find(self, version: str) -> Service | None:
        """See Platform."""
        names = [name for name in self._files.names() if name.rpartition("-v")[2] == version]
        return self._files.read(names[0]) if names else None

    def services(self) -> list[Service]:
        """See Platform. A record that cannot be read gives a service without address and key."""
        return [self._listed(name) for name in self._files.names()]

    def _listed(self, name: str) -> Service:
        try:
            service = self._files.read(name)
        except (ServiceUnavailable, AccessDenied):
            raise
        except ServiceError:
            service = None
        return service or Service(name, name.rpartition("-v")[2], "", "")

    def is_running(self, name: str) -> bool:
        """See Platform."""
        return any(self._processes(name))

    def log(self, name: str) -> list[str]:
        """See Platform."""
        return self._files.tail(name)

    @fenced
    def stop(self, name: str, *, at_once: bool = False) -> None:
        """See Platform. A process that is suspended cannot end by itself, and is not waited for."""
        import psutil

        for process in self._processes(name):
            with suppress(psutil.NoSuchProcess):
                is_suspended = process.status() == psutil.STATUS_STOPPED
                process.kill() if at_once or is_suspended else process.terminate()
        # Waiting for the process object itself would also wait until its new parent has reaped it.
        for _ in poll(STOP_SECONDS, POLL_SECONDS):
            if not self.is_running(name):
                return
        for process in self._processes(name):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    @fenced
    def remove(self, name: str) -> None:
        """See Platform."""
        self.stop(name)
        self._files.remove(name)

    def images(self, model: str) -> list[StoredImage]:
        """See Platform. A folder of another name is not ours."""
        ours = re.compile(rf"{re.escape(model)}-v([1-9]\d*)|\.{re.escape(model)}-v\d+-[0-9a-f]{{8}}", re.ASCII)
        found = sorted(self._images.iterdir()) if self._images.is_dir() else []
        named = [(folder, match) for folder in found if folder.is_dir() and (match := ours.fullmatch(folder.name))]
        return [StoredImage(folder.name, match[1] or "", _size(folder)) for folder, match in named]

    @fenced
    def remove_image(self, image: StoredImage) -> None:
        """See Platform. Half a folder under the name of an image would be taken for the image."""
        folder = self._images / image.name
        if image.version and folder.is_dir():
            folder = folder.rename(self._images / f".{image.name}-{secrets.token_hex(4)}")
        shutil.rmtree(folder, ignore_errors=True)

    def _start(self, service: Service, image: str) -> None:
        url = urlsplit(service.url)
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "SCORING_HOST": str(url.hostname),
            "SCORING_PORT": str(url.port),
            "SCORING_KEY_FILE": str(self._files.keys(service.name)),
            "SCORING_LOG": str(self._files.begin_log(service.name)),
            "SCORING_LOG_BYTES": str(LOG_BYTES),
            MARK: str(self._files.record(service.name)),
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

        mark, found, is_starting = str(self._files.record(name)), [], False
        for process in psutil.process_iter(["cmdline"]):
            arguments = process.info["cmdline"]
            if arguments is None or (any(arguments) and "scoring" not in arguments):
                continue
            with suppress(psutil.Error):  # the rest is asked of few: of every process it would take twice as long
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if not any(arguments):
                    is_starting |= not {process.pid, process.ppid()} & KERNEL
                    continue
                environment = process.environ()
                is_starting |= not environment
                found += [process] if environment.get(MARK) == mark else []
        return found, is_starting


def _has_files(image: Path, context: Mapping[str, bytes]) -> bool:
    return all((image / path).is_file() and (image / path).read_bytes() == data for path, data in context.items())


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


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
    ports = range(FIRST_PORT, FIRST_EPHEMERAL)
    first = secrets.randbelow(len(ports))
    for port in chain(ports[first:], ports[:first]):
        if _is_free(port):
            return port
    raise ServiceError(
        f"no port from {FIRST_PORT} to {FIRST_EPHEMERAL} is free; stop the programs that listen there"
    )

"""One revision of a container app: a replica or none, behind an address of its own."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from retrain.adapters.local.process import free_port
from retrain.poll import poll
from tests.azure.emulator.container import Container
from tests.azure.emulator.ingress import Ingress
from tests.azure.emulator.probes import Probe
from tests.azure.emulator.services import Launch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.azure.emulator.documents import Document
    from tests.azure.emulator.tls import Certificate
    from tests.azure.emulator.world import World

READY_SECONDS = 60  # a scoring process is ready in two on an idle machine


class Running:
    """Starts, ends, and is woken by the first request that finds no replica."""

    def __init__(
        self, launch: Launch, probes: tuple[Probe, ...], certificate: Certificate, note: Callable[[str], None]
    ) -> None:
        self._launch, self._probes, self._note = launch, probes, note
        self._lock, self._is_active = threading.RLock(), False
        self._front = Ingress(certificate, lambda: self)
        self.container: Container | None = None

    @classmethod
    def of(
        cls, world: World, name: str, template: Document, environment: Mapping[str, str], certificate: Certificate
    ) -> Self:
        """That of a template, which does not run yet."""
        container = template["containers"][0]
        image = world.images.folder_of(container["image"])
        assert image is not None  # it was there when the app was checked
        folder, tamper = world.folder / "revisions" / name, dict(world.switches.tamper)
        launch = Launch(name, image, folder, 0, dict(environment), world.runner, tamper=tamper)
        probes = tuple(Probe.of(one["type"], one) for one in container.get("probes") or [])
        return cls(launch, probes, certificate, world.timeline.note)

    @property
    def host(self) -> str:
        """Where it answers, as Azure gives it: without a scheme."""
        return self._front.host

    @property
    def name(self) -> str:
        """Of the revision."""
        return self._launch.name

    @property
    def log(self) -> Path:
        """What its replicas wrote."""
        return self._launch.log

    @property
    def is_ready(self) -> bool:
        """Whether its replica passes the readiness probe."""
        container = self.container
        return container is not None and container.alive and self._readiness.miss(container.launch) is None

    def port(self) -> int | None:
        """Where its replica listens, once it is ready; None if it is not active, or does not get ready."""
        with self._lock:
            if not self._is_active:
                return None
            if self.container is None:
                self._note(f"revision {self._launch.name} is woken")
                self.start()
                self._wait()
            return self.container.launch.port if self.container else None

    def start(self) -> None:
        """With one replica."""
        with self._lock:
            self._is_active = True
            if self.container is None:
                launch = replace(self._launch, port=free_port())
                self.container = Container(launch, self._probes, "Always", self._note)
                self.container.start()

    def rest(self) -> None:
        """Without a replica, until somebody asks."""
        with self._lock:
            container, self.container = self.container, None
        if container is not None:
            container.stop()

    def stop(self) -> None:
        """For good, or until it is activated."""
        self._is_active = False
        self.rest()

    def restart(self, environment: Mapping[str, str]) -> None:
        """With what its secrets are now."""
        self.rest()
        self._launch = replace(self._launch, environment=dict(environment))
        if self._is_active:
            self.start()

    def close(self) -> None:
        """End it with its address."""
        self.stop()
        self._front.close()

    @property
    def _readiness(self) -> Probe:
        return next(probe for probe in self._probes if probe.kind == "Readiness")

    def _wait(self) -> None:
        for _ in poll(READY_SECONDS):
            container = self.container
            if self.is_ready or container is None or container.view()["restartCount"] > 1:
                return

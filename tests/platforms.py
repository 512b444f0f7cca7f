"""Platforms for tests: the genuine scoring app in a thread, and the ends of what tests have started."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from retrain.adapters.fence import fenced
from retrain.adapters.local.process import ProcessPlatform
from retrain.ports import Image, Service, StoredImage
from retrain.records.service_record import rotated
from scoring.app import Served, create_app
from scoring.keys import KeyPair, Keys
from scoring.model import ForecastModel
from tests.serving import serve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.serving import Serving


class ThreadPlatform:
    """The same app as in the container, a thread a service: starts in milliseconds."""

    restarts_by_itself = False
    wake_seconds = 0.0

    def __init__(self) -> None:
        self.images_built: dict[str, Mapping[str, bytes]] = {}
        self._running: dict[str, tuple[Service, Serving]] = {}
        self._keys: dict[str, Keys] = {}

    @fenced
    def build(self, model: str, version: str, context: Mapping[str, bytes]) -> Image:
        """Keep the context."""
        self.images_built[f"{model}:{version}"] = context
        return Image(f"{model}:{version}")

    @fenced
    def deploy(self, name: str, version: str, image: str) -> Service:
        """Serve the image's model."""
        if name not in self._running:
            listening = socket.create_server(("127.0.0.1", 0))
            service = Service(name, version, f"http://127.0.0.1:{listening.getsockname()[1]}", "key-of-a-test")
            self._keys[name] = Keys(KeyPair.of(service.key))
            app = create_app(self.model_of(image), self._keys[name])
            self._running[name] = service, serve(app, listening)
        return self._running[name][0]

    def model_of(self, image: str) -> Served:
        """What the image holds."""
        context = self.images_built[image]
        version = json.loads(context["model/version.json"])
        model = ForecastModel.from_json(context["model/artifact.json"])
        return Served(model, version["name"], version["version"], version["data_sha256"])

    def point_to(self, name: str) -> None:
        """There is no stable address."""

    def find(self, version: str) -> Service | None:
        """By version."""
        return next((service for service in self.services() if service.version == version), None)

    def services(self) -> list[Service]:
        """Those that run."""
        return [service for service, _ in self._running.values()]

    def is_running(self, name: str) -> bool:
        """By name."""
        return name in self._running

    def log(self, name: str) -> list[str]:
        """Threads write none."""
        return [f"{name} wrote nothing"]

    @fenced
    def rotate(self, name: str, until: datetime) -> Service:
        """A new key, beside the one before."""
        service, serving = self._running[name]
        service = rotated(service, f"{service.key}+", until, datetime.now(UTC))
        self._keys[name]._pair = KeyPair.of(service.key, service.key_before, service.before_until)
        self._running[name] = service, serving
        return service

    def stop(self, name: str, *, at_once: bool = False) -> None:  # noqa: ARG002 - a thread ends in one way
        """Stop it."""
        ThreadPlatform.remove(self, name)

    @fenced
    def remove(self, name: str) -> None:
        """Stop it."""
        if name in self._running:
            _, serving = self._running.pop(name)
            serving.end()

    def images(self, model: str) -> list[StoredImage]:
        """Those that were built."""
        named = [name.split(":") for name in self.images_built]
        return [StoredImage(f"{of}:{version}", version, 1) for of, version in named if of == model]

    @fenced
    def remove_image(self, image: StoredImage) -> None:
        """Forget it."""
        self.images_built.pop(image.name, None)

    def close(self) -> None:
        """Stop them all."""
        for name in list(self._running):
            self.remove(name)


def stop_services(root: Path) -> None:
    """End every service that was started below a folder."""
    platform = ProcessPlatform(root / "platform")
    for service in platform.services():
        platform.remove(service.name)

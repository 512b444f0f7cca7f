"""Where a drill happens, in words that a child process can be told, and services that outlive a kill."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from retrain.adapters.local.process import ProcessPlatform
from retrain.ports import Image, Service
from retrain.records.ledger import Ledger
from retrain.settings import Settings, parse
from retrain.wiring import connect
from scoring.app import Served
from scoring.model import ForecastModel
from tests.builders import QUICK
from tests.platforms import ThreadPlatform

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from retrain.ports import Platform
    from retrain.records.context import Context


@dataclass(frozen=True, slots=True)
class Place:
    """Where a drill happens, in words that a child process can be told.

    Attributes:
        root: the folder store; beside Azurite, where services and marks are kept.
        connection: Azurite's connection string; empty for the folder store.
        name: of Azurite's containers.
    """

    root: str
    connection: str = ""
    name: str = ""

    @property
    def store(self) -> str:
        """What the table of the drills calls it."""
        return "Azurite" if self.connection else "folder"

    @property
    def environment(self) -> dict[str, str]:
        """What the Function App would be told."""
        if not self.connection:
            return {**QUICK, "RETRAIN_ROOT": self.root}
        return {
            **QUICK,
            "RETRAIN_ROOT": self.root,
            "RETRAIN_STORE": "blob",
            "TRANSACTIONS_STORAGE": self.connection,
            "TRANSACTIONS_CONTAINER": f"{self.name}-inbox",
            "RETRAIN_STATE_CONTAINER": self.name,
        }

    @property
    def settings(self) -> Settings:
        return parse(self.environment)

    def context(self, platform: Platform) -> Context:
        """As the triggers make them for each event, but for the platform."""
        return replace(connect(self.settings), platform=platform)

    @property
    def told(self) -> Path:
        """The ids of the events that somebody was told, a line each."""
        return Path(self.root) / "told.txt"

    @property
    def ledger(self) -> Ledger:
        return Ledger(connect(self.settings).state)


def a_place(request: pytest.FixtureRequest, root: Path) -> Place:
    """An empty store of the kind that a fixture's parameter names."""
    if request.param == "folder":
        return Place(str(root))
    return Place(str(root), request.getfixturevalue("storage"), f"drill-{uuid.uuid4().hex[:12]}")


class FilePlatform(ThreadPlatform):
    """Services that are files, so that they outlive a kill; whoever asks for one serves it in a thread."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._layout, self._records = ProcessPlatform(root / "platform"), root / "platform" / "threads"

    def build(self, model: str, version: str, context: Mapping[str, bytes]) -> Image:
        """Lay the image out as a folder."""
        return self._layout.build(model, version, context)

    def model_of(self, image: str) -> Served:
        """What the folder holds."""
        version = json.loads((Path(image) / "model" / "version.json").read_bytes())
        model = ForecastModel.from_json((Path(image) / "model" / "artifact.json").read_bytes())
        return Served(model, version["name"], version["version"], version["data_sha256"])

    def deploy(self, name: str, version: str, image: str) -> Service:
        """Write the service down and serve it."""
        self._records.mkdir(parents=True, exist_ok=True)
        (self._records / f"{name}.json").write_text(json.dumps({"version": version, "image": image}))
        return super().deploy(name, version, image)

    def services(self) -> list[Service]:
        """Those that are written down, each served from here by now."""
        for record in sorted(self._records.glob("*.json")) if self._records.exists() else []:
            super().deploy(record.stem, **json.loads(record.read_bytes()))
        return super().services()

    def is_running(self, name: str) -> bool:
        """Whether it is written down."""
        return any(service.name == name for service in self.services())

    def remove(self, name: str) -> None:
        """Strike it out."""
        (self._records / f"{name}.json").unlink(missing_ok=True)
        super().remove(name)

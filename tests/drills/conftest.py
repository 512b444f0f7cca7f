"""What several drills begin with: an empty store of each kind, and services in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.adapters.local.folder import FolderStore
from tests.builders import World
from tests.drills.driver import Place, a_place
from tests.drills.stage import Stage, on_doors
from tests.platforms import ThreadPlatform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["folder", "azurite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty store of each kind."""
    return a_place(request, tmp_path / "store")


@pytest.fixture
def platform() -> Iterator[ThreadPlatform]:
    """Services in threads."""
    running = ThreadPlatform()
    yield running
    running.close()


@pytest.fixture
def stage(world: World, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """On a folder."""
    return on_doors(Stage(world, FolderStore(world.root / "inbox"), FolderStore(world.root)), monkeypatch)

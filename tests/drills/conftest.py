"""What several drills begin with: an empty store of each kind, and services in threads."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.azure.sweeps import without_sweeps
from tests.azurite import azurite
from tests.drills.driver import Place, a_place
from tests.platforms import ThreadPlatform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def storage() -> Iterator[str]:
    """Azurite's connection string; the drills last longer than it answers between two sweeps."""
    with ExitStack() as running:
        with without_sweeps():
            connection = running.enter_context(azurite())
        yield connection


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

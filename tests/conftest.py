"""Fixtures that more than one folder needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.azurite import azurite
from tests.builders import World
from tests.platforms import ThreadPlatform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty store on a folder."""
    platform = ThreadPlatform()
    yield World(tmp_path / "store", platform=platform)
    platform.close()


@pytest.fixture(scope="session")
def storage() -> Iterator[str]:
    """Azurite's connection string; one Azurite serves the whole test run, each test takes its own container."""
    with azurite() as connection:
        yield connection

"""A store in which version 1 answers: made once in a test run, and copied for each test that begins there."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from retrain.adapters.local.file_reader import state_of
from tests.builders import ONE, World
from tests.platforms import ThreadPlatform

if TYPE_CHECKING:
    from pathlib import Path


LANDED = "inbox/one.csv"


class FirstChampion:
    """The store, and what its service is made of."""

    def __init__(self, folder: Path) -> None:
        platform = ThreadPlatform()
        self._world = World(folder / "store", platform=platform)
        assert self._world.land("one.csv", ONE)["model"]["version"] == "1"
        (self._service,), self._images = platform.services(), platform.images_built
        platform.close()

    def copied_to(self, world: World, platform: ThreadPlatform) -> None:
        """Make an empty world the same, with a service and an address of its own."""
        platform.images_built |= self._images
        (image,) = self._images
        service = platform.deploy(self._service.name, self._service.version, image)
        shutil.copytree(self._world.root, world.root)
        own = {str(self._world.root): str(world.root), self._service.url: service.url}
        own[state_of(self._world.root / LANDED)] = state_of(world.root / LANDED)
        for record in world.root.rglob("*.json"):
            text = record.read_text()
            for theirs, ours in own.items():
                text = text.replace(theirs, ours)
            record.write_text(text)
        world.clock.now = self._world.clock.now

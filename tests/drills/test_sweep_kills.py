"""A sweep that is killed, or whose store fails, anywhere: the next one finishes, and nothing else is touched."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.doors.champion_forecast import champion_forecast
from retrain.errors import RetrainError
from retrain.records.leftovers import Kind
from retrain.runs.sweep import look
from tests.drills.table import tell
from tests.dying import Dying
from tests.faults import Call, Fault, Faults, FaultyStore, Killed, fails
from tests.leftovers import DAY, everything_left_over, swept, with_forecasts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders import World
    from tests.platforms import ThreadPlatform

pytestmark = pytest.mark.long


class Scene:
    """One leftover of each kind, all due; as often as a drill wants it."""

    def __init__(self, world: World, folder: Path) -> None:
        self._folder, self._number = folder, 0
        everything_left_over(world)
        self.world, self.platform = world, world.platform
        self._images = dict(self._threads.images_built)
        shutil.copytree(world.root, folder / "before")
        self._now = world.clock.now

    @property
    def _threads(self) -> ThreadPlatform:
        return self.platform  # type: ignore[return-value]

    def again(self) -> World:
        """As it was before the sweep."""
        self._number += 1
        root = self._folder / f"play-{self._number}"
        shutil.copytree(self._folder / "before", root)
        self._threads.images_built.update(self._images)
        self.platform.deploy("daily-transactions-v4", "4", "daily-transactions:3")
        self.world.clock.now = self._now
        return replace(self.world, root=root)

    def ended(self, world: World) -> dict[str, Any]:
        """What is left in the end; a day later, for what was first found after its service was gone."""
        for _ in range(2):
            swept(world)
            world.clock.now += DAY
        context = with_forecasts(world)
        return {
            "found": [each.leftover.key for each in look(world.settings, context).handled],
            "services": [service.version for service in world.platform.services()],
            "images": [image.version for image in world.platform.images("daily-transactions")],
            "names": [name for name in context.state.names("") if not name.startswith(".")],
            "answers": champion_forecast(1, world.settings, context)["version"],
        }


@pytest.fixture
def scene(world: World, tmp_path: Path) -> Scene:
    return Scene(world, tmp_path)


def test_the_scene_has_everything(scene: Scene):
    """Of each kind there is one that is due."""
    world = scene.again()

    assert {key.split()[0] for key in swept(world).removed} == set(Kind)


def test_a_sweep_that_is_killed_at_any_write_is_finished_by_the_next(scene: Scene):
    """Before the write takes effect, and after it."""
    world = scene.again()
    counter = Dying(world.root, at=0, is_after=False)
    swept(world, counter)
    expected, writes = scene.ended(world), next(counter.changes) - 1

    wrong = []
    kills = [(at + 1, is_after) for at in range(writes) for is_after in (False, True)]
    for at, is_after in kills:
        world = scene.again()
        with pytest.raises(Killed):
            swept(world, Dying(world.root, at, is_after))
        if (found := scene.ended(world)) != expected:
            wrong.append((at, is_after, found))

    tell("crash", "folder", "sweeps, each killed at one of its writes", len(kills), len(wrong))
    assert writes > 8
    assert wrong == []


@pytest.mark.parametrize("method", ["remove", "remove_image"])
def test_a_sweep_that_is_killed_at_the_platform_is_finished_by_the_next(
    scene: Scene, method: str, monkeypatch: pytest.MonkeyPatch
):
    """The service or the image may be gone, and the record does not say so."""
    world = scene.again()
    swept(world)
    expected = scene.ended(world)
    world = scene.again()
    with monkeypatch.context() as dying:
        dying.setattr(world.platform, method, fails(Killed()))
        with pytest.raises(Killed):
            swept(world)

    assert scene.ended(world) == expected


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_a_call_of_the_store_that_goes_wrong_is_made_up_for_by_the_next_sweep(scene: Scene, fault: Fault):
    """Each call in its turn."""
    world = scene.again()
    faults = Faults()
    swept(world, FaultyStore(FolderStore(world.root), faults))
    expected, calls = scene.ended(world), len(faults.calls)

    wrong = []
    for number in range(calls):
        world = scene.again()

        def when(call: Call, number: int = number) -> bool:
            return call.number == number

        faults = Faults(when, fault)
        with suppress(RetrainError):
            swept(world, FaultyStore(FolderStore(world.root), faults))
        if (found := scene.ended(world)) != expected:
            wrong.append((faults.calls[number], found))

    tell("storage faults", "folder", f"calls of a sweep, each of which {fault}", calls, len(wrong))
    assert wrong == []

"""A store with one leftover of each kind, and what is to be left of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from retrain.adapters.local.folder import FolderStore
from retrain.promotion.resume import LOCK
from retrain.runs.sweep import Swept, sweep
from tests.builders import ONE, THREE, TWO

if TYPE_CHECKING:
    from retrain.ports import ObjectStore
    from retrain.records.context import Context
    from tests.builders import World

NAME = "daily-transactions"
FEW = {"RETRAIN_KEEP_SERVICES": "1", "RETRAIN_KEEP_IMAGES": "1"}
LONG = timedelta(days=500)
DAY = timedelta(days=1, minutes=1)


def with_forecasts(world: World, state: ObjectStore | None = None) -> Context:
    """The world with a place for published forecasts."""
    context = world.with_state(state) if state is not None else world.context
    return replace(context, forecasts=FolderStore(world.root / "forecasts"))


def three_champions(world: World) -> None:
    """Versions 1 to 3, of which version 3 answers."""
    world.overrides |= FEW
    for name, data in (("one.csv", ONE), ("two.csv", TWO), ("three.csv", THREE)):
        assert world.land(name, data)["verdict"] == "promote"


def orphaned(world: World, version: str = "1", image: str = "1") -> str:
    """A service of a version that nothing needs, as after a process that was killed. Returns: its name."""
    name = f"{NAME}-v{version}"
    world.platform.deploy(name, version, f"{NAME}:{image}")
    return name


def failed(world: World) -> str:
    """A version whose promotion failed after it was registered, and whose service was left. Returns: its name."""
    registry = world.context.registry
    artifact = registry.keep(b'{"it": "failed"}')
    model = registry.register(artifact, registry.get("3").lineage, "20260101T000000000Z-0000beef", world.clock())
    return orphaned(world, model.version, image="3")


def everything_left_over(world: World) -> None:
    """One of each kind, known for more than a day."""
    three_champions(world)
    failed(world)
    world.run()  # an ordinary run that promotes nothing
    world.land("bad.csv", b"TransactionDate,PaidAmount\n2023-01-01,much\n")
    world.context.registry.keep(b"{}")
    world.overrides["RETRAIN_KEEP_DAYS"] = "90"
    world.clock.now += LONG
    swept(world)
    world.clock.now += DAY


def swept(world: World, state: ObjectStore | None = None) -> Swept:
    """A sweep under the lock."""
    context = with_forecasts(world, state)
    with context.state.lock(LOCK):
        return sweep(world.settings, context)


def keys(found: Swept) -> list[str]:
    """What was found."""
    return [each.leftover.key for each in found.handled]

"""The days that count are read without the log of landings, and a reader needs no lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.errors import ServiceError
from retrain.records.history import Histories
from tests.builders import ONE, TWO, World, read_history

if TYPE_CHECKING:
    from retrain.ports import Stored


@pytest.fixture
def one(world: World) -> World:
    """One file has landed."""
    world.land("one.csv", ONE)
    return world


def test_the_days_are_read_without_the_log(one: World):
    """So that a forecast costs the same, whatever the number of files."""
    for log in (one.root / "history").glob("*.log.json"):
        log.write_bytes(b"{")

    assert len(Histories(one.context.state).days().totals) == 100
    with pytest.raises(ServiceError, match=r"log\.json cannot be read"):
        read_history(one.context.state)


def test_a_log_that_is_missing_is_an_error(one: World):
    """Not an empty history."""
    for log in (one.root / "history").glob("*.log.json"):
        log.unlink()

    with pytest.raises(ServiceError, match=r"log\.json is missing"):
        read_history(one.context.state)


class Overtaken(FolderStore):
    """A store in which a file lands between two reads of another process."""

    def __init__(self, world: World) -> None:
        super().__init__(world.root)
        self.world = world
        self.landed: list[dict[str, Any]] = []

    def read(self, name: str) -> Stored | None:
        """When the log is read for the first time, another takes its place."""
        if name.endswith(".log.json") and not self.landed:
            self.landed.append(self.world.land("two.csv", TWO))
        return super().read(name)


def test_a_reader_follows_the_log_that_another_process_has_written_meanwhile(one: World):
    """The log that it was told of is gone when it asks for it."""
    assert read_history(Overtaken(one)).files == 2

"""The days that count are read without the log of landings, and a reader needs no lock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.errors import DamagedRecord, ServiceError
from retrain.records.history import LOG, RECORD, Histories
from tests.builders import ONE, TWO, World, files_in_force, read_history
from tests.faults import Killed

if TYPE_CHECKING:
    from retrain.ports import Stored


@pytest.fixture
def one(world: World) -> World:
    """One file has landed."""
    world.land("one.csv", ONE)
    return world


def test_the_days_are_read_without_the_log(one: World):
    """So that a forecast costs the same, whatever the number of files."""
    (one.root / LOG).write_bytes(b"{")

    assert len(Histories(one.context.state).days().totals) == 100
    with pytest.raises(ServiceError, match=r"log\.json cannot be read"):
        read_history(one.context.state)


def test_a_log_that_is_missing_is_an_error(one: World):
    """Not an empty history."""
    (one.root / LOG).unlink()

    with pytest.raises(ServiceError, match=r"log\.json is missing"):
        read_history(one.context.state)


class Overtaken(FolderStore):
    """A store in which a file lands between two reads of another process."""

    def __init__(self, world: World) -> None:
        super().__init__(world.root)
        self.world = world
        self.landed: list[dict[str, Any]] = []

    def read(self, name: str) -> Stored | None:
        """When the log is read for the first time, it is longer than the head that was read says."""
        if name == LOG and not self.landed:
            self.landed.append(self.world.land("two.csv", TWO))
        return super().read(name)


def test_a_reader_gets_the_history_of_the_head_that_it_has_read(one: World):
    """Whatever another process adds to the log meanwhile."""
    before = read_history(one.context.state)

    assert read_history(Overtaken(one)) == replace(before, log_etag=ANY)
    assert read_history(one.context.state).files == 2


def test_an_entry_that_was_never_finished_is_none(one: World, monkeypatch: pytest.MonkeyPatch):
    """Its process ended between the log and the head; the next entry takes its place."""
    write = FolderStore.write

    def dies(store: FolderStore, name: str, data: bytes, if_etag: str | None = None) -> str:
        if name == RECORD:
            raise Killed
        return write(store, name, data, if_etag)

    with monkeypatch.context() as dying:
        dying.setattr(FolderStore, "write", dies)
        with pytest.raises(Killed):
            one.land("two.csv", TWO)
    assert files_in_force(read_history(one.context.state)) == ["one.csv"]
    for request in one.ledger.requests():
        one.ledger.done(request.run_id)
    one.land("other.csv", TWO)

    assert files_in_force(read_history(one.context.state)) == ["one.csv", "other.csv"]


def test_a_log_that_is_older_than_its_head_is_an_error(one: World):
    """It came back from another backup; what the head counts is not all there."""
    older = (one.root / LOG).read_bytes()
    one.land("two.csv", TWO)
    (one.root / LOG).write_bytes(older)

    with pytest.raises(DamagedRecord, match=r"log\.json has 1 entries, and history\.json counts 2"):
        read_history(one.context.state)

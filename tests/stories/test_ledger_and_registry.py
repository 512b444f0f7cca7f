"""Which version, since when, made of what."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.errors import Conflict, DamagedRecord, NotFound
from retrain.records.champion import Champion
from retrain.records.registry import Lineage, Registry
from tests.builders import World, reports

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LINEAGE = Lineage("ab" * 32, "cd" * 32, date(2023, 1, 1), date(2023, 12, 31), "(1,0,0)", "0.1.0")


def test_who_was_champion_on_a_day_is_read_from_the_pointer(world: World):
    """The last one that became champion by the end of it; nobody before the first."""
    for version, day in (("1", 1), ("2", 10), ("3", 10), ("4", 20)):
        since = datetime(2024, 3, day, 12, tzinfo=UTC)
        world.ledger.switch(world.ledger.pointer(), Champion(version, since, "run"))

    pointer = world.ledger.pointer()
    on = [pointer.on(date(2024, 3, day)) for day in (9, 10, 19, 31)]

    assert [entry and entry.version for entry in on] == ["1", "3", "3", "4"]
    assert pointer.on(date(2024, 2, 29)) is None
    assert pointer.champion == pointer.on(date(2025, 1, 1))
    assert [entry.version for entry in pointer.during(date(2024, 3, 10))] == ["1", "2", "3"]
    assert [entry.version for entry in pointer.during(date(2024, 3, 15))] == ["3"]
    assert pointer.during(date(2024, 2, 29)) == ()


def test_the_pointer_moves_only_from_where_it_was_seen(world: World):
    """Two that saw the same champion cannot both replace it."""
    seen = world.ledger.pointer()
    world.ledger.switch(seen, Champion("1", NOON, "run"))

    with pytest.raises(Conflict, match="changed by another process"):
        world.ledger.switch(seen, Champion("2", NOON, "run"))


def test_the_newest_runs_come_first(world: World):
    """As many as were asked for."""
    for _ in range(3):
        world.run()

    runs = reports(world.ledger, 2)

    assert len(runs) == 2
    assert runs[0]["run_id"] > runs[1]["run_id"]


@pytest.mark.parametrize("run_id", ["../champion", "20240101T000000000Z-0000", "x" * 5000, ""])
def test_no_such_run_is_said(world: World, run_id: str):
    """A name that is none is never looked up."""
    with pytest.raises(NotFound, match="there is no run"):
        world.ledger.run(run_id).as_json()


def test_the_same_lineage_is_the_same_version(world: World):
    """Registering again, after a crash for example, makes nothing new."""
    registry = Registry(FolderStore(world.root), "sales")

    first = registry.register(registry.keep(b"{}"), LINEAGE, "run-1", NOON)
    again = registry.register(registry.keep(b"{}"), LINEAGE, "run-2", NOON)
    other = registry.register(registry.keep(b"[]"), replace(LINEAGE, data_sha256="cd" * 32), "run-3", NOON)

    assert again == first
    assert (first.version, other.version) == ("1", "2")
    assert registry.versions() == ["1", "2"]


def test_an_altered_artifact_is_not_loaded(world: World):
    """Its sha256 is on record."""
    registry = Registry(FolderStore(world.root), "sales")
    model = registry.register(registry.keep(b"{}"), LINEAGE, "run", NOON)
    (world.root / "artifacts" / f"{model.artifact_sha256}.json").write_bytes(b"{ }")

    with pytest.raises(DamagedRecord, match=r"the artifact of version 1, was altered; restore it from a backup"):
        registry.load(model)


def test_an_artifact_that_is_no_model_is_a_damaged_record(world: World):
    """Who owns the data cannot mend it."""
    registry = Registry(FolderStore(world.root), "sales")
    model = registry.register(registry.keep(b"{}"), LINEAGE, "run", NOON)

    with pytest.raises(DamagedRecord, match=r"the artifact of version 1, cannot be used: .*; restore it"):
        registry.load(model)


def test_an_unknown_version_is_said(world: World):
    """By name."""
    with pytest.raises(NotFound, match="sales has no version 7"):
        Registry(FolderStore(world.root), "sales").get("7")

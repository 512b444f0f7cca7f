"""`retrain rebuild`: an older store is refused, and made anew from its inbox, however often that is interrupted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.doors.champion_forecast import champion_forecast
from retrain.errors import ConfigError, LockHeld
from retrain.promotion.resume import LOCK
from retrain.records.request import Land, Trigger, file_of
from retrain.runs import rebuild as module
from retrain.runs.dispatch import work_off
from retrain.runs.rebuild import FOLDERS, MOVED, rebuild
from tests.builders import ONE, TWO, World, csv_file, files_in_force, made_older, read_history, weekly
from tests.dying import Dying, kills
from tests.faults import Killed
from tests.sweeps import sweep

if TYPE_CHECKING:
    from pathlib import Path


BAD = b"TransactionDate,PaidAmount\n2023-01-01,much\n"
REFUSED = "an older version of retrain wrote this store"


@pytest.fixture
def filled(world: World) -> World:
    """Two versions were champion, and one file was refused."""
    for name, data in (("1.csv", ONE), ("2.csv", BAD), ("3.csv", TWO)):
        world.land(name, data)
    return world


@pytest.fixture
def older(filled: World) -> World:
    made_older(filled.root)
    return filled


def version(world: World) -> str:
    """Which version answers."""
    return str(champion_forecast(1, world.settings, world.context)["version"])


def names(root: Path) -> list[str]:
    return list(FolderStore(root).names(""))


def test_an_older_store_is_rebuilt_from_its_inbox(older: World):
    """The same history, as many versions, a champion that answers; what was there before is kept."""
    before = read_history(older.context.state)
    records = [name for name in names(older.root) if not name.startswith(("inbox/", "platform/"))]

    requests = rebuild(older.context)
    outcome = work_off(older.settings, older.context)

    assert [file_of(request) for request in requests] == ["1.csv", "2.csv", "3.csv"]
    assert outcome.ended == tuple(request.run_id for request in requests)
    after = read_history(older.context.state)
    assert (after.days, files_in_force(after)) == (before.days, files_in_force(before))
    assert [champion.version for champion in older.ledger.pointer().champions] == ["1", "2"]
    assert version(older) == "2"
    assert [service.version for service in older.platform.services()] == ["1", "2"]
    (folder,) = (older.root / MOVED).iterdir()
    assert names(folder) == sorted(records)


def test_the_records_that_are_moved_are_all_that_there_are(filled: World):
    """Nothing of the old store is left among the records of the new one."""
    filled.context.state.write("requests/20240101T000000000Z-0000.json", b"[]")
    filled.context.state.write("outbox/20240101T000000000Z-0000-1.json", b"{}")
    filled.context.state.write("unreadable/requests/x.json", b"")
    rebuild(filled.context)

    kept = [name for name in names(filled.root) if not name.startswith((MOVED, "inbox/", "platform/"))]
    assert {name.partition("/")[0] for name in kept} == {"requests"}
    assert len(kept) == 3


def test_no_service_of_the_old_versions_is_left(older: World):
    """Their numbers will be used again, for other models."""
    rebuild(older.context)

    assert older.platform.services() == []


def test_what_no_file_can_be_read_by_is_not_landed_again(filled: World):
    """A link that leads out of the inbox, and a name of another system."""
    (filled.root / "inbox" / "out.csv").symlink_to("/etc/hostname")
    (filled.root / "inbox" / "a\\b.csv").write_bytes(ONE)

    asked = rebuild(filled.context)

    assert not {"out.csv", "a\\b.csv"} & set(map(file_of, asked))


def test_a_rebuild_waits_for_nobody(older: World):
    """While a retrain is going on it is refused."""
    with older.context.state.lock(LOCK), pytest.raises(LockHeld):
        rebuild(older.context)

    assert json.loads((older.root / "champion.json").read_bytes()).keys() == {"champion", "reigns"}


def test_a_store_whose_records_are_damaged_is_rebuilt_too(filled: World):
    """Only the inbox is read."""
    (filled.root / "champion.json").write_bytes(b"{")
    (filled.root / "history.json").write_bytes(b"")
    rebuild(filled.context)
    work_off(filled.settings, filled.context)

    assert version(filled) == "2"


def test_two_rebuilds_in_one_second_keep_what_was_there_apart(filled: World, monkeypatch: pytest.MonkeyPatch):
    """Each moves its records into a folder of its own."""
    monkeypatch.setattr(type(filled.clock), "__call__", lambda clock: clock.now)
    rebuild(filled.context)
    rebuild(filled.context)

    assert len(list((filled.root / MOVED).iterdir())) == 2


def test_an_empty_store_is_rebuilt_into_an_empty_one(world: World):
    """There is nothing to land."""
    assert rebuild(world.context) == []
    assert world.run()["verdict"] == "waiting"


def test_nothing_lands_in_an_older_store(older: World):
    """It is refused before its history is touched; the file's request waits until the store is rebuilt."""
    history = (older.root / "history.json").read_bytes()
    report = older.land("4.csv", csv_file(weekly(5)))

    assert report["error"]["kind"] == "configuration"
    assert REFUSED in report["reason"]
    assert (older.root / "history.json").read_bytes() == history
    assert [request.run_id for request in older.ledger.requests()] == [report["run_id"]]


def asked_for(world: World) -> list[str]:
    return [request.file for request in world.ledger.requests() if isinstance(request, Land)]


@sweep
def test_a_rebuild_that_is_killed_at_any_change_is_continued(older: World, tmp_path: Path, reach: str):
    """The second one ends where an undisturbed one does: the same files asked for, the same records kept."""
    shutil.copytree(older.root, tmp_path / "older")
    rebuild(older.context)
    moved = len([name for name in names(older.root) if name.startswith(MOVED)])
    expected = sorted(name.split("/", 2)[2] for name in names(older.root) if name.startswith(MOVED))

    wrong = []
    for store in kills(tmp_path / "older", 2 * moved + 4, reach):
        root = store.root
        world = replace(older, root=root)
        with pytest.raises(Killed):
            rebuild(world.with_state(store))
        refused = is_refused(world)
        rebuild(world.context)
        kept = {name.split("/", 2)[2] for name in names(root) if name.startswith(MOVED)}
        if asked_for(world) != ["1.csv", "2.csv", "3.csv"] or not kept >= {*expected}:
            wrong.append((store.at, store.is_after))
        if not refused and (root / "champion.json").exists():
            wrong.append((store.at, store.is_after))

    assert wrong == []


def is_refused(world: World) -> bool:
    try:
        world.ledger.pointer()
    except ConfigError:
        return True
    return False


def test_a_store_that_is_being_rebuilt_is_refused(older: World):
    """Whatever was asked meanwhile is told to go on with the rebuild; then it is all worked off."""
    with pytest.raises(Killed):
        rebuild(older.with_state(Dying(older.root, at=12, is_after=True)))
    report = older.run(Trigger.TIMER)
    assert report["error"]["kind"] == "configuration"
    assert "`retrain rebuild --yes` continues it" in report["reason"]
    rebuild(older.context)
    work_off(older.settings, older.context)

    assert version(older) == "2"
    assert len(list((older.root / MOVED).iterdir())) == 1


def test_a_rebuild_that_is_killed_while_it_works_off_is_continued_by_any_trigger(older: World):
    """Its requests are written down."""
    rebuild(older.context)
    older.run(Trigger.TIMER)

    assert version(older) == "2"


def test_the_folders_are_named_once():
    """And each ends in a slash, as a prefix of names must."""
    assert len({*FOLDERS}) == len(FOLDERS)
    assert all(folder.endswith("/") for folder in (*FOLDERS, module.MOVED))

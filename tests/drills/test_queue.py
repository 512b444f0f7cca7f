"""A queue that nothing blocks: an object that is refused or damaged concerns one run, and the next has its turn."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

import pytest

from retrain.errors import AccessDenied
from retrain.records.ledger import folder_of
from tests.drills.scene import Scene
from tests.drills.table import tell

if TYPE_CHECKING:
    from tests.drills.place import Place
    from tests.faults import Call
    from tests.platforms import ThreadPlatform

FOLDERS = ("history", "landings", "models", "outbox", "promotions", "quarantine", "requests", "runs", "verdicts")
STRAYS = (".DS_Store", "notes.txt", "daily-transactions/.DS_Store", "daily-transactions/notes.json")
pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.fixture
def scene(place: Place, platform: ThreadPlatform) -> Scene:
    """On a folder and on Azurite."""
    return Scene(place, platform)


def is_of(name: str, call: Call) -> bool:
    return call.name == name


def refused(call: Call) -> Exception:
    return AccessDenied(f"{call.name}: refused; give this identity a role")


def test_an_object_that_the_store_refuses_holds_up_its_own_run_alone(scene: Scene):
    """Each object of a round in turn: archived, encrypted with a key of its own, without permission."""
    scene.work_off()
    single = sorted({call.name for call in scene.faults.calls if call.method != "lock" and "." in call.name})
    wrong: dict[str, list[str]] = {}
    for name in single:
        scene.again()
        scene.faults.when, scene.faults.fault = partial(is_of, name), refused
        found = scene.blocked(scene.work_off())
        scene.faults.stop()
        if found and name != f"requests/{scene.second.run_id}.json":
            wrong[name] = found
        if missing := scene.lost():
            wrong[name] = [*wrong.get(name, []), *missing]

    tell("queue", scene.place.store, "objects, each of which was refused", len(single), len(wrong))
    assert len(single) >= 10
    assert wrong == {}


@pytest.mark.parametrize("data", [b"", b'{"run_id": ', b"\xff\x00"], ids=["emptied", "cut off", "garbled"])
def test_a_damaged_record_holds_up_its_own_run_alone(scene: Scene, data: bytes, request: pytest.FixtureRequest):
    """Each object of the store in turn; once it is restored, the next trigger goes on."""
    names = [*scene.backup, f"{folder_of(scene.first.run_id)}report.json", f"promotions/{scene.first.run_id}.json"]
    wrong: dict[str, list[str]] = {}
    for name in names:
        scene.again()
        scene.state.write(name, data)
        found = scene.blocked(scene.work_off())
        if found and name != f"requests/{scene.second.run_id}.json":
            wrong[name] = found
        if name in scene.backup and not name.startswith("requests/"):
            scene.state.write(name, scene.backup[name])
        if missing := scene.lost():
            wrong[name] = [*wrong.get(name, []), *missing]

    done = f"objects, each of which was {request.node.callspec.id.rpartition('-')[2]}"
    tell("queue", scene.place.store, done, len(names), len(wrong))
    assert wrong == {}


def test_a_stray_file_is_passed_over(scene: Scene):
    """In every folder of the store, hidden and plain."""
    names = [f"{folder}/{stray}" for folder in FOLDERS for stray in STRAYS]
    for name in names:
        if scene.place.connection:
            scene.state.write(name, b"Bud1")
        else:
            scene.path(name).parent.mkdir(parents=True, exist_ok=True)
            scene.path(name).write_bytes(b"Bud1")
    wrong = [*scene.blocked(scene.work_off()), *scene.lost()]
    wrong += [run.reason for run in scene.whole.ledger.runs(10) if run.error]

    tell("queue", scene.place.store, "stray files beside the records", len(names), len(wrong))
    assert wrong == []


def test_a_folder_where_a_file_belongs_holds_up_its_own_run_alone(scene: Scene):
    """Of each record in turn; Blob Storage has no folders."""
    if scene.place.connection:
        pytest.skip("Blob Storage has no folders")
    names = [*scene.backup, f"{folder_of(scene.first.run_id)}report.json", f"promotions/{scene.first.run_id}.json"]
    wrong: dict[str, list[str]] = {}
    for name in names:
        scene.again()
        scene.path(name).unlink(missing_ok=True)
        scene.path(name).mkdir(parents=True)
        found = scene.blocked(scene.work_off())
        if found and name != f"requests/{scene.second.run_id}.json":
            wrong[name] = found
        if scene.path(name).is_dir():
            shutil.rmtree(scene.path(name))
        if name in scene.backup and not name.startswith("requests/"):
            scene.state.write(name, scene.backup[name])
        if missing := scene.lost():
            wrong[name] = [*wrong.get(name, []), *missing]

    tell("queue", scene.place.store, "folders in the place of a record", len(names), len(wrong))
    assert wrong == {}

"""A backup is brought back, of the whole store or of one record: the next trigger goes on, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.doors.champion_forecast import champion_forecast
from retrain.records.ledger import folder_of
from retrain.records.request import RollBack
from retrain.runs import asking
from tests.builders import THREE, files_in_force, read_history
from tests.drills.scene import Scene, copied, restored
from tests.drills.table import tell

if TYPE_CHECKING:
    from tests.drills.place import Place
    from tests.platforms import ThreadPlatform

FILES = ("one.csv", "two.csv", "three.csv")
pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.fixture
def scene(place: Place, platform: ThreadPlatform) -> Scene:
    """The backup is of the first year; since then the second was promoted, and a third has landed."""
    made = Scene(place, platform)
    made.work_off()
    made.whole.inbox.write("three.csv", THREE)
    made.tick()
    return made


def wrong(scene: Scene) -> list[str]:
    """What is missing after the next two triggers: files of the inbox, or a champion that answers."""
    scene.tick()
    scene.tick()
    files = files_in_force(read_history(scene.state))
    found = [f"{name} is missing" for name in FILES if name not in files]
    found += [f"{request.run_id} still waits" for request in scene.whole.ledger.requests()]
    version = champion_forecast(1, scene.place.settings, scene.whole)["version"]
    return found if version == scene.versions[-1] else [*found, f"version {version} answers, not {scene.versions}"]


def test_an_older_store_as_a_whole(scene: Scene):
    """Runs and versions since then are made again from the inbox, and the champion is as young as before."""
    champion, days = scene.versions[-1], read_history(scene.state).days
    restored(scene.state, scene.backup)
    found = wrong(scene)

    tell("restore", scene.place.store, "older stores brought back as a whole", 1, len(found))
    assert found == []
    assert scene.versions[-1] == champion
    assert read_history(scene.state).days == days


def test_single_records(scene: Scene):
    """Each is lost, which the next run says; then it comes back from a backup of the same day."""
    now = copied(scene.state)
    champion = f"models/{scene.whole.registry.name}/{scene.versions[-1]}.json"
    artifact = scene.whole.registry.get(scene.versions[-1]).artifact_sha256
    report = f"{folder_of(scene.first.run_id)}report.json"
    names = ["champion.json", "history.json", champion, f"artifacts/{artifact}.json", report]
    names += [name for name in now if name.startswith(("landings/", "history/"))]
    found = []
    for name in names:
        scene.state.delete(name)
        scene.tick()
        scene.state.write(name, now[name])
        found += [f"{name}: {each}" for each in wrong(scene)]

    tell("restore", scene.place.store, "single records lost, then brought back", len(names), len(found))
    assert found == []


def test_an_older_champion(scene: Scene):
    """An older `champion.json` names an older version; a rollback to the newest one makes that champion again."""
    newest = scene.versions[-1]
    scene.state.write("champion.json", scene.backup["champion.json"])
    found = wrong(scene)
    asking.ask(lambda run_id: RollBack(run_id=run_id, to=newest), scene.context)
    scene.work_off()
    found += wrong(scene)

    tell("restore", scene.place.store, "older champion pointers brought back", 1, len(found))
    assert found == []
    assert scene.versions[-1] == newest


def test_an_older_log_of_landings(scene: Scene):
    """The files that it does not know are in the inbox, and land again; their days are as before."""
    days = read_history(scene.state).days
    for name, data in scene.backup.items():
        if name.startswith("history"):  # the head and what it names
            scene.state.write(name, data)
    found = wrong(scene)

    tell("restore", scene.place.store, "older logs of landings brought back", 1, len(found))
    assert found == []
    assert read_history(scene.state).days == days

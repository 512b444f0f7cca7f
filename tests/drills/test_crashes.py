"""Killed at any of its writes, a plain rerun ends where an undisturbed run does."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.process import ProcessPlatform
from retrain.dispatch import MOST_DEATHS
from retrain.history import read_history
from retrain.ledger import Ledger
from retrain.registry import Registry
from retrain.wiring import connect
from tests.drills.driver import ONE, SHORTEST_LEASE_SECONDS, Nursery, Place
from tests.drills.table import tell
from tests.platforms import stop_services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.ports import ObjectStore

FEWEST_POINTS = 25
QUICK_POINTS = 6
FOLDERS = (
    "accepted",
    "artifacts",
    "landings",
    "models",
    "promotions",
    "quarantine",
    "requests",
    "runs",
    "verdicts",
)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where the stories are told."""
    with Nursery() as children:
        yield children


def another(place: Place, name: str) -> Place:
    """A store beside it."""
    return replace(place, root=f"{place.root}-{name}", name=place.name and f"{place.name}-{name}")


def outcome(place: Place, platform: str) -> dict[str, Any]:
    """All that has to be the same however often the story was interrupted."""
    state = connect(place.settings).state
    ledger, registry = Ledger(state), Registry(state, place.settings.model_name)
    runs = ledger.runs(100)
    return {
        "champion": getattr(ledger.pointer().champion, "version", None),
        "reigns": [reign.version for reign in ledger.pointer().reigns],
        "versions": [
            (registry.get(name).lineage, registry.get(name).artifact_sha256) for name in registry.versions()
        ],
        "artifacts": list(state.names("artifacts/")),
        "services": services(place, platform),
        "days": read_history(state).days,
        "promoted": sorted(run["model"]["version"] for run in runs if run["verdict"] == "promote"),
        "verdicts": {run["verdict"] for run in runs} - {"unchanged"},
        "endings": {(run["status"], run.get("error", {}).get("kind")) for run in runs},
        "left to do": ledger.requests(),
        "unreadable": unreadable(state),
    }


def services(place: Place, platform: str) -> list[str]:
    """Which versions run, once for each service."""
    folder = Path(place.root) / "platform"
    if platform == "file":
        return sorted(record.stem for record in (folder / "threads").glob("*.json"))
    genuine = ProcessPlatform(folder)
    running = [(service.name, list(genuine._processes(service.name))) for service in genuine.services()]
    return sorted(name for name, processes in running for _ in processes)


def unreadable(state: ObjectStore) -> list[str]:
    """Records that are not whole, and whatever was set aside as such."""
    names = [name for folder in FOLDERS for name in state.names(f"{folder}/") if name.endswith(".json")]
    return [*state.names("unreadable/"), *(name for name in names if not _is_whole(state, name))]


def _is_whole(state: ObjectStore, name: str) -> bool:
    stored = state.read(name)
    assert stored is not None
    try:
        return isinstance(json.loads(stored.data), dict)
    except ValueError:
        return False


def undisturbed(place: Place, platform: str, nursery: Nursery) -> tuple[dict[str, Any], list[str]]:
    """What an undisturbed run comes to, and the writes that it takes."""
    calm = another(place, "calm")
    end = nursery.run("story", calm, at=0, when="", platform=platform)
    assert end.code == 0
    expected = outcome(calm, platform)
    assert expected["reigns"] == ["1", "2"]
    assert expected["services"] == ["daily-transactions-v1", "daily-transactions-v2"]
    assert expected["endings"] == {("done", None), ("failed", "data")}
    assert (expected["left to do"], expected["unreadable"]) == ([], [])
    stop_services(Path(calm.root))
    return expected, end.told


def killed(place: Place, at: int, when: str, platform: str, nursery: Nursery) -> Place:
    """The story in a place of its own, up to a write; the place."""
    point = another(place, f"{at}{when}")
    end = nursery.run("story", point, lease_seconds=SHORTEST_LEASE_SECONDS, at=at, when=when, platform=platform)
    assert end.code == -signal.SIGKILL
    return point


def differences(
    point: Place, expected: dict[str, Any], platform: str, nursery: Nursery
) -> dict[str, tuple[object, object]]:
    """What a plain rerun leaves otherwise than an undisturbed run."""
    try:
        end = nursery.run("story", point, at=0, when="", platform=platform)
        found = outcome(point, platform) | ({} if end.code == 0 else {"exit code": end.code})
        return {name: (found[name], expected.get(name)) for name in found if found[name] != expected.get(name)}
    finally:
        stop_services(Path(point.root))


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_a_kill_at_a_few_writes_loses_nothing(place: Place, nursery: Nursery):
    """Spread over the story, before, during and after the write in turn."""
    expected, writes = undisturbed(place, "file", nursery)
    chosen = [1 + number * (len(writes) - 1) // (QUICK_POINTS - 1) for number in range(QUICK_POINTS)]
    moments = ["after", "before", "during"] * (QUICK_POINTS // 3)

    wrong = {}
    for at, when in zip(chosen, moments, strict=True):
        point = killed(place, at, when, "file", nursery)
        wrong[f"{when} write {at}, {writes[at - 1]}"] = differences(point, expected, "file", nursery)

    assert {where: what for where, what in wrong.items() if what} == {}
    tell("crash", place.store, "killed at a write, some of them", QUICK_POINTS, 0)


@pytest.mark.parametrize("place", ["folder", pytest.param("azurite", marks=pytest.mark.long)], indirect=True)
def test_a_file_that_kills_whoever_reads_it_is_set_aside(place: Place, nursery: Nursery):
    """Five processes die of it, the sixth lays a copy aside; those behind it are worked off."""
    ends = [nursery.run("poison", place, lease_seconds=SHORTEST_LEASE_SECONDS).code for _ in range(MOST_DEATHS + 1)]
    story = nursery.run("story", place, at=0, when="", platform="file")

    state, (report, *_) = connect(place.settings).state, place.ledger.runs(10)[::-1]
    stored = state.read(f"quarantine/{report['run_id']}/poison.csv")
    lost = sum([stored is None, *(request.file != "poison.csv" for request in place.ledger.requests())])
    tell("crash", place.store, "a file that kills whoever reads it", len(ends), lost)
    assert ends == [-signal.SIGKILL] * MOST_DEATHS + [0]
    assert "its process ended in the middle each time" in report["reason"]
    assert stored is not None
    assert stored.data == ONE
    assert story.code == 0
    assert outcome(place, "file")["reigns"] == ["1", "2"]


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_kill_at_every_write_loses_nothing(place: Place, nursery: Nursery, capsys: pytest.CaptureFixture[str]):
    """Before and after each; in a folder with genuine services, and also while the file is half made."""
    platform, moments = (
        ("file", ["before", "after"]) if place.connection else ("process", ["before", "during", "after"])
    )
    expected, writes = undisturbed(place, platform, nursery)
    with capsys.disabled():
        sys.stdout.write(f"\n{len(writes)} writes on the {place.store} store, killed {', '.join(moments)} each\n")
    assert len(writes) >= FEWEST_POINTS
    points = [(at, when) for at in range(1, len(writes) + 1) for when in moments]

    wrong: dict[str, Any] = {}
    dead: dict[tuple[int, str], Place] = {}
    if place.connection:  # the dead hold their leases for a while; all of them at the same time
        dead = {(at, when): killed(place, at, when, platform, nursery) for at, when in points}
    for at, when in points:
        point = dead.get((at, when)) or killed(place, at, when, platform, nursery)
        wrong[f"{when} write {at}, {writes[at - 1]}"] = differences(point, expected, platform, nursery)

    lost = {where: what for where, what in wrong.items() if what}
    tell("crash", place.store, f"killed at each of {len(writes)} writes", len(points), len(lost))
    assert lost == {}

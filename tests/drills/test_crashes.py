"""Killed at any of its writes, a plain rerun ends where an undisturbed run does."""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import BlobServiceClient

from retrain.adapters.local.process import ProcessPlatform
from retrain.promotion.resume import LOCK
from retrain.records.ledger import Ledger
from retrain.records.registry import Registry
from retrain.runs.dispatch import MOST_DEATHS
from retrain.wiring import connect
from tests.azurite import end_lease
from tests.builders import ONE, read_history, reports
from tests.drills.driver import SHORTEST_LEASE_SECONDS, Nursery
from tests.drills.place import Place
from tests.drills.table import tell
from tests.platforms import stop_services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from retrain.ports import ObjectStore
    from retrain.records.run import Run

pytestmark = pytest.mark.long
AT_A_TIME = 2
FEWEST_POINTS = 25
FOLDERS = (
    "accepted",
    "artifacts",
    "landings",
    "models",
    "outbox",
    "promotions",
    "quarantine",
    "requests",
    "runs",
    "verdicts",
)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where the stories are told, one after the other."""
    with Nursery(0) as opened:
        yield opened


@pytest.fixture(scope="module")
def nurseries(nursery: Nursery) -> Iterator[list[Nursery]]:
    """Where they are told several at a time."""
    with ExitStack() as opened:
        yield [nursery, *(opened.enter_context(Nursery(number)) for number in range(1, AT_A_TIME))]


def each[Point, Result](
    points: Iterable[Point], do: Callable[[Point, Nursery], Result], nurseries: list[Nursery]
) -> list[Result]:
    """The same for every point, each time in a nursery that has nothing else to do."""
    idle: SimpleQueue[Nursery] = SimpleQueue()
    for nursery in nurseries:
        idle.put(nursery)

    def done(point: Point) -> Result:
        nursery = idle.get()
        try:
            return do(point, nursery)
        finally:
            idle.put(nursery)

    with ThreadPoolExecutor(len(nurseries)) as pool:
        return list(pool.map(done, points))


def another(place: Place, name: str) -> Place:
    """A store beside it."""
    return replace(place, root=f"{place.root}-{name}", name=place.name and f"{place.name}-{name}")


def outcome(place: Place, platform: str) -> dict[str, Any]:
    """All that has to be the same however often the story was interrupted."""
    state = connect(place.settings).state
    ledger, registry = Ledger(state), Registry(state, place.settings.platform.model_name)
    runs = reports(ledger, 100)
    return {
        "champion": getattr(ledger.pointer().champion, "version", None),
        "champions": [entry.version for entry in ledger.pointer().champions],
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
        "told wrongly": told_wrongly(place, ledger.runs(100)),
        "left to tell": ledger.outbox.waiting(),
        "unreadable": unreadable(state),
    }


def told_wrongly(place: Place, runs: Sequence[Run]) -> list[str]:
    """Runs of which nobody was told, or under more than one id, or not in the order in which they ended."""
    ids = list(dict.fromkeys(place.told.read_text().splitlines()))
    told = [event_id.rpartition("-")[0] for event_id in ids]
    wrong = [f"{run.run_id} was told {told.count(run.run_id)} times" for run in runs if told.count(run.run_id) != 1]
    return wrong if told == sorted(told) else [*wrong, f"in another order: {told}"]


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
    assert expected["champions"] == ["1", "2"]
    assert expected["services"] == ["daily-transactions-v1", "daily-transactions-v2"]
    assert expected["endings"] == {("done", None), ("failed", "data")}
    assert [expected[name] for name in ("left to do", "unreadable", "told wrongly", "left to tell")] == [[]] * 4
    assert len(calm.told.read_text().splitlines()) == 3
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


def let_go(place: Place) -> None:
    """End the lease of the dead, as time would."""
    if place.connection:
        with BlobServiceClient.from_connection_string(place.connection) as service:
            end_lease(service.get_blob_client(place.name, f"locks/{LOCK}"))


def test_a_file_that_kills_whoever_reads_it_is_set_aside(place: Place, nursery: Nursery):
    """Five processes die of it, the sixth lays a copy aside; those behind it are worked off."""
    ends = []
    for _ in range(MOST_DEATHS):
        ends.append(nursery.run("poison", place).code)
        let_go(place)
    ends.append(nursery.run("poison", place).code)
    story = nursery.run("story", place, at=0, when="", platform="file")

    state, (report, *_) = connect(place.settings).state, reports(place.ledger, 10)[::-1]
    stored = state.read(f"quarantine/{report['run_id']}/poison.csv")
    lost = int(stored is None) + len(place.ledger.requests())
    tell("crash", place.store, "a file that kills whoever reads it", len(ends), lost)
    assert ends == [-signal.SIGKILL] * MOST_DEATHS + [0]
    assert "its process ended in the middle each time" in report["reason"]
    assert stored is not None
    assert stored.data == ONE
    assert story.code == 0
    assert outcome(place, "file")["champions"] == ["1", "2"]


@pytest.mark.timeout(1800)
def test_a_kill_at_every_write_loses_nothing(place: Place, nurseries: list[Nursery]):
    """Before and after each; in a folder with genuine services, and also while the file is half made."""
    platform, moments = (
        ("file", ["before", "after"]) if place.connection else ("process", ["before", "during", "after"])
    )
    expected, writes = undisturbed(place, platform, nurseries[0])
    assert len(writes) >= FEWEST_POINTS
    points = [(at, when) for at in range(1, len(writes) + 1) for when in moments]

    def kill(point: tuple[int, str], nursery: Nursery) -> Place:
        return killed(place, *point, platform, nursery)

    def rerun(dead: Place, nursery: Nursery) -> dict[str, tuple[object, object]]:
        return differences(dead, expected, platform, nursery)

    if place.connection:  # the dead hold their leases for a while; all of them at the same time
        wrong = each(each(points, kill, nurseries), rerun, nurseries)
    else:
        wrong = each(points, lambda point, nursery: rerun(kill(point, nursery), nursery), nurseries)

    where = (f"{when} write {at}, {writes[at - 1]}" for at, when in points)
    lost = {name: what for name, what in zip(where, wrong, strict=True) if what}
    tell("crash", place.store, f"killed {', '.join(moments)} each of {len(writes)} writes", len(points), len(lost))
    assert lost == {}

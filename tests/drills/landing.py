"""How the drills on bad files land one and look at its answer; every answer is counted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.storage.blob import BlobServiceClient

from retrain.adapters.azure.blob import BlobStore
from retrain.adapters.local.folder import FolderStore
from retrain.data.landed import Aggregate
from retrain.records.history import Histories
from retrain.records.ledger import Ledger, folder_of
from retrain.records.request import Trigger
from tests.builders import World, ask, has_worked_off, read_history
from tests.drills.bad_file import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from retrain.ports import ObjectStore
    from retrain.records.context import Context

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 20  # ten times what a landing takes on an idle machine
MOST_BYTES = 400 << 20
MOST_WRITTEN = 128 << 20
RUNS = 100_000  # of the fuzzer
START_SECONDS = 60  # of an interpreter on a busy machine, which is no part of a landing
outcomes: dict[str, list[bool]] = {"folder": [], "Azurite": [], "reader": []}

LAND = """
import json, resource, sys, time
from pathlib import Path
from retrain.records.request import Trigger
from tests.builders import World

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
began = time.monotonic()
report = World(Path(sys.argv[1])).run(Trigger.BLOB, file=sys.argv[2])
seconds = time.monotonic() - began
# The kernel hands ru_maxrss of a parent on to what it starts; its own peak is in /proc.
own = Path("/proc/self/status")
words = own.read_text().partition("VmHWM:")[2].split() if own.exists() else []
peak = int(words[0]) if words else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"report": report, "seconds": seconds, "peak": peak << 10}))
"""


@contextmanager
def counted(group: str) -> Iterator[None]:
    """One more file in the table, lost until its answer was the right one."""
    outcomes[group].append(False)
    yield
    outcomes[group][-1] = True


def cases(files: Iterable[BadFile]) -> list[Any]:
    """Named for what is wrong with them."""
    return [pytest.param(bad, id=bad.what) for bad in files]


def answered(bad: BadFile, report: dict[str, Any], state: ObjectStore, before: bytes) -> None:
    """Assert that a file got its answer, and nothing else happened."""
    run_id = report["run_id"]
    assert state.read(f"{folder_of(run_id)}traceback.txt") is None
    assert Ledger(state).requests() == []
    after = history_of(state)
    if isinstance(bad.expected, dict):
        known = json.loads(before)
        if report["status"] == "held":
            found = {each["doubt"]: each["found"] for each in report["landing"]["findings"]}
            assert found
            assert known | brought(run_id, state) == known | bad.expected
            return
        assert report["status"] == "done", report.get("error")
        assert json.loads(after) == known | bad.expected
        return
    if ignored := (report["landing"] or {}).get("ignored"):
        assert re.search(bad.expected, ignored)
        assert after == before
        return
    assert report["status"] == "failed"
    error = report["error"]
    assert error["kind"] == "data"
    assert error["file"] == bad.name
    assert re.search(bad.expected, error["message"], re.DOTALL), error["message"]
    cell = {"row": bad.row, "column": bad.column, "found": bad.found}
    assert {name: error.get(name) for name, value in cell.items() if value is not None} == {
        name: value for name, value in cell.items() if value is not None
    }
    assert "expected" in error or not bad.row
    assert after == before
    if bad.is_plain_name:
        set_aside(report, state)


def brought(run_id: str, state: ObjectStore) -> dict[str, float]:
    """The days that a file says, whether they count or not."""
    histories = Histories(state)
    landing = next(each.landing for each in histories.read().standings if each.landing.run_id == run_id)
    return {day.isoformat(): Aggregate.MEAN.amount_of(total) for day, total in histories.brought(landing).items()}


def set_aside(report: dict[str, Any], state: ObjectStore) -> None:
    """Assert that quarantine holds the file of a run and the reason beside it."""
    names = list(state.names(f"quarantine/{report['run_id']}/"))
    reasons = [name for name in names if name.endswith(".reason.json")]
    assert len(names) == 2
    assert len(reasons) == 1
    reason = state.read(reasons[0])
    assert reason is not None
    assert json.loads(reason.data) == report["error"]
    assert report["landing"]["quarantine"] == state.address(reasons[0].removesuffix(".reason.json"))


def kept(run_id: str, state: ObjectStore) -> bytes:
    """The copy of a file that was set aside."""
    name = next(name for name in state.names(f"quarantine/{run_id}/") if not name.endswith(".reason.json"))
    with state.open(name) as stream:
        return stream.read()


def history_of(state: ObjectStore) -> bytes:
    """The days that count."""
    return json.dumps({day.isoformat(): amount for day, amount in read_history(state).days.items()}).encode()


def landed(name: str, context: Context, world: World) -> dict[str, Any]:
    """An event told of a file; its report."""
    request = ask(Trigger.BLOB, context, file=name)
    assert has_worked_off(world.settings, context)
    return Ledger(context.state).run(request.run_id).as_json()


def on_blobs(year: World, storage: str) -> Context:
    """The first year in containers of its own."""
    service = BlobServiceClient.from_connection_string(storage, retry_total=0)
    mark = uuid.uuid4().hex[:12]
    inbox, state = BlobStore(service, f"inbox-{mark}"), BlobStore(service, f"state-{mark}")
    for folder in ("models", "artifacts", "runs", "landings", "history"):
        for name in FolderStore(year.root).names(f"{folder}/"):
            state.write(name, (year.root / name).read_bytes())
    for name in ("history.json", "champion.json"):
        state.write(name, (year.root / name).read_bytes())
    return replace(year.with_state(state), inbox=inbox)


def in_a_process_of_its_own(world: World, name: str) -> dict[str, Any]:
    """Land a file where its time and its memory can be told apart, and what it writes is bounded."""
    command = [sys.executable, "-c", LAND, str(world.root), name, str(MOST_WRITTEN)]
    limit = MOST_SECONDS + START_SECONDS
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=limit, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    measured: dict[str, Any] = json.loads(done.stdout)
    assert measured["seconds"] <= MOST_SECONDS
    assert measured["peak"] <= MOST_BYTES
    report: dict[str, Any] = measured["report"]
    return report


def is_refused_in_bounds(world: World, bad: BadFile) -> None:
    state = FolderStore(world.root)
    before = history_of(state)
    world.put(bad.name, bad.make())
    with counted("folder"):
        answered(bad, in_a_process_of_its_own(world, bad.name), state, before)

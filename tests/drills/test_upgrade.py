"""Old and new code side by side: a store driven in turn by this code and by one whose records carry more."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from retrain.records.ledger import folder_of
from retrain.records.request import RollBack, Trigger
from retrain.runs import asking
from retrain.runs.dispatch import work_off
from tests.builders import ONE, THREE, TWO, ask, seen_through
from tests.drills.newer import ADDED, CONTENT, NewerStore, parts
from tests.drills.scene import copied
from tests.drills.table import tell
from tests.faults import Call, Faults, FaultyStore, Killed
from tests.sweeps import in_drills

if TYPE_CHECKING:
    from retrain.records.context import Context
    from tests.drills.place import Place
    from tests.platforms import ThreadPlatform

KEPT = ("champion.json", "history.json", "models/", "promotions/")
"""Records that grow: whoever writes them later keeps what was there."""
STEPS = 8
pytestmark = pytest.mark.timeout(1200)


@dataclass
class Both:
    """One store, and the two versions of the code that work on it."""

    place: Place
    platform: ThreadPlatform

    def __post_init__(self) -> None:
        self.old = self.place.context(self.platform)
        self.store = NewerStore(self.old.state)
        self.new = seen_through(self.old, self.old.inbox, self.store)

    def work(self, context: Context) -> None:
        work_off(self.place.settings, context)

    def land(self, context: Context, name: str, data: bytes) -> str:
        """A file lands, and this code takes it in; the run."""
        context.inbox.write(name, data)
        request = ask(Trigger.BLOB, context, file=name)
        self.work(context)
        return request.run_id

    def wrong(self, champions: list[str]) -> list[str]:
        """What was set aside or lost, and what is not as it should be at the end."""
        there = copied(self.old.state)
        found = [f"{name} was set aside" for name in there if name.startswith("unreadable/")]
        found += [f"{run.run_id}: {run.reason}" for run in self.old.ledger.runs(20) if run.error]
        lost = [name for name in self.store.written if name.startswith(KEPT) and not has_added(name, there[name])]
        versions = [entry.version for entry in self.old.ledger.pointer().champions]
        found += [f"{name} has lost a field" for name in lost]
        return found if versions == champions else [*found, f"the champions are {versions}"]


def has_added(name: str, data: bytes) -> bool:
    return bool(json.loads(parts(name, data)[0]).get(ADDED) == CONTENT)


@pytest.fixture
def both(place: Place, platform: ThreadPlatform) -> Both:
    """On a folder and on Azurite."""
    return Both(place, platform)


@pytest.mark.parametrize("first", ["new", *in_drills("old")])
def test_a_store_is_driven_in_turn(both: Both, first: str):
    """Each takes in what the other has left, rolls it back, and promotes over it."""
    one, other = (both.new, both.old) if first == "new" else (both.old, both.new)
    both.land(one, "one.csv", ONE)
    both.land(other, "two.csv", TWO)
    asking.ask(lambda run_id: RollBack(run_id=run_id), one)
    both.work(other)
    both.land(one, "three.csv", THREE)
    wrong = both.wrong(["1", "2", "1", "3"])

    tell("upgrade", both.place.store, "runs made in turn by old and new code", 4, len(wrong))
    assert wrong == []


@pytest.mark.long
@pytest.mark.parametrize("first", ["new", "old"])
def test_a_promotion_that_one_began_is_continued_by_the_other(both: Both, first: str):
    """Killed at each of its writes."""
    one, other = (both.new, both.old) if first == "new" else (both.old, both.new)
    both.land(one, "one.csv", ONE)
    backup, wrong, kills = copied(both.old.state), list[str](), 0
    for step in range(1, STEPS + 1):
        for name in copied(both.old.state).keys() - backup.keys():
            both.old.state.delete(name)
        for name, data in backup.items():
            both.old.state.write(name, data)
        both.store.written.clear()
        faults = Faults(when=partial(is_change, list[str](), step), fault=killed)
        dying = seen_through(one, one.inbox, FaultyStore(one.state, faults))
        try:
            both.land(dying, "two.csv", TWO)
        except Killed:
            kills += 1
        both.work(other)
        wrong += [f"write {step}: {each}" for each in both.wrong(["1", "2"])]

    tell(
        "upgrade",
        both.place.store,
        "promotions killed at a write, continued by the other",
        kills,
        len(wrong),
    )
    assert kills >= 6
    assert wrong == []


def is_change(changed: list[str], step: int, call: Call) -> bool:
    """Whether it is the write or removal of this number, from the one on with which the promotion begins."""
    if call.method not in ("write", "delete") or not (changed or call.name.startswith("promotions/")):
        return False
    changed.append(call.name)
    return len(changed) == step


def killed(_call: Call) -> Exception:
    raise Killed


def kept(record: dict[str, Any], there: dict[str, Any]) -> bool:
    """Whether a record has every field that it had."""
    return record == {name: value for name, value in there.items() if name in record}


NEWEST = "20990101T000000000Z"


def records_of_newer_code(both: Both) -> dict[str, dict[str, Any]]:
    """What only newer code knows: kinds, triggers, states, verdicts, steps and settings."""
    request: dict[str, Any] = {"run_id": f"{NEWEST}-0001", "trigger": "timer", "kind": "evaluate"}
    run: dict[str, Any] = {"trigger": "moon", "status": "canary", "verdict": "adopt"}
    event = {"kind": "drift", "run_id": f"{NEWEST}-0006", "end": 1, "at": "2099-01-01T00:00:00Z"}
    settings = {**both.place.settings.deciding, "RETRAIN_CANARY_SHARE": "0.1"}
    requests = {
        f"{NEWEST}-0001": {**request, "kind": "compact"},
        f"{NEWEST}-0002": {**request, "trigger": "moon"},
        f"{NEWEST}-0003": {**request, "settings": settings},
        f"{NEWEST}-0004": {**request, "settings": {"RETRAIN_POLICY": "bandit"}},
        f"{NEWEST}-0005": {**request, "attempts": 1},
        f"{NEWEST}-0007": {**request, "kind": "land", "file": "x.csv", "joins": "average"},
    }
    step = {"at": "2099-01-01T00:00:00Z", "share": 0.1}
    runs = {f"{NEWEST}-0005": run, f"{NEWEST}-0006": {**run, "promotion": {"canary": step}}}
    return {
        **{f"requests/{run_id}.json": {**record, "run_id": run_id} for run_id, record in requests.items()},
        **{f"{folder_of(run_id)}report.json": {**record, "run_id": run_id} for run_id, record in runs.items()},
        f"outbox/{NEWEST}-0006-1.json": {**event, "id": f"{NEWEST}-0006-1"},
    }


def test_what_only_newer_code_knows_is_left_to_it_and_shown(both: Both):
    """Nothing of it is moved, lost or worked off, and it holds up nobody; why it waits may be noted beside it."""
    both.land(both.old, "one.csv", ONE)
    records = records_of_newer_code(both)
    for name, record in records.items():
        both.old.state.write(name, json.dumps(record).encode())
    both.land(both.old, "two.csv", TWO)
    there = copied(both.old.state)
    wrong = [name for name, record in records.items() if not kept(record, json.loads(there.get(name, b"{}")))]
    wrong += [name for name in there if name.startswith("unreadable/")]
    shown = {run.run_id: run for run in both.old.ledger.runs(20)}
    canary = shown[f"{NEWEST}-0006"]

    tell("upgrade", both.place.store, "records with values that only newer code knows", len(records), len(wrong))
    assert wrong == []
    assert (canary.trigger, canary.status, canary.verdict) == ("moon", "canary", "adopt")
    assert both.old.ledger.pointer().versions == ["2", "1"]

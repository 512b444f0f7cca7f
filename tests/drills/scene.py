"""A store with version 1 in production and two requests that wait: what drills on single records begin with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrain.adapters.local.folder import FolderStore
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from retrain.runs.inbox import ask_for_unseen
from tests.builders import ONE, TWO, ask, seen_through
from tests.faults import Faults, FaultyStore

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.ports import ObjectStore
    from retrain.records.context import Context
    from retrain.records.request import Request
    from retrain.runs.outcome import Outcome
    from tests.drills.place import Place
    from tests.platforms import ThreadPlatform


def copied(
    store: ObjectStore, without: tuple[str, ...] = ("inbox/", "platform/", "locks/", "forecasts/")
) -> dict[str, bytes]:
    """A backup: every object of a store by its name."""
    names = [name for name in store.names("") if not name.startswith(without)]
    return {name: stored.data for name in names if (stored := store.read(name))}


def restored(store: ObjectStore, backup: dict[str, bytes]) -> None:
    """Bring the store back to a backup as a whole: what came since is removed."""
    for name in copied(store).keys() - backup.keys():
        store.delete(name)
    for name, data in backup.items():
        there = store.read(name)
        if there is None or there.data != data:
            store.write(name, data)


@dataclass
class Scene:
    """The first year is champion. A landing of the second year waits, and an evaluation behind it."""

    place: Place
    platform: ThreadPlatform
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.whole = self.place.context(self.platform)
        self.state: ObjectStore = self.whole.state
        self.whole.inbox.write("one.csv", ONE)
        ask(Trigger.BLOB, self.whole, file="one.csv")
        self.work_off()
        assert self.versions == ["1"]
        self.whole.inbox.write("two.csv", TWO)
        self.first: Request = ask(Trigger.BLOB, self.whole, file="two.csv")
        self.second: Request = ask(Trigger.TIMER, self.whole)
        self.backup = copied(self.state)
        self.faults.calls.clear()

    @property
    def context(self) -> Context:
        inbox = FaultyStore(self.whole.inbox, self.faults)
        return seen_through(self.whole, inbox, FaultyStore(self.state, self.faults))

    @property
    def versions(self) -> list[str]:
        """Everyone who was champion, in their order."""
        return [entry.version for entry in self.whole.ledger.pointer().champions]

    def work_off(self) -> Outcome:
        """A round of work."""
        return work_off(self.place.settings, self.context)

    def tick(self) -> None:
        """What the timer does."""
        ask_for_unseen(self.context)
        ask(Trigger.TIMER, self.context)
        self.work_off()

    def again(self) -> None:
        """Bring everything back to where it was before the two requests were worked off."""
        self.faults.stop()
        restored(self.state, self.backup)

    def path(self, name: str) -> Path:
        """Where an object of the folder store is, also one whose name no store accepts."""
        assert isinstance(self.state, FolderStore)
        return self.state.root.joinpath(*name.split("/"))

    def blocked(self, outcome: Outcome) -> list[str]:
        """Why a round ended before the second request had its turn."""
        attempted = {*outcome.ended, *(left.run_id for left in outcome.left if not left.first)}
        wrong = [f"{left.run_id} waits behind {left.first}: {left.reason}" for left in outcome.left if left.first]
        return wrong if self.second.run_id in attempted else [*wrong, "the second request had no turn"]

    def lost(self) -> list[str]:
        """What is missing after the next trigger."""
        self.tick()
        wrong = [] if self.versions[-1] == "2" else [f"the champions are {self.versions}"]
        return wrong + [f"{request.run_id} still waits" for request in self.whole.ledger.requests()]

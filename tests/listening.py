"""Listeners that keep what they are told, and a world in which somebody listens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from retrain.records.request import RollBack, Trigger
from retrain.runs import asking
from retrain.runs.dispatch import work_off
from tests.builders import World, ask

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.records.context import Context
    from retrain.records.outbox import Event
    from retrain.records.run import Run


@dataclass
class Listener:
    """Keeps what it is told; `away` is raised instead."""

    name: str = "listener"
    away: Exception | None = None
    told: list[tuple[str, str]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    def receive(self, event: Event, run: Run) -> None:
        if self.away is not None:
            raise self.away
        self.told.append((event.id, event.kind))
        self.runs.append(run)


@dataclass(frozen=True, slots=True)
class FileListener:
    """Adds the id of every event to a file that outlives this process."""

    path: Path
    name: str = "file"

    def receive(self, event: Event, _run: Run) -> None:
        with self.path.open("a") as file:
            file.write(f"{event.id}\n")


@dataclass
class Heard:
    """A world in which somebody listens."""

    world: World
    listeners: tuple[Listener, ...]

    @property
    def context(self) -> Context:
        return replace(self.world.context, listeners=self.listeners)

    def run(self, trigger: Trigger = Trigger.TIMER, **asked: Any) -> str:
        """A run is asked for and worked off; its name."""
        run_id = ask(trigger, self.context, **asked).run_id
        work_off(self.world.settings, self.context)
        return run_id

    def roll_back(self) -> str:
        return asking.ask(lambda run_id: RollBack(run_id=run_id), self.context).run_id

    def land(self, name: str, data: bytes) -> str:
        self.world.put(name, data)
        return self.run(Trigger.BLOB, file=name)

    @property
    def left(self) -> list[Event]:
        return self.world.ledger.outbox.waiting()

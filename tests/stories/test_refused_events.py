"""An event that a listener refuses for good is set aside for it; its later events go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrain.doors.cli import main
from retrain.errors import ServiceUnavailable
from retrain.records.outbox import MOST_REFUSALS
from retrain.runs.dispatch import work_off
from tests.listening import Heard

if TYPE_CHECKING:
    import pytest

    from retrain.records.outbox import Event
    from retrain.records.run import Run
    from tests.builders import World


@dataclass
class Picky:
    """A listener that raises at one event."""

    error: Exception
    name: str = "picky"
    refused: str = ""
    told: list[str] = field(default_factory=list)

    def receive(self, event: Event, _run: Run) -> None:
        self.refused = self.refused or event.id
        if event.id == self.refused:
            raise self.error
        self.told.append(event.id)


def rounds(heard: Heard, times: int) -> None:
    for _ in range(times):
        work_off(heard.world.settings, heard.context)


def test_an_event_that_is_refused_again_and_again_is_set_aside(world: World, capsys: pytest.CaptureFixture[str]):
    """The list of events names it, and the next event is delivered."""
    picky = Picky(ValueError("no such field"))
    heard = Heard(world, (picky,))  # type: ignore[arg-type]
    first, second = heard.run(), heard.run()
    rounds(heard, MOST_REFUSALS)

    assert picky.told == [f"{second}-1"]
    assert heard.left == []
    assert main(["events", "--root", str(world.root)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{first}-1  verdict    not brought any more: picky: ValueError: no such field")


def test_a_listener_that_is_away_loses_no_event(world: World):
    """However often it was asked meanwhile."""
    picky = Picky(ServiceUnavailable("away"))
    heard = Heard(world, (picky,))  # type: ignore[arg-type]
    first = heard.run()
    rounds(heard, 2 * MOST_REFUSALS)

    assert [event.id for event in heard.left] == [f"{first}-1"]


def test_another_listener_gets_the_event_all_the_same(world: World):
    """Once."""
    picky, there = Picky(ValueError("no")), Picky(ValueError("no"), "there", refused="none")
    heard = Heard(world, (picky, there))  # type: ignore[arg-type]
    first = heard.run()
    rounds(heard, 2 * MOST_REFUSALS)

    assert there.told == [f"{first}-1"]
    assert picky.told == []

"""Requests to the storage that break on the wire, on Azurite, the lease among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.drills.stage import Stage, confirmed, on_doors
from tests.drills.table import tell
from tests.drills.wire import Wired, wired
from tests.faults import Fault, never

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.builders import World

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@dataclass
class Cloud:
    """A stage on these stores."""

    stage: Stage
    wired: Wired

    def play(self, number: int, *, after: bool) -> list[str]:
        """Break one request."""
        self.wired.wire.begin(number, after=after)
        return self.stage.play(never, Fault.STALE, self._mended)

    @property
    def requests(self) -> list[tuple[str, str]]:
        """What went over the wire when the event was delivered."""
        return self.wired.requests

    def _mended(self) -> list[str]:
        self.wired.mend()
        return []


@pytest.fixture
def cloud(world: World, storage: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """On Azurite."""
    with wired(storage) as stores:
        yield Cloud(on_doors(Stage(world, stores.inbox, stores.state, stores.direct), monkeypatch), stores)


@pytest.mark.parametrize("after", [True, False], ids=["before its answer came", "before it was sent"])
def test_one_request_to_the_storage_that_breaks_moves_no_champion_wrongly(
    cloud: Cloud, after: bool, request: pytest.FixtureRequest
):
    """Each request of the SDK in its turn, on Azurite; the lease is among them."""
    cloud.play(-1, after=after)
    requests = list(cloud.requests)
    numbers = [number for number in range(len(requests)) if number != confirmed(requests)]

    wrong = [f"{requests[number]}: {each}" for number in numbers for each in cloud.play(number, after=after)]

    how = request.node.callspec.id
    tell("storage faults", "Azurite", f"requests, each of which broke {how}", len(numbers), len(wrong))
    assert not wrong, "\n".join(wrong)

"""Storage faults while a file lands or is decided on: the next trigger ends where an undisturbed one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.adapters.local.folder import FolderStore
from tests.drills.decisions import KINDS, Decisions, behind_the_doors, differing, undisturbed
from tests.drills.table import tell
from tests.drills.wire import wired
from tests.faults import Fault, never

if TYPE_CHECKING:
    from tests.builders import World

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.mark.parametrize("kind", KINDS)
def test_one_call_that_goes_wrong_loses_no_decision(world: World, kind: str, monkeypatch: pytest.MonkeyPatch):
    """Each call in its turn and each kind of fault, on a folder."""
    inbox, state = FolderStore(world.root / "inbox"), FolderStore(world.root)
    decisions = behind_the_doors(Decisions(world, inbox, state, kind, state), monkeypatch)
    expected = undisturbed(decisions)
    numbers = range(len(decisions.played))

    every = []
    for fault in Fault:
        wrong = []
        for number in numbers:
            found = decisions.play(lambda call, number=number: call.number == number, fault)  # type: ignore[misc]
            assert decisions.hits == 1, f"call {number} was not reached"
            wrong += [f"{decisions.played[number]} {fault}: {each}" for each in differing(found, expected, fault)]
        tell("storage faults", "folder", f"calls of `{kind}`, each of which {fault}", len(numbers), len(wrong))
        every += wrong
    assert not every, "\n".join(every)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [False, True], ids=["before it was sent", "before its answer came"])
def test_one_request_to_the_storage_that_breaks_loses_no_decision(
    world: World, storage: str, kind: str, after: bool, monkeypatch: pytest.MonkeyPatch
):
    """Each request of the SDK in its turn, on Azurite; the lease is among them."""
    how = "before its answer came" if after else "before it was sent"
    with wired(storage) as cloud:
        decisions = Decisions(world, cloud.inbox, cloud.state, kind, cloud.direct)
        behind_the_doors(decisions, monkeypatch)
        for _ in range(2):  # the first time makes what each later one finds, such as the locks
            cloud.wire.begin(-1, after=after)
            expected = decisions.play(never, Fault.STALE, cloud.mend)
        numbers = range(len(cloud.requests))

        wrong = []
        for number in numbers:
            cloud.wire.begin(number, after=after)
            found = decisions.play(never, Fault.STALE, cloud.mend)
            wrong += [f"{cloud.requests[number]}: {each}" for each in differing(found, expected)]

    tell("storage faults", "Azurite", f"requests of `{kind}`, each of which broke {how}", len(numbers), len(wrong))
    assert not wrong, "\n".join(wrong)

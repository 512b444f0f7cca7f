"""What a run costs in calls of its stores, each of which goes over a network in production."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from tests.builders import TWO, World, ask, seen_through
from tests.faults import Faults, FaultyStore
from tests.listening import Listener

if TYPE_CHECKING:
    from retrain.records.context import Context

PROMOTING, HEARD, KEEPING = 25, 32, 12


def counted(world: World, faults: Faults) -> Context:
    """The world through stores that note each call."""
    whole = world.context
    return seen_through(whole, FaultyStore(whole.inbox, faults), FaultyStore(whole.state, faults))


def calls_of(faults: Faults) -> list[tuple[str, str]]:
    """Each call in its order; the reads of a landed file belong to its opening."""
    return [(call.method, call.name) for call in faults.calls if call.method != "chunk"]


def landed(world: World, context: Context) -> str:
    """A file lands, is asked for and worked off; what its run came to."""
    world.put("two.csv", TWO)
    request = ask(Trigger.BLOB, context, file="two.csv")
    work_off(world.settings, context)
    return str(world.ledger.run(request.run_id).verdict)


def test_a_run_that_promotes_makes_25_calls(serving: World):
    """From the event of a file to the new champion."""
    faults = Faults()

    verdict = landed(serving, counted(serving, faults))

    assert verdict == "promote"
    assert len(calls_of(faults)) <= PROMOTING, calls_of(faults)


def test_whoever_listens_costs_seven_more(serving: World):
    """The event is written, found, read with its run and removed, under a lock of its own."""
    faults = Faults()

    landed(serving, replace(counted(serving, faults), listeners=(Listener(),)))

    assert len(calls_of(faults)) <= HEARD, calls_of(faults)


def test_a_run_with_nothing_new_makes_few_calls(serving: World):
    """The timer fires every day, whether anything has landed or not."""
    faults = Faults()
    context = counted(serving, faults)

    ask(Trigger.TIMER, context)
    work_off(serving.settings, context)

    assert len(calls_of(faults)) <= KEEPING, calls_of(faults)


def test_no_record_is_read_twice_by_the_holder_of_a_lock(serving: World):
    """What it has read or written is what there is, or its next write is refused."""
    faults = Faults()

    landed(serving, counted(serving, faults))

    touched: list[str] = []
    again = []
    for method, name in calls_of(faults):
        again += [name] if method == "read" and name in touched else []
        touched += [name] if method in ("read", "write") else []
    assert again == []

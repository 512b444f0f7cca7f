"""A process loses its lock at any of its writes: another finishes its work, and the first changes nothing more."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobLeaseClient, BlobServiceClient

from retrain.poll import poll
from retrain.runs.dispatch import deliver
from retrain.wiring import connect
from tests.builders import ONE, TWO
from tests.drills.driver import SHORTEST_LEASE_SECONDS, End, Nursery
from tests.drills.table import tell
from tests.drills.takeover import GO_ON, HELD_UP
from tests.drills.test_crashes import another, each, nurseries, nursery, outcome
from tests.listening import FileListener

if TYPE_CHECKING:
    from tests.drills.place import Place

__all__ = ["nurseries", "nursery"]
BEGUN_SECONDS = 300  # a child begins in less than one on an idle machine
EVERY = 5
TICK = ["tick"]
LOCKS = ("retrain", "outbox")
NO_RECORDS = ("locks/", "platform/", "told.txt", HELD_UP, GO_ON)


def run(place: Place, nursery: Nursery, words: list[str], at: int = 0, how: str = "") -> End:
    return nursery.wait(start(place, nursery, words, at, how))


TAKEN = ("frozen", "busy", "sent")
"""How a process is held up whose lock an operator takes away; the lease of the others ends by itself."""


def start(place: Place, nursery: Nursery, words: list[str], at: int, how: str) -> int:
    return nursery.start("command", place, lease_seconds=SHORTEST_LEASE_SECONDS, words=words, at=at, how=how)


def prepared(place: Place, nursery: Nursery) -> Place:
    """Version 1 is champion, and year two has landed."""
    inbox = connect(place.settings).inbox
    inbox.write("one.csv", ONE)
    assert run(place, nursery, TICK).told[0] == "0"
    inbox.write("two.csv", TWO)
    return place


def undisturbed(place: Place, nursery: Nursery) -> tuple[dict[str, Any], list[str]]:
    """What the timer comes to, and the writes under a lock that this takes."""
    calm = prepared(another(place, "calm"), nursery)
    end = run(calm, nursery, TICK)
    expected = outcome(calm, "file")
    assert end.told[0] == "0"
    assert expected["champions"] == ["1", "2"]
    assert [expected[name] for name in ("left to do", "unreadable", "told wrongly", "left to tell")] == [[]] * 4
    return expected, end.told[2:]


def taken_from(place: Place, child: int, nursery: Nursery, how: str) -> tuple[End, dict[str, bytes], End]:
    """Wait until a process is held up, take its lock away, and let another one do the work; then let it go on.

    Returns: how the other one ended, what was stored then, and how the first one ended.
    """
    _until_held_up(place, child, how)
    if how in TAKEN:
        _take_the_lock(place)
    other = run(place, nursery, TICK)  # it waits as long as the lock is held
    stored = everything(place)
    (Path(place.root) / GO_ON).touch()
    os.kill(child, signal.SIGCONT)
    return other, stored, nursery.wait(child)


def _until_held_up(place: Place, child: int, how: str) -> None:
    for _ in poll(BEGUN_SECONDS, 0.02):
        state = psutil.Process(child).status()
        assert state != psutil.STATUS_ZOMBIE, "it ended before it was held up"
        if state == psutil.STATUS_STOPPED or (how != "frozen" and (Path(place.root) / HELD_UP).exists()):
            return
    raise AssertionError("it was never held up")


def _take_the_lock(place: Place) -> None:
    """What an operator does: break the lease, or remove the file of the lock."""
    for name in LOCKS:
        if not place.connection:
            (Path(place.root) / ".locks" / name).unlink(missing_ok=True)
            continue
        with BlobServiceClient.from_connection_string(place.connection) as service, suppress(AzureError):
            BlobLeaseClient(service.get_blob_client(place.name, f"locks/{name}")).break_lease(0)


def everything(place: Place) -> dict[str, bytes]:
    """Every record of the store."""
    state = connect(place.settings).state
    names = [name for name in state.names("") if not name.startswith(NO_RECORDS) and "/." not in name]
    found = {name: state.read(name) for name in names}
    return {name: stored.data for name, stored in found.items() if stored is not None}


def _changed(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _deliver_the_rest(place: Place) -> None:
    """Round after round: the first ones may find the lock of a process that is gone, until its lease ends."""
    context = replace(connect(place.settings), listeners=(FileListener(place.told),))
    for _ in poll(BEGUN_SECONDS):
        deliver(context)
        if not any(context.ledger.outbox.waiting()):
            return


def wrong_after(
    place: Place, at: int, how: str, expected: dict[str, Any], writes: list[str], nursery: Nursery
) -> dict[str, object]:
    """Take the lock away at one write; what is other than it should be."""
    point = prepared(another(place, f"{at}"), nursery)
    other, stored, end = taken_from(point, start(point, nursery, TICK, at, how), nursery, how)

    wrong: dict[str, object] = {}
    if other.code or other.told[0] != "0":
        wrong["the other"] = (other.code, other.told[:2])
    is_delivery = writes[at - 1].startswith("delete outbox/")  # under the other lock: the runs have ended
    since = _changed(stored, everything(point)) if how != "sent" else []
    not_waited_for = is_delivery and how not in TAKEN  # the other one leaves events to whoever holds that lock
    if not_waited_for:  # its lease may be in force, or end before it goes on
        since = [name for name in since if not name.startswith("outbox/")]
    if since:
        wrong["written since"] = since
    told = end.told if end.code == 0 else [str(end.code), ""]
    if how != "sent" and not is_delivery and (told[0] != "5" or "this process has lost the lock" not in told[1]):
        wrong["the command"] = told[:2]
    if how == "sent" or not_waited_for:  # an event that neither has told is brought by the rounds that follow
        _deliver_the_rest(point)
    found = outcome(point, "file")
    return wrong | {name: (found[name], expected[name]) for name in found if found[name] != expected[name]}


def drill(place: Place, how: str, nurseries: list[Nursery], every: int = EVERY, done: str = "") -> None:
    """Take the lock away at every k-th write."""
    expected, writes = undisturbed(place, nurseries[0])
    points = list(range(1, len(writes) + 1, every))

    found = each(points, lambda at, nursery: wrong_after(place, at, how, expected, writes, nursery), nurseries)

    wrong = {f"write {at}, {writes[at - 1]}": what for at, what in zip(points, found, strict=True) if what}
    tell(
        "concurrency",
        place.store,
        done or f"the lock taken away at a write of a process that is {how}",
        len(points),
        len(wrong),
    )
    assert wrong == {}


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", ["frozen", "busy"])
def test_a_process_whose_lock_is_taken_away_at_a_write_changes_nothing_more(
    place: Place, how: str, nurseries: list[Nursery]
):
    """By an operator; its command says so, and what it had begun ends as if nothing had happened."""
    drill(place, how, nurseries)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("place", ["azurite"], indirect=True)
def test_a_write_that_was_on_its_way_when_the_lock_was_taken_away_does_no_harm(
    place: Place, nurseries: list[Nursery]
):
    """Frozen after the last look at the lock: what is sent afterwards is refused, or changes nothing."""
    drill(place, "sent", nurseries, done="the lock taken away between the last look at it and the write")


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("place", ["azurite"], indirect=True)
@pytest.mark.parametrize(
    "how", ["with renewals that are refused", "with connections that are reset", "with answers that are slow"]
)
def test_a_process_whose_renewals_are_not_answered_changes_nothing_once_its_lease_has_ended(
    place: Place, how: str, nurseries: list[Nursery]
):
    """Another process takes the lock when the lease has ended by itself."""
    drill(place, how, nurseries, every=20, done=f"a lease that ended under a process {how}")

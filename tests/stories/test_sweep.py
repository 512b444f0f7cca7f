"""What nothing needs is removed a day after it was found; what anything may need stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.doors.champion_forecast import champion_forecast
from retrain.errors import AccessDenied, ServiceUnavailable
from retrain.promotion.resume import LOCK
from retrain.records.leftovers import RECORD, last_sweep
from retrain.records.request import Evaluate, Trigger
from retrain.runs.dispatch import work_off
from retrain.runs.sweep import look, sweep_daily
from tests.builders import ONE, TWO, ask
from tests.faults import Killed, fails
from tests.leftovers import DAY, LONG, NAME, keys, orphaned, swept, three_champions

if TYPE_CHECKING:
    from tests.builders import World


def services(world: World) -> list[str]:
    """What runs."""
    return sorted(service.version for service in world.platform.services())


def test_an_orphan_is_removed_a_day_after_it_was_found(world: World):
    """A process that was killed left a service that costs money; somebody may still look at it today."""
    three_champions(world)
    name = orphaned(world)
    first = swept(world)
    running = services(world)
    world.clock.now += DAY
    second = swept(world)

    assert (keys(first), first.removed, running) == ([f"service {name}"], [], ["1", "3"])
    assert second.removed == [f"service {name}"]
    assert services(world) == ["3"]
    assert champion_forecast(1, world.settings, world.context)["version"] == "3"


def test_swept_twice_is_swept_once(world: World):
    """The second sweep finds nothing, and what is needed is still there."""
    three_champions(world)
    orphaned(world)
    swept(world)
    world.clock.now += DAY
    swept(world)
    world.overrides["RETRAIN_KEEP_IMAGES"] = "10"

    assert (keys(swept(world)), services(world)) == ([], ["3"])


def test_a_look_writes_nothing_and_removes_nothing(world: World):
    """`--dry-run`."""
    three_champions(world)
    name = orphaned(world)
    before = list(world.context.state.names(""))
    found = look(world.settings, world.context)

    assert keys(found) == [f"service {name}"]
    assert (list(world.context.state.names("")), services(world)) == (before, ["1", "3"])


def test_a_promotion_under_way_protects_its_version(world: World, monkeypatch: pytest.MonkeyPatch):
    """Its process was killed after it had deployed; the next trigger goes on with that service."""
    world.land("one.csv", ONE)
    world.put("two.csv", TWO)
    request = ask(Trigger.BLOB, world.context, file="two.csv")
    with monkeypatch.context() as dying:
        dying.setattr("retrain.promotion.steps.prove", fails(Killed()))
        with pytest.raises(Killed):
            work_off(world.settings, world.context)
    swept(world)
    world.clock.now += DAY
    found = swept(world)
    there = services(world)
    work_off(world.settings, world.context)

    assert (keys(found), there) == ([], ["1", "2"])
    assert world.ledger.run(request.run_id).verdict == "promote"


def test_what_this_store_does_not_know_is_left(world: World):
    """A version that newer records name, after an older store was brought back, or a service of somebody else."""
    three_champions(world)
    world.platform.deploy(f"{NAME}-v9", "9", f"{NAME}:1")
    swept(world)
    world.clock.now += DAY
    swept(world)

    assert services(world) == ["3", "9"]


def test_an_image_goes_only_after_its_service(world: World):
    """A container that Azure restarts pulls it again."""
    three_champions(world)
    orphaned(world)
    first = swept(world)
    world.clock.now += DAY
    swept(world)
    world.clock.now += DAY
    after = [swept(world)]
    world.clock.now += DAY
    after.append(swept(world))

    assert f"image {NAME}:1" not in keys(first)
    assert [found.removed for found in after] == [[], [f"image {NAME}:1"]]
    assert [image.version for image in world.platform.images(NAME)] == ["2", "3"]


def test_a_rollback_to_a_version_without_an_image_builds_it_again(world: World):
    """The artifact is kept: nothing that was ever champion is lost."""
    three_champions(world)
    swept(world)
    world.clock.now += DAY
    assert swept(world).removed == [f"image {NAME}:1"]

    assert world.roll_back("1")["status"] == "done"
    assert champion_forecast(1, world.settings, world.context)["version"] == "1"


def test_an_artifact_that_became_no_version_is_removed(world: World):
    """Its run was killed before it was submitted; those of versions and of failed promotions stay."""
    three_champions(world)
    world.overrides["RETRAIN_KEEP_IMAGES"] = "10"
    sha256 = world.context.registry.keep(b"{}")
    before = set(world.context.state.names("artifacts/"))
    swept(world)
    world.clock.now += DAY

    assert swept(world).removed == [f"artifact {sha256}"]
    assert before - set(world.context.state.names("artifacts/")) == {f"artifacts/{sha256}.json"}


def test_the_timer_sweeps_once_a_day(world: World):
    """However often it ticks."""
    three_champions(world)
    orphaned(world)
    found = [keys(sweep_daily(world.settings, world.context)) for _ in range(2)]
    world.clock.now += DAY
    last = sweep_daily(world.settings, world.context)

    assert found == [[f"service {NAME}-v1"], []]
    assert last.removed == [f"service {NAME}-v1"]


def test_a_sweep_is_never_in_the_way(world: World):
    """Whoever holds the lock goes first, and nothing is written."""
    three_champions(world)
    with world.context.state.lock(LOCK):
        found = sweep_daily(world.settings, world.context)

    assert (keys(found), found.troubles) == ([], ())
    assert world.context.state.read(RECORD) is None


def test_what_was_asked_for_during_a_sweep_is_made(world: World, monkeypatch: pytest.MonkeyPatch):
    """Its trigger found the lock held, and no other may come for a day."""
    three_champions(world)
    asked: list[str] = []

    def ask_meanwhile(*_: object) -> list[object]:
        if not asked:
            asked.append(world.context.ledger.name_run(world.clock()))
            world.ledger.ask(Evaluate(run_id=asked[0], trigger=Trigger.HTTP))
        return []

    monkeypatch.setattr(world.platform, "images", ask_meanwhile)
    sweep_daily(world.settings, world.context)

    assert world.ledger.run(asked[0]).status == "done"


def test_a_failure_is_told_and_does_not_stop_the_rest(world: World, monkeypatch: pytest.MonkeyPatch):
    """The tick has done its work; the next sweep tries again."""
    three_champions(world)
    world.overrides["RETRAIN_KEEP_IMAGES"] = "10"
    orphaned(world)
    world.context.registry.keep(b"{}")
    swept(world)
    world.clock.now += DAY
    with monkeypatch.context() as broken:
        broken.setattr(world.platform, "remove", fails(ServiceUnavailable("Azure is away")))
        found = sweep_daily(world.settings, world.context)
    last = last_sweep(world.context.state)
    again = swept(world)

    assert found.troubles == (f"service {NAME}-v1: Azure is away",)
    assert [key.split()[0] for key in found.removed] == ["artifact"]
    assert last is not None
    assert last.trouble == found.troubles
    assert again.removed == [f"service {NAME}-v1"]


def test_a_sweep_removes_no_more_than_it_may_at_once(world: World, monkeypatch: pytest.MonkeyPatch):
    """The lock is held meanwhile; the next one goes on."""
    monkeypatch.setattr("retrain.runs.sweep.MOST_AT_ONCE", 2)
    for number in range(3):
        world.context.registry.keep(b"%d" % number)
    swept(world)
    world.clock.now += DAY

    assert [len(swept(world).removed) for _ in range(3)] == [2, 1, 0]


def test_what_is_refused_keeps_nothing_else_waiting(world: World, monkeypatch: pytest.MonkeyPatch):
    """However many there are of its kind: the rest of the kind is not tried, and the other kinds are."""
    three_champions(world)
    for number in range(3):
        world.context.registry.keep(b"%d" % number)
    world.overrides["RETRAIN_KEEP_IMAGES"] = "1"
    swept(world)
    world.clock.now += DAY
    monkeypatch.setattr("retrain.runs.sweep.MOST_AT_ONCE", 1)
    tried: list[object] = []

    def refused(image: object) -> None:
        tried.append(image)
        raise AccessDenied("the identity may not remove images")

    monkeypatch.setattr(world.platform, "remove_image", refused)
    found = [swept(world) for _ in range(3)]

    assert len(tried) == 3
    assert [[key.split()[0] for key in each.removed] for each in found] == [["artifact"]] * 3


def test_what_could_not_be_looked_at_keeps_its_date(world: World, monkeypatch: pytest.MonkeyPatch):
    """An hour without Azure does not begin the day anew."""
    three_champions(world)
    orphaned(world)
    swept(world)
    world.clock.now += DAY
    with monkeypatch.context() as broken:
        broken.setattr(world.platform, "services", fails(ServiceUnavailable("Azure is away")))
        found = swept(world)

    assert found.troubles[0] == "service: Azure is away"
    assert swept(world).removed == [f"service {NAME}-v1"]


def test_a_clock_that_was_ahead_keeps_nothing_for_ever(world: World):
    """What is known since a day that has not come is known since now."""
    three_champions(world)
    orphaned(world)
    world.clock.now += LONG
    swept(world)
    world.clock.now -= LONG
    sweep_daily(world.settings, world.context)
    world.clock.now += DAY

    assert swept(world).removed == [f"service {NAME}-v1"]


def test_a_damaged_record_of_sweeps_is_as_none(world: World):
    """What was found is found anew, and nothing is removed for a day."""
    three_champions(world)
    orphaned(world)
    world.context.state.write(RECORD, b"{")
    found = swept(world)

    assert (found.removed, services(world)) == ([], ["1", "3"])
    last = last_sweep(world.context.state)
    assert last is not None
    assert last.since == {f"service {NAME}-v1": found.handled[0].since}
    assert list(world.context.state.names("unreadable/")) == [f"unreadable/{RECORD}"]


def test_a_champion_pointer_that_cannot_be_read_stops_the_sweep(world: World):
    """Nobody knows then what is needed; the tick goes on."""
    three_champions(world)
    orphaned(world)
    swept(world)
    world.clock.now += DAY
    world.context.state.write("champion.json", b"{")
    found = sweep_daily(world.settings, world.context)

    assert (keys(found), services(world)) == ([], ["1", "3"])
    assert "champion.json cannot be read" in found.troubles[0]

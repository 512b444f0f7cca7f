"""A damaged record: what is needed is an error that names it, what only waits is set aside."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.errors import ConfigError, DamagedRecord, ServiceError
from retrain.promotion.record import Promotion
from retrain.records.champion import Champion
from retrain.records.ledger import folder_of
from retrain.records.registry import Lineage
from retrain.records.request import Evaluate, Trigger
from retrain.runs.dispatch import work_off
from retrain.runs.outcome import Behind
from tests.builders import World, ask
from tests.unit.records.examples import REQUESTS, RUN_ID, RUNS

DAMAGED = {
    "empty": b"",
    "half": RUNS["promoted"].to_json()[:200],
    "a list": b"[]",
    "another record": b'{"a": 1}',
    "no text": b"\xff\xfe\x00",
    "a field of the wrong type": b'{"run_id": "x", "trigger": "moon", "verdict": 7}',
}
damaged = pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
REQUEST = f"requests/{RUN_ID}.json"


def written(world: World, name: str, data: bytes) -> str:
    """A record as somebody has left it; where it is."""
    store = FolderStore(world.root)
    store.write(name, data)
    return store.address(name)


@damaged
def test_a_damaged_run_is_an_error_that_names_its_record(world: World, data: bytes):
    """When it is asked for by name; in the list it is a line that says so."""
    where = written(world, f"{folder_of(RUN_ID)}report.json", data)

    for read in (
        lambda: world.ledger.recorded(RUN_ID),
        lambda: world.ledger.run(RUN_ID),
    ):
        with pytest.raises(ServiceError, match=r"cannot be read .* restore it from a backup") as error:
            read()
        assert where in str(error.value)
    (listed,) = world.ledger.runs(5)
    assert (listed.run_id, listed.status) == (RUN_ID, "failed")
    assert where in listed.reason


@damaged
def test_a_damaged_conclusion_is_none(world: World, data: bytes):
    """It only saves work: the question is decided again, by the gate."""
    written(world, "verdicts/question.json", data)

    assert world.ledger.concluded("question") is None


@damaged
def test_a_damaged_pointer_is_an_error_that_names_its_record(world: World, data: bytes):
    """It is no missing champion."""
    where = written(world, "champion.json", data)

    with pytest.raises(ServiceError, match="cannot be read") as error:
        world.ledger.pointer()
    assert where in str(error.value)


def test_an_older_store_is_refused_with_the_command_that_makes_it_anew(world: World):
    """It is no damage, and there is no reader of its layout."""
    where = written(world, "champion.json", b'{"champion": null, "reigns": []}')

    with pytest.raises(ConfigError, match=r"an older version of retrain .* `retrain rebuild`") as error:
        world.ledger.pointer()
    assert where in str(error.value)


@damaged
def test_a_damaged_promotion_is_an_error_that_names_its_run(world: World, data: bytes):
    """Nothing is deployed that nobody can name."""
    written(world, f"promotions/{RUN_ID}.json", data)

    with pytest.raises(DamagedRecord, match=f"the promotion of run {RUN_ID} is damaged"):
        Promotion.of(RUN_ID, world.context)


@damaged
def test_a_damaged_request_is_set_aside(world: World, data: bytes):
    """A person finds it; those behind it are read."""
    written(world, REQUEST, data)
    other = Evaluate(run_id=f"{RUN_ID[:-1]}c", trigger=Trigger.TIMER)
    world.ledger.ask(other)

    assert world.ledger.requests() == [other]
    assert (world.root / "unreadable" / REQUEST).read_bytes() == data
    assert not (world.root / REQUEST).exists()


@pytest.mark.parametrize("run_id", ["20240301T120000000Z-ffff", "../../elsewhere", ""])
def test_a_request_under_another_runs_name_is_set_aside(world: World, run_id: str):
    """It would be worked off again and again, for it is never removed."""
    data = REQUESTS["land"].evolve(run_id=run_id).to_json()
    written(world, REQUEST, data)

    assert world.run()["verdict"] == "waiting"
    assert (world.root / "unreadable" / REQUEST).read_bytes() == data
    assert world.ledger.requests() == []


def test_a_request_of_a_kind_that_only_newer_code_knows_stays_and_holds_up_nobody(world: World):
    """Both versions of the code work on the store while it is upgraded."""
    document = {"kind": "compact", "run_id": RUN_ID, "trigger": "moon", "files": 3}
    data = json.dumps(document).encode()
    written(world, REQUEST, data)

    report = world.run()

    assert report["verdict"] == "waiting"
    assert (world.root / REQUEST).read_bytes() == data
    assert not (world.root / "unreadable").exists()


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"kind": "compact", "trigger": "moon"}, "its kind, 'compact'"),
        ({"kind": "evaluate", "trigger": "moon"}, "its trigger, 'moon'"),
        ({"kind": "land", "file": "a.csv", "joins": "zip"}, "its joins, 'zip'"),
    ],
    ids=["kind", "trigger", "value"],
)
def test_a_request_of_newer_code_is_listed_with_the_value_that_is_not_known(
    world: World, request_: dict[str, str], why: str
):
    """And it is said to be left by whoever works off the others."""
    written(world, REQUEST, json.dumps({"run_id": RUN_ID, "trigger": "blob", **request_}).encode())

    (left,) = work_off(world.settings, world.context).left
    (listed,) = world.ledger.runs(5)

    assert left.behind is Behind.NEWER_CODE
    assert (listed.status, listed.reason) == ("queued", left.reason)
    assert why in left.reason


def test_a_request_without_a_kind_is_set_aside(world: World):
    """Versions before 0.2.0 wrote those."""
    written(world, REQUEST, json.dumps({"run_id": RUN_ID, "trigger": "timer"}).encode())

    assert world.ledger.requests() == []
    assert (world.root / "unreadable" / REQUEST).exists()


DEEP = b"[" * 100_000


def test_what_is_nested_without_end_is_damaged_and_stops_nobody(world: World):
    """A request and an event are set aside, a report is a line in the list."""
    written(world, f"requests/{RUN_ID}.json", DEEP)
    written(world, f"outbox/{RUN_ID}-1.json", DEEP)
    written(world, f"{folder_of(RUN_ID)}report.json", DEEP)

    assert world.ledger.requests() == []
    assert world.ledger.outbox.waiting() == []
    assert [run.status for run in world.ledger.runs(5)] == ["failed"]


@pytest.mark.parametrize("name", ["99999999T999999999Z-ffff", "99991231T235959999Z-ffff"])
def test_a_request_whose_name_is_no_time_does_not_keep_others_from_being_asked(world: World, name: str):
    """Their names go on from the clock."""
    written(world, f"requests/{name}.json", b'{"kind": "of newer code"}')

    assert world.run()["verdict"] == "waiting"


@pytest.mark.parametrize(
    "event",
    [
        {"run_id": RUN_ID, "at": "2026-01-01T00:00:00"},
        {"run_id": "../../elsewhere", "at": "2026-01-01T00:00:00+00:00"},
    ],
    ids=["a time without a zone", "a run that is a path"],
)
def test_an_event_that_is_not_valid_is_set_aside(world: World, event: dict[str, str]):
    """The others are delivered."""
    record = {"id": f"{event['run_id']}-1", "kind": "verdict", "end": 1, **event}
    written(world, f"outbox/{RUN_ID}-1.json", json.dumps(record).encode())

    assert world.ledger.outbox.waiting() == []


def test_a_request_with_a_trigger_of_newer_code_is_left_to_it(world: World):
    """As one of a kind that only newer code knows."""
    written(
        world,
        f"requests/{RUN_ID}.json",
        json.dumps({"kind": "evaluate", "run_id": RUN_ID, "trigger": "moon"}).encode(),
    )

    assert world.run()["verdict"] == "waiting"
    assert (world.root / "requests" / f"{RUN_ID}.json").exists()


def test_a_queued_run_whose_record_is_of_newer_code_holds_up_no_other(world: World):
    """It is left to that code, and shown with the status that it says."""
    request = ask(Trigger.TIMER, world.context)
    record = {"run_id": request.run_id, "trigger": "moon", "status": "canary", "verdict": "adopt"}
    world.ledger.begin(request)
    written(world, f"{folder_of(request.run_id)}report.json", json.dumps(record).encode())

    assert world.run()["verdict"] == "waiting"
    assert [left.run_id for left in world.ledger.requests()] == [request.run_id]
    shown = world.ledger.runs(5)[-1]
    assert (shown.trigger, shown.status, shown.verdict) == ("moon", "canary", "adopt")


def test_fields_of_the_pointer_that_newer_code_added_are_kept_when_it_moves(world: World):
    """Of the record, and of each entry."""
    entry = {"version": "1", "since": "2024-03-01T12:00:00+00:00", "run_id": "r", "approved_by": "somebody"}
    written(world, "champion.json", json.dumps({"champion": entry, "champions": [entry], "format": 2}).encode())
    since = datetime(2024, 3, 2, tzinfo=UTC)

    world.ledger.switch(world.ledger.pointer(), Champion("2", since, "s"))
    moved = json.loads((world.root / "champion.json").read_bytes())

    assert (moved["format"], moved["champions"][0]) == (2, entry)
    assert moved["champion"]["version"] == "2"


def test_a_stray_file_among_the_versions_is_no_version(world: World):
    """Neither is a damaged record in the way of a new version."""
    registry = world.context.registry
    lineage = Lineage("ab" * 32, "cd" * 32, date(2023, 1, 1), date(2023, 12, 31), "(1,0,0)", "0.1.0")
    written(world, f"models/{registry.name}/x.json", b"x")
    written(world, f"models/{registry.name}/1.json", b"damaged")

    assert registry.register("cd" * 32, lineage, "run", world.clock()).version == "2"

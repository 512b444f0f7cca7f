"""A damaged record: what is needed is an error that names it, what only waits is set aside."""

from __future__ import annotations

import json

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.errors import ConfigError, ModelError, ServiceError
from retrain.promotion.record import Promotion
from retrain.records.request import Evaluate, Trigger
from tests.builders import World
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
    """However it is asked for."""
    where = written(world, f"runs/{RUN_ID}/report.json", data)

    for ask in (
        lambda: world.ledger.recorded(RUN_ID),
        lambda: world.ledger.run(RUN_ID),
        lambda: world.ledger.runs(5),
    ):
        with pytest.raises(ServiceError, match=r"cannot be read .* restore it from a backup") as error:
            ask()
        assert where in str(error.value)


@damaged
def test_a_damaged_conclusion_is_an_error_that_names_its_record(world: World, data: bytes):
    """It is no missing one, which would ask the question again."""
    where = written(world, "verdicts/question.json", data)

    with pytest.raises(ServiceError, match="cannot be read") as error:
        world.ledger.concluded("question")
    assert where in str(error.value)


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

    with pytest.raises(ModelError, match=f"the promotion of run {RUN_ID} is damaged"):
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
    assert world.ledger.requests() == []
    assert (world.root / REQUEST).read_bytes() == data
    assert not (world.root / "unreadable").exists()


def test_a_request_without_a_kind_is_set_aside(world: World):
    """Versions before 0.2.0 wrote those."""
    written(world, REQUEST, json.dumps({"run_id": RUN_ID, "trigger": "timer"}).encode())

    assert world.ledger.requests() == []
    assert (world.root / "unreadable" / REQUEST).exists()

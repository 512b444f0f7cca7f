"""A record reads back as it was written, and keeps what newer code has added to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.adapters.local.folder import FolderStore
from retrain.gate.decide import Verdict
from retrain.promotion.record import Promotion
from retrain.records.ledger import Conclusion
from retrain.records.measured import Scores
from retrain.records.outbox import Event, event_of
from retrain.records.request import parse_request
from retrain.records.run import Failure, Run, Step
from tests.builders import World
from tests.unit.records.examples import NOON, REQUESTS, RUN_ID, RUNS, STEPS

ADDED = {"colour": "green", "sizes": [1, None, {"x": 2.5}], "nothing": None}
undecodable = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"])
"""How Python reads the bytes of a file's name that is not valid text."""
texts = st.text(st.characters(exclude_categories=["Cs"]) | undecodable)
numbers = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_run_reads_back_as_it_was_written(run: Run):
    """Whatever its stages found, and however it ended."""
    again = Run.from_json(run.to_json())

    assert again == run
    assert again.to_json() == run.to_json()
    assert again.as_json() == json.loads(run.to_json())


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_landing_is_read_back_as_what_it_was(run: Run):
    """The three kinds share the field `file` and are told apart by the others."""
    assert type(Run.from_json(run.to_json()).landing) is type(run.landing)


@given(reason=texts, warnings=st.lists(texts), seconds=st.dictionaries(texts, numbers), score=numbers)
def test_any_text_and_any_number_read_back(
    reason: str, warnings: list[str], seconds: dict[str, float], score: float
):
    """Also the smallest and the longest, and what is not valid text."""
    naive = Scores(rmse=score)
    run = RUNS["landed"].evolve(reason=reason, warnings=tuple(warnings), seconds=seconds, seasonal_naive=naive)

    assert Run.from_json(run.to_json()) == run


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_becomes_null(number: float):
    """JSON has no such numbers."""
    run = RUNS["landed"].evolve(seasonal_naive=Scores(rmse=number, mae=1.0))

    assert Run.from_json(run.to_json()).seasonal_naive == Scores(rmse=None, mae=1.0)


def test_the_place_of_a_data_error_reads_back():
    """A person finds the cell again."""
    error = Run.from_json(RUNS["quarantined"].to_json()).error

    assert isinstance(error, Failure)
    assert error.model_extra == {
        "file": "february.csv",
        "row": 7,
        "column": "PaidAmount",
        "found": "müch\x00",
        "expected": "a number",
    }


def test_the_step_and_the_log_of_a_failed_promotion_read_back():
    """The last lines of the service."""
    error = Run.from_json(RUNS["failed at a step"].to_json()).error

    assert isinstance(error, Failure)
    assert error.model_extra == {"step": "prove", "log": ["line 1", "line 2"]}


def test_a_run_says_what_is_wrong_only_if_something_is():
    """A report that ended well has no such fields."""
    wrong = {"error", "trouble", "will_retry"}

    assert not wrong & RUNS["promoted"].as_json().keys()
    assert wrong & RUNS["failed at a step"].as_json().keys() == {"error"}
    assert wrong & RUNS["promoting with trouble"].as_json().keys() == {"trouble"}
    assert wrong & RUNS["to be made again"].as_json().keys() == {"error", "will_retry"}


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_request_is_read_back_by_its_kind(kind: str):
    """With everything that was asked for."""
    request = REQUESTS[kind]
    again = parse_request(request.to_json())

    assert type(again) is type(request)
    assert again == request


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_written_with_the_facts_that_it_has(name: str):
    """And reads back with them."""
    written = json.loads(STEPS[name].to_json())

    assert None not in written.values()
    assert Step.model_validate(written) == STEPS[name]


def promotion(document: dict[str, Any], world: World) -> dict[str, Any]:
    """Read by the code that continues it, and written by the code that notes a step."""
    world.ledger.note_promotion(RUN_ID, json.dumps(document).encode())
    with Promotion.of(RUN_ID, world.context).taking("submit", world.context) as facts:
        facts["job"] = "promote-1"
    written: dict[str, Any] = json.loads(world.ledger.promotion(RUN_ID) or b"")
    assert written["steps"].pop("submit")["job"] == "promote-1"
    assert written.pop("step") == "submit"
    return written


PROMOTION = {
    "run_id": RUN_ID,
    "reason": "It is better.",
    "artifact_sha256": "ab" * 32,
    "lineage": {"order": "(1,0,0)"},
    "over": None,
    "question": "cd",
    "version": "4",
    "submitted": "2024-03-01T12:00:00Z",
    "run": None,
}


def test_a_promotion_keeps_what_newer_code_has_added(world: World):
    """In itself and in each of its steps; an older process may continue it."""
    step = {"at": "2024-03-01T12:00:00Z", "version": "4", **ADDED}
    document = {**PROMOTION, "steps": {"register": step}, **ADDED}

    assert promotion({**document, "step": "register"}, world) == document


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_run_keeps_what_newer_code_has_added(run: Run):
    """At every level: in itself, in what each stage found, in the steps of its promotion, in its failure."""
    document = with_more(run.as_json())

    again = Run.from_json(json.dumps(document).encode()).evolve(reason=run.reason)

    assert json.loads(again.to_json()) == document


def with_more(document: dict[str, Any]) -> dict[str, Any]:
    """The same document with more fields in each record of it. Some parts are no records."""
    parts = {name: with_more(part) for name, part in document.items() if isinstance(part, dict)}
    more = {**document, **parts, **ADDED}
    for name in {"seconds", "promotion", "settings"} & more.keys():
        if more[name] is not None:
            more[name] = {key: value for key, value in more[name].items() if key not in ADDED}
    return more


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_request_keeps_what_newer_code_has_added(world: World, kind: str):
    """While it is counted how often its run was begun."""
    document = {**json.loads(REQUESTS[kind].to_json()), **ADDED}
    FolderStore(world.root).write(f"requests/{RUN_ID}.json", json.dumps(document).encode())
    (request,) = world.ledger.requests()
    world.ledger.begin(request)
    world.ledger.put_back(request)

    assert json.loads((world.root / "requests" / f"{RUN_ID}.json").read_bytes()) == {**document, "attempts": 1}


def test_an_event_keeps_what_newer_code_has_added(world: World):
    """While it is noted who has taken it."""

    class Away:
        name = "away"

        def receive(self, _event: Event, _run: Run) -> None:
            raise ConnectionError

    run = RUNS["promoted"]
    document = {**json.loads(event_of(run, NOON).to_json()), **ADDED}
    FolderStore(world.root).write(f"outbox/{RUN_ID}-1.json", json.dumps(document).encode())
    world.ledger.record(run)
    world.ledger.outbox.deliver([Away()], world.ledger.recorded)

    kept = json.loads((world.root / "outbox" / f"{RUN_ID}-1.json").read_bytes())
    assert kept == {**document, "trouble": kept["trouble"], "refusals": {"away": 1}}
    assert "ConnectionError" in kept["trouble"]


def test_a_conclusion_keeps_what_newer_code_has_added():
    """The verdict of a question."""
    document = {
        "run_id": RUN_ID,
        "verdict": Verdict.KEEP,
        "reason": "It is no better.",
        "is_capped": False,
        **ADDED,
    }

    assert json.loads(Conclusion.model_validate(document).to_json()) == document

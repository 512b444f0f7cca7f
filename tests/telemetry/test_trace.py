"""One trace: what a caller sends is believed only in its W3C form, and every run passes it on."""

from __future__ import annotations

import json
import logging

import pytest

from retrain.promotion.resume import promote_run
from retrain.records.request import Evaluate, Land, Trigger
from retrain.runs import asking
from retrain.trace import accepted, begun, span_of, trace_of, traceparent, tracing, within
from tests.builders import ONE, QUICK, World, ask

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{SPAN}-01"
RUN_ID = "20240301T120000000Z-0a1b"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (GIVEN, GIVEN),
        (f"00-{TRACE}-{SPAN}-00", GIVEN),
        (f"cc-{TRACE}-{SPAN}-09-of-a-later-version", GIVEN),
        (f"ff-{TRACE}-{SPAN}-01", ""),
        (f"00-{'0' * 32}-{SPAN}-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (GIVEN.upper(), ""),
        (f"{GIVEN}\r\nx-evil: 1", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_only_a_valid_traceparent_is_passed_on(sent: str | None, kept: str):
    """Also as a header, into which nothing else can be written."""
    assert accepted(sent) == kept


def test_a_run_passes_on_the_trace_that_asked_and_its_own_span():
    assert within(GIVEN, RUN_ID) == f"00-{TRACE}-{span_of(RUN_ID)}-01"


@pytest.mark.parametrize("damaged", ["", "nonsense", "00-1-2-3\n"])
def test_a_run_without_a_valid_trace_begins_one(damaged: str):
    """The same one in every process."""
    assert within(damaged, RUN_ID) == begun(RUN_ID) == accepted(begun(RUN_ID))


def test_outside_a_trace_there_is_none():
    assert traceparent() == ""


def test_the_first_valid_candidate_is_the_trace_until_the_context_ends():
    with tracing(None, "nonsense", GIVEN):
        with tracing(""):
            assert traceparent() == GIVEN
        assert traceparent() == GIVEN
    assert traceparent() == ""


def test_a_request_carries_the_trace_in_which_it_is_asked(world: World):
    """And its report repeats it."""
    with tracing(GIVEN):
        request = asking.ask(lambda run_id: Evaluate(run_id=run_id, trigger=Trigger.HTTP), world.context)

    assert world.context.ledger.request(request.run_id) == request
    assert request.traceparent == GIVEN
    assert world.run()["request"]["traceparent"] != GIVEN
    assert world.context.ledger.run(request.run_id).request.traceparent == GIVEN


def test_a_request_that_nothing_traces_begins_a_trace(world: World):
    request = asking.ask(lambda run_id: Land(run_id=run_id, file="one.csv"), world.context)

    assert request.traceparent == begun(request.run_id)


def test_the_service_logs_the_trace_of_the_upload_that_it_is_proven_for(
    world: World, caplog: pytest.LogCaptureFixture
):
    """Upload, run and proof are one trace."""
    caplog.set_level(logging.INFO, "scoring.request")
    with tracing(GIVEN):
        report = world.land("one.csv", ONE)

    lines = [json.loads(record.message) for record in caplog.records if record.name == "scoring.request"]
    assert report["verdict"] == "promote"
    assert {(line["route"], line["status"]) for line in lines} == {("/forecast", 200)}
    assert {(line["trace_id"], line["parent_id"]) for line in lines} == {(TRACE, span_of(report["run_id"]))}


def test_a_promotion_by_hand_stays_in_the_trace_of_its_run(world: World, caplog: pytest.LogCaptureFixture):
    with tracing(GIVEN):
        run_id = world.land("one.csv", ONE)["run_id"]
    caplog.set_level(logging.INFO, "scoring.request")

    promote_run(run_id, world.settings, world.context)

    assert {json.loads(record.message)["trace_id"] for record in caplog.records} == {TRACE}


def test_what_a_run_asks_for_stays_in_its_trace(world: World):
    """Such as the repair of a service that the timer finds dead."""
    world.overrides.update(QUICK)
    world.land("one.csv", ONE)
    world.platform.stop("daily-transactions-v1")
    with tracing(GIVEN):
        ask(Trigger.TIMER, world.context)
        world.run()

    repairs = [run for run in world.context.ledger.runs(9) if run.trigger == "service"]
    assert [trace_of(run.request.traceparent) for run in repairs] == [TRACE]

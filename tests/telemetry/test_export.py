"""Telemetry of jobs and commands, as a collector and Application Insights receive it on the loopback address."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from retrain.doors.cli import main
from retrain.errors import ServiceUnavailable
from retrain.records.request import RollBack, Trigger
from retrain.runs import asking
from retrain.runs.dispatch import work_off
from retrain.settings import parse
from retrain.telemetry.channel import LOGGER, LogLines, measure
from retrain.trace import span_of, tracing
from retrain.wiring import exporting
from tests.azure.cloud import CLIENT_ID
from tests.azure.emulator.tls import Certificate
from tests.builders import NEW_YEAR, ONE, World, ask
from tests.listening import Listener
from tests.platforms import ThreadPlatform
from tests.telemetry.collector import KEY, Collector, collecting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.records.context import Context
    from retrain.telemetry.channel import Telemetry
    from tests.azure.cloud import Cloud
    from tests.azurite import SecureAzurite

ROOT = Path(__file__).parents[2]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{SPAN}-01"
LAST_DAY = NEW_YEAR - timedelta(days=1)


def told(world: World, *channels: Telemetry) -> Context:
    """The world's context with somebody who tells of it."""
    return replace(world.context, listeners=channels)


def otlp(collector: Collector) -> Telemetry:
    return exporting(parse({"OTEL_EXPORTER_OTLP_ENDPOINT": f"{collector.url}/"}))[0]


def insights(collector: Collector) -> Telemetry:
    return exporting(parse({"APPLICATIONINSIGHTS_CONNECTION_STRING": collector.connection_string}))[0]


def land(world: World, context: Context, data: bytes = ONE) -> str:
    """A file lands in the given trace; the run's name."""
    world.put("one.csv", data)
    with tracing(GIVEN):
        request = ask(Trigger.BLOB, context, file="one.csv")
    work_off(world.settings, context)
    return request.run_id


def attributes(of: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in of["attributes"]}


@dataclass(frozen=True)
class Sent:
    """What was sent of one promotion, to both targets."""

    run_id: str
    collector: Collector
    logged: list[str]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """Made once; the tests below look at it from several sides."""
    platform, root, keeping = ThreadPlatform(), logging.getLogger(), Keeping()
    level = root.level
    root.addHandler(keeping)
    root.setLevel(logging.INFO)
    world = World(tmp_path_factory.mktemp("sent") / "store", platform=platform)
    with collecting() as collector:
        run_id = land(world, told(world, otlp(collector), insights(collector)))
        yield Sent(run_id, collector, keeping.names)
    root.setLevel(level)
    root.removeHandler(keeping)
    platform.close()


class Keeping(logging.Handler):
    """Keeps the names of the loggers that were used."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.names.append(record.name)


def test_a_run_is_one_span_below_what_asked_with_one_for_each_step(sent: Sent):
    """In the trace of the request; the span of the run is the one that its calls named as their parent."""
    whole, *steps = sent.collector.spans()

    assert {span["traceId"] for span in (whole, *steps)} == {TRACE}
    assert (whole["name"], whole["spanId"], whole["parentSpanId"]) == ("run blob", span_of(sent.run_id), SPAN)
    assert {span["parentSpanId"] for span in steps} == {whole["spanId"]}
    assert [span["name"].removeprefix("promotion ") for span in steps] == [
        *("register", "build", "deploy", "prove", "switch", "confirm", "retire")
    ]
    assert attributes(whole)["retrain.run_id"] == sent.run_id
    assert int(whole["startTimeUnixNano"]) <= int(steps[0]["startTimeUnixNano"])
    assert int(steps[-1]["endTimeUnixNano"]) <= int(whole["endTimeUnixNano"])


def test_the_log_record_is_the_line_of_the_function_app(sent: Sent):
    """So that one query reads both."""
    (record,) = sent.collector.records()
    facts = json.loads(record["body"]["stringValue"])

    assert (facts["retrain"], facts["run_id"], facts["trace_id"]) == ("run", sent.run_id, TRACE)
    assert facts["verdict"] == "promote"
    assert (record["traceId"], record["spanId"], record["severityText"]) == (TRACE, span_of(sent.run_id), "INFO")


def test_runs_are_counted_by_status_and_verdict_with_their_seconds(sent: Sent):
    """As differences, because each process tells of its own runs alone."""
    runs, duration = (sent.collector.metrics()[name] for name in ("retrain.runs", "retrain.run.duration"))
    (one,), (took,) = runs["sum"]["dataPoints"], duration["histogram"]["dataPoints"]

    assert attributes(one) == {"retrain.trigger": "blob", "retrain.status": "done", "retrain.verdict": "promote"}
    assert int(one["asInt"]) == int(took["count"]) == 1
    assert runs["sum"]["aggregationTemporality"] == duration["histogram"]["aggregationTemporality"] == 1


def test_application_insights_gets_the_same_in_one_operation(sent: Sent):
    """A request with its dependencies, a message, and metrics."""
    envelopes = sent.collector.envelopes
    (request,), (message,) = envelopes("RequestData"), envelopes("MessageData")
    steps = envelopes("RemoteDependencyData")

    assert {one["tags"]["ai.operation.id"] for one in (request, message, *steps)} == {TRACE}
    assert request["tags"]["ai.operation.parentId"] == SPAN
    assert {one["tags"]["ai.operation.parentId"] for one in steps} == {span_of(sent.run_id)}
    assert json.loads(message["data"]["baseData"]["message"])["run_id"] == sent.run_id
    assert {one["iKey"] for one in (request, message)} == {KEY}
    names = {one["data"]["baseData"]["metrics"][0]["name"] for one in envelopes("MetricData")}
    assert names == {"retrain.runs", "retrain.run.duration"}


def test_the_exporters_log_nothing_of_their_own(sent: Sent):
    """What is not accepted is told by `retrain events`, and not on the terminal."""
    assert not [name for name in sent.logged if name.startswith(("azure", "opentelemetry", "urllib3"))]


def test_a_failed_run_is_an_error_with_its_reason(world: World, collector: Collector):
    land(world, told(world, otlp(collector)), b"%PDF-1.7")

    (span,), (record,) = collector.spans(), collector.records()
    assert (span["status"]["code"], record["severityText"]) == (2, "ERROR")
    assert span["status"]["message"] == json.loads(record["body"]["stringValue"])["reason"] != ""


def test_queue_services_and_data_are_measured(serving: World, collector: Collector):
    """What waits, what should answer, and what does."""
    context = told(serving, otlp(collector))
    ask(Trigger.TIMER, context)

    measure(context)

    found = {name: metric["gauge"]["dataPoints"][0] for name, metric in collector.metrics().items()}
    assert {name: int(found[name]["asInt"]) for name in found if "asInt" in found[name]} == {
        "retrain.requests": 1,
        "retrain.services": 1,
        "retrain.services.answering": 1,
        "retrain.data.age": (serving.clock().date() - LAST_DAY).days,
    }
    assert found["retrain.requests.trouble"]["asDouble"] == 0.0
    assert found["retrain.requests.oldest"]["asDouble"] >= 0.0


def test_a_service_that_does_not_answer_is_not_counted_as_answering(serving: World, collector: Collector):
    serving.platform.stop("daily-transactions-v1")

    measure(told(serving, otlp(collector)))

    (record,) = collector.records()
    state = json.loads(record["body"]["stringValue"])
    assert (state["services"], state["services_answering"], state["champion_answers"]) == (1, 0, False)
    assert record["severityText"] == "WARN"


def test_telemetry_that_is_refused_is_tried_again_and_then_set_aside(
    world: World, collector: Collector, caplog: pytest.LogCaptureFixture
):
    """The run is as it is, the next ones are told, and the terminal is left alone."""
    context = told(world, otlp(collector))
    collector.refuses = True
    run_id = land(world, context)
    for _ in range(4):
        work_off(world.settings, context)
    collector.refuses = False
    asking.ask(lambda name: RollBack(run_id=name), context)
    work_off(world.settings, context)

    assert world.ledger.run(run_id).status == "done"
    assert [event.run_id for event in world.ledger.outbox.undelivered()] == [run_id]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in world.ledger.outbox.undelivered()[0].trouble
    assert [attributes(span)["retrain.trigger"] for span in collector.spans()] == ["rollback"]
    assert not [record for record in caplog.records if record.name.startswith(("azure", "opentelemetry"))]


def test_who_signs_in_to_the_storage_signs_in_to_application_insights(cloud: Cloud, vault: SecureAzurite):
    """By the same identity, for which the resource need not accept its own key."""
    with collecting(Certificate(vault.certificate, vault.certificate_key)) as collector:
        cloud.overrides["APPLICATIONINSIGHTS_CONNECTION_STRING"] = collector.connection_string
        measure(replace(cloud.context, listeners=exporting(cloud.settings)))

    (sent,) = collector.authorizations
    claims = jwt.decode(sent.removeprefix("Bearer "), options={"verify_signature": False})
    assert (claims["aud"], claims["appid"]) == ("https://monitor.azure.com/", CLIENT_ID)
    assert [one["data"]["baseType"] for one in collector.envelopes("MessageData")] == ["MessageData"]


@pytest.mark.parametrize("setting", ["nonsense", "InstrumentationKey=1"])
def test_a_connection_string_that_is_wrong_ends_no_run(world: World, setting: str):
    """`retrain events` names the setting."""
    context = told(world, *exporting(parse({"APPLICATIONINSIGHTS_CONNECTION_STRING": setting})))
    run_id = land(world, context)

    assert world.ledger.run(run_id).status == "done"
    assert "APPLICATIONINSIGHTS_CONNECTION_STRING" in world.ledger.outbox.waiting()[0].trouble


def test_a_job_is_told_where_to_send_telemetry():
    """By the environment that it is given."""
    sent = {"APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={KEY}"}

    assert parse(sent).as_environment == sent


def test_a_tick_on_the_command_line_sends_its_run_and_the_state(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)

    assert main(["tick", "--root", str(tmp_path / "store")]) == 0

    told = [json.loads(record["body"]["stringValue"]) for record in collector.records()]
    assert [(one["retrain"], one.get("verdict"), one.get("requests")) for one in told] == [
        ("run", "waiting", None),
        ("state", None, 0),
    ]


def test_a_dry_run_on_the_command_line_tells_nothing(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It leaves no trace anywhere."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)

    assert main(["run", "--dry-run", "--root", str(tmp_path / "store")]) == 0

    assert collector.took == []


def test_a_run_is_told_once_although_another_listener_keeps_its_event(
    world: World, collector: Collector, caplog: pytest.LogCaptureFixture
):
    """The app has logged it; a job that delivers what is left does not send it again."""
    caplog.set_level(logging.INFO)
    catalogue = Listener("catalogue", away=ServiceUnavailable("the catalogue is away"))
    run_id = land(world, replace(world.context, listeners=(catalogue, LogLines())))
    catalogue.away = None
    work_off(world.settings, replace(world.context, listeners=(catalogue, otlp(collector))))

    lines = [record.message for record in caplog.records if record.name == LOGGER]
    assert [json.loads(line)["run_id"] for line in lines] == [run_id]
    assert [event for event, _ in catalogue.told] == [f"{run_id}-1"]
    assert collector.records() == []

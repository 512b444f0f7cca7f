"""The records as OpenTelemetry knows them: spans of a run and its steps, a log record, and metrics.

They are made from what is stored, when a run has ended: nothing is instrumented, and every process makes the same
spans of a run, with the same ids.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from retrain import __version__
from retrain.records.request import asked_at
from retrain.telemetry.facts import traceparent_of
from retrain.trace import parent_of, span_of, trace_of

if TYPE_CHECKING:
    from datetime import datetime

    from retrain.records.outbox import Event
    from retrain.records.run import Run
    from retrain.telemetry.facts import Facts

NANOSECONDS = 1_000_000_000
SCOPE = InstrumentationScope("retrain", __version__)
SECONDS_BOUNDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
NOT_OF_A_SPAN = ("retrain", "trace_id")
OF_A_RUN = ("trigger", "status", "verdict")
OF_A_STATE = {
    "requests": ("retrain.requests", "{request}", "requests that wait"),
    "oldest_request_seconds": ("retrain.requests.oldest", "s", "age of the oldest request"),
    "trouble_seconds": ("retrain.requests.trouble", "s", "age of the request that is in trouble"),
    "services": ("retrain.services", "{service}", "services that should run"),
    "services_answering": ("retrain.services.answering", "{service}", "services that answer"),
    "data_age_days": ("retrain.data.age", "d", "age of the newest day"),
}
SEVERITIES = {20: SeverityNumber.INFO, 30: SeverityNumber.WARN, 40: SeverityNumber.ERROR}


@cache
def resource() -> Resource:
    """Of this process; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES are added to it."""
    return Resource.create({"service.name": "retrain", "service.version": __version__})


def spans(event: Event, run: Run, facts: Facts) -> list[ReadableSpan]:
    """The run's span below the one that asked for it, and one for each step of its promotion."""
    asked = traceparent_of(run)
    own, parent = _context(asked, span_of(run.run_id)), _context(asked, parent_of(asked))
    ended = nanoseconds(event.at)
    began = min(nanoseconds(asked_at(run.run_id) or event.at), ended)
    failed = run.error is not None
    whole = _span(
        f"run {run.trigger}",
        own,
        parent if parent.span_id != own.span_id else None,
        (began, ended),
        {
            f"retrain.{name}": value
            for name, value in facts.items()
            if value is not None and name not in NOT_OF_A_SPAN
        },
        Status(StatusCode.ERROR, run.reason) if failed else Status(StatusCode.OK),
        SpanKind.CONSUMER,
    )
    steps, before = [], None
    for name, step in sorted((run.promotion or {}).items(), key=lambda item: item[1].at):
        at = nanoseconds(step.at)
        status = Status(StatusCode.ERROR, step.failed) if step.failed else Status(StatusCode.OK)
        span = _context(asked, span_of(f"{run.run_id} {name}"))
        steps.append(_span(f"promotion {name}", span, own, (min(before or at, at), at), {}, status))
        before = at
    return [whole, *steps]


def log_record(line: str, level: int, at: datetime, run: Run | None = None) -> ReadableLogRecord:
    """A record as the same line of JSON as in the log of a Function App, in the trace of its run."""
    context = None
    if run is not None:
        own = _context(traceparent_of(run), span_of(run.run_id))
        context = set_span_in_context(NonRecordingSpan(own))
    severity = SEVERITIES[level]
    record = LogRecord(
        timestamp=nanoseconds(at),
        observed_timestamp=nanoseconds(at),
        context=context,
        severity_text=severity.name,
        severity_number=severity,
        body=line,
        attributes={},
    )
    return ReadableLogRecord(record, resource(), SCOPE)


def run_metrics(facts: Facts, at: datetime) -> MetricsData:
    """One run more, by trigger, status and verdict, and how long it took."""
    now = nanoseconds(at)
    attributes = {f"retrain.{name}": str(facts[name] or "none") for name in OF_A_RUN}
    seconds = float(facts["seconds"] or 0.0)
    below = next((place for place, bound in enumerate(SECONDS_BOUNDS) if seconds <= bound), len(SECONDS_BOUNDS))
    counts = [int(place == below) for place in range(len(SECONDS_BOUNDS) + 1)]
    one = NumberDataPoint(attributes, now, now, 1)
    took = HistogramDataPoint(attributes, now, now, 1, seconds, counts, SECONDS_BOUNDS, seconds, seconds)
    delta = AggregationTemporality.DELTA  # each process tells of its own runs alone
    return _metrics(
        Metric("retrain.runs", "runs that have ended", "{run}", Sum([one], delta, is_monotonic=True)),
        Metric("retrain.run.duration", "time that a run has worked", "s", Histogram([took], delta)),
    )


def state_metrics(state: Facts, at: datetime) -> MetricsData:
    """What of a state is a number that is known."""
    now = nanoseconds(at)
    return _metrics(
        *(
            Metric(name, description, unit, Gauge([NumberDataPoint({}, now, now, value)]))
            for field, (name, unit, description) in OF_A_STATE.items()
            if isinstance(value := state[field], int | float)
        )
    )


def nanoseconds(at: datetime) -> int:
    """Since 1970."""
    return int(at.timestamp() * NANOSECONDS)


def _context(traceparent: str, span: str) -> SpanContext:
    return SpanContext(int(trace_of(traceparent), 16), int(span, 16), is_remote=False, trace_flags=TraceFlags(1))


def _span(
    name: str,
    context: SpanContext,
    parent: SpanContext | None,
    times: tuple[int, int],
    attributes: dict[str, Any],
    status: Status,
    kind: SpanKind = SpanKind.INTERNAL,
) -> ReadableSpan:
    return ReadableSpan(
        name,
        context,
        parent,
        resource(),
        attributes,
        kind=kind,
        status=status,
        start_time=times[0],
        end_time=times[1],
        instrumentation_scope=SCOPE,
    )


def _metrics(*metrics: Metric) -> MetricsData:
    return MetricsData([ResourceMetrics(resource(), [ScopeMetrics(SCOPE, metrics, "")], "")])

"""Sends the records by OpenTelemetry, from a job or a command; a Function App has its host for that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from retrain.errors import ServiceError
from retrain.telemetry.channel import Telemetry, as_line, level_of, level_of_state
from retrain.telemetry.facts import run_facts
from retrain.telemetry.quiet import silence_exporters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

    from retrain.records.outbox import Event
    from retrain.records.run import Run
    from retrain.telemetry.facts import Facts

type Exporters = tuple[SpanExporter, LogRecordExporter, MetricExporter]
SUCCESS = "SUCCESS"


@dataclass(frozen=True)
class Target:
    """Where telemetry goes.

    Attributes:
        setting: the name of the setting that says where.
        connect: makes the exporters, which imports them.
    """

    setting: str
    connect: Callable[[], Exporters]

    @cached_property
    def _exporters(self) -> Exporters:
        silence_exporters()
        return self.connect()

    def send(self, spans: Sequence[Any], record: Any, metrics: Any) -> None:
        """Send all of it. Raises: ServiceError if any of it is not accepted in time."""
        try:
            of_spans, of_records, of_metrics = self._exporters
            results = [of_records.export([record]), of_metrics.export(metrics)]
            results += [of_spans.export(spans)] if spans else []
        except Exception as error:  # the door of the exporters: no run and no command fails with them
            reason = f"{type(error).__name__}: {error}"
            raise ServiceError(f"no telemetry can be sent to what {self.setting} names: {reason}") from error
        if any(result.name != SUCCESS for result in results):
            raise ServiceError(
                f"what {self.setting} names has not accepted telemetry; check its address and its roles"
            )


class Exporting(Telemetry):
    """Sends each record to every target, as spans, a log record and metrics.

    One that is not accepted counts as refused: the outbox brings it a few times, then sets it aside, because the
    next ones must not wait for it.
    """

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets

    def receive(self, event: Event, run: Run) -> None:
        """See Listener."""
        from retrain.telemetry import signals

        facts = run_facts(event, run)
        record = signals.log_record(as_line(facts), level_of(event), event.at, run)
        spans, metrics = signals.spans(event, run, facts), signals.run_metrics(facts, event.at)
        self._send(spans, record, metrics)

    def measure(self, state: Facts) -> None:
        """See Telemetry."""
        from retrain.telemetry import signals

        now = datetime.now(UTC)
        record = signals.log_record(as_line(state), level_of_state(state), now)
        self._send([], record, signals.state_metrics(state, now))

    def _send(self, spans: Sequence[Any], record: Any, metrics: Any) -> None:
        failed = []
        for target in self._targets:
            try:
                target.send(spans, record, metrics)
            except ServiceError as error:
                failed.append(str(error))
        if failed:
            raise ServiceError("; ".join(failed))

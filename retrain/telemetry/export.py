"""Sends the records by OpenTelemetry, from a job or a command; a Function App has its host for that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from retrain.errors import ServiceError
from retrain.telemetry.channel import Telemetry, as_line, level_of, level_of_state
from retrain.telemetry.facts import run_facts
from retrain.telemetry.quiet import silence_exporters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

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
        connect: imports and makes the exporters.
    """

    setting: str
    connect: Callable[[], AbstractContextManager[Exporters]]

    def send(self, spans: Sequence[Any], record: Any, metrics: Any) -> None:
        """Send the record, then the rest. Raises: ServiceError as soon as something is not accepted in time."""
        silence_exporters()
        try:
            with self.connect() as (of_spans, of_records, of_metrics):
                is_accepted = (
                    of_records.export([record]).name == SUCCESS
                    and of_metrics.export(metrics).name == SUCCESS
                    and (not spans or of_spans.export(spans).name == SUCCESS)
                )
        except Exception as error:  # the door of the exporters: no run and no command fails with them
            reason = f"{type(error).__name__}: {error}"
            raise ServiceError(f"no telemetry can be sent to what {self.setting} names: {reason}") from error
        if not is_accepted:
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

"""Exporters to an OpenTelemetry collector: OTLP over HTTP in JSON, which needs no protobuf."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

TIMEOUT_SECONDS = 5.0  # of all attempts together


@contextmanager
def exporters(endpoint: str) -> Iterator[tuple[SpanExporter, LogRecordExporter, MetricExporter]]:
    """Of spans, log records and metrics; their connections end with the context.

    Headers and certificates are read from OTEL_EXPORTER_OTLP_*.

    Args: endpoint: without the path of a signal.
    """
    from opentelemetry.exporter.otlp.json.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.json.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter

    base = endpoint.rstrip("/")
    made = (
        OTLPSpanExporter(f"{base}/v1/traces", timeout=TIMEOUT_SECONDS),
        OTLPLogExporter(f"{base}/v1/logs", timeout=TIMEOUT_SECONDS),
        OTLPMetricExporter(f"{base}/v1/metrics", timeout=TIMEOUT_SECONDS),
    )
    try:
        yield made
    finally:
        for exporter in made:
            exporter.shutdown()

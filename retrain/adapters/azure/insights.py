"""Exporters to Application Insights."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.core.credentials import TokenCredential
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

TIMEOUT_SECONDS = 5.0  # of one attempt
RETRIES = 1
OF_ITS_OWN = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
)
"""Turn off what the library would report about itself to Microsoft, and would fetch as its configuration."""


@contextmanager
def exporters(
    connection: str, credential: TokenCredential | None
) -> Iterator[tuple[SpanExporter, LogRecordExporter, MetricExporter]]:
    """Of spans, log records and metrics; their connections end with the context.

    What cannot be sent is kept by the outbox, not in files.

    Args: credential: whose identity needs the role Monitoring Metrics Publisher; None to send by the connection
        string alone.
    """
    for name in OF_ITS_OWN:
        os.environ.setdefault(name, "true")
    from azure.monitor.opentelemetry.exporter import (
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    options: dict[str, Any] = {
        "connection_string": connection,
        "disable_offline_storage": True,
        "timeout": TIMEOUT_SECONDS,
        "retry_total": RETRIES,
    }
    if credential is not None:
        options["credential"] = credential
    made = (
        AzureMonitorTraceExporter(**options),
        AzureMonitorLogExporter(**options),
        AzureMonitorMetricExporter(**options),
    )
    try:
        yield made
    finally:
        for exporter in made:
            exporter.client.close()

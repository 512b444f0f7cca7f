"""Where a process outside the Function App sends its telemetry."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from retrain.settings.setting import Group, Optional, setting


class TelemetrySettings(Group):
    """Both names are those of their standards; in a Function App the host reads the first one itself.

    A connection string of Application Insights holds no secret: with it alone nobody reads anything.
    """

    insights: Optional[str] = setting(
        None,
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "connection string of Application Insights, to which jobs and the command line send telemetry",
    )
    otlp: Optional[Annotated[str, Field(pattern=r"^https?://[^\s?#@]+$")]] = setting(
        None,
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "base address of an OpenTelemetry collector (OTLP over HTTP, JSON), to which they send it as well",
        unit="URL",
    )

"""Probes of a container: what the body asks for, sent to the port where it really listens."""

from __future__ import annotations

import http.client
import re
import shlex
import ssl
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tests.azure.emulator.web import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.azure.emulator.services import Launch


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe, with the defaults of the service."""

    kind: str
    path: str = "/"
    scheme: str = "http"
    headers: tuple[tuple[str, str], ...] = ()
    command: tuple[str, ...] = ()
    initial_delay: float = 0
    period: float = 10
    timeout: float = 1
    failures: int = 3

    @classmethod
    def of(cls, kind: str, body: Mapping[str, Any]) -> Self:
        """Read a `livenessProbe` or a `readinessProbe`."""
        get = body.get("httpGet") or {}
        return cls(
            kind,
            path=get.get("path") or "/",
            scheme=(get.get("scheme") or "http").lower(),
            headers=tuple((header["name"], header["value"]) for header in get.get("httpHeaders") or []),
            command=tuple((body.get("exec") or {}).get("command") or []),
            initial_delay=body.get("initialDelaySeconds") or 0,
            period=body.get("periodSeconds") or 10,
            timeout=body.get("timeoutSeconds") or 1,
            failures=body.get("failureThreshold") or 3,
        )

    def miss(self, launch: Launch) -> str | None:
        """Why the container does not pass; None if it does."""
        return self._command_miss(launch) if self.command else self._http_miss(launch.port)

    def _http_miss(self, port: int) -> str | None:
        connection = self._connection(port)
        try:
            connection.request("GET", self.path, headers=dict(self.headers))
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as exc:
            return f"{self.kind} probe failed: Get {self.scheme}://{HOST}{self.path}: {exc}"
        finally:
            connection.close()
        return None if 200 <= status < 400 else f"{self.kind} probe failed: HTTP status code {status}"

    def _connection(self, port: int) -> http.client.HTTPConnection:
        if self.scheme != "https":
            return http.client.HTTPConnection(HOST, port, timeout=self.timeout)
        # Probes do not verify: the certificate names the public host.
        context = ssl._create_unverified_context()  # noqa: S323
        return http.client.HTTPSConnection(HOST, port, timeout=self.timeout, context=context)

    def _command_miss(self, launch: Launch) -> str | None:
        command = [sys.executable if part == "python" else part for part in self.command]
        try:
            subprocess.run(
                command,
                cwd=launch.app,
                env=launch.variables,
                timeout=self.timeout,
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.SubprocessError) as exc:
            return f"{self.kind} probe failed: {shlex.join(self.command)}: {exc}"
        return None


def probes_of(properties: Mapping[str, Any]) -> tuple[Probe, ...]:
    """The probes of a container's properties."""
    kinds = {"Liveness": "livenessProbe", "Readiness": "readinessProbe"}
    return tuple(Probe.of(kind, properties[key]) for kind, key in kinds.items() if properties.get(key))


def probes_of_deployment(properties: Mapping[str, Any], inference: Mapping[str, Any]) -> tuple[Probe, ...]:
    """The probes of an online deployment: the routes are the environment's, the rhythm is its own."""
    found = []
    for kind, key, route in (
        ("Liveness", "livenessProbe", "livenessRoute"),
        ("Readiness", "readinessProbe", "readinessRoute"),
    ):
        if not inference.get(route):
            continue
        asked = properties.get(key) or {}
        rhythm = {
            "initialDelaySeconds": seconds_of(asked.get("initialDelay") or "PT10S"),
            "periodSeconds": seconds_of(asked.get("period") or "PT10S"),
            "timeoutSeconds": seconds_of(asked.get("timeout") or "PT2S"),
            "failureThreshold": asked.get("failureThreshold") or 30,
        }
        found.append(Probe.of(kind, {"httpGet": {"path": inference[route].get("path")}, **rhythm}))
    return tuple(found)


def seconds_of(duration: str) -> float:
    """The seconds of an ISO 8601 duration such as PT1M30S."""
    factors = {"H": 3600, "M": 60, "S": 1}
    return sum(float(amount) * factors[unit] for amount, unit in re.findall(r"([\d.]+)([HMS])", duration))

"""Proof that a service answers as its version: ready in time, and with the artifact's own forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrain.errors import ServiceError, ServiceUnavailable
from retrain.poll import poll
from retrain.promotion.client import ask

if TYPE_CHECKING:
    from retrain.ports import Platform, Service
    from scoring.model import ForecastModel

PROOF_DAYS = 14
PROOF_LEVEL = 80
TOLERANCE = 1e-9  # relative; the service may run on another processor
SHORTEST_ANSWER_SECONDS = 0.1  # so that the last question before the deadline can be answered


def wait_until_ready(service: Service, platform: Platform, limit_seconds: float) -> None:
    """Return as soon as the service says that it is ready.

    Raises: ServiceError if it dies, does not get ready in time, or is another version.
    """
    for left in poll(limit_seconds):
        try:
            ready = ask(service, "/readyz", answer_seconds=max(left, SHORTEST_ANSWER_SECONDS))
        except ServiceUnavailable as exc:
            if not platform.is_running(service.name):
                raise ServiceError(f"service {service.name} ended before it was ready") from exc
            continue
        if ready.get("version") != service.version:
            raise ServiceError(f"service {service.name} is version {ready.get('version')}, not {service.version}")
        return
    raise ServiceError(f"service {service.name} was not ready within {limit_seconds:g} s")


def prove(service: Service, model: ForecastModel, answer_seconds: float | None = None) -> None:
    """Ask for a real forecast and compare it with the artifact's own.

    Raises: ServiceError if it does not answer, or answers anything else.
    """
    answer = ask(service, "/forecast", {"horizon_days": PROOF_DAYS, "levels": [PROOF_LEVEL]}, answer_seconds)
    expected = model.forecast(PROOF_DAYS)
    lower, upper = expected.interval(PROOF_LEVEL)
    try:
        rows = answer["forecast"]
        days = tuple(row["date"] for row in rows)
        bounds = [row["intervals"][0] for row in rows]
        found = [[row["mean"] for row in rows], [one["lower"] for one in bounds], [one["upper"] for one in bounds]]
        same = np.allclose(np.array(found, dtype=np.float64), [expected.mean, lower, upper], rtol=TOLERANCE, atol=0)
    except (KeyError, TypeError, ValueError, IndexError) as exc:
        raise ServiceError(f"service {service.name} does not answer with a forecast") from exc
    if not same or days != tuple(day.isoformat() for day in expected.days):
        raise ServiceError(f"service {service.name} forecasts other numbers than its artifact")


def confirm(service: Service, model: ForecastModel, platform: Platform, seconds: float) -> None:
    """Prove the service again and again for so many seconds, at least once: it may die of its first real requests.

    Raises: ServiceError as soon as it fails once.
    """
    for _ in poll(seconds):
        if not platform.is_running(service.name):
            raise ServiceError(f"service {service.name} ended right after the switch")
        prove(service, model)

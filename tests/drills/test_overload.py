"""A service under hostile load, a process of its own: it answers its probes, and keeps its memory and its log."""

from __future__ import annotations

import http.client
import json
import statistics
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from benchmarks.overload import (
    HEADS,
    KEY,
    attacked,
    costliest_body,
    costliest_service,
    cpu_of,
    health_seconds,
    post,
)
from retrain.poll import poll
from scoring.log import BYTES_A_MINUTE
from tests.drills.table import tell

if TYPE_CHECKING:
    from pathlib import Path

HEALTH_SECONDS = 1.0  # ten times what is promised, for a machine that has other work
CPU_SECONDS = 0.2
LOOKS, TIMES = 100, 20
GROWTH_MB = 150  # heads, bodies and answers that are under way
PATIENCE_SECONDS = 300
REQUESTS, WARM_UP, STEPS = 100_000, 10_000, 10
BYTES_A_REQUEST = 20


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_service_that_is_attacked_answers_its_probes(tmp_path: Path):
    """While heads are held, the costliest forecasts are asked for and garbage comes; then it is as before."""
    with costliest_service(tmp_path) as service:
        before = service.resident
        with attacked(service):
            looks = health_seconds(service.port, LOOKS)
            held, grown = service.connections, service.resident - before
        freed = any(service.connections == 0 for _ in poll(PATIENCE_SECONDS, 0.5))
        logged = service.log.stat().st_size

        late = sum(seconds > HEALTH_SECONDS for seconds in looks)
        tell("hostile requests", "service", "looks at /healthz under load", LOOKS, int(late > LOOKS // 20))
        assert statistics.median(looks) < HEALTH_SECONDS
        assert late <= LOOKS // 20, sorted(looks)
        assert held > HEADS // 2
        assert grown < GROWTH_MB
        assert freed
        assert logged < (PATIENCE_SECONDS // 60 + 1) * BYTES_A_MINUTE


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("every", [1, 2, 3.66])
def test_the_costliest_forecast_costs_little(tmp_path: Path, every: float):
    """However far apart its thousand observations are."""
    with costliest_service(tmp_path) as service:
        cpu = cpu_of(service, costliest_body(service.origin, every), TIMES)

    tell("hostile requests", "service", "costliest forecasts", TIMES, int(cpu > CPU_SECONDS))
    assert cpu < CPU_SECONDS


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_requests_leave_nothing_behind(tmp_path: Path):
    """Forecasts, refusals and probes; the resident memory is flat."""
    with (
        costliest_service(tmp_path) as service,
        closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)) as connection,
    ):
        days = [{"date": f"{service.origin.year + 1}-12-{day:02}", "amount": 100.0} for day in range(1, 8)]
        good = json.dumps({"horizon_days": 7, "observations": days}).encode()
        wrong = 0

        def ask(count: int) -> None:
            nonlocal wrong
            for at in range(count):
                kind = at % 4
                if kind == 3:
                    connection.request("GET", "/metrics", headers={"x-api-key": KEY})
                    wrong += connection.getresponse().read()[:6] != b"# HELP"
                else:
                    body, expected = ((good, 200), (b"{", 422), (b'{"horizon_days": 7}', 200))[kind]
                    wrong += post(connection, body) != expected

        ask(WARM_UP)
        memory = [service.resident]
        for _ in range(STEPS):
            ask((REQUESTS - WARM_UP) // STEPS)
            memory.append(service.resident)

    tell("hostile requests", "service", "requests in a row to one service", REQUESTS, wrong)
    assert wrong == 0
    grown = (statistics.median(memory[-3:]) - statistics.median(memory[:3])) * 1e6
    assert grown < BYTES_A_REQUEST * (REQUESTS - WARM_UP), memory

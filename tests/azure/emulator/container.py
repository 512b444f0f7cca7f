"""One container: started, probed, restarted when it ends, and held back when it keeps ending."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.azure.emulator import services
from tests.azure.emulator.documents import moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.azure.emulator.probes import Probe
    from tests.azure.emulator.services import Launch, Service

LOOK_SECONDS = 0.05
# After so many restarts the service waits before the next.
QUICK_RESTARTS = 2
BACK_OFF_SECONDS = 5


@dataclass(slots=True)
class _Watch:
    probe: Probe
    next_at: float = 0
    misses: int = 0


@dataclass(slots=True)
class _Status:
    restarts: int = 0
    current: dict[str, Any] = field(default_factory=lambda: {"state": "Waiting", "detailStatus": "Creating"})
    previous: dict[str, Any] | None = None
    events: list[dict[str, Any]] = field(default_factory=list)


class Container:
    """A launch that is kept running by a thread of its own."""

    def __init__(
        self, launch: Launch, probes: tuple[Probe, ...], restart_policy: str, note: Callable[[str], None]
    ) -> None:
        self.launch, self._restart_policy, self._note = launch, restart_policy, note
        self._watches = [_Watch(probe) for probe in probes]
        self._status, self._lock = _Status(), threading.RLock()
        self._service: Service | None = None
        self._retry_at: float | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._supervise, daemon=True)

    def start(self) -> None:
        """Lay it out, start it and watch it."""
        self.launch.lay_out()
        self._event("Pulled", f"Successfully pulled image {self.launch.image.name}")
        self._start_service()
        self._thread.start()

    def stop(self) -> None:
        """End it for good."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._service is not None and self._service.exit_code is None:
            self._service.stop()
        self._note(f"container {self.launch.name} removed")

    @property
    def alive(self) -> bool:
        """Whether its process or thread runs."""
        service = self._service
        return service is not None and service.exit_code is None

    @property
    def state(self) -> str:
        """Running, Pending, Failed or Succeeded."""
        current = self.view()["currentState"]
        if current["state"] == "Terminated":
            return "Failed" if current.get("exitCode") else "Succeeded"
        return "Running" if current["state"] == "Running" else "Pending"

    def view(self) -> dict[str, Any]:
        """The instance view."""
        with self._lock:
            status = self._status
            seen: dict[str, Any] = {
                "restartCount": status.restarts,
                "currentState": dict(status.current),
                "events": [dict(event) for event in status.events],
            }
            return {**seen, "previousState": dict(status.previous)} if status.previous else seen

    def log(self, lines: int | None = None) -> str:
        """What it wrote."""
        return services.tail(self.launch.log, lines)

    def _supervise(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            if self._retry_at is not None:
                if time.monotonic() >= self._retry_at:
                    self._restart()
            elif self._service is not None:
                code = self._service.exit_code
                self._look() if code is None else self._ended(code)

    def _look(self) -> None:
        for watch in self._watches:
            if time.monotonic() < watch.next_at:
                continue
            miss = watch.probe.miss(self.launch)
            watch.next_at = time.monotonic() + watch.probe.period
            watch.misses = watch.misses + 1 if miss else 0
            if miss:
                self._event("Unhealthy", miss, "Warning")
            if watch.probe.kind == "Liveness" and watch.misses >= watch.probe.failures:
                self._kill()
                return

    def _kill(self) -> None:
        self._event("Killing", f"Killing container with id {self.launch.name}: it failed its liveness probe")
        if self._service is not None:
            self._service.stop()
            self._ended(self._service.exit_code or 0)

    def _ended(self, code: int) -> None:
        status = "Completed" if code == 0 else "Error"
        ended = {"state": "Terminated", "detailStatus": status, "exitCode": code, "finishTime": moment()}
        with self._lock:
            started = self._status.current.get("startTime")
            self._status.previous = self._status.current = {**ended, "startTime": started}
        self._note(f"container {self.launch.name} ended with exit code {code}")
        if self._restart_policy == "Never" or (self._restart_policy == "OnFailure" and code == 0):
            self._service, self._retry_at = None, None
        elif self._status.restarts < QUICK_RESTARTS:
            self._restart()
        else:
            with self._lock:
                self._status.current = {"state": "Waiting", "detailStatus": "CrashLoopBackOff"}
            self._event("BackOff", "Back-off restarting failed container", "Warning")
            self._retry_at = time.monotonic() + BACK_OFF_SECONDS

    def _restart(self) -> None:
        self._retry_at = None
        with self._lock:
            self._status.restarts += 1
        self._start_service()

    def _start_service(self) -> None:
        self._service = services.start(self.launch)
        for watch in self._watches:
            watch.misses, watch.next_at = 0, time.monotonic() + watch.probe.initial_delay
        with self._lock:
            self._status.current = {"state": "Running", "detailStatus": "", "startTime": moment()}
        self._event("Started", "Started container")
        where = f"pid {self._service.pid}, port {self.launch.port}"
        self._note(f"container {self.launch.name} started: {where}, restarts {self._status.restarts}")

    def _event(self, name: str, message: str, kind: str = "Normal") -> None:
        now = moment()
        with self._lock:
            last = self._status.events[-1] if self._status.events else {}
            if (last.get("name"), last.get("message")) == (name, message):
                last.update(count=last["count"] + 1, lastTimestamp=now)
                return
            facts = {"name": name, "message": message, "type": kind}
            self._status.events.append({**facts, "count": 1, "firstTimestamp": now, "lastTimestamp": now})
        if kind == "Warning" or name == "Killing":
            self._note(f"container {self.launch.name}: {name}: {message}")

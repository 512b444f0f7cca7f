"""What happened and when: every call of a client, and every piece of work that a call has started."""

from __future__ import annotations

import copy
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

MASK = "***"
SECRETS = {"secureValue", "secret", "primaryKey", "secondaryKey", "endpointUrl", "secrets"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a client; `note` is the error code of the answer."""

    at: float
    seconds: float
    method: str
    path: str
    api_version: str
    body: Any = field(repr=False)
    status: int
    note: str = ""

    def __str__(self) -> str:
        sent = "" if self.body is None else f" {json.dumps(masked(self.body))}"
        return f"{self.line}{sent}"

    @property
    def line(self) -> str:
        """One line without the body."""
        short = self.path.partition("/providers/")[2] or self.path
        facts = f"{self.at:8.3f}s {self.seconds * 1000:7.1f}ms {self.method:6} {short}"
        return f"{facts} {self.api_version} {self.status} {self.note}".rstrip()


@dataclass(frozen=True, slots=True)
class Note:
    """One line on work that was done."""

    at: float
    text: str

    @property
    def line(self) -> str:
        """As it is read."""
        return f"{self.at:8.3f}s           * {self.text}"


class Timeline:
    """Calls and notes in order."""

    def __init__(self) -> None:
        self._start, self._lock = time.monotonic(), threading.Lock()
        self.calls: list[Call] = []
        self._events: list[Call | Note] = []

    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def add(self, call: Call) -> None:
        """Keep a call."""
        with self._lock:
            self.calls.append(call)
            self._events.append(call)

    def note(self, text: str) -> None:
        """Keep a line on something that was done."""
        with self._lock:
            self._events.append(Note(self.now(), text))

    def lines(self) -> list[str]:
        """Everything, in the order in which it began."""
        with self._lock:
            return [event.line for event in sorted(self._events, key=lambda event: event.at)]

    def write(self, path: Path) -> None:
        """Everything, for people."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self.lines()) + "\n")


def masked(body: Any) -> Any:
    """A body that may be shown: secrets are stars."""
    if isinstance(body, dict):
        return {key: _masked(value) if key in SECRETS else masked(value) for key, value in body.items()}
    return [masked(value) for value in body] if isinstance(body, list) else copy.copy(body)


def _masked(value: Any) -> Any:
    if isinstance(value, list):  # of a container app, by name
        return [{**one, "value": MASK} for one in value]
    return dict.fromkeys(value, MASK) if isinstance(value, dict) else MASK

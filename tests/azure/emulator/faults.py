"""Faults on request: calls that fail, connections that break, operations that end badly."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.azure.emulator.routes import ArmError
from tests.azure.emulator.web import Dropped

if TYPE_CHECKING:
    from tests.azure.emulator.web import Request

Ending = Literal["Failed", "Canceled"]


@dataclass(slots=True)
class _Fault:
    method: str
    pattern: re.Pattern[str]
    left: int | None
    outcome: Exception

    def strikes(self, method: str, path: str) -> bool:
        if self.method != method or self.left == 0 or not self.pattern.search(path):
            return False
        if self.left is not None:
            self.left -= 1
        return True


class OperationEnded(Exception):
    """A long-running operation is to end like this."""

    def __init__(self, status: Ending, error: ArmError | None) -> None:
        super().__init__(status)
        self.status, self.error = status, error


class Faults:
    """Those that were asked for and have not happened yet."""

    OPERATION = "operation"
    ANSWERED = "answered "

    def __init__(self) -> None:
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()

    def fail(self, method: str, path: str, error: ArmError, times: int | None) -> None:
        """Answer calls with an error; None: for ever."""
        self._add(method, path, times, error)

    def drop(self, method: str, path: str, times: int | None, done: bool) -> None:
        """Break connections; `done`: after the work, so that only the answer is lost."""
        self._add(self.ANSWERED + method if done else method, path, times, Dropped())

    def fail_operation(self, path: str, ending: OperationEnded, times: int | None) -> None:
        """End long-running operations on such paths like this."""
        self._add(self.OPERATION, path, times, ending)

    def heal(self) -> None:
        """Forget them all."""
        with self._lock:
            self._faults.clear()

    def check(self, request: Request) -> None:
        """Raise what was asked for on such a call."""
        self._strike(request.method, request.path)

    def check_answer(self, request: Request) -> None:
        """Raise Dropped if the answer to such a call is to be lost."""
        self._strike(self.ANSWERED + request.method, request.path)

    def check_operation(self, path: str) -> None:
        """Raise OperationEnded if that was asked for on such a path."""
        self._strike(self.OPERATION, path)

    def _add(self, method: str, path: str, times: int | None, outcome: Exception) -> None:
        with self._lock:
            self._faults.append(_Fault(method, re.compile(path, re.IGNORECASE), times, outcome))

    def _strike(self, method: str, path: str) -> None:
        with self._lock:
            for fault in self._faults:
                if fault.strikes(method, path):
                    raise fault.outcome.with_traceback(None)  # it is raised again and again

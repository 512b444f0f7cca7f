"""Long-running operations: work in a thread of its own, which the client asks about until it has ended."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.azure.emulator.faults import OperationEnded
from tests.azure.emulator.routes import ArmError, not_found
from tests.azure.emulator.web import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.azure.emulator.faults import Faults
    from tests.azure.emulator.timeline import Timeline
    from tests.azure.emulator.web import Request

# A zero is falsy to azure-core and means 30 seconds.
RETRY_AFTER = {"Retry-After": "0.05"}
# What Azure ML answers with 202, its SDK reads as whole seconds.
RETRY_AFTER_WHOLE = {"Retry-After": "1"}


@dataclass(slots=True)
class _Operation:
    name: str
    path: str
    status: str = "InProgress"
    error: ArmError | None = None

    @property
    def document(self) -> dict[str, Any]:
        return {"name": self.name, "status": self.status, **(self.error.body if self.error else {})}


class Operations:
    """All that were ever started."""

    def __init__(self, base: str, faults: Faults, timeline: Timeline) -> None:
        self._base, self._faults, self._timeline = base, faults, timeline
        self._operations: dict[str, _Operation] = {}
        self._threads: list[threading.Thread] = []

    def start(self, path: str, work: Callable[[], None], settle: Callable[[str], None]) -> dict[str, str]:
        """Do the work, then settle the resource's state; gives the headers by which the client follows it."""
        operation = _Operation(uuid.uuid4().hex, path)
        self._operations[operation.name] = operation
        thread = threading.Thread(target=self._run, args=(operation, work, settle), daemon=True)
        self._threads.append(thread)
        thread.start()
        return {"Azure-AsyncOperation": f"{self._base}/{operation.name}?api-version=2024-01-01", **RETRY_AFTER}

    def answer(self, _request: Request, name: str) -> Response:
        """How far an operation is."""
        operation = self._operations.get(name)
        if operation is None:
            raise not_found(f"{self._base}/{name}")
        # Read once: the status may change between the document and the header, and without the header a client that
        # was told "InProgress" waits 30 seconds.
        document = operation.document
        return Response(200, document, RETRY_AFTER if document["status"] == "InProgress" else {})

    def close(self) -> None:
        """Wait until all have ended."""
        for thread in self._threads:
            thread.join()

    def _run(self, operation: _Operation, work: Callable[[], None], settle: Callable[[str], None]) -> None:
        status, operation.error = self._outcome(operation.path, work)
        # The resource first: whoever learns that the operation has ended may look at it at once.
        try:
            settle(status)
        finally:  # an operation without an end would be followed for as long as the client's limit
            operation.status = status
        if status != "Succeeded":
            code = operation.error.code if operation.error else "no error"
            name = operation.path.partition("/providers/")[2]
            self._timeline.note(f"operation on {name} ended {status}: {code}")

    def _outcome(self, path: str, work: Callable[[], None]) -> tuple[str, ArmError | None]:
        try:
            self._faults.check_operation(path)
            work()
        except OperationEnded as ended:
            return ended.status, ended.error
        except ArmError as error:
            return "Failed", error
        except Exception as exc:  # noqa: BLE001 - the client would otherwise wait for ever
            return "Failed", ArmError(500, "InternalServerError", f"the emulator failed: {exc!r}")
        return "Succeeded", None

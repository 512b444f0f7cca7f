"""Stories in processes of their own, which can be told to die at any of their writes.

    python -m tests.drills.driver

reads what to do from its input, a line of JSON each, and forks a child for each: they start in milliseconds, for
everything has been imported by then. `Nursery` is the other end of it.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from unittest.mock import patch

import retrain.adapters.azure.lease as lease_module
from retrain.adapters.azure.lease import Terms
from retrain.adapters.local.process import ProcessPlatform, _is_free
from retrain.adapters.local.service_files import ServiceFiles
from retrain.doors import http as doors
from retrain.poll import poll
from retrain.records.ledger import Ledger
from retrain.records.request import Trigger
from retrain.runs import run as service
from retrain.runs.dispatch import work_off
from retrain.settings import Settings
from tests.builders import ONE, TWO, ask
from tests.drills.fate import PATIENCE_SECONDS, Fate, die
from tests.drills.place import FilePlatform, Place
from tests.drills.takeover import command
from tests.listening import FileListener

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.records.context import Context

ROOT = Path(__file__).parents[2]
SHORTEST_LEASE_SECONDS = 15  # that Blob Storage grants
SHORT = Terms(lease=SHORTEST_LEASE_SECONDS, margin=2, renew=1, retry=0.2, fresh=1, answer=1)
NURSERY, FIRST_PORT, PORTS = "NURSERY", 20_000, 3_000
BAD = b"TransactionDate,PaidAmount\n2023-01-01,much\n"
WARM = (
    "statsmodels.tsa.statespace.sarimax",
    "scipy.optimize",
    "pyarrow.csv",
    "requests",
    "psutil",
    "azure.storage.blob",
)
STORY = {"one.csv": ONE, "bad.csv": BAD, "two.csv": TWO}


def story(place: Place, at: int, when: str, platform: str) -> list[str]:
    """Two years and a bad file land and are worked off; the writes that this took. Run again, it goes on.

    Somebody listens; after the last run every event has been delivered.
    """
    fate, root = Fate(at, when), Path(place.root)
    context = place.context(ProcessPlatform(root / "platform") if platform == "process" else FilePlatform(root))
    context = replace(context, inbox=fate.over(context.inbox), state=fate.over(context.state))
    context = replace(context, listeners=(FileListener(place.told),))
    for name, data in STORY.items():
        context.inbox.write(name, data)
        ask(Trigger.BLOB, context, file=name)
        _until_it_is_done(place.settings, context)
    return fate.names


def poison(place: Place) -> list[str]:
    """A file lands at whose reading the process ends; the event is delivered, again in the next life."""
    context = place.context(FilePlatform(Path(place.root)))
    if not place.ledger.requests():
        context.inbox.write("poison.csv", ONE)
        ask(Trigger.BLOB, context, file="poison.csv")
    with patch("retrain.runs.landing.read_landed", die):
        _until_it_is_done(place.settings, context)
    return []


def _until_it_is_done(settings: Settings, context: Context) -> None:
    """Deliver the event again, as the platform does, while another holds a lock."""
    ledger = Ledger(context.state)
    for _ in poll(PATIENCE_SECONDS):
        work_off(settings, context)
        if not ledger.requests() and not ledger.outbox.waiting():
            return
    raise AssertionError("a lock was never released")


def deliver(place: Place, file: str, times: int) -> list[str]:
    """The same event, many times; the runs that it was given."""
    runs = []
    for _ in range(times):
        context = place.context(ProcessPlatform(Path(place.root) / "platform"))
        runs.append(ask(Trigger.BLOB, context, file=file).run_id)
        work_off(place.settings, context)
    return runs


def door(place: Place, trigger: str, file: str | None, at: float) -> list[str]:
    """One trigger goes through its door at a moment that all have agreed on; the runs that were made from here."""
    os.environ.update(place.environment)
    made: list[str] = []
    real, busy = service.retrain, Path(place.root) / "busy"

    def alone(request: Any, *args: Any) -> Any:
        busy.touch(exist_ok=False)  # two at a time fail here, and their runs on record
        try:
            return real(request, *args)
        finally:
            busy.unlink()
            made.append(f"{time.monotonic_ns()} {request.run_id}")

    time.sleep(max(at - time.time(), 0))
    with patch("retrain.runs.dispatch.retrain", alone):
        if trigger == "http":
            queued: list[str] = []
            doors.accept(b"{}", queued.append)
            doors.on_queue()
        else:
            doors.on_blob(file) if file else doors.on_timer(is_late=False)
    return made


def hold(place: Place, seconds: float) -> list[str]:
    """Come into the middle of a run, holding the lock, and stay there; note when the lease was last renewed."""
    from azure.storage.blob import BlobLeaseClient

    renew = BlobLeaseClient.renew

    def noted(lease: BlobLeaseClient, **options: Any) -> None:
        asked_at = time.monotonic()  # of the machine: its processes share this clock
        renew(lease, **options)
        written = Path(place.root) / "renewed.new"
        written.write_text(str(asked_at))
        written.replace(Path(place.root) / "renewed")

    def stay(*args: Any) -> Any:
        (Path(place.root) / "holding").touch()
        time.sleep(seconds)
        return service.retrain(*args)

    context = place.context(FilePlatform(Path(place.root)))
    ask(Trigger.BLOB, context, file="one.csv")
    with patch("retrain.runs.dispatch.retrain", stay), patch.object(BlobLeaseClient, "renew", noted):
        return [work_off(place.settings, context).lost]


def mend(place: Place, at: int, when: str) -> list[str]:
    """The timer's run finds the champion's service dead and repairs it; the writes of records and files."""
    fate = Fate(at, when)
    context = place.context(ProcessPlatform(Path(place.root) / "platform"))
    context = replace(context, state=fate.over(context.state))
    write = ServiceFiles._write

    def counted(files: ServiceFiles, path: Path, data: bytes) -> None:
        def file(_name: str) -> None:
            write(files, path, data)

        fate._counted(file)(path.name)

    with patch.object(ServiceFiles, "_write", counted):
        ask(Trigger.TIMER, context)
        _until_it_is_done(place.settings, context)
    return fate.names


TASKS: dict[str, Callable[..., list[str]]] = {
    task.__name__: task for task in (story, poison, deliver, door, hold, command, mend)
}


@dataclass(frozen=True, slots=True)
class End:
    """How a child ended: its exit code, negative for a signal, and what it told."""

    code: int
    told: list[str]


def own_port() -> int:
    """A free port that no other nursery takes, nor anybody who is given one by the kernel.

    Somebody else's service on a port that was free an instant ago fails a promotion, which is right, and no drill.
    """
    first = FIRST_PORT + PORTS * int(os.environ[NURSERY])
    return next(port for _ in range(PORTS) if _is_free(port := first + secrets.randbelow(PORTS)))


class Nursery:
    """Starts children that do a task each, and sees to it that none outlives it. `number`: parts their ports."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> Self:
        alone = {
            NURSERY: str(self._number),
            "OPENBLAS_NUM_THREADS": "1",
            "JE_ARROW_MALLOC_CONF": "background_thread:false",
        }  # so it may fork
        command = [sys.executable, "-m", "tests.drills.driver"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **alone}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def start(self, task: str, place: Place, lease_seconds: int | None = None, **asked: Any) -> int:
        """Begin a task; the child's process id."""
        return int(
            self._told({"task": task, "place": asdict(place), "lease_seconds": lease_seconds, "asked": asked})
        )

    def wait(self, child: int) -> End:
        """Until a child has ended."""
        return End(**self._told({"wait": child}))

    def run(self, task: str, place: Place, **asked: Any) -> End:
        """Both."""
        return self.wait(self.start(task, place, **asked))

    def _told(self, asked: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def main() -> None:
    """Fork a child for each task until the input ends; then end those that are left."""
    for module in WARM:
        import_module(module)
    pipes: dict[int, int] = {}
    answers = os.dup(1)
    os.dup2(2, 1)  # what a child prints is for people
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        if "wait" in asked:
            answer: Any = _ended(asked["wait"], pipes.pop(asked["wait"]))
        else:
            answer, told = _forked(asked)
            pipes[answer] = told
        os.write(answers, json.dumps(answer).encode() + b"\n")
    for child in pipes:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _forked(asked: dict[str, Any]) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    code = 1
    try:
        if asked["lease_seconds"]:
            lease_module.TERMS = replace(SHORT, lease=asked["lease_seconds"])
        with patch("retrain.adapters.local.process.free_port", own_port):
            told = TASKS[asked["task"]](Place(**asked["place"]), **asked["asked"])
        os.write(writing, json.dumps(told).encode())
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of the parent's may run in the child
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _ended(child: int, reading: int) -> dict[str, Any]:
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), "told": json.loads(told or "[]")}


if __name__ == "__main__":
    main()

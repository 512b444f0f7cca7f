"""Storage faults: whatever a store does, the champion never moves wrongly, the run says why, the next one succeeds.

Each drill begins with version 1 in production and a second year that has landed. One event is delivered while the
store misbehaves; it is delivered again if it raised, as the platform does; then the timer fires.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobLeaseClient, BlobServiceClient

from retrain.adapters.azure.blob import BlobStore
from retrain.adapters.local import folder
from retrain.adapters.local.folder import FolderStore
from retrain.data.landings import read_history
from retrain.doors import http as doors
from retrain.doors.champion_forecast import forecast
from retrain.errors import AccessDenied, RetrainError, ServiceTimeout
from retrain.records.ledger import POINTER, Ledger
from retrain.records.registry import Registry
from retrain.records.request import Trigger
from retrain.runs.dispatch import ask, work_off
from tests.builders import FIRST_DAY, World, csv_file, weekly
from tests.drills.table import tell
from tests.faults import SAYS, Call, Fault, Faults, FaultyStore, never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrain.ports import ObjectStore, Ports
    from retrain.settings import Settings

ONE = csv_file(weekly(60, seed=1))
TWO = csv_file(weekly(30, seed=2, level=180), FIRST_DAY + timedelta(days=60))
DAYS = 90
SOME = 4  # calls of a sweep that is not long

sweep = pytest.mark.parametrize("reach", ["some", pytest.param("every", marks=pytest.mark.long)])


class Stage:
    """Year one is champion and year two has landed: set up in a moment, as often as a drill wants it."""

    def __init__(
        self, world: World, inbox: ObjectStore, state: ObjectStore, direct: ObjectStore | None = None
    ) -> None:
        self.world, self.faults = world, Faults()
        self.world.overrides["RETRAIN_MIN_UNSEEN_DAYS"] = "14"
        self._inbox, self._state = inbox, FaultyStore(state, self.faults, direct)
        inbox.write("one.csv", ONE)
        inbox.write("two.csv", TWO)
        ask(Trigger.BLOB, self.ports, file="one.csv")
        assert work_off(self.settings, self.ports)
        assert self._version() == "1"
        self.faults.originals.clear()
        self._remembered = dict(self.faults.past)

    @property
    def ports(self) -> Ports:
        inbox = FaultyStore(self._inbox, self.faults)
        return replace(self.world.with_state(self._state), inbox=inbox)

    @property
    def settings(self) -> Settings:
        return self.world.settings

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.ports.state)

    def calls(self) -> list[Call]:
        """Every call that is made when none goes wrong."""
        self.play(never)
        return self.played

    def play(
        self,
        when: Callable[[Call], bool],
        fault: Callable[[Call], Exception] | Fault = Fault.AWAY,
        look: Callable[[], list[str]] = list,
    ) -> list[str]:
        """Deliver the event with these faults, then see what is wrong, then what is after the next trigger."""
        faults = self.faults
        faults.when, faults.fault, faults.hits = when, fault, 0
        faults.calls.clear()
        faults.past = dict(self._remembered)
        told = self._event(Trigger.BLOB)
        self.played = list(faults.calls)
        self.hits = faults.hits
        faults.stop()
        wrong = look() + self._wrong_now(told, silent=fault is Fault.STALE)
        if told:
            wrong += [f"delivered again: {again}" for again in [self._event(Trigger.BLOB)] if again]
        wrong += [f"the timer: {again}" for again in [self._event(Trigger.TIMER)] if again]
        wrong += self._wrong_at_last()
        self._state.undo()
        self._only_version_one_runs()
        return wrong

    def _event(self, trigger: Trigger) -> str:
        """What the platform is told, empty if all is well."""
        try:
            doors.on_event(trigger, file="two.csv" if trigger is Trigger.BLOB else None)
        except RetrainError as error:
            return f"{type(error).__name__}: {error}"
        return ""

    def _version(self) -> str:
        champion = self.ledger.pointer().champion
        return champion.version if champion else "none"

    def _answers(self) -> str:
        """Which version forecasts at the stable route, or why none does."""
        try:
            return str(forecast(1, self.settings, self.ports)["version"])
        except RetrainError as error:
            return f"none ({error})"

    def _wrong_now(self, told: str, *, silent: bool) -> list[str]:
        """What contradicts what while the run may have failed."""
        pointer, reports = self.ledger.pointer(), self.ledger.runs(10)
        champion = pointer.champion
        if champion is None or champion.version not in ("1", "2"):
            return [f"{champion} is champion"]
        wrong = []
        answers = self._answers()
        if answers != champion.version:
            wrong.append(f"version {answers} answers, and {champion.version} is champion")
        says = told
        for report in reports:
            crowned = (champion.version, champion.run_id) == ("2", report["run_id"])
            says += report["reason"] + report.get("trouble", "")
            if report["status"] == "failed" and crowned:
                wrong.append(f"the run failed ({report['reason']}) and its model is champion")
            if (report["status"], report["verdict"]) == ("done", "promote") and not crowned and told == "":
                wrong += [] if report["model"]["version"] == "1" else ["the run is done and its model no champion"]
        if not silent and self.hits and champion.version == "1" and SAYS not in says:
            wrong.append(f"nobody says what failed: {says}")
        return wrong

    def _wrong_at_last(self) -> list[str]:
        """What is not as if nothing had happened."""
        reports = self.ledger.runs(10)
        champion = self.ledger.pointer().champion
        crowned = next((each for each in reports if champion and each["run_id"] == champion.run_id), None)
        found = {
            "champion": self._version(),
            "versions": Registry(self.ports.state, self.settings.model_name).versions(),
            "services": [service.version for service in self.world.platform.services()],
            "requests": [request.run_id for request in self.ledger.requests()],
            "days": len(read_history(self.ports.state).days),
            "unsettled": [each["run_id"] for each in reports if each["status"] not in ("done", "failed")],
            "crowned by": crowned
            and (crowned["status"], crowned["verdict"], (crowned["model"] or {}).get("version")),
            "refused": list(self.ports.state.names("quarantine/")),
        }
        expected = {
            "champion": "2",
            "versions": ["1", "2"],
            "services": ["1", "2"],
            "requests": [],
            "days": DAYS,
            "unsettled": [],
            "crowned by": ("done", "promote", "2"),
            "refused": [],
        }
        return [f"{name} {found[name]}, not {expected[name]}" for name in found if found[name] != expected[name]]

    def _only_version_one_runs(self) -> None:
        for service in self.world.platform.services():
            if service.version != "1":
                self.world.platform.remove(service.name)
        assert self.world.platform.find("1") is not None


@pytest.fixture
def stage(world: World, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """On a folder."""
    return on_doors(Stage(world, FolderStore(world.root / "inbox"), FolderStore(world.root)), monkeypatch)


def on_doors(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The doors of the triggers lead to this stage."""
    monkeypatch.setattr(doors, "parse", lambda _environment: stage.settings)
    monkeypatch.setattr(doors, "connect", lambda _settings: stage.ports)
    return stage


def reached(calls: int, reach: str) -> list[int]:
    """The numbers of the calls that a sweep breaks: every one, or some that lie evenly apart."""
    return (
        list(range(calls)) if reach == "every" else sorted({at * (calls - 1) // (SOME - 1) for at in range(SOME)})
    )


def confirmed(methods_and_names: list[tuple[str, str]]) -> int:
    """The number of the call that notes that a new champion was confirmed: the second note after the switch."""
    switch = next(at for at, (method, name) in enumerate(methods_and_names) if (method, name) == ("write", POINTER))
    notes = [
        at
        for at, (method, name) in enumerate(methods_and_names)
        if at > switch and method == "write" and name.startswith("promotions/")
    ]
    return notes[1]


def retired(calls: list[Call]) -> int:
    """The number of the call that reads who is champion, to stop the services of everybody before."""
    return [call.number for call in calls if (call.method, call.name) == ("read", POINTER)][-2]


def named(calls: list[Call]) -> list[tuple[str, str]]:
    return [(call.method, call.name) for call in calls]


def swept(stage: Stage, fault: Fault, numbers: list[int]) -> list[str]:
    """Break one call after the other, each on a stage of its own; what was wrong."""
    wrong = []
    for number in numbers:
        found = stage.play(lambda call, number=number: call.number == number, fault)  # type: ignore[misc]
        assert stage.hits == 1, f"call {number} was not reached"
        wrong += [f"{stage.played[number]}: {each}" for each in found]
    return wrong


@sweep
@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
@pytest.mark.timeout(600)
def test_one_call_that_goes_wrong_moves_no_champion_wrongly(stage: Stage, fault: Fault, reach: str):
    """Each call in its turn, on a folder; the next trigger sets everything right."""
    calls = stage.calls()
    numbers = list(reached(len(calls), reach))

    wrong = swept(stage, fault, numbers)

    tell("storage faults", "folder", f"calls, each of which {fault}", len(numbers), len(wrong))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("fault", [Fault.AWAY, Fault.LOST], ids=lambda fault: fault.name.lower())
def test_a_confirmation_that_cannot_be_written_down_is_settled_one_way_or_the_other(stage: Stage, fault: Fault):
    """Either the model is champion and its run is done, or the run failed and the old champion is back."""
    number = confirmed(named(stage.calls()))

    wrong = swept(stage, fault, [number])

    tell("storage faults", "folder", f"confirmations whose note {fault}", 1, len(wrong))
    assert not wrong, "\n".join(wrong)


def test_a_stale_pointer_does_not_stop_the_new_champion(stage: Stage):
    """Whoever was just confirmed goes on running, whatever the pointer is read as."""
    wrong = swept(stage, Fault.STALE, [retired(stage.calls())])

    tell("storage faults", "folder", "stale pointers at the retirement of services", 1, len(wrong))
    assert not wrong, "\n".join(wrong)


@sweep
@pytest.mark.timeout(600)
def test_a_store_that_goes_away_and_stays_away_moves_no_champion_wrongly(stage: Stage, reach: str):
    """From one call on nothing works, until the next trigger."""
    numbers = reached(len(stage.calls()), reach)

    wrong = []
    for number in numbers:
        found = stage.play(lambda call, number=number: call.number >= number)  # type: ignore[misc]
        wrong += [f"from {stage.played[number]} on: {each}" for each in found]

    tell("storage faults", "folder", "calls from which on every call failed", len(numbers), len(wrong))
    assert not wrong, "\n".join(wrong)


def refused(call: Call) -> Exception:
    return AccessDenied(f"{SAYS}: {call.method} {call.name}")


def timed_out(call: Call) -> Exception:
    return ServiceTimeout(f"{SAYS}: {call.method} {call.name}")


@pytest.mark.parametrize(
    "fault", [refused, pytest.param(timed_out, marks=pytest.mark.long)], ids=["refused", "timed out"]
)
def test_a_method_that_always_fails_moves_no_champion_wrongly(
    stage: Stage, fault: Callable[[Call], Exception], request: pytest.FixtureRequest
):
    """A role that is missing, a store that answers nothing of one kind in time."""
    methods = sorted({call.method for call in stage.calls()})

    wrong = []
    for method in methods:
        found = stage.play(lambda call, method=method: call.method == method, fault)  # type: ignore[misc]
        wrong += [f"{method}: {each}" for each in found]

    how = request.node.callspec.id
    tell("storage faults", "folder", f"methods, each of which was always {how}", len(methods), len(wrong))
    assert methods == ["chunk", "delete", "lock", "names", "open", "read", "state", "write"]
    assert not wrong, "\n".join(wrong)


def kind(call: Call) -> str:
    """What sort of object a call is about."""
    return call.name.partition("/")[0]


@pytest.mark.long
def test_a_store_that_returns_stale_data_all_the_time_moves_no_champion_wrongly(stage: Stage):
    """Every reading of one kind of object is one state behind, as from a cache."""
    kinds = sorted({kind(call) for call in stage.calls() if call.method in ("read", "names")})

    wrong = []
    for chosen in kinds:
        found = stage.play(lambda call, chosen=chosen: kind(call) == chosen, Fault.STALE)  # type: ignore[misc]
        wrong += [f"{chosen}: {each}" for each in found]

    tell("storage faults", "folder", "kinds of objects that were always stale", len(kinds), len(wrong))
    assert POINTER in kinds
    assert not wrong, "\n".join(wrong)


class Unreliable(RequestsTransport):  # type: ignore[misc] # untyped
    """HTTP to the storage that breaks at one request: before it is sent, or when its answer is due."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks_at, self.after = -1, False
        self.asked: list[tuple[str, str]] = []

    @property
    def sent(self) -> int:
        return len(self.asked)

    def send(self, request: Any, **options: Any) -> Any:
        if request.headers.get("x-ms-lease-action") == "renew":  # how often depends on the machine
            return super().send(request, **options)
        breaks = self.sent == self.breaks_at
        method, path = request.method, request.url.partition("?")[0].split("/", 5)[5:]
        self.asked.append(("write" if method == "PUT" else method, path[0] if path else ""))
        if breaks and not self.after:
            raise ServiceRequestError(SAYS)
        answer = super().send(request, **options)
        if breaks:
            answer.internal_response.close()
            raise ServiceResponseError(SAYS)
        return answer


@dataclass
class Cloud:
    """A stage on Azurite, the wire to it, and what went over it when the event was delivered."""

    stage: Stage
    wire: Unreliable
    lease: BlobLeaseClient
    requests: list[tuple[str, str]] = field(default_factory=list)

    def play(self, number: int, *, after: bool) -> list[str]:
        """Break one request."""
        self.wire.asked, self.wire.breaks_at, self.wire.after = [], number, after
        return self.stage.play(never, Fault.STALE, self._mended)

    def _mended(self) -> list[str]:
        """The wire is whole again, and a lease whose holder never learned of it has come to its end."""
        assert self.wire.sent > self.wire.breaks_at
        self.requests, self.wire.breaks_at = list(self.wire.asked), -1
        with suppress(AzureError):
            self.lease.break_lease(0)
        return []


@pytest.fixture
def cloud(world: World, storage: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """On Azurite, without the SDK's own retries."""
    mark, wire = secrets.token_hex(4), Unreliable()
    with (
        BlobServiceClient.from_connection_string(storage, retry_total=0, transport=wire) as service,
        BlobServiceClient.from_connection_string(storage) as quiet,
    ):
        inbox, state = BlobStore(service, f"in-{mark}"), BlobStore(service, f"state-{mark}")
        stage = on_doors(Stage(world, inbox, state, BlobStore(quiet, f"state-{mark}")), monkeypatch)
        yield Cloud(stage, wire, BlobLeaseClient(service.get_blob_client(f"state-{mark}", "locks/retrain")))


@sweep
@pytest.mark.parametrize("after", [False, True], ids=["before it was sent", "before its answer came"])
@pytest.mark.timeout(600)
def test_one_request_to_the_storage_that_breaks_moves_no_champion_wrongly(
    cloud: Cloud, after: bool, reach: str, request: pytest.FixtureRequest
):
    """Each request of the SDK in its turn, on Azurite; the lease is among them."""
    cloud.play(-1, after=after)
    requests = list(cloud.requests)
    numbers = [number for number in reached(len(requests), reach) if number != confirmed(requests)]

    wrong = [f"{requests[number]}: {each}" for number in numbers for each in cloud.play(number, after=after)]

    how = request.node.callspec.id.removesuffix(f"-{reach}").removeprefix(f"{reach}-")
    tell("storage faults", "Azurite", f"requests, each of which broke {how}", len(numbers), len(wrong))
    assert not wrong, "\n".join(wrong)


class Disk:
    """The disk below the folder store: full from one write on, for a while or until it is freed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full_at: range = range(0)
        self.where, self.writes = "write", 0
        self._make: Any = tempfile.NamedTemporaryFile
        monkeypatch.setattr(tempfile, "NamedTemporaryFile", self._file)
        for holder, name, where in ((os, "fsync", "sync"), (Path, "replace", "rename"), (Path, "mkdir", "folder")):
            monkeypatch.setattr(holder, name, self._full(getattr(holder, name), where))

    def _file(self, **options: Any) -> Any:
        file: Any = self._make(**options)
        write = file.write
        self.writes += 1

        def limited(data: bytes) -> int:
            if self.where == "write" and self.writes - 1 in self.full_at:
                write(data[: len(data) // 2])
                file.flush()
                raise OSError(errno.ENOSPC, SAYS)
            return int(write(data))

        file.write = limited
        return file

    def _full(self, call: Callable[..., Any], where: str) -> Callable[..., Any]:
        def limited(target: Any, *args: Any, **options: Any) -> Any:
            is_there = where == "folder" and target.is_dir()
            if self.where == where and self.writes - 1 in self.full_at and not is_there:
                raise OSError(errno.ENOSPC, SAYS)
            return call(target, *args, **options)

        return limited


def files_of(root: Path) -> dict[str, bytes]:
    """Every object of a folder store by its name."""
    found = (path for path in root.rglob("*") if path.is_file())
    named = ((path.relative_to(root).as_posix(), path) for path in found)
    return {name: path.read_bytes() for name, path in named if not name.startswith(".locks")}


@sweep
@pytest.mark.parametrize("until", ["once", pytest.param("until it is freed", marks=pytest.mark.long)])
@pytest.mark.parametrize("where", ["write", "sync", "rename", "folder"])
@pytest.mark.timeout(600)
def test_a_full_disk_loses_nothing_that_was_there(
    stage: Stage, where: str, until: str, reach: str, monkeypatch: pytest.MonkeyPatch
):
    """At any point of a write: every file is whole, the old one or the new one."""
    disk = Disk(monkeypatch)
    before = files_of(stage.world.root)
    calls = stage.calls()
    writes = [call.number for call in calls if call.method == "write"]
    numbers = list(reached(len(writes), reach))

    def look() -> list[str]:
        disk.full_at = range(0)
        after = files_of(stage.world.root)
        gone = [f"{name} is gone" for name in before if name not in after]
        kept = [
            f"{name} has changed" for name in after if name.startswith("inbox/") and after[name] != before[name]
        ]
        for name, data in after.items():
            if name.endswith(".json"):
                json.loads(data)
        return gone + kept + [f"{name} is left behind" for name in after if name.startswith(folder.UNFINISHED)]

    wrong = []
    for number in numbers:
        disk.where, disk.writes = where, 0
        disk.full_at = range(number, number + 1 if until == "once" else 1_000_000)
        wrong += [f"write {number}: {each}" for each in stage.play(never, Fault.STALE, look)]

    tell("storage faults", "folder", f"writes that found the disk full {until} ({where})", len(numbers), len(wrong))
    assert not wrong, "\n".join(wrong)

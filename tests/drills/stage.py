"""The drills on storage faults play here: version 1 in production, a second year landed, a store that may fail."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from retrain.doors import http as doors
from retrain.doors.champion_forecast import champion_forecast as forecast
from retrain.errors import RetrainError
from retrain.records.ledger import POINTER, Ledger
from retrain.records.registry import Registry
from retrain.records.request import Trigger
from tests.builders import FIRST_DAY, World, ask, csv_file, has_worked_off, level_days, read_history, reports
from tests.faults import SAYS, Call, Fault, Faults, FaultyStore, never
from tests.listening import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.ports import ObjectStore
    from retrain.records.context import Context
    from retrain.settings import Settings

ONE = csv_file(level_days(60, seed=1, level=200))
TWO = csv_file(level_days(30, seed=2, level=160), FIRST_DAY + timedelta(days=60))
DAYS = 90


class Stage:
    """Year one is champion and year two has landed: set up in a moment, as often as a drill wants it."""

    def __init__(
        self, world: World, inbox: ObjectStore, state: ObjectStore, direct: ObjectStore | None = None
    ) -> None:
        self.world, self.faults, self._listener = world, Faults(), Listener()
        self.world.overrides["RETRAIN_MIN_UNSEEN_DAYS"] = "14"
        self._inbox, self._state = inbox, FaultyStore(state, self.faults, direct)
        inbox.write("one.csv", ONE)
        inbox.write("two.csv", TWO)
        ask(Trigger.BLOB, self.context, file="one.csv")
        assert has_worked_off(self.settings, self.context)
        assert self._version() == "1"
        self.faults.originals.clear()
        self._remembered = dict(self.faults.past)

    @property
    def context(self) -> Context:
        inbox = FaultyStore(self._inbox, self.faults)
        return replace(self.world.with_state(self._state), inbox=inbox, listeners=(self._listener,))

    @property
    def settings(self) -> Settings:
        return self.world.settings

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.context.state)

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
        self._listener.told.clear()
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
            if trigger is Trigger.BLOB:
                doors.on_blob("two.csv")
            else:
                doors.on_timer(is_late=False)
        except RetrainError as error:
            return f"{type(error).__name__}: {error}"
        return ""

    def _version(self) -> str:
        champion = self.ledger.pointer().champion
        return champion.version if champion else "none"

    def _answers(self) -> str:
        """Which version forecasts at the stable route, or why none does."""
        try:
            return str(forecast(1, self.settings, self.context)["version"])
        except RetrainError as error:
            return f"none ({error})"

    def _wrong_now(self, told: str, *, silent: bool) -> list[str]:
        """What contradicts what while the run may have failed."""
        pointer, found = self.ledger.pointer(), reports(self.ledger, 10)
        champion = pointer.champion
        if champion is None or champion.version not in ("1", "2"):
            return [f"{champion} is champion"]
        wrong = []
        answers = self._answers()
        if answers != champion.version:
            wrong.append(f"version {answers} answers, and {champion.version} is champion")
        says = told
        for report in found:
            is_its_own = (champion.version, champion.run_id) == ("2", report["run_id"])
            says += report["reason"] + report.get("trouble", "")
            if report["status"] == "failed" and is_its_own:
                wrong.append(f"the run failed ({report['reason']}) and its model is champion")
            if (report["status"], report["verdict"]) == ("done", "promote") and not is_its_own and told == "":
                wrong += [] if report["model"]["version"] == "1" else ["the run is done and its model no champion"]
        if not silent and self.hits and champion.version == "1" and SAYS not in says:
            wrong.append(f"nobody says what failed: {says}")
        return wrong

    def _wrong_at_last(self) -> list[str]:
        """What is not as if nothing had happened."""
        ended = reports(self.ledger, 10)
        champion = self.ledger.pointer().champion
        promoted = next((each for each in ended if champion and each["run_id"] == champion.run_id), None)
        found = {
            "champion": self._version(),
            "versions": Registry(self.context.state, self.settings.platform.model_name).versions(),
            "services": [service.version for service in self.world.platform.services()],
            "requests": [request.run_id for request in self.ledger.requests()],
            "days": len(read_history(self.context.state).days),
            "unsettled": [each["run_id"] for each in ended if each["status"] not in ("done", "failed")],
            "champion by": promoted
            and (promoted["status"], promoted["verdict"], (promoted["model"] or {}).get("version")),
            "refused": list(self.context.state.names("quarantine/")),
            "events": [event.id for event in self.ledger.outbox.waiting()],
            "told": self._told_wrongly(ended[:-1]),
        }
        expected = {
            "champion": "2",
            "versions": ["1", "2"],
            "services": ["1", "2"],
            "requests": [],
            "days": DAYS,
            "unsettled": [],
            "champion by": ("done", "promote", "2"),
            "refused": [],
            "events": [],
            "told": [],
        }
        return [f"{name} {found[name]}, not {expected[name]}" for name in found if found[name] != expected[name]]

    def _told_wrongly(self, runs: list[dict[str, Any]]) -> list[str]:
        """Runs whose ends were not each told under one id. A run that waited for a setting has ended before."""
        ids = {event_id for event_id, _ in self._listener.told}
        told = Counter(event_id.rpartition("-")[0] for event_id in ids)
        return [
            f"{run['run_id']} {told[run['run_id']]} times" for run in runs if told[run["run_id"]] != run["ends"]
        ]

    def _only_version_one_runs(self) -> None:
        for service in self.world.platform.services():
            if service.version != "1":
                self.world.platform.remove(service.name)
        assert self.world.platform.find("1") is not None


def on_doors(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The doors of the triggers lead to this stage."""
    monkeypatch.setattr(doors, "parse", lambda _environment: stage.settings)
    monkeypatch.setattr(doors, "connect", lambda _settings: stage.context)
    return stage


def confirmed(methods_and_names: list[tuple[str, str]]) -> int:
    """The number of the call that notes that a new champion was confirmed: the first note after the switch."""
    switch = next(at for at, (method, name) in enumerate(methods_and_names) if (method, name) == ("write", POINTER))
    return next(
        at
        for at, (method, name) in enumerate(methods_and_names)
        if at > switch and method == "write" and name.startswith("promotions/")
    )


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

"""The drills on faults at landings and at decisions play here: through the doors, one fault each time."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrain.doors import approval_commands, file_commands, landing_commands
from retrain.doors import http as doors
from retrain.errors import RetrainError
from retrain.records.history import Histories
from retrain.records.quarantine import open_files
from retrain.records.request import Trigger
from tests.approving import REQUIRED
from tests.builders import NEW_YEAR, ONE, ask, csv_file, has_worked_off, level_days
from tests.faults import Call, Fault, Faults, FaultyStore, never

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from retrain.ports import ObjectStore
    from retrain.records.context import Context
    from retrain.settings import Settings
    from tests.builders import World

TWO = csv_file(np.append(level_days(29, seed=2, level=200), 1e9), NEW_YEAR)
CORRECTED = TWO.replace(b"1000000000.0", b"200.0")
GERMAN = TWO.replace(b"TransactionDate", b"Tag")
ANSWERS = ("approve", "reject")
KINDS = ("land", "land corrected", "accept", "drop", "retract", "land from quarantine", *ANSWERS)
WELL = (0, 3)  # done; held
TOO_FEW_DAYS = "60"  # to compare: only the landings matter, and a play takes a moment


@dataclass
class Decisions:
    """A year has landed and another lies there, is held in part, or is in quarantine; then one thing is done.

    Or the first model awaits approval, and a person answers.

    Attributes:
        hits: how many calls went wrong.
        played: the calls of the store until whoever did it was answered.
    """

    world: World
    inbox: ObjectStore
    state: ObjectStore
    kind: str
    direct: ObjectStore
    faults: Faults = field(default_factory=Faults)
    hits: int = 0
    played: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world.overrides["RETRAIN_MIN_UNSEEN_DAYS"] = TOO_FEW_DAYS
        if self.kind in ANSWERS:
            self.world.overrides |= REQUIRED
        self._state = FaultyStore(self.state, self.faults, self.direct)
        self._landed("one.csv", ONE)
        if self.kind == "land from quarantine":
            self._landed("two.csv", GERMAN)
            self.world.overrides["RETRAIN_DATE_COLUMN"] = "Tag"
        elif self.kind == "land":
            self.inbox.write("two.csv", TWO)
        elif self.kind not in ANSWERS:
            self._landed("two.csv", TWO)
        if self.kind == "land corrected":
            self.inbox.write("two.csv", CORRECTED)
        self._of = self.context.ledger.runs(1)[0].run_id
        self.faults.originals.clear()
        self._remembered, self._files = dict(self.faults.past), set(self.inbox.names(""))

    @property
    def context(self) -> Context:
        inbox = FaultyStore(self.inbox, self.faults)
        return replace(self.world.with_state(self._state), inbox=inbox)

    @property
    def settings(self) -> Settings:
        return self.world.settings

    def play(
        self, when: Callable[[Call], bool], fault: Fault = Fault.AWAY, mended: Callable[[], None] = lambda: None
    ) -> dict[str, Any]:
        """Do it with this fault, again if it was not written down, then let the timer fire; what is there then.

        Args: mended: called when no call may go wrong any more.
        """
        faults = self.faults
        faults.when, faults.fault, faults.hits = when, fault, 0
        faults.calls.clear()
        faults.past = dict(self._remembered)
        told = self._done()
        self.played, self.hits = list(faults.calls), faults.hits
        faults.stop()
        mended()
        if told and not self.context.ledger.requests():
            self._done()
        trouble = self._answer(lambda: doors.on_timer(is_late=False))
        if self.kind == "approve":
            self._approve_what_is_asked_anew()
        found = self._left() | {"trouble": trouble}
        self._undo()
        return found

    def _landed(self, name: str, data: bytes) -> None:
        self.inbox.write(name, data)
        ask(Trigger.BLOB, self.context, file=name)
        assert has_worked_off(self.settings, self.context)

    def _done(self) -> str:
        """What whoever did it is told, also by an exit code; empty if all is well."""
        options = argparse.Namespace(
            run_id=self._of, day=None, json=True, file="two.csv", note=None, land=True, why="no"
        )
        doing: dict[str, Callable[[], object]] = {
            "land": lambda: doors.on_blob("two.csv"),
            "land corrected": lambda: doors.on_blob("two.csv"),
            "accept": lambda: landing_commands.accept(options),
            "drop": lambda: landing_commands.drop(options),
            "retract": lambda: landing_commands.retract(options),
            "approve": lambda: approval_commands.approve(options),
            "reject": lambda: approval_commands.reject(options),
            "land from quarantine": lambda: file_commands.quarantine(options),
        }
        return self._answer(doing[self.kind])

    @staticmethod
    def _answer(action: Callable[[], object]) -> str:
        try:
            code = action()
        except RetrainError as error:
            return f"{type(error).__name__}: {error}"
        return "" if code in (None, *WELL) else f"exit code {code}"

    def _approve_what_is_asked_anew(self) -> None:
        """A promotion that has failed needs a new approval: the next run asks for it."""
        for run in self.context.ledger.runs(20):
            if run.status == "awaiting approval" and run.run_id != self._of:
                assert self.context.ledger.run(self._of).status == "failed"
                options = argparse.Namespace(run_id=run.run_id, json=True, note=None)
                assert self._answer(lambda options=options: approval_commands.approve(options)) == ""  # type: ignore[misc]

    def _left(self) -> dict[str, Any]:
        context = self.context
        history, ledger = Histories(context.state).read(), context.ledger
        champion = ledger.pointer().champion
        return {
            "days": dict(history.days),
            "states": {each.landing.file: (each.state, sorted(each.held)) for each in history.standings},
            "held runs": [run.run_id == self._of for run in ledger.runs(20) if run.status == "held"],
            "unsettled": [run.run_id for run in ledger.runs(20) if not run.status.has_ended],
            "quarantine": [each.file for each in open_files(context.state)],
            "answer": self._answered(),
            "champion": champion and champion.version,
            "requests": ledger.requests(),
        }

    def _answered(self) -> str | None:
        """What has become of the winner that waited."""
        approval = self.context.ledger.run(self._of).approval
        return approval.state if approval else None

    def _undo(self) -> None:
        self._state.undo()
        if self.kind in ANSWERS:
            for service in self.world.platform.services():
                self.world.platform.remove(service.name)
        for name in set(self.inbox.names("")) - self._files:
            self.inbox.delete(name)


def behind_the_doors(decisions: Decisions, monkeypatch: pytest.MonkeyPatch) -> Decisions:
    """Triggers and commands lead to these stores."""
    monkeypatch.setattr(doors, "parse", lambda _environment: decisions.settings)
    monkeypatch.setattr(doors, "connect", lambda _settings: decisions.context)
    for commands in (landing_commands, file_commands, approval_commands):
        monkeypatch.setattr(commands, "connected", lambda _options: (decisions.settings, decisions.context))
    return decisions


def differing(found: dict[str, Any], expected: dict[str, Any], fault: Fault | None = None) -> list[str]:
    """What is other than it should be. The log decides: with a stale record, a run may still say that it holds."""
    compared = expected.keys() - ({"held runs"} if fault is Fault.STALE else set())
    return [
        f"{name}: {found[name]}, not {expected[name]}" for name in sorted(compared) if found[name] != expected[name]
    ]


def undisturbed(decisions: Decisions) -> dict[str, Any]:
    """What is there in the end where nothing goes wrong; it was done."""
    before = decisions._left()
    after = decisions.play(never)
    assert after["trouble"] == ""
    assert differing(after, before)
    return after

"""Small things that tests are made of: series, files, scorecards, a world on a folder."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from retrain.adapters.local.folder import FolderStore
from retrain.arima.open_days import OpenDays
from retrain.data.series import DailySeries
from retrain.gate.evaluate import Comparison
from retrain.gate.evidence import Evidence
from retrain.gate.scores import Loss, Scorecard
from retrain.gate.significance import DieboldMariano
from retrain.ports import ObjectStore, Platform
from retrain.records.context import Context
from retrain.records.history import Histories, History
from retrain.records.ledger import Ledger
from retrain.records.registry import Registry
from retrain.records.request import Accept, Drop, Evaluate, Land, Request, Retract, RollBack, Trigger
from retrain.runs import asking
from retrain.runs.dispatch import work_off
from retrain.runs.outcome import Behind
from retrain.settings import Settings, parse
from tests.platforms import ThreadPlatform

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FIRST_DAY = date(2023, 1, 2)  # a Monday
QUICK = {
    "RETRAIN_ORDER": "1,0,1",
    "RETRAIN_POLICY": "better",
    "RETRAIN_CONFIRM_SECONDS": "0",
    "RETRAIN_DRIFT_ALPHA": "0",  # no alarm, and no run that one asks for, in what is about something else
    "RETRAIN_PROBATION_DAYS": "0",
}


def weekly(days: int, *, seed: int = 0, level: float = 100.0, noise: float = 5.0) -> NDArray[np.float64]:
    """A weekly pattern with AR(1) noise, currency per day, shape (days,)."""
    rng = np.random.default_rng(seed)
    wave = np.array([1.2, 1.1, 1.0, 1.0, 0.9, 0.7, 0.6])
    disturbance = np.zeros(days)
    shocks = rng.normal(0, noise, days)
    for day in range(1, days):
        disturbance[day] = 0.6 * disturbance[day - 1] + shocks[day]
    return level * np.resize(wave, days) + disturbance


def level_days(days: int, *, seed: int, level: float) -> NDArray[np.float64]:
    """A level with AR(1) noise and no weekly pattern, currency per day, shape (days,)."""
    shocks, disturbance = np.random.default_rng(seed).normal(0, 20, days), np.zeros(days)
    for day in range(1, days):
        disturbance[day] = 0.3 * disturbance[day - 1] + shocks[day]
    return level + disturbance


def series(values: NDArray[np.float64], first_day: date = FIRST_DAY) -> DailySeries:
    """A gapless series of these amounts."""
    return DailySeries(first_day, np.array(values, dtype=np.float64))


def consecutive(days: int, first_day: date = FIRST_DAY) -> list[date]:
    """So many days in a row."""
    return [first_day + timedelta(days=day) for day in range(days)]


def without(closed: set[int], values: NDArray[np.float64], first_day: date = FIRST_DAY) -> dict[date, float]:
    """The amounts by day, without those of closed weekdays, from 0 for Monday."""
    days = zip(consecutive(len(values), first_day), values.tolist(), strict=True)
    return {day: amount for day, amount in days if day.weekday() not in closed}


def open_days(
    values: NDArray[np.float64] | DailySeries, season_days: int = 7, first_day: date = FIRST_DAY
) -> OpenDays:
    """What an order is fitted to, of these amounts."""
    days = values if isinstance(values, DailySeries) else series(values, first_day)
    return OpenDays.of(days, season_days)


def csv_file(values: NDArray[np.float64], first_day: date = FIRST_DAY) -> bytes:
    """One row a day under the default column names."""
    rows = (f"{first_day + timedelta(days=day)},{float(amount)!r}" for day, amount in enumerate(values))
    return "\n".join(["TransactionDate,PaidAmount", *rows, ""]).encode()


NEW_YEAR = FIRST_DAY + timedelta(days=100)
ONE = csv_file(level_days(100, seed=1, level=200))
TWO = csv_file(level_days(60, seed=2, level=160), NEW_YEAR)
"""The days after those of ONE, on a lower level: a challenger that learns it wins."""
THREE = csv_file(level_days(60, seed=3, level=220), NEW_YEAR + timedelta(days=60))


ENOUGH, TOO_LITTLE = Evidence(value=40.0, needed=20.0, more_days=0), Evidence(value=2.5, needed=20.0, more_days=61)


def scored(rmse: float = 100.0, **metrics: float) -> Scorecard:
    """A scorecard in which only what is named matters."""
    return replace(Scorecard(rmse=100.0, mae=80.0, mase=0.9, r2=0.5, bias=0.0), rmse=rmse, **metrics)


def measured(
    champion: Scorecard | None,
    challenger: Scorecard,
    *,
    naive: float = 1e9,
    found: Evidence | None = ENOUGH,
    is_naive: bool = False,
    loss: Loss = Loss.RMSE,
) -> Comparison:
    """A comparison that ended with these scorecards and this evidence."""
    return Comparison(
        order="(1,0,1)",
        is_naive=is_naive,
        first_unseen_day=date(2024, 1, 1),
        unseen_days=151,
        origins=145,
        horizon_days=7,
        champion=champion,
        challenger=challenger,
        seasonal_naive=scored(rmse=naive, mae=naive, mase=naive),
        test=None if champion is None else DieboldMariano(0.0, 0.5),
        evidence=None if champion is None else found,
        challenger_trained_through=date(2024, 5, 20),
        refits_kept=0,
        days=(),
        loss=loss,
    )


def at_once[Result](calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Make each call in a thread of its own, all at the same instant; the results in the order of the calls."""
    barrier = threading.Barrier(len(calls))

    def begin(call: Callable[[], Result]) -> Result:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))


@dataclass
class Clock:
    """Time that moves by a second whenever it is asked for."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class World:
    """A store on a folder, settings that fit fast, a clock, and services in threads."""

    root: Path
    overrides: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    platform: Platform = field(default_factory=ThreadPlatform)

    @property
    def settings(self) -> Settings:
        return parse({**QUICK, "RETRAIN_ROOT": str(self.root), **self.overrides})

    @property
    def context(self) -> Context:
        return self.with_state(FolderStore(self.root))

    def with_state(self, state: ObjectStore) -> Context:
        """The same world seen through another store."""
        inbox = FolderStore(self.root / "inbox")
        made = context(inbox, state, self.platform, self.clock, self.settings.platform.model_name)
        return replace(made, asked_under=self.settings.deciding)

    @property
    def ledger(self) -> Ledger:
        return Ledger(FolderStore(self.root))

    def put(self, name: str, data: bytes) -> None:
        """A file lands in the inbox; nothing has noticed it yet."""
        FolderStore(self.root / "inbox").write(name, data)

    def land(self, name: str, data: bytes, **asked: Any) -> dict[str, Any]:
        """A file lands and its run is made; its report."""
        self.put(name, data)
        return self.run(Trigger.BLOB, file=name, **asked)

    def run(self, trigger: Trigger = Trigger.HTTP, **asked: Any) -> dict[str, Any]:
        """A run is asked for and made; its report."""
        return made(ask(trigger, self.context, **asked), self.settings, self.context)

    def accept(self, run_id: str, **asked: Any) -> dict[str, Any]:
        """A person accepts what a run holds; the report of that."""
        request = asking.ask(lambda new_id: Accept(run_id=new_id, of=run_id, **asked), self.context)
        return made(request, self.settings, self.context)

    def drop(self, run_id: str, **asked: Any) -> dict[str, Any]:
        """A person drops what a run holds; the report of that."""
        request = asking.ask(lambda new_id: Drop(run_id=new_id, of=run_id, **asked), self.context)
        return made(request, self.settings, self.context)

    def retract(self, run_id: str) -> dict[str, Any]:
        """A person takes the landing of a run back; the report of that."""
        request = asking.ask(lambda new_id: Retract(run_id=new_id, of=run_id), self.context)
        return made(request, self.settings, self.context)

    def roll_back(self, to: str | None = None) -> dict[str, Any]:
        """An earlier version is asked for; the report of that."""
        request = asking.ask(lambda run_id: RollBack(run_id=run_id, to=to), self.context)
        return made(request, self.settings, self.context)


def read_history(state: ObjectStore) -> History:
    """The days that count, and where they come from."""
    return Histories(state).read()


def files_in_force(history: History) -> list[str]:
    """In the order of their landing."""
    return [each.landing.file for each in history.standings if each.is_in_force]


def reports(ledger: Ledger, newest: int) -> list[dict[str, Any]]:
    """The reports of the newest runs, newest first."""
    return [run.as_json() for run in ledger.runs(newest)]


def made_older(root: Path) -> None:
    """Write the pointer as versions before 0.2.0 did."""
    record = json.loads((root / "champion.json").read_bytes())
    (root / "champion.json").write_text(json.dumps({"champion": record["champion"], "reigns": record["champions"]}))


def has_worked_off(settings: Settings, context: Context) -> bool:
    """Work off what there is; False if another process holds the lock."""
    return all(left.behind is not Behind.ANOTHER_PROCESS for left in work_off(settings, context).left)


def made(request: Request, settings: Settings, context: Context) -> dict[str, Any]:
    """The report of a request's run, once whoever holds the lock has worked it off."""
    assert has_worked_off(settings, context)
    return context.ledger.run(request.run_id).as_json()


def ask(
    trigger: Trigger,
    context: Context,
    *,
    file: str | None = None,
    force: bool = False,
    dry_run: bool = False,
    note: str | None = None,
    again: bool = False,
) -> Request:
    """A trigger writes its request down: to land a file, or to evaluate what is there."""
    if file is not None:
        return asking.ask(
            lambda run_id: Land(run_id=run_id, file=file, dry_run=dry_run, note=note, again=again), context
        )

    def evaluate(run_id: str) -> Evaluate:
        return Evaluate(run_id=run_id, trigger=trigger, force=force, dry_run=dry_run, note=note)

    return asking.ask(evaluate, context)


def context(
    inbox: ObjectStore, state: ObjectStore, platform: Platform, now: Callable[[], datetime], model_name: str
) -> Context:
    """Everything that a run touches, on these stores; nobody watches its progress."""
    ledger, registry = Ledger(state), Registry(state, model_name)
    return Context(inbox, state, ledger, registry, platform, now, lambda _stage, _detail: None)


def seen_through(whole: Context, inbox: ObjectStore, state: ObjectStore) -> Context:
    """The same context with its records in other stores, which may fail."""
    registry = Registry(state, whole.registry.name)
    return replace(whole, inbox=inbox, state=state, ledger=Ledger(state), registry=registry)

"""A store as it is on its first day, and as it is after years: many runs, files, versions and champions."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.result import progress
from retrain.data.landed import DayTotal
from retrain.records.champion import Champion
from retrain.records.history import LOG, RECORD, Histories
from retrain.records.landing_log import LandedFile, Log
from retrain.records.request import Evaluate, Land, Trigger, new_run_id
from retrain.runs.asking import ask
from retrain.runs.dispatch import work_off
from retrain.settings import parse
from retrain.wiring import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.records.context import Context
    from retrain.settings import Settings

FIRST_DAY = date(2015, 1, 5)
YEARS = timedelta(days=3650)
WHOLE = "all.csv"


@dataclass(frozen=True, slots=True)
class Age:
    """How much of each there is; as many days as files, one a file."""

    runs: int
    files: int
    versions: int
    requests: int


def variables(root: Path) -> dict[str, str]:
    """The settings of a store in this folder: the fit is not what is measured."""
    return {"RETRAIN_ROOT": str(root), "RETRAIN_ORDER": "1,0,1", "RETRAIN_CONFIRM_SECONDS": "0"}


def opened(root: Path) -> tuple[Settings, Context]:
    """The settings and everything that a run touches."""
    settings = parse({**os.environ, **variables(root)})
    return settings, connect(settings)


def young(root: Path, age: Age, runs: int) -> None:
    """Land all days in one file, which makes the first champion, and copy its run until there are so many."""
    settings, context = opened(root)
    context.inbox.write(WHOLE, _file(range(age.files)))
    first = ask(lambda run_id: Land(run_id=run_id, file=WHOLE, trigger=Trigger.PERSON), context)
    work_off(settings, context)
    made = context.ledger.run(first.run_id)
    if made.model is None:
        raise SystemExit(f"the first run of the store made no champion: {made.reason}")
    _add_runs(context, first.run_id, runs - 1)


def aged(root: Path, age: Age, runs: int) -> None:
    """The same store years later: its days are the same and came in many files. Nothing is waiting."""
    young(root, age, runs)
    _, context = opened(root)
    newest = context.ledger.runs(1)[0]
    progress("making the aged store: files")
    _split(context, age.files)
    progress("making the aged store: versions")
    _add_versions(context, newest.run_id, age.versions)
    progress("making the aged store: runs")
    _add_runs(context, newest.run_id, age.runs - runs)


def add_requests(root: Path, age: Age) -> None:
    """Let requests wait, as behind a run that takes long."""
    _, context = opened(root)
    for _ in range(age.requests):
        ask(lambda run_id: Evaluate(run_id=run_id, trigger=Trigger.HTTP), context)


def _file(days: range) -> bytes:
    """One row a day."""
    rows = (f"{FIRST_DAY + timedelta(days=day)},{_amount(day)!r}" for day in days)
    return "\n".join(["TransactionDate,PaidAmount", *rows, ""]).encode()


def _amount(day: int) -> float:
    return round(100.0 + 10.0 * (day % 7) + float(np.random.default_rng(day).normal(0, 5)), 2)


def _names(count: int) -> Iterator[tuple[str, datetime]]:
    """Names of runs of the last ten years, ascending."""
    step = YEARS / max(count, 1)
    birth = datetime.now(UTC) - YEARS
    for number in range(count):
        at = birth + number * step
        yield new_run_id(at), at


def _add_runs(context: Context, like: str, count: int) -> None:
    run = context.ledger.run(like)
    unseen = context.state.read(f"runs/{like}/unseen.csv")
    for run_id, _ in _names(count):
        context.ledger.record(run.evolve(run_id=run_id))
        if unseen:
            context.ledger.keep(run_id, "unseen.csv", unseen.data.decode())


def _add_versions(context: Context, run_id: str, count: int) -> None:
    """Each was champion; the first one is again, and its service answers."""
    first = context.registry.get("1")
    for number in range(2, count + 1):
        lineage = replace(first.lineage, data_sha256=f"{number:064x}")
        version = context.registry.register(first.artifact_sha256, lineage, run_id, context.now()).version
        context.ledger.switch(context.ledger.pointer(), Champion(version, context.now(), f"{run_id}-{number}"))
    context.ledger.switch(context.ledger.pointer(), Champion("1", context.now(), run_id))


def _split(context: Context, count: int) -> None:
    """The one landed file becomes so many, of one day each."""
    histories = Histories(context.state)
    history = histories.read()
    whole = history.standings[0].landing
    entries = []
    for number, (run_id, at) in enumerate(_names(count)):
        day, name = FIRST_DAY + timedelta(days=number), f"day-{number:05}.csv"
        content = _file(range(number, number + 1))
        context.inbox.write(name, content)
        totals: dict[date, DayTotal] = {day: history.totals[day]}
        histories.keep(run_id, totals, None)
        entries.append(_entry(whole, run_id, at, name, day, context))
    context.inbox.delete(WHOLE)
    _, head = history.head.evolve(entries=count, files=count).with_days(history.totals)
    context.state.write(LOG, Log(entries=tuple(entries)).to_json())
    context.state.write(RECORD, head)


def _entry(whole: LandedFile, run_id: str, at: datetime, name: str, day: date, context: Context) -> LandedFile:
    facts = whole.facts.evolve(file=name, rows=1, days=1, new_days=1)
    return whole.evolve(
        run_id=run_id,
        at=at,
        file=name,
        source=name,
        version=context.inbox.state(name),
        sha256=f"{day:%Y%m%d}".zfill(64),
        first_day=day,
        last_day=day,
        facts=facts,
    )

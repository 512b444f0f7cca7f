"""The newest runs are found without listing all that there ever were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.records.ledger import Ledger
from retrain.records.request import Evaluate, Trigger, new_run_id
from retrain.records.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 3, 15, tzinfo=UTC)


class Listed(FolderStore):
    """A store that remembers which names were listed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.prefixes: list[str] = []

    def names(self, prefix: str) -> Iterator[str]:
        self.prefixes.append(prefix)
        return super().names(prefix)


def ledger_of(store: FolderStore, *days_ago: int) -> tuple[Ledger, list[str]]:
    """A ledger with a run so many days ago each, and their names, newest first."""
    ledger, names = Ledger(store), []
    for days in days_ago:
        names.append(new_run_id(NOW - timedelta(days=days)))
        ledger.record(Run(run_id=names[-1], trigger=Trigger.TIMER).done())
    return ledger, sorted(names, reverse=True)


@pytest.mark.parametrize("days_ago", [(1, 2, 3, 40, 500), (30, 60, 61, 700), (400, 800, 1200), (-1, 1, 2, 90)])
def test_the_newest_runs_are_the_same_however_few_are_listed(tmp_path: Path, days_ago: tuple[int, ...]):
    """Of this month, of two, of this year, or of all; one of tomorrow is of a clock that has gone back since."""
    ledger, names = ledger_of(FolderStore(tmp_path), *days_ago)

    for newest in (1, 2, 3):
        assert [run.run_id for run in ledger.runs(newest, NOW)] == names[:newest]


def test_older_runs_are_not_listed_where_this_month_has_enough(tmp_path: Path):
    """So a list costs the same after years."""
    store = Listed(tmp_path)
    ledger, _ = ledger_of(store, 1, 2, 3, 400)

    ledger.runs(3, NOW)

    assert [prefix for prefix in store.prefixes if prefix.startswith("runs/")] == ["runs/ahead/", "runs/202603/"]


def test_a_run_whose_name_is_far_in_the_future_is_listed_where_this_month_has_enough(tmp_path: Path):
    """Its clock was wrong by years; it is the newest by its name."""
    ledger, names = ledger_of(FolderStore(tmp_path), 1, 2, 3)
    run_id = new_run_id(NOW + timedelta(days=2000))
    ledger.finish(Run(run_id=run_id, trigger=Trigger.TIMER).done(), NOW)

    assert [run.run_id for run in ledger.runs(2, NOW)] == [run_id, names[0]]


@pytest.mark.parametrize("days_ahead", [2, 400, 2_000_000])
def test_one_waiting_name_of_the_future_does_not_spoil_those_of_new_runs(tmp_path: Path, days_ahead: int):
    """They begin with the time that it is."""
    far = "9" * 8 + "T235959999Z-ffff" if days_ahead > 1000 else new_run_id(NOW + timedelta(days=days_ahead))
    ledger = Ledger(FolderStore(tmp_path))
    ledger.ask(Evaluate(run_id=far, trigger=Trigger.TIMER))

    assert ledger.name_run(NOW).startswith(f"{NOW:%Y%m%dT%H%M%S}")


def test_a_new_name_sorts_behind_what_waits_since_before_the_clock_went_back(tmp_path: Path):
    """By a day at most."""
    ledger, tomorrow = Ledger(FolderStore(tmp_path)), new_run_id(NOW + timedelta(days=1))
    ledger.ask(Evaluate(run_id=tomorrow, trigger=Trigger.TIMER))

    assert ledger.name_run(NOW) > tomorrow

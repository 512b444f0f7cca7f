"""What a store has known, and when it was looked at: the past that policies are tried on."""

from __future__ import annotations

import sys
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from retrain.data.landed import DayTotal
from retrain.errors import DamagedRecord, NotFound
from retrain.records.counted_days import CountedDays, Head
from retrain.records.history import have_one_row_a_day
from retrain.records.landing import Landed
from retrain.records.landing_log import Seen
from retrain.records.request import Trigger, asked_at
from retrain.records.run import Status
from retrain.runs.inputs import InProduction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from retrain.data.series import Days
    from retrain.records.champion import Pointer
    from retrain.records.context import Context
    from retrain.records.history import Histories
    from retrain.records.registry import Registry
    from retrain.records.run import Run


class Cadence(StrEnum):
    """How often the store is looked at, instead of when it was."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Change:
    """How one entry of the log of landings changed the days that count.

    Attributes:
        entries: how many entries the log had with it.
        amounts: the days that are new or other than before, currency per day.
        gone: days that count no more.
        unknown: the days that are held or were dropped, after it.
    """

    at: datetime
    entries: int
    amounts: Days
    gone: tuple[date, ...]
    unknown: tuple[date, ...]

    def applied_to(self, days: Days) -> CountedDays:
        """The days that count after it. Args: days: those before it."""
        kept = {day: amount for day, amount in days.items() if day not in self.gone}
        after = sorted({**kept, **self.amounts}.items())
        return CountedDays(
            {day: DayTotal(amount, 1) for day, amount in after}, Head.empty().evolve(unknown=self.unknown)
        )


@dataclass(frozen=True, slots=True)
class Look:
    """A moment at which a run asked whether a challenger should replace the champion.

    Attributes:
        name: the run, or the day of a regular look.
        changes: how many changes of the days had been made.
        is_forced: whether it asked again what had been decided.
        has_new_days: whether a file brought or changed days right before it.
    """

    name: str
    at: datetime
    changes: int
    is_forced: bool = False
    has_new_days: bool = False


@dataclass(frozen=True, slots=True)
class WentBack:
    """A person made an earlier champion the champion again.

    Attributes:
        left, back_to: the runs that had made the two versions.
    """

    name: str
    at: datetime
    left: str
    back_to: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that a policy would have seen, in its order; it can be sent to another process.

    Attributes:
        known: how many of the changes had been made when it begins.
        champion: the one at its beginning; None for none.
    """

    changes: tuple[Change, ...]
    events: tuple[Look | WentBack, ...]
    known: int = 0
    champion: InProduction | None = None

    @property
    def looks(self) -> tuple[Look, ...]:
        """The events that are looks."""
        return tuple(event for event in self.events if isinstance(event, Look))


def changes_of(histories: Histories) -> tuple[Change, ...]:
    """Every change of the days that count. Raises: ServiceError if a record is damaged."""
    return tuple(_changes(histories))


def _changes(histories: Histories) -> Iterator[Change]:
    whole, history = histories.read(), histories.after(0)
    before: Mapping[date, float] = {}
    unknown: tuple[date, ...] = ()
    for number, entry in enumerate(whole.log.entries, start=1):
        history = histories.preview(entry, history)
        if isinstance(entry, Seen):
            continue
        aggregate = None if have_one_row_a_day(history.standings) else whole.aggregate
        days = CountedDays(history.totals, history.head.evolve(aggregate=aggregate)).days
        amounts = {day: amount for day, amount in days.items() if before.get(day) != amount}
        gone = tuple(day for day in before if day not in days)
        if amounts or gone or history.unknown != unknown:
            yield Change(entry.at, number, amounts, gone, history.unknown)
        before, unknown = days, history.unknown


def recorded_timeline(
    runs: Sequence[Run], changes: tuple[Change, ...], since: date | None, pointer: Pointer, context: Context
) -> Timeline:
    """The looks of the store's own runs, and the rollbacks between them.

    Args:
        runs: see `looked`.
        since: the first day (UTC) of which looks are taken; None for all.
    Raises: ServiceError if a record is damaged.
    """
    went_back = dict(_went_back(pointer, context))
    events: list[Look | WentBack] = [_look(run, changes, went_back) for run in runs]
    events += went_back.values()
    events.sort(key=lambda event: (event.at, isinstance(event, Look), event.name))
    return _since(since, changes, events, pointer, context.registry)


def regular_timeline(
    cadence: Cadence, changes: tuple[Change, ...], since: date | None, pointer: Pointer, context: Context
) -> Timeline:
    """A look at regular moments from the first landing on until now, each with what had landed by then.

    Raises: ServiceError if a record is damaged.
    """
    first = changes[0].at
    begin = first if since is None else max(first, datetime.combine(since, time(), UTC))
    looks = [Look(f"{at:%Y-%m-%d}", at, _known_at(at, changes)) for at in _moments(begin, context.now(), cadence)]
    return _since(since, changes, looks, pointer, context.registry)


def looked(context: Context) -> list[Run]:
    """The runs on record that have reached a verdict, the oldest first; a dry run could not promote.

    Raises: DamagedRecord if one of them cannot be read: without it, policies would be tried on another past.
    """
    runs = context.ledger.runs(sys.maxsize)[::-1]
    if damaged := next((run for run in runs if run.is_unreadable), None):
        raise DamagedRecord(damaged.reason)
    ended = (Status.DONE, Status.HELD, Status.AWAITING)
    return [run for run in runs if run.basis and run.verdict and run.status in ended and not run.request.dry_run]


def _look(run: Run, changes: Sequence[Change], went_back: Mapping[int, WentBack]) -> Look:
    """What a run looked at, after everything that it had found: it may have waited long in the queue."""
    entries, champions = (run.basis.entries, run.basis.champions or 0) if run.basis else (0, 0)
    known = sum(change.entries <= entries for change in changes)
    found = [change.at for change in changes[max(known - 1, 0) : known]]
    found += [back.at for number, back in went_back.items() if number <= champions]
    landing = run.landing
    return Look(
        run.run_id,
        max([_time_of(run.run_id), *found]),
        known,
        is_forced=run.request.force,
        has_new_days=isinstance(landing, Landed) and bool(landing.new_days or landing.changed_days),
    )


def _went_back(pointer: Pointer, context: Context) -> Iterator[tuple[int, WentBack]]:
    """The rollbacks on record, each by how many champions there were with it."""
    for number, (before, after) in enumerate(pairwise(pointer.champions), start=2):
        if not before.version or not after.version:
            continue
        run = context.ledger.recorded(after.run_id)
        if run is None or run.trigger != Trigger.ROLLBACK or run.status is not Status.DONE:
            continue
        left, back_to = (context.registry.of_record(each.version).run_id for each in (before, after))
        yield number, WentBack(after.run_id, _time_of(after.run_id), left, back_to)


def _since(
    since: date | None,
    changes: tuple[Change, ...],
    events: Sequence[Look | WentBack],
    pointer: Pointer,
    registry: Registry,
) -> Timeline:
    if since is None or since == date.min:
        return Timeline(changes, tuple(events))
    begin = datetime.combine(since, time(), UTC)
    there = pointer.on(since - timedelta(days=1))
    return Timeline(
        changes,
        tuple(event for event in events if event.at >= begin),
        _known_at(begin - timedelta(microseconds=1), changes),
        InProduction.of(there.version, registry) if there else None,
    )


def _known_at(moment: datetime, changes: Sequence[Change]) -> int:
    return max((number for number, change in enumerate(changes, start=1) if change.at <= moment), default=0)


def _time_of(run_id: str) -> datetime:
    """When a run was asked for. Raises: NotFound for a name that is not a time."""
    at = asked_at(run_id)
    if at is None:
        raise NotFound(f"run {run_id} has no time in its name, so it has no place among the others")
    return at


def _moments(begin: datetime, end: datetime, cadence: Cadence) -> Iterator[datetime]:
    number, at = 0, begin
    while at <= end:
        yield at
        number += 1
        match cadence:
            case Cadence.DAILY:
                at = begin + timedelta(days=number)
            case Cadence.WEEKLY:
                at = begin + timedelta(weeks=number)
            case Cadence.MONTHLY:
                at = _months_later(begin, number)


def _months_later(begin: datetime, months: int) -> datetime:
    """The same day of a later month, or the last one of it."""
    years, month = divmod(begin.month - 1 + months, 12)
    year = begin.year + years
    return begin.replace(year=year, month=month + 1, day=min(begin.day, monthrange(year, month + 1)[1]))

"""Which accepted days a champion is told before it forecasts, and what is said of those that it is not told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from retrain.data.series import GapPolicy
from scoring.model import FIRST_DAYS
from scoring.schema import MAX_OBSERVATION_DAYS, MAX_OBSERVATIONS

if TYPE_CHECKING:
    from collections.abc import Collection

    from retrain.data.series import Days
    from retrain.records.counted_days import CountedDays

MOST_OBSERVATIONS, REACH_DAYS, RESTART_DAYS = MAX_OBSERVATIONS, MAX_OBSERVATION_DAYS, FIRST_DAYS
"""What a service takes at most, and what it needs to restart."""
LONG_GAP_DAYS = 92
STALE_DAYS = 366  # the files of some businesses land once a year
TIME_ZONES_DAYS = 1  # somewhere it is tomorrow already


@dataclass(frozen=True, slots=True)
class Told:
    """What a service is told.

    Attributes:
        observed: ascending, at most `MOST_OBSERVATIONS`. Told the newest thousand of three thousand days, a service
            forecasts within a hundredth of a standard deviation of what it forecasts when it is told them all.
        restart: whether it is to forget the days that it was trained on.
        notes: a sentence for whatever it is not told, and for what the forecast lacks.
        lacks: what a champion does not know that is told this, because it has refused to restart.
    """

    observed: Days
    restart: bool = False
    notes: tuple[str, ...] = ()
    lacks: str = ""

    def noting(self, *notes: str) -> Told:
        """With more notes."""
        return replace(self, notes=(*self.notes, *notes))


def tellings(
    history: CountedDays, gaps: GapPolicy, trained_through: date, today: date, *, is_corrected: bool
) -> tuple[Told, ...]:
    """What a champion is told: the first of them, or the second if it refuses that.

    Args: is_corrected: whether days that it was trained on are other than they were then.
    """
    _, notes = until_now(history.days, today)
    usable = usable_days(history, gaps, today)
    going_on = to_go_on_with(usable, trained_through)
    must_restart = is_corrected or trained_through > today + timedelta(days=TIME_ZONES_DAYS)
    restarted = to_restart_on(usable) if must_restart else going_on if going_on.restart else None
    if restarted is None:
        return (going_on.noting(*notes),)
    within = {day: amount for day, amount in usable.items() if (day - trained_through).days <= REACH_DAYS}
    lacks = "the corrected days that it was trained on" if must_restart else "the days that are too far off for it"
    instead = replace(to_go_on_with(within, trained_through).noting(*notes), lacks=lacks)
    return restarted.noting(*notes), instead


def usable_days(history: CountedDays, gaps: GapPolicy, today: date) -> Days:
    """The days that count and are not to come, without those that are held."""
    return newer_days(date.min, until_now(history.days, today)[0], gaps, history.unknown)


def newer_days(day: date, history: Days, gaps: GapPolicy, held: Collection[date] = ()) -> Days:
    """The accepted days after `day`, without those that are held.

    A missing one stays missing, which the model bears, unless it means zero. So does a closed one: the model knows
    its own closed days, and passes over them.
    """
    newer = {newest: amount for newest, amount in history.items() if newest > day and newest not in held}
    if gaps is GapPolicy.ZERO and newer:
        day = max(day, min(history) - timedelta(days=1))
        whole = (day + timedelta(days=ahead) for ahead in range(1, (max(newer) - day).days + 1))
        return {each: newer.get(each, 0.0) for each in whole if each not in held}
    return newer


def until_now(days: Days, today: date) -> tuple[Days, tuple[str, ...]]:
    """The days that are not to come, and a note on the others.

    A day to come that a person has accepted counts in the history. It is no observation yet: told it, a champion
    would forecast the days after it, and none before.
    """
    last = today + timedelta(days=TIME_ZONES_DAYS)
    later = [day for day in days if day > last]
    if not later:
        return days, ()
    note = (
        f"{_named(later)} not used, because today is {today}; if that is a mistake in a file, take it out with "
        "`retrain retract FILE`"
    )
    return {day: amount for day, amount in days.items() if day <= last}, (note,)


def to_restart_on(days: Days) -> Told | None:
    """The newest days, for a restart; None if they are too few."""
    observed = _newest(days, max(days, default=None))
    if len(observed) < RESTART_DAYS:
        return None
    return Told(observed, restart=True)


def to_go_on_with(days: Days, trained_through: date) -> Told:
    """The days after the training as far as a service takes them, or, if they are too far off, those of a restart.

    Args: days: all accepted days, ascending.
    """
    newer = {day: amount for day, amount in days.items() if day > trained_through}
    reach = trained_through + timedelta(days=REACH_DAYS)
    beyond = [day for day in newer if day > reach]
    restarted = to_restart_on(newer) if _follows(beyond, newer) else None
    if restarted is not None:
        since = min(restarted.observed)
        return restarted.noting(
            f"the champion was trained on days up to {trained_through}, more than {REACH_DAYS:,} days before the "
            f"newest; it has forgotten them and begins at {since}; `retrain run` makes a newer one"
        )
    within = {day: amount for day, amount in newer.items() if day <= reach}
    notes = []
    if beyond:
        notes.append(
            f"{_named(beyond)} not used, because a champion takes no days more than {REACH_DAYS:,} after its "
            f"training, which ended with {trained_through}; `retrain run` makes a newer one, and "
            "`retrain retract FILE` takes a wrong file out"
        )
    observed = _newest(within, max(within, default=None))
    if len(observed) < len(within):
        left_out = [day for day in within if day not in observed]
        notes.append(
            f"{_named(left_out)} not used, because a service takes {MOST_OBSERVATIONS:,} days, the newest; "
            "`retrain run` makes a champion that knows them all"
        )
    return Told(observed, notes=(*notes, *gap_notes([trained_through, *observed])))


def _follows(beyond: list[date], newer: Days) -> bool:
    """Whether the days beyond reach are what the series has become, and not some days by mistake."""
    if not beyond:
        return False
    before = max((day for day in newer if day < beyond[0]), default=beyond[0])
    return len(beyond) >= RESTART_DAYS or (beyond[0] - before).days < LONG_GAP_DAYS


def gap_notes(days: list[date]) -> tuple[str, ...]:
    """A note if a long stretch of days is missing; `days` are ascending."""
    if len(days) < 2:
        return ()
    before, after = max(pairwise(days), key=lambda pair: pair[1] - pair[0])
    missing = (after - before).days - 1
    if missing < LONG_GAP_DAYS:
        return ()
    return (f"nothing is used of the {missing:,} days between {before} and {after}; land them if there are any",)


def age_notes(origin: date, today: date) -> tuple[str, ...]:
    """A note if the forecast begins long ago, or in the time to come."""
    age = (today - origin).days
    if age > STALE_DAYS:
        return (f"the forecast is stale: its newest day is {origin}, {age:,} days ago; land newer files",)
    if age < -TIME_ZONES_DAYS:
        return (
            f"the forecast begins after {origin}, {-age:,} days from today, because the champion was trained on "
            "days to come; if that is a mistake in a file, take it out with `retrain retract FILE`",
        )
    return ()


def _newest(days: Days, last: date | None) -> Days:
    """The newest days, no more than a service takes, none of them too far before the last."""
    if last is None:
        return {}
    first = last - timedelta(days=REACH_DAYS - 1)
    return dict([(day, amount) for day, amount in days.items() if day >= first][-MOST_OBSERVATIONS:])


def _named(days: list[date]) -> str:
    """`The day 2031-01-01 is`, or `the 12 days from 2031-01-01 to 2031-01-12 are`."""
    if len(days) == 1:
        return f"the day {days[0]} is"
    return f"the {len(days):,} days from {days[0]} to {days[-1]} are"

"""Which accepted days a champion is told, and what is said of the others."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from retrain.monitoring.observed_days import (
    LONG_GAP_DAYS,
    MOST_OBSERVATIONS,
    REACH_DAYS,
    RESTART_DAYS,
    STALE_DAYS,
    age_notes,
    to_go_on_with,
    to_restart_on,
    until_now,
)

TRAINED = date(2014, 12, 31)
TODAY = date(2024, 3, 1)


def days(first: date, count: int) -> dict[date, float]:
    """So many days in a row."""
    return {first + timedelta(days=at): 100.0 + at for at in range(count)}


def after(count: int, of: date = TRAINED) -> date:
    return of + timedelta(days=count)


def test_every_day_after_the_training_is_told():
    """Without a word, where nothing is missing."""
    newer = days(after(1), 200)

    told = to_go_on_with({TRAINED: 5.0, **newer}, TRAINED)

    assert (told.observed, told.restart, told.notes) == (newer, False, ())


def test_of_thousands_of_days_the_newest_are_told_and_the_others_named():
    """What a service takes."""
    told = to_go_on_with(days(after(1), 3000), TRAINED)

    assert list(told.observed) == list(days(after(2001), MOST_OBSERVATIONS))
    assert told.notes[0].startswith(f"the 2,000 days from {after(1)} to {after(2000)} are not used")
    assert "retrain run" in told.notes[0]


def test_a_champion_that_is_too_old_for_the_newest_days_restarts_on_them():
    """It forgets its training, and says so."""
    told = to_go_on_with(days(after(1), REACH_DAYS + 300), TRAINED)

    assert told.restart
    assert len(told.observed) == MOST_OBSERVATIONS
    assert max(told.observed) == after(REACH_DAYS + 300)
    assert f"trained on days up to {TRAINED}" in told.notes[0]


def test_a_day_by_itself_that_is_too_far_off_is_left_out_by_name():
    """The days before it are told."""
    near, far = days(after(1), 100), after(REACH_DAYS + 1)

    told = to_go_on_with({**near, far: 7.0}, TRAINED)

    assert (told.observed, told.restart) == (near, False)
    assert f"the day {far} is not used" in told.notes[0]
    assert "retrain retract FILE" in told.notes[0]


def test_a_long_stretch_that_is_missing_is_named():
    """With the days around it."""
    told = to_go_on_with({**days(after(1), 10), **days(after(500), 10)}, TRAINED)

    assert told.notes == (
        f"nothing is used of the 489 days between {after(10)} and {after(500)}; land them if there are any",
    )
    assert to_go_on_with(days(after(LONG_GAP_DAYS), 10), TRAINED).notes == ()


def test_days_to_come_are_left_out_by_name():
    """Except tomorrow, which it is somewhere already."""
    known, future = days(after(-9, TODAY), 11), {date(2031, 1, 1): 5.0, date(2031, 1, 2): 5.0}

    used, notes = until_now({**known, **future}, TODAY)

    assert used == known
    assert "the 2 days from 2031-01-01 to 2031-01-02 are not used" in notes[0]
    assert "retrain retract FILE" in notes[0]


def test_a_restart_takes_days_that_one_service_takes():
    """The newest, none of them ten years before the last; too few are no restart."""
    spread = {after(at * 10): 5.0 for at in range(500)}

    told = to_restart_on(spread)

    assert told is not None
    assert (max(told.observed) - min(told.observed)).days < REACH_DAYS
    assert to_restart_on(days(TRAINED, RESTART_DAYS - 1)) is None


@pytest.mark.parametrize(
    ("age", "said"), [(0, ""), (STALE_DAYS, ""), (STALE_DAYS + 1, "stale"), (-1, ""), (-400, "400 days from today")]
)
def test_the_age_of_the_newest_day_is_said_where_it_is_unusual(age: int, said: str):
    """Years ago, or in the time to come."""
    notes = age_notes(TODAY - timedelta(days=age), TODAY)

    assert bool(notes) == bool(said)
    assert said in "".join(notes)

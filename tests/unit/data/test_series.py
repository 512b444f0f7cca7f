"""Merging days into the history, filling gaps, the identity of a series."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.data.series import GapPolicy, daily_series, restate
from retrain.errors import DataError, SeriesTooShort
from tests.builders import FIRST_DAY, series, weekly, without

amounts = st.floats(-1e9, 1e9, allow_nan=False)
histories = st.dictionaries(st.dates(date(2000, 1, 1), date(2030, 1, 1)), amounts, max_size=30)


def test_a_later_file_wins_on_the_days_it_restates():
    """Changed days and new days are reported separately."""
    before = {date(2024, 1, 1): 10.0, date(2024, 1, 2): 20.0}

    outcome = restate(before, {date(2024, 1, 2): 25.0, date(2024, 1, 3): 30.0})

    assert outcome.days == {date(2024, 1, 1): 10.0, date(2024, 1, 2): 25.0, date(2024, 1, 3): 30.0}
    assert outcome.changed_days == (date(2024, 1, 2),)
    assert outcome.new_days == (date(2024, 1, 3),)


def test_a_difference_in_the_last_bits_is_not_a_change():
    """Transactions that are summed in another order keep the earlier amount, and so the same identity."""
    outcome = restate({FIRST_DAY: 1346.0122831896513}, {FIRST_DAY: 1346.0122831896516})

    assert outcome.changes_nothing
    assert outcome.days[FIRST_DAY] == 1346.0122831896513


@given(histories, histories)
def test_restating_twice_changes_nothing_the_second_time(before: dict[date, float], landed: dict[date, float]):
    """Landing is idempotent, and every landed day is in the history."""
    once = restate(before, landed)
    twice = restate(once.days, landed)

    assert twice.changes_nothing
    assert twice.days == once.days
    assert once.days.keys() == before.keys() | landed.keys()


def test_a_missing_day_is_interpolated_and_marked():
    """It is not an observation: the observed amounts after a day have NaN for it."""
    filled = daily_series({FIRST_DAY: 10.0, FIRST_DAY + timedelta(days=3): 40.0}, GapPolicy.INTERPOLATE)

    assert filled.values.tolist() == [10, 20, 30, 40]
    assert filled.interpolated == (FIRST_DAY + timedelta(days=1), FIRST_DAY + timedelta(days=2))
    np.testing.assert_array_equal(filled.after(FIRST_DAY), [np.nan, np.nan, 40])


def test_what_was_known_on_a_missing_day_ends_before_its_gap():
    """An interpolated amount depends on the day after its gap."""
    filled = daily_series({FIRST_DAY: 10.0, FIRST_DAY + timedelta(days=3): 40.0}, GapPolicy.INTERPOLATE)

    assert filled.observed_through(FIRST_DAY + timedelta(days=2)).values.tolist() == [10]


def test_a_missing_day_may_mean_an_amount_of_zero():
    """Then zero is an observation."""
    filled = daily_series({FIRST_DAY: 10.0, FIRST_DAY + timedelta(days=2): 40.0}, GapPolicy.ZERO)

    assert (filled.values.tolist(), filled.interpolated) == ([10, 0, 40], ())


def test_the_policy_refuse_names_the_gap_and_what_to_do():
    """Nothing is filled."""
    with pytest.raises(DataError, match=r"from 2023-01-03 to 2023-01-04.*land the missing days"):
        daily_series({FIRST_DAY: 10.0, FIRST_DAY + timedelta(days=3): 40.0}, GapPolicy.REFUSE)


WEEKEND = {5, 6}


@pytest.mark.parametrize("policy", [GapPolicy.INTERPOLATE, GapPolicy.REFUSE])
def test_a_closed_weekend_is_zero_and_neither_missing_nor_observed(policy: GapPolicy):
    """No model observes it, and no gap is refused for it."""
    filled = daily_series(without(WEEKEND, weekly(30)), policy)

    assert filled.interpolated == ()
    assert {day.weekday() for day in filled.closed} == WEEKEND
    assert (filled.values[~filled.observed] == 0).all()
    assert np.isnan(filled.after(FIRST_DAY)[[4, 5]]).all()
    assert filled.closed_after(FIRST_DAY)[:7].tolist() == [False, False, False, False, True, True, False]


def test_a_row_on_a_closed_weekday_stays_an_observation():
    """A shop opens on one Sunday."""
    days = without(WEEKEND, weekly(90)) | {FIRST_DAY + timedelta(days=41): 70.0}

    filled = daily_series(days, GapPolicy.INTERPOLATE)

    assert filled.after(FIRST_DAY + timedelta(days=39)).tolist()[:2] == [pytest.approx(np.nan, nan_ok=True), 70.0]
    assert filled.closures.coming.weekdays == WEEKEND


def test_a_missing_monday_beside_a_closed_weekend_is_interpolated():
    """Between the last day with trade and the next one."""
    days = without(WEEKEND, np.full(60, 10.0))
    monday = FIRST_DAY + timedelta(days=28)
    del days[monday]

    filled = daily_series(days, GapPolicy.INTERPOLATE)

    assert filled.interpolated == (monday,)
    assert filled.values[28] == 10.0
    with pytest.raises(DataError, match="from 2023-01-30 to 2023-01-30"):
        daily_series(days, GapPolicy.REFUSE)


@pytest.mark.parametrize("policy", list(GapPolicy))
def test_a_held_day_is_unknown_whatever_the_policy(policy: GapPolicy):
    """It is interpolated, even where a missing day is a zero, and it is no missing day."""
    days = {FIRST_DAY + timedelta(days=day): amount for day, amount in enumerate([10.0, 1e12, 30.0])}
    held = FIRST_DAY + timedelta(days=1)

    filled = daily_series(days, policy, held=[held])

    assert (filled.values.tolist(), filled.interpolated) == ([10, 20, 30], (held,))


def test_days_that_are_all_held_are_no_series():
    """The message says what to do."""
    with pytest.raises(SeriesTooShort, match="land a file"):
        daily_series({FIRST_DAY: 10.0}, GapPolicy.ZERO, held={FIRST_DAY})


def test_what_is_unobserved_belongs_to_the_identity():
    """A zero that was observed is not a closed day."""
    closed, zero = (
        daily_series(without(WEEKEND, weekly(30)), policy) for policy in (GapPolicy.INTERPOLATE, GapPolicy.ZERO)
    )

    assert np.array_equal(closed.values, zero.values)
    assert closed.sha256 != zero.sha256


def test_an_empty_history_is_an_error():
    """The message says what to do."""
    with pytest.raises(SeriesTooShort, match="land a file"):
        daily_series({}, GapPolicy.INTERPOLATE)


def test_identity_is_first_day_and_amounts():
    """The same amounts a day later are other data; the same data twice are the same."""
    values = weekly(30)

    assert series(values).sha256 == series(values.copy()).sha256
    assert series(values).sha256 != series(values, FIRST_DAY + timedelta(days=1)).sha256
    assert series(values).sha256 != series(np.append(values[:-1], values[-1] + 1e-6)).sha256


@pytest.mark.parametrize("level", [0.0, 1e-9, 5.0, -1e12])
def test_a_constant_series_is_flat_at_any_level(level: float):
    """A series that changes by small amounts is not."""
    assert series(np.full(30, level)).is_flat
    assert not series(level + max(abs(level), 1e-9) * weekly(30)).is_flat


def test_through_and_after_cut_the_series_in_two():
    """Every day is in exactly one part."""
    whole = series(weekly(30))
    cut = FIRST_DAY + timedelta(days=20)

    assert whole.through(cut).last_day == cut
    assert np.array_equal(np.concatenate([whole.through(cut).values, whole.after(cut)]), whole.values)

"""Days of several landings together: what replaces, what adds up, and what counts once."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.data.landed import DayTotal
from retrain.data.totals import EPOCH, Joins, Part, Rows, together

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

DAY = date(2024, 1, 1)
NEXT = DAY + timedelta(days=1)

type Row = tuple[date, int, float]


def no_rows(_days: Collection[date]) -> Rows:
    raise AssertionError("the rows are not needed")


def daily(amount: float, joins: Joins = Joins.RESTATE, day: date = DAY) -> Part:
    return Part({day: DayTotal(amount, 1)}, joins, no_rows)


def with_ids(*rows: Row) -> Part:
    """A landing of rows `(day, id, amount)`."""
    days = sorted({day for day, _, _ in rows})
    totals = {
        day: DayTotal(sum(amount for at, _, amount in rows if at == day), sum(at == day for at, _, _ in rows))
        for day in days
    }

    def chosen(wanted: Collection[date]) -> Rows:
        kept = [row for row in rows if row[0] in wanted]
        return Rows(
            np.array([(day - EPOCH).days for day, _, _ in kept], dtype=np.int32),
            np.array([number for _, number, _ in kept], dtype=np.uint64),
            np.array([amount for _, _, amount in kept], dtype=np.float64),
        )

    return Part(totals, Joins.BY_ID, chosen)


def test_a_later_landing_restates_a_day():
    assert together([daily(5), daily(7)], [DAY]) == {DAY: DayTotal(7, 1)}


def test_an_amount_that_differs_by_rounding_is_the_earlier_one():
    """So that the same transactions in another order give the same series."""
    assert together([daily(0.3), daily(0.1 + 0.2)], [DAY]) == {DAY: DayTotal(0.3, 1)}


def test_a_landing_that_adds_is_added():
    assert together([daily(5), daily(7, Joins.ADD)], [DAY]) == {DAY: DayTotal(12, 2)}


def test_a_day_that_nobody_has_is_left_out():
    assert together([daily(5)], [DAY, NEXT]) == {DAY: DayTotal(5, 1)}


def test_a_day_of_one_landing_needs_no_rows():
    """Rows are read only where two landings share a day."""
    first, second = with_ids((DAY, 1, 5.0)), with_ids((NEXT, 2, 6.0))
    apart = [Part(part.totals, part.joins, no_rows) for part in (first, second)]

    assert together(apart, [DAY, NEXT]) == {DAY: DayTotal(5, 1), NEXT: DayTotal(6, 1)}


def test_a_row_that_two_landings_have_counts_once():
    first, second = with_ids((DAY, 1, 5.0), (DAY, 2, 6.0)), with_ids((DAY, 2, 6.0), (DAY, 3, 7.0))

    assert together([first, second], [DAY]) == {DAY: DayTotal(18, 3)}


def test_rows_of_one_id_that_differ_both_count():
    """A basket has one id and a row an item."""
    assert together([with_ids((DAY, 1, 5.0)), with_ids((DAY, 1, 6.0))], [DAY]) == {DAY: DayTotal(11, 2)}


def test_equal_rows_count_as_often_as_the_landing_that_has_most_of_them():
    """Two items of one price in one basket are two, and landed again they are still two."""
    twice = with_ids((DAY, 1, 5.0), (DAY, 1, 5.0))

    assert together([twice, with_ids((DAY, 1, 5.0)), twice], [DAY]) == {DAY: DayTotal(10, 2)}


def test_a_restatement_takes_the_place_of_rows_with_ids():
    assert together([with_ids((DAY, 1, 5.0)), daily(9)], [DAY]) == {DAY: DayTotal(9, 1)}


ROWS = st.lists(
    st.tuples(st.sampled_from([DAY, NEXT]), st.integers(1, 4), st.sampled_from([0.1, 0.2, 0.7])),
    min_size=1,
    max_size=6,
)


@given(st.lists(ROWS, min_size=2, max_size=3))
def test_rows_with_ids_give_the_same_days_in_any_order(landings: Sequence[Sequence[Row]]):
    found = [together([with_ids(*rows) for rows in order], [DAY, NEXT]) for order in permutations(landings)]

    for other in found[1:]:
        assert other.keys() == found[0].keys()
        for day, total in found[0].items():
            assert other[day].rows == total.rows
            assert other[day].amount == pytest.approx(total.amount, rel=1e-12)


@given(ROWS)
def test_the_same_rows_again_change_nothing(rows: Sequence[Row]):
    once, twice = together([with_ids(*rows)], [DAY, NEXT]), together([with_ids(*rows)] * 2, [DAY, NEXT])

    assert {day: total.rows for day, total in once.items()} == {day: total.rows for day, total in twice.items()}

"""Rows of one id: equal ones count once, different ones all count; and what a sink gets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrain.data.landed import DayTotal
from tests.unit.reading.exports import landed, text

HEADER = "TransactionID,TransactionDate,PaidAmount,Item"
ROWS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.sampled_from("ab")), min_size=1
)


@dataclass
class Kept:
    """A sink that keeps rows as (day, id, amount)."""

    rows: list[tuple[int, int, float]] = field(default_factory=list)

    def add(self, days: NDArray[np.int32], ids: NDArray[np.uint64], amounts: NDArray[np.float64]) -> None:
        assert days.dtype == np.int32
        self.rows += zip(days.tolist(), ids.tolist(), amounts.tolist(), strict=True)


@dataclass
class Sinks:
    """Makes one for each reading."""

    made: list[Kept] = field(default_factory=list)

    def __call__(self) -> Kept:
        self.made.append(Kept())
        return self.made[-1]


def test_items_of_a_basket_all_count():
    """They have one id, and differ."""
    found = landed(text(HEADER, "7,2024-01-01,5,pipe", "7,2024-01-01,6,nail", "7,2024-01-01,5,pipe"))

    assert found.totals == {date(2024, 1, 1): DayTotal(11.0, 2)}
    assert found.repeated == 1
    assert found.warnings == (
        "1 row is equal to an earlier one in every column and left out, for example row 3",
        "1 row has the id of an earlier row that differs, and counts all the same, for example row 2",
    )


@given(ROWS)
def test_each_different_row_counts_once(rows: list[tuple[int, int, int, str]]):
    """In the days as in the sink."""
    sinks = Sinks()
    lines = [f"{number},2024-01-0{day},{amount},{item}" for number, day, amount, item in rows]
    found = landed(text(HEADER, *lines), sink=sinks)

    different = dict.fromkeys(rows)
    days = Counter(day for _, day, _, _ in different)
    assert {day.day: total.rows for day, total in found.totals.items()} == days
    assert found.repeated == len(rows) - len(different)
    assert [(number, amount) for _, number, amount in sinks.made[-1].rows] == [
        (number, float(amount)) for number, _, amount, _ in different
    ]


def test_without_repeated_ids_the_rows_are_read_once():
    """And given to one sink."""
    sinks = Sinks()
    landed(text(HEADER, "7,2024-01-01,5,a", "8,2024-01-02,6,a"), sink=sinks)

    (kept,) = sinks.made
    assert kept.rows == [(19723, 7, 5.0), (19724, 8, 6.0)]


def test_a_file_without_ids_needs_no_sink():
    """Its rows cannot be told apart."""
    sinks = Sinks()
    found = landed(text("TransactionDate,PaidAmount", "2024-01-01,5"), sink=sinks)

    assert not found.has_ids
    assert sinks.made == []

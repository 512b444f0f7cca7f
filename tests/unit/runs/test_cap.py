"""When there is room for one more promotion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.records.champion import NOBODY, Champion, Pointer
from retrain.records.request import new_run_id
from retrain.runs.cap import MONTH, full
from retrain.settings import parse

if TYPE_CHECKING:
    from retrain.settings import Settings

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2034, 3, 1, tzinfo=UTC)
FIRST = Champion("1", NOON, "run-1", "question 1")


def at_most(most: int) -> Settings:
    return parse({"RETRAIN_MOST_PROMOTIONS_A_MONTH": str(most)})


def promoted(*hours: int) -> Pointer:
    """So many hours after noon a version was promoted."""
    ran = (
        Champion(str(n), NOON + timedelta(hours=at), f"run-{n}", f"question {n}") for n, at in enumerate(hours, 1)
    )
    return Pointer(tuple(ran), "etag")


@pytest.mark.parametrize(("late", "has_room"), [(timedelta(), True), (timedelta(milliseconds=1), False)])
def test_room_is_there_again_after_exactly_30_days(late: timedelta, has_room: bool):
    """And the sentence says so."""
    run_id = new_run_id(NOON + MONTH - late)

    assert (full(promoted(0), run_id, LATER, at_most(1)) is None) == has_room


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=8).map(sorted), st.integers(0, 2500), st.integers(1, 5))
def test_there_is_room_again_when_it_is_said(hours: list[int], now: int, most: int):
    """At that moment, and not a moment before."""
    pointer, settings = promoted(*hours), at_most(most)
    why = full(pointer, new_run_id(NOON + timedelta(hours=now)), LATER, settings)
    if why is None:
        return
    before = why.until - timedelta(milliseconds=1)

    assert why.promotions >= most
    assert full(pointer, new_run_id(before), LATER, settings) is not None
    assert full(pointer, new_run_id(why.until), LATER, settings) is None


def test_a_switch_that_was_taken_back_does_not_count():
    """The same run moved the pointer there and back; nothing was promoted."""
    there = Champion("2", NOON + timedelta(hours=1), "run-2", "question 2")
    back = Champion("1", NOON + timedelta(hours=2), "run-2")
    pointer = Pointer((FIRST, there, back), "etag")

    assert full(pointer, new_run_id(NOON + timedelta(days=1)), LATER, at_most(2)) is None


def test_without_a_champion_there_is_always_room():
    """The first one was taken back, and nothing answers."""
    pointer = Pointer((FIRST, Champion(NOBODY, NOON, "run-9")), "etag")

    assert full(pointer, new_run_id(NOON), LATER, at_most(1)) is None


def test_without_a_cap_there_is_always_room():
    """The default."""
    assert full(promoted(0, 1, 2, 3), new_run_id(NOON), LATER, at_most(0)) is None


def test_a_clock_that_was_ahead_makes_no_room():
    """A run whose name is of a time to come counts as of now."""
    run_id = new_run_id(NOON + timedelta(days=40))

    assert full(promoted(0), run_id, NOON + timedelta(days=1), at_most(1)) is not None
    assert full(promoted(0), run_id, LATER, at_most(1)) is None

"""Where a rollback leads: back along the champions, never to the version that was just left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.records.champion import Champion, Pointer

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def pointer(*versions: str) -> Pointer:
    """These were champion in turn, each by a run of its own."""
    entries = [Champion(version, NOON + timedelta(days=at), f"run-{at}") for at, version in enumerate(versions)]
    return Pointer(tuple(entries), "etag")


@pytest.mark.parametrize(
    ("champions", "back_to"),
    [
        ("1", None),
        ("12", "1"),
        ("123", "2"),
        ("1232", "1"),  # rolled back once
        ("12321", None),  # and once more
        ("12324", "2"),  # promoted after a rollback
        ("123242", "1"),
        ("1231", None),  # rolled back with --to
        ("12314", "1"),
        ("12323", "2"),  # promoted again after a rollback
        ("121", None),
        ("1213", "1"),
    ],
)
def test_a_rollback_leads_to_the_champion_before(champions: str, back_to: str | None):
    """Before the present one first became champion."""
    assert pointer(*champions).predecessor == back_to


def test_two_rollbacks_from_the_third_lead_to_the_first():
    """One step each."""
    champions = ["1", "2", "3"]
    for _ in range(2):
        champions.append(str(pointer(*champions).predecessor))

    assert champions == ["1", "2", "3", "2", "1"]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_rollbacks_end_and_never_return(numbers: list[int]):
    """Whatever was promoted and rolled back before."""
    champions, seen = [str(number) for number in numbers], list[str]()
    while (back := pointer(*champions).predecessor) is not None:
        seen.append(back)
        champions.append(back)

    assert len(seen) == len({*seen, str(numbers[-1])} - {str(numbers[-1])})


def test_a_switch_that_was_taken_back_is_no_champion():
    """The same run moved the pointer there and back."""
    taken_back = Champion("3", NOON + timedelta(days=2), "run-2")
    back = Champion("2", NOON + timedelta(days=3), "run-2")
    entries = (*pointer("1", "2").champions, taken_back, back)

    assert Pointer(entries, "etag").predecessor == "1"

"""The set of transaction ids that were already read."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrain.reading.seen_ids import SeenIds

batches = st.lists(st.lists(st.integers(0, 40), max_size=20), max_size=12)


@given(batches, st.sampled_from([0, 30, 1000]), st.sampled_from([0, 2**63]))
def test_it_agrees_with_a_python_set(drawn: list[list[int]], largest_map: int, offset: int):
    """An id is new exactly once, for any batches in any order, whether a map can hold them or not."""
    with patch("retrain.reading.seen_ids.LARGEST_MAP", largest_map):
        agrees_with_a_set([[number + offset for number in batch] for batch in drawn])


def agrees_with_a_set(drawn: list[list[int]]) -> None:
    ids, known = SeenIds(), set[int]()
    for batch in drawn:
        fresh = ids.first_seen(np.array(batch, dtype=np.uint64))
        expected = []
        for number in batch:
            expected.append(number not in known)
            known.add(number)
        assert fresh.tolist() == expected


def test_arrays_that_are_too_large_to_merge_are_searched(monkeypatch):
    """Their ids are not new a second time."""
    monkeypatch.setattr("retrain.reading.seen_ids.LARGEST_MERGE", 100)
    monkeypatch.setattr("retrain.reading.seen_ids.LARGEST_MAP", 0)
    ids = SeenIds()
    half = np.arange(0, 10_000, 2, dtype=np.uint64)

    assert ids.first_seen(half).all()
    assert ids.first_seen(half + np.uint64(1)).all()
    assert not ids.first_seen(np.array([9_998, 1, 4_000], dtype=np.uint64)).any()

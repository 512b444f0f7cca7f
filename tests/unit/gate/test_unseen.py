"""The unseen days as CSV: one line per day, without loss of precision."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.gate.unseen import HEADER, UnseenDay, as_csv, from_csv

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.builds(UnseenDay, st.dates(), *[NUMBERS] * 6)))
def test_days_read_back_as_they_were_written(days: list[UnseenDay]):
    """Bit for bit, and in their order."""
    assert list(from_csv(as_csv(days))) == days


def test_nan_is_an_empty_cell():
    """A first model has no champion, and a day may be missing."""
    day = UnseenDay(date(2024, 2, 29), math.nan, math.nan, 2.5, 3.0, math.nan, 4.0)
    text = as_csv([day])

    assert text == f"{HEADER}\n2024-02-29,,,2.5,3.0,,4.0\n"
    assert math.isnan(from_csv(text)[0].amount)


@pytest.mark.parametrize(
    "text", ["", "day,amount\n", f"{HEADER}\n2024-01-01,1\n", f"{HEADER}\nnever,1,1,1,1,1,1\n"]
)
def test_any_other_text_is_an_error(text: str):
    """Without the header, or with an incomplete line."""
    with pytest.raises((ValueError, TypeError)):
        from_csv(text)

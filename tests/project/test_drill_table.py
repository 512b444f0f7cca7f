"""The table of the drills: what did not run, or lost something, is named."""

from __future__ import annotations

from tests.drills.table import LAWS, PLACES, Row, page, wrong


def test_a_drill_that_did_not_run_on_a_store_is_missed():
    """Each belongs on both stores, but for those that reach none."""
    rows = [Row(drill, place, "something", 1, 0) for drill in LAWS for place in PLACES[drill]]
    some = [row for row in rows if (row.drill, row.place) != ("crash", "Azurite")]

    assert "crash: not run on Azurite" in wrong(some, page(some))
    assert not [complaint for complaint in wrong(rows, page(rows)) if "not run" in complaint]


def test_what_was_lost_is_named():
    """The row, as it was told."""
    rows = [Row("soak", "folder", "landings", 300, 2)]

    assert any("lost=2" in complaint for complaint in wrong(rows, page(rows)))


def test_what_was_done_in_several_tests_is_one_line():
    """Its times and losses are sums."""
    rows = [Row("clock", "folder", "runs", 1_000, 0), Row("clock", "folder", "runs", 234, 1)]

    assert "| runs | folder | 1,234 | 1 |" in page(rows)

"""The table of the drills: what did not run, or lost something, is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.drills import table
from tests.drills.table import LAWS, PLACES, Row, page, wrong

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_drill_that_did_not_run_on_a_store_is_missed():
    """Each belongs on both stores, but for those that reach none."""
    rows = [Row(drill, place, "something", 1, 0) for drill in LAWS for place in PLACES[drill]]
    some = [row for row in rows if (row.drill, row.place) != ("crash", "Azurite")]

    assert "crash: not run on Azurite" in wrong(some, page(some))
    assert not [complaint for complaint in wrong(rows, page(rows)) if "not run" in complaint]


def test_a_line_that_the_page_does_not_have_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """How often it was done may differ: a sweep grows with the code."""
    (tmp_path / "page.md").write_text(page([Row("clock", "folder", "runs", 1_000, 0)]))
    monkeypatch.setattr(table, "PAGE", tmp_path / "page.md")

    def complaints(row: Row) -> list[str]:
        return [one for one in wrong([row], page([row])) if "WRITE_TABLES" in one]

    assert complaints(Row("clock", "folder", "runs", 1_001, 0)) == []
    assert complaints(Row("clock", "folder", "runs of 3 days", 1_000, 0))
    assert complaints(Row("clock", "folder", "other runs", 1_000, 0))
    assert complaints(Row("clock", "folder", "runs", 1_000, 1))


def test_what_was_lost_is_named():
    """The row, as it was told."""
    rows = [Row("soak", "folder", "landings", 300, 2)]

    assert any("lost=2" in complaint for complaint in wrong(rows, page(rows)))


def test_what_was_done_in_several_tests_is_one_line():
    """Its times and losses are sums."""
    rows = [Row("clock", "folder", "runs", 1_000, 0), Row("clock", "folder", "runs", 234, 1)]

    assert "| runs | folder | 1,234 | 1 |" in page(rows)

"""What holds for the findings about any file and any history."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from retrain.data.landed import Aggregate, DayTotal, FileContent
from retrain.data.series import GapPolicy
from retrain.plausible.findings import Known, findings

amounts = st.one_of(st.floats(-1e300, 1e300, allow_nan=False), st.sampled_from([0.0, 100.0, 1e-300]))


@st.composite
def stretches(draw: st.DrawFn, *, most: int = 4, is_daily: bool) -> dict[date, DayTotal]:
    """Days in some runs, with equal or any amounts and numbers of rows."""
    found: dict[date, DayTotal] = {}
    for _ in range(draw(st.integers(0, most))):
        start = draw(st.dates(date(2019, 1, 1), date(2024, 12, 31)) | st.just(date(1970, 1, 1)))
        step, length = draw(st.sampled_from([1, 1, 1, 7, 31])), draw(st.integers(1, 60))
        some = draw(st.lists(amounts, min_size=1, max_size=5))
        rows = draw(st.lists(st.just(1) if is_daily else st.integers(1, 10_000), min_size=1, max_size=5))
        found |= {
            start + timedelta(days=step * at): DayTotal(some[at % len(some)], rows[at % len(rows)])
            for at in range(length)
        }
    return found


@st.composite
def landings(draw: st.DrawFn) -> tuple[FileContent, Known]:
    """A file and what was there before it."""
    is_daily = draw(st.booleans())
    content = stretches(is_daily=is_daily)
    totals, replaced, new = draw(content), draw(content), draw(content)
    merged = {
        day: DayTotal(total.amount + totals[day].amount, total.rows + totals[day].rows)
        for day, total in new.items()
        if day in totals
    }
    trained = (min(totals), max(totals)) if totals else (None, None)
    known = Known(
        totals,
        replaced,
        draw(st.sampled_from(Aggregate)),
        is_daily if totals or replaced else None,
        trained[1],
        trained[0],
        draw(st.sampled_from(GapPolicy)),
        merged if draw(st.booleans()) else None,
    )
    rows = sum(total.rows for total in new.values())
    why = draw(st.sampled_from(["", "the last line has no line end"]))
    return FileContent("file.csv", dict(sorted(new.items())), rows, 0, has_ids=not is_daily, cut_short=why), known


@settings(max_examples=100)
@given(landings())
def test_only_days_of_the_file_that_change_something_are_held(case: tuple[FileContent, Known]):
    """Ascending, with something to read; whatever the file is, it is judged and not refused."""
    landed, known = case

    found = findings(landed, known, date(2024, 6, 30))

    for finding in found:
        assert finding.found
        assert finding.expected
        assert list(finding.days) == sorted(set(finding.days))
        assert set(finding.days) <= landed.totals.keys()


@settings(max_examples=50)
@given(landings())
def test_the_same_file_again_has_no_doubt(case: tuple[FileContent, Known]):
    """What was accepted is in force, and changes nothing when its name comes again."""
    landed, known = case
    again = Known(
        {},
        landed.totals,
        known.aggregate,
        not landed.has_ids,
        known.trained_through,
        known.trained_from,
        known.gaps,
    )

    assert findings(landed, again, date(2024, 6, 30)) == ()

"""Plausible or held: what a person should look at before a readable file enters the history.

No doubt has a setting. Each compares the days of the file with those before and after it, and its limit comes from
how much those differ. docs/adr/0017-plausible-or-held.md has the statistics and how often honest files are held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.data.series import GapPolicy
from retrain.plausible import calendar, changes, days, level, rows
from retrain.plausible.judged import Judged, Known

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from retrain.data.findings import Finding
    from retrain.data.landed import FileContent

__all__ = ["Known", "findings"]


def findings(landed: FileContent, known: Known, today: date) -> tuple[Finding, ...]:
    """Everything that makes a landed file, or some of its days, implausible; empty if nothing does.

    What the file has beyond the calendar is judged first, and the other days as if it were not there, so that one
    wrong date does not change what is said about the rest.
    """
    if not landed.totals:
        return ()
    judged = Judged.of(landed, known)
    found = _of_calendar(judged, known, today) if judged.is_judged.any() else []
    rest = judged.without(_days_of(found))
    found += _some(changes.lost(landed, known))
    if _is_whole(found) or not rest.is_judged.any():
        return tuple(found)
    found += _some(changes.restated(rest, known))
    of_rows = _some(rows.kind(rest, landed), rows.copied(rest, landed))
    found += of_rows or _some(rows.level(rest))
    of_level = _some(level.scale(rest), level.sign(rest))
    absurd = days.absurd_days(rest)
    # One absurd day would make any spread of the others look different.
    found += of_level or _some(level.spread(rest.without(_days_of(absurd))))
    cut = days.cut_short(rest, today, landed.cut_short)
    found += absurd + _some(cut, days.constant(rest))
    return (*found, *_gap_of_held(judged, found, known))


def _of_calendar(judged: Judged, known: Known, today: date) -> list[Finding]:
    """Future days, then the cadence of the others, then gaps."""
    found = _some(calendar.in_future(judged, today))
    if _is_whole(found):
        return found
    rest = judged.without(_days_of(found))
    cadence = _some(calendar.not_daily(rest))
    return found + (cadence or _some(calendar.gap(rest, known.gaps, known.country)))


def _gap_of_held(judged: Judged, found: list[Finding], known: Known) -> list[Finding]:
    """The gap that days which are held leave, as it would be if they were missing in the file.

    With RETRAIN_GAPS=refuse a day that is held is not missing: it waits for a person.
    """
    held = _days_of(found)
    if not held or _is_whole(found) or known.gaps is GapPolicy.REFUSE:
        return []
    rest = judged.without(held)
    return _some(calendar.gap(rest, known.gaps, known.country)) if rest.is_judged.any() else []


def _days_of(found: Iterable[Finding]) -> set[date]:
    return {day for finding in found for day in finding.days}


def _is_whole(found: Iterable[Finding]) -> bool:
    """Whether one of them holds the whole file."""
    return any(not finding.days for finding in found)


def _some(*found: Finding | None) -> list[Finding]:
    return [finding for finding in found if finding is not None]

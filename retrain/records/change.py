"""How two histories differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrain.data.totals import is_same

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from retrain.records.history import History


@dataclass(frozen=True, slots=True)
class Change:
    """What an entry did to the days of the history. Days are ascending.

    Attributes:
        new_days: were not there before.
        changed_days: have another total, or are gone.
        equal_days: how many others the landing has.
    """

    new_days: tuple[date, ...]
    changed_days: tuple[date, ...]
    equal_days: int = 0


def changes(before: History, after: History, landed: Collection[date]) -> Change:
    """How two histories differ. Args: landed: the days of the landing between them."""
    new = after.totals.keys() - before.totals.keys()
    gone = before.totals.keys() - after.totals.keys()
    both = after.totals.keys() & before.totals.keys()
    changed = {day for day in both if not is_same(before.totals[day], after.totals[day])}
    equal = sum(day in both and day not in changed for day in landed)
    return Change(tuple(sorted(new)), tuple(sorted(changed | gone)), equal)

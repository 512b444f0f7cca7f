"""What a file must pass before its days may touch the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.data.series import MAX_GAP_DAYS, GapPolicy, gaps, longest_gap, restate
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.data.series import Days
    from retrain.data.transactions import LandedDays

# Shorter stretches of one amount happen; four weeks of it is a stuck source.
STUCK_DAYS = 28


def check(landed: LandedDays, history: Days, policy: GapPolicy) -> None:
    """Raises: DataError for a file that is whole and readable, and still cannot be believed."""
    amounts = set(landed.days.values())
    if len(landed.days) >= STUCK_DAYS and len(amounts) == 1:
        raise DataError(
            f"all {len(landed.days)} days are {amounts.pop():g}; a source that never changes is stuck, so there is "
            "nothing to learn from it",
            file=landed.file,
        )
    longest = longest_gap(landed.days)
    if policy is GapPolicy.INTERPOLATE and longest > MAX_GAP_DAYS:
        raise DataError(
            f"{longest} days in a row are missing inside the file and at most {MAX_GAP_DAYS} are interpolated; "
            "correct the days, or set RETRAIN_GAPS=zero if a day without rows means no trade",
            file=landed.file,
        )
    if policy is GapPolicy.REFUSE:
        missing = gaps(restate(history, landed.days).days)
        if missing:
            first, last = missing[0]
            raise DataError(
                f"the days from {first} to {last} would be missing and RETRAIN_GAPS=refuse; land them first, or "
                "set RETRAIN_GAPS to interpolate or zero",
                file=landed.file,
            )

"""Checks of a readable file before its days enter the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.data.series import MAX_GAP_DAYS, GapPolicy, gaps, longest_gap, restate
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.data.series import Days

# A shorter run of equal amounts may be real; four weeks of them mean a source that repeats one value.
CONSTANT_DAYS = 28


def check(file: str, days: Days, history: Days, policy: GapPolicy) -> None:
    """Look at the days of a file.

    Raises: DataError if they are constant, or leave a gap that the policy does not allow.
    """
    amounts = set(days.values())
    if len(days) >= CONSTANT_DAYS and len(amounts) == 1:
        raise DataError(
            f"all {len(days)} days are {amounts.pop():g}; check the source, which seems to repeat one "
            "value, and land a corrected file",
            file=file,
        )
    longest = longest_gap(days)
    if policy is GapPolicy.INTERPOLATE and longest > MAX_GAP_DAYS:
        raise DataError(
            f"{longest} consecutive days are missing in the file, and at most {MAX_GAP_DAYS} are interpolated; "
            "correct the days, or set RETRAIN_GAPS=zero if a day without rows means an amount of zero",
            file=file,
        )
    if policy is GapPolicy.REFUSE:
        missing = gaps(restate(history, days).days)
        if missing:
            first, last = missing[0]
            raise DataError(
                f"the days from {first} to {last} would be missing, and RETRAIN_GAPS=refuse; land them first, or "
                "set RETRAIN_GAPS to interpolate or zero",
                file=file,
            )

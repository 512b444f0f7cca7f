"""Checks of a readable file before its days enter the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.data.series import MAX_GAP_DAYS, GapPolicy, longest_gap, missing_days, restate
from retrain.errors import DataError

if TYPE_CHECKING:
    from retrain.data.series import Days
    from retrain.data.transactions import LandedDays

# A shorter run of equal amounts may be real; four weeks of them mean a source that repeats one value.
CONSTANT_DAYS = 28


def check(landed: LandedDays, history: Days, policy: GapPolicy, country: str = "") -> None:
    """Raises: DataError if the days of the file are constant, or leave a gap that the policy does not allow."""
    amounts = set(landed.days.values())
    if len(landed.days) >= CONSTANT_DAYS and len(amounts) == 1:
        raise DataError(
            f"all {len(landed.days)} days are {amounts.pop():g}; check the source, which seems to repeat one "
            "value, and land a corrected file",
            file=landed.file,
        )
    longest = longest_gap(landed.days)
    if policy is GapPolicy.INTERPOLATE and longest > MAX_GAP_DAYS:
        raise DataError(
            f"{longest} consecutive days are missing in the file, and at most {MAX_GAP_DAYS} are interpolated; "
            "correct the days, or set RETRAIN_GAPS=zero if a day without rows means an amount of zero",
            file=landed.file,
        )
    if policy is GapPolicy.REFUSE:
        missing = missing_days(restate(history, landed.days).days, country)
        if missing:
            raise DataError(
                f"{len(missing)} days would be missing, the first of them {missing[0]}, and RETRAIN_GAPS=refuse; "
                "land them first, or set RETRAIN_GAPS to interpolate or zero",
                file=landed.file,
            )

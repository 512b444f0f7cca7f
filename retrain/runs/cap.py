"""The cap on promotions: so many in 30 days, counted at the time of the run, so a replay counts the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from retrain.gate.decide import Decision, Verdict
from retrain.records.request import asked_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.gate.assess import Assessment
    from retrain.records.champion import Pointer
    from retrain.settings import Settings

MONTH = timedelta(days=30)
CAP = "RETRAIN_MOST_PROMOTIONS_A_MONTH"


@dataclass(frozen=True, slots=True)
class Full:
    """There have been as many promotions as there may be.

    Attributes:
        promotions: how many in the 30 days.
        until: when there is room again.
    """

    most: int
    promotions: int
    until: datetime

    def __str__(self) -> str:
        count = "1 promotion" if self.promotions == 1 else f"{self.promotions} promotions"
        return (
            f"{CAP} is {self.most}, and there has been {count} in the last {MONTH.days} days; there is room again "
            f"from {self.until:%Y-%m-%d %H:%M} UTC on"
        )


def full(pointer: Pointer, run_id: str, now: datetime, settings: Settings) -> Full | None:
    """Why a run may promote nothing; None if it may, as it always may where there is no champion.

    Promotions that were confirmed while the run waited count too.

    Args:
        pointer: as the run found it.
        now: the run counts as of then if its name is of a time to come, which a clock that was ahead has given it.
    """
    most, champion = settings.promotions.most_promotions_a_month, pointer.champion
    if not most or champion is None:
        return None
    at = min(asked_at(run_id) or now, now)
    lately = [entry.since for entry in pointer.promoted if at < entry.since + MONTH]
    return Full(most, len(lately), lately[-most] + MONTH) if len(lately) >= most else None


def capped(
    found: Assessment, pointer: Callable[[], Pointer], run_id: str, now: datetime, settings: Settings
) -> Assessment:
    """What a run has found, without its winner if that is one promotion too many.

    Args: pointer: gives it as the run found it, and is asked only where there is a cap.
    """
    if found.winner is None or not settings.promotions.most_promotions_a_month:
        return found
    why = full(pointer(), run_id, now, settings)
    if why is None:
        return found
    decision = found.decision
    warnings = (*decision.warnings, f"The winner is not promoted: {why}.")
    kept = Decision(Verdict.KEEP, f"{decision.reason} It is not promoted: {why}.", warnings)
    return replace(found, decision=kept, winner=None)

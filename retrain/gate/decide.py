"""The verdict: a pure function of what was measured and of the policy. There is no other way to `promote`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from retrain.gate.scores import Loss

if TYPE_CHECKING:
    from retrain.gate.evaluate import Comparison


class Verdict(StrEnum):
    """How a run ends when nothing failed."""

    PROMOTE = "promote"
    KEEP = "keep"
    UNCHANGED = "unchanged"
    WAITING = "waiting"


# Two optimisers that end a hair apart are not two models: a gain below this is rounding.
MEASURABLE_GAIN = 1e-4


class Floor(StrEnum):
    """What happens to a challenger that loses to the seasonal naive."""

    WARN = "warn"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class PromotionPolicy:
    """How much better is better.

    Attributes:
        min_gain: share of the champion's loss by which the challenger's must be lower; 0 asks for any gain.
        significance: the one-sided p-value must also lie below it; None asks for no test.
    """

    loss: Loss = Loss.RMSE
    min_gain: float = 0.0
    significance: float | None = None
    floor: Floor = Floor.WARN


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, the sentence that explains it, and what a person should look at besides."""

    verdict: Verdict
    reason: str
    warnings: tuple[str, ...] = ()


def decide_unmeasured(days: int) -> Decision:
    """The first model on a history too short to hold days out."""
    reason = f"No champion yet: this is the first model, and its {days} days are too few to hold any out."
    return Decision(Verdict.PROMOTE, reason, ("The first model's error is not known yet.",))


def decide(measured: Comparison, policy: PromotionPolicy) -> Decision:
    """Promote only what is measured to be better; everything else keeps the champion."""
    name = policy.loss.upper()
    challenger: float = getattr(measured.challenger, policy.loss)
    naive: float = getattr(measured.seasonal_naive, policy.loss)
    loses_to_naive = challenger >= naive
    beside = f"the seasonal naive's {name} is {naive:.4g}, the challenger's {challenger:.4g}"
    warnings = (f"The challenger loses to last season's values: {beside}.",) if loses_to_naive else ()
    if loses_to_naive and policy.floor is Floor.BLOCK:
        return Decision(Verdict.KEEP, f"The challenger does not beat the floor: {beside}.", warnings)
    if measured.champion is None:
        reason = (
            f"No champion yet: this is the first model, so there is nothing to compare it with; "
            f"its {name} over the last {measured.unseen_days} days, held out, is {challenger:.4g}."
        )
        return Decision(Verdict.PROMOTE, reason, warnings)
    champion: float = getattr(measured.champion, policy.loss)
    needed = champion * (1 - max(policy.min_gain, MEASURABLE_GAIN))
    numbers = (
        f"challenger's {name} {challenger:.4g}, champion's {champion:.4g}, over the same {measured.origins} "
        f"origins in {measured.unseen_days} unseen days"
    )
    if not challenger < needed:
        wanted = f"; promotion needs less than {needed:.1f}" if policy.min_gain else ""
        return Decision(Verdict.KEEP, f"The champion stays: {numbers}{wanted}.", warnings)
    if policy.significance is not None and not _significant(measured, policy.significance):
        p = "unknown" if measured.test is None else f"{measured.test.p_value:.3f}"
        reason = f"The champion stays: {numbers}; p = {p} is not below {policy.significance}."
        return Decision(Verdict.KEEP, reason, warnings)
    gain = 1 - challenger / champion
    return Decision(Verdict.PROMOTE, f"The challenger is {gain:.1%} better: {numbers}.", warnings)


def _significant(measured: Comparison, level: float) -> bool:
    return measured.test is not None and measured.test.p_value < level

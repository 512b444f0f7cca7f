"""Gives the verdict: a pure function of the comparison and the policy. Only it can answer `promote`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from retrain.gate.scores import Loss

if TYPE_CHECKING:
    from retrain.gate.evaluate import Comparison


class Verdict(StrEnum):
    """The result of a run that did not fail."""

    PROMOTE = "promote"
    KEEP = "keep"
    UNCHANGED = "unchanged"
    WAITING = "waiting"


# A smaller relative gain is rounding: two optimisers end at slightly different parameters of the same model.
MIN_MEASURABLE_GAIN = 1e-4


class Floor(StrEnum):
    """What to do with a challenger that is not better than the seasonal naive."""

    WARN = "warn"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class PromotionPolicy:
    """How much better the challenger must be.

    Attributes:
        loss: the metric that is compared.
        min_gain: relative decrease of the loss that is required; 0 for any decrease.
        significance: the one-sided p-value must also be below it; None to require no test.
    """

    loss: Loss = Loss.RMSE
    min_gain: float = 0.0
    significance: float | None = None
    floor: Floor = Floor.WARN


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, a sentence that explains it, and warnings."""

    verdict: Verdict
    reason: str
    warnings: tuple[str, ...] = ()


def decide_unmeasured(days: int) -> Decision:
    """The decision on a first model whose history is too short to hold out days."""
    reason = f"No champion yet: this is the first model, and its {days} days are too few to hold out some of them."
    return Decision(Verdict.PROMOTE, reason, ("The first model's error is not known yet.",))


def decide(measured: Comparison, policy: PromotionPolicy) -> Decision:
    """Promote the challenger only if it is measurably better; otherwise keep the champion.

    Raises: ModelError if the loss is not defined for a model or for the seasonal naive; no other metric matters.
    """
    name = policy.loss.upper()
    challenger = measured.challenger.of(policy.loss)
    naive = measured.seasonal_naive.of(policy.loss)
    loses_to_naive = not challenger < naive
    losses = f"the seasonal naive's {name} is {naive:.4g}, the challenger's {challenger:.4g}"
    warnings = (f"The challenger is not better than the seasonal naive: {losses}.",) if loses_to_naive else ()
    if loses_to_naive and policy.floor is Floor.BLOCK:
        reason = f"The challenger is not promoted, because it is not better than the seasonal naive: {losses}."
        return Decision(Verdict.KEEP, reason, warnings)
    if measured.champion is None:
        reason = (
            f"No champion yet: this is the first model, so there is nothing to compare it with; "
            f"its {name} on the last {measured.unseen_days} days, which were held out, is {challenger:.4g}."
        )
        return Decision(Verdict.PROMOTE, reason, warnings)
    champion = measured.champion.of(policy.loss)
    limit = champion * (1 - max(policy.min_gain, MIN_MEASURABLE_GAIN))
    numbers = (
        f"challenger's {name} {challenger:.4g}, champion's {champion:.4g}, over the same {measured.origins} "
        f"origins in {measured.unseen_days} unseen days"
    )
    if not challenger < limit:
        required = f"; promotion needs less than {limit:.1f}" if policy.min_gain else ""
        return Decision(Verdict.KEEP, f"The champion stays: {numbers}{required}.", warnings)
    if policy.significance is not None and not _significant(measured, policy.significance):
        reason = f"The champion stays: {numbers}; {_evidence(measured, policy.significance)}."
        return Decision(Verdict.KEEP, reason, warnings)
    gain = 1 - challenger / champion
    return Decision(Verdict.PROMOTE, f"The challenger is {gain:.1%} better: {numbers}.", warnings)


def _significant(measured: Comparison, level: float) -> bool:
    return measured.test is not None and measured.test.p_value < level


def _evidence(measured: Comparison, level: float) -> str:
    if measured.test is None:
        return f"p has to be below {level}, and the Diebold-Mariano test is not defined on these losses"
    return f"p = {measured.test.p_value:.3f} is not below {level}"

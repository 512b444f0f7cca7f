"""Gives the verdict: a pure function of the comparison and the policy. Only it can answer `promote`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from retrain.data.open_enum import OpenEnum
from retrain.gate.evidence import amount
from retrain.gate.scores import Loss

if TYPE_CHECKING:
    from retrain.gate.evaluate import Comparison
    from retrain.gate.evidence import Evidence


class Verdict(OpenEnum):
    """The result of a run that did not fail."""

    PROMOTE = "promote"
    KEEP = "keep"
    UNCHANGED = "unchanged"
    WAITING = "waiting"


# A smaller relative gain is rounding: two optimisers end at slightly different parameters of the same model.
MIN_MEASURABLE_GAIN = 1e-4


class Rule(StrEnum):
    """What a challenger needs besides a lower loss."""

    EVIDENCE = "evidence"
    BETTER = "better"


@dataclass(frozen=True, slots=True)
class PromotionPolicy:
    """How much better the challenger must be, and how sure that is.

    Attributes:
        rule: `evidence` for evidence of at least 1 / alpha, `better` for nothing more than a lower loss.
        alpha: the chance of a promotion at any of the runs of a year while the challenger is no better.
        loss: the metric that is compared.
        min_gain: relative decrease of the loss that is required; 0 for any decrease.
    """

    rule: Rule = Rule.EVIDENCE
    alpha: float = 0.05
    loss: Loss = Loss.RMSE
    min_gain: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, a sentence that explains it, and warnings."""

    verdict: Verdict
    reason: str
    warnings: tuple[str, ...] = ()


def decide_unmeasured(days: int, order: str) -> Decision:
    """The decision on a first model whose history is too short to hold out days."""
    reason = (
        f"No champion yet: {order} is the first model, and none of the {days} days can be held out to measure it."
    )
    return Decision(Verdict.PROMOTE, reason, ("The first model's error is not known yet.",))


def loses_to_naive(measured: Comparison, policy: PromotionPolicy) -> str:
    """The sentence that says so if the challenger is not better than the seasonal naive; empty if it is.

    Raises: ModelError if the loss is not defined for one of them.
    """
    challenger, naive = measured.challenger.of(policy.loss), measured.seasonal_naive.of(policy.loss)
    if challenger < naive * (1 - MIN_MEASURABLE_GAIN):
        return ""
    return (
        f"{measured.order} is not better than the seasonal naive on the same days: "
        f"{policy.loss.upper()} {challenger:.4g} against {naive:.4g}"
    )


def decide(measured: Comparison, policy: PromotionPolicy) -> Decision:
    """Promote the challenger only if it is measurably better; otherwise keep the champion.

    Raises: ModelError if the loss is not defined for a model or for the seasonal naive; no other metric matters.
    """
    name = policy.loss.upper()
    challenger, lost = measured.challenger.of(policy.loss), loses_to_naive(measured, policy)
    if lost and not measured.is_naive:
        return Decision(Verdict.KEEP, f"The challenger is not promoted: {lost}.")
    if measured.champion is None:
        reason = (
            f"No champion yet: {measured.order} is the first model, so there is nothing to compare it with; "
            f"its {name} on the last {measured.unseen_days} days, which were held out, is {challenger:.4g}."
        )
        return Decision(Verdict.PROMOTE, reason)
    champion = measured.champion.of(policy.loss)
    limit = champion * (1 - max(policy.min_gain, MIN_MEASURABLE_GAIN))
    numbers = (
        f"challenger's {name} {challenger:.4g}, champion's {champion:.4g}, over the same {measured.origins} "
        f"origins in {measured.unseen_days} unseen days"
    )
    if not challenger < limit:
        required = f"; promotion needs less than {limit:.1f}" if policy.min_gain else ""
        return Decision(Verdict.KEEP, f"The champion stays: {numbers}{required}.")
    gain = 1 - challenger / champion
    if policy.rule is Rule.EVIDENCE and not (measured.evidence and measured.evidence.is_enough):
        return Decision(Verdict.KEEP, f"The champion stays: {numbers}; {_missing(measured.evidence, gain)}.")
    shown = _shown(measured.evidence) if policy.rule is Rule.EVIDENCE else ""
    return Decision(Verdict.PROMOTE, f"The challenger is {gain:.1%} better: {numbers}{shown}.")


def _shown(found: Evidence | None) -> str:
    return f"; the evidence is {amount(found.value)}, and {found.needed:.3g} is needed" if found else ""


def _missing(found: Evidence | None, gain: float) -> str:
    if found is None:
        return "there is no evidence that it would last"
    begin = f"the gain of {gain:.1%} may be chance{_shown(found)}"
    if found.more_days == 1:
        return f"{begin}; at this gain about one more day would do"
    if found.more_days is None:
        return f"{begin}; at this gain more than two years would have to pass"
    return f"{begin}; at this gain about {found.more_days} more days would do"

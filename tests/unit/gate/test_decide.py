"""The verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.gate.decide import Floor, PromotionPolicy, Verdict, decide, decide_unmeasured
from retrain.gate.scores import Loss
from tests.builders import measured, scored

losses = st.floats(0.01, 1e9)


def test_a_better_challenger_is_promoted_with_the_numbers():
    """The reason has both losses and the days that they are measured on."""
    decision = decide(measured(scored(rmse=400.0), scored(rmse=390.0)), PromotionPolicy())

    assert decision.verdict is Verdict.PROMOTE
    assert "2.5% better" in decision.reason
    assert "145 origins in 151 unseen days" in decision.reason


def test_a_gain_below_the_margin_keeps_the_champion():
    """A loss that is 1 % lower is not enough if the policy requires 2 %."""
    decision = decide(measured(scored(rmse=400.0), scored(rmse=396.0)), PromotionPolicy(min_gain=0.02))

    assert decision.verdict is Verdict.KEEP
    assert "needs less than 392.0" in decision.reason


def test_a_tie_keeps_the_champion():
    """Equal is not better."""
    assert decide(measured(scored(), scored()), PromotionPolicy()).verdict is Verdict.KEEP


@given(losses, losses, st.floats(0, 0.99), st.floats(0, 1), st.sampled_from(Loss), st.sampled_from(Floor))
def test_what_is_not_better_is_never_promoted(
    champion: float, challenger: float, gain: float, p_value: float, loss: Loss, floor: Floor
):
    """With any policy."""
    policy = PromotionPolicy(loss, gain, significance=0.05, floor=floor)
    cards = [replace(scored(), **{loss.value: value}) for value in (champion, challenger)]

    decision = decide(measured(*cards, p_value=p_value), policy)

    if decision.verdict is Verdict.PROMOTE:
        assert challenger < champion * (1 - gain)
        assert p_value < 0.05


def test_a_gain_that_is_rounding_keeps_the_champion():
    """A relative gain of 1e-6 is not a better model."""
    close = measured(scored(rmse=16.67), scored(rmse=16.67 * (1 - 1e-6)), p_value=1e-17)

    assert decide(close, PromotionPolicy(significance=0.05)).verdict is Verdict.KEEP


def test_a_gain_that_is_not_significant_keeps_the_champion():
    """If the policy requires significance; the reason gives the p-value."""
    better = measured(scored(rmse=400.0), scored(rmse=390.0), p_value=0.2)

    assert decide(better, PromotionPolicy(significance=0.05)).verdict is Verdict.KEEP
    assert "p = 0.200 is not below 0.05" in decide(better, PromotionPolicy(significance=0.05)).reason
    assert decide(better, PromotionPolicy()).verdict is Verdict.PROMOTE


@pytest.mark.parametrize(("floor", "verdict"), [(Floor.WARN, Verdict.PROMOTE), (Floor.BLOCK, Verdict.KEEP)])
def test_a_challenger_worse_than_the_seasonal_naive_is_a_warning_or_blocked(floor: Floor, verdict: Verdict):
    """As the policy says."""
    decision = decide(measured(scored(rmse=400.0), scored(rmse=390.0), naive=380.0), PromotionPolicy(floor=floor))

    assert decision.verdict is verdict
    assert "380" in decision.warnings[0]


def test_the_first_model_says_that_there_was_nothing_to_compare():
    """With and without days held out."""
    first = decide(measured(None, scored(rmse=390.0)), PromotionPolicy())

    assert first.verdict is Verdict.PROMOTE
    assert first.reason.startswith("No champion yet")
    assert decide_unmeasured(25).reason.startswith("No champion yet")
    assert decide_unmeasured(25).warnings

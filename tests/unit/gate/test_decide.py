"""The verdict."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.errors import ModelError
from retrain.gate.decide import Floor, PromotionPolicy, Verdict, decide, decide_unmeasured
from retrain.gate.scores import Loss, Scorecard
from tests.builders import measured, scored

losses = st.floats(0.01, 1e9)
anything = st.sampled_from([None, math.nan, math.inf, 0.0, 1.0, 1.0 - 1e-12]) | losses | st.floats()


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


@given(
    anything,
    anything,
    anything,
    st.booleans(),
    st.floats(0, 0.99),
    st.none() | st.just(0.05),
    st.sampled_from(Loss),
    st.sampled_from(Floor),
)
def test_no_score_that_is_missing_or_no_number_opens_the_gate(
    champion: float | None,
    challenger: float | None,
    naive: float | None,
    is_first: bool,
    gain: float,
    significance: float | None,
    loss: Loss,
    floor: Floor,
):
    """Each loss is None, NaN, infinite, zero or any number: only one that is lower than all that count wins."""
    policy = PromotionPolicy(loss, gain, significance, floor)
    numbers: dict[str, Any] = {"rmse": 1.0, "mae": 1.0, "mase": None, "r2": None, "bias": 0.0}
    try:
        cards = [Scorecard(**{**numbers, loss.value: value}) for value in (champion, challenger, naive)]
        compared = replace(measured(None if is_first else cards[0], cards[1]), seasonal_naive=cards[2], test=None)
        decision = decide(compared, policy)
    except ModelError:
        return

    if decision.verdict is Verdict.PROMOTE:
        assert challenger is not None
        assert math.isfinite(challenger)
        assert naive is not None
        assert floor is Floor.WARN or challenger < naive
        if not is_first:
            assert champion is not None
            assert challenger < champion * (1 - gain)
            assert significance is None


@pytest.mark.parametrize("whose", ["champion", "challenger", "seasonal_naive"])
@pytest.mark.parametrize("floor", Floor)
def test_a_loss_that_is_not_defined_for_one_of_them_is_an_error(whose: str, floor: Floor):
    """There is no verdict; the error names the setting."""
    absent: dict[str, Any] = {whose: replace(scored(), mase=None)}
    compared = replace(measured(scored(mase=0.9), scored(mase=0.5)), **absent)

    with pytest.raises(ModelError, match="RETRAIN_LOSS"):
        decide(compared, PromotionPolicy(Loss.MASE, floor=floor))
    assert decide(compared, PromotionPolicy(Loss.RMSE)).verdict is Verdict.KEEP


def test_two_perfect_models_are_a_tie():
    """A loss of zero is neither a gain nor a division by zero; a first one is promoted."""
    perfect = scored(rmse=0.0)

    assert decide(measured(perfect, perfect, naive=0.0), PromotionPolicy()).verdict is Verdict.KEEP
    assert decide(measured(None, perfect, naive=0.0), PromotionPolicy()).verdict is Verdict.PROMOTE
    assert "100.0% better" in decide(measured(scored(), perfect), PromotionPolicy()).reason


def test_a_test_that_is_not_defined_is_no_significance():
    """The champion stays if the policy requires it; otherwise the test decides nothing."""
    better = replace(measured(scored(rmse=400.0), scored(rmse=390.0)), test=None)

    kept = decide(better, PromotionPolicy(significance=0.05))

    assert kept.verdict is Verdict.KEEP
    assert "p has to be below 0.05, and the Diebold-Mariano test is not defined" in kept.reason
    assert decide(better, PromotionPolicy()).verdict is Verdict.PROMOTE


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

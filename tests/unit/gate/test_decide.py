"""The verdict."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.errors import ModelError
from retrain.gate.decide import PromotionPolicy, Rule, Verdict, decide, decide_unmeasured
from retrain.gate.evidence import Evidence
from retrain.gate.scores import Loss, Scorecard
from tests.builders import ENOUGH, TOO_LITTLE, measured, scored

losses = st.floats(0.01, 1e9)
anything = st.sampled_from([None, math.nan, math.inf, 0.0, 1.0, 1.0 - 1e-12]) | losses | st.floats(min_value=0)


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


evidences = st.none() | st.builds(Evidence, st.floats(0, 1e6), st.sampled_from([20.0, 100.0]), st.none())


@given(losses, losses, st.floats(0, 0.99), evidences, st.sampled_from(Loss), st.sampled_from(Rule))
def test_what_is_not_better_is_never_promoted(
    champion: float, challenger: float, gain: float, found: Evidence | None, loss: Loss, rule: Rule
):
    """With any policy."""
    cards = [replace(scored(), **{loss.value: value}) for value in (champion, challenger)]

    decision = decide(measured(*cards, found=found, loss=loss), PromotionPolicy(rule, loss=loss, min_gain=gain))

    if decision.verdict is Verdict.PROMOTE:
        assert challenger < champion * (1 - gain)
        assert rule is Rule.BETTER or (found is not None and found.value >= found.needed)


@given(
    anything,
    anything,
    anything,
    st.booleans(),
    st.booleans(),
    st.floats(0, 0.99),
    evidences,
    st.sampled_from(Loss),
    st.sampled_from(Rule),
)
def test_no_score_that_is_missing_or_no_number_opens_the_gate(
    champion: float | None,
    challenger: float | None,
    naive: float | None,
    is_first: bool,
    is_naive: bool,
    gain: float,
    found: Evidence | None,
    loss: Loss,
    rule: Rule,
):
    """Each loss is None, NaN, infinite, zero or any number: only one that is lower than all that count wins."""
    numbers: dict[str, Any] = {"rmse": 1.0, "mae": 1.0, "mase": None, "r2": None, "bias": 0.0}
    try:
        cards = [Scorecard(**{**numbers, loss.value: value}) for value in (champion, challenger, naive)]
        compared = measured(None if is_first else cards[0], cards[1], found=found, is_naive=is_naive, loss=loss)
        compared = replace(compared, seasonal_naive=cards[2])
        decision = decide(compared, PromotionPolicy(rule, loss=loss, min_gain=gain))
    except ModelError:
        return

    if decision.verdict is Verdict.PROMOTE:
        assert challenger is not None
        assert math.isfinite(challenger)
        assert naive is not None
        assert is_naive or challenger < naive
        if not is_first:
            assert champion is not None
            assert challenger < champion * (1 - gain)
            assert rule is Rule.BETTER or (found is not None and found.value >= found.needed)


@pytest.mark.parametrize("whose", ["champion", "challenger", "seasonal_naive"])
def test_a_loss_that_is_not_defined_for_one_of_them_is_an_error(whose: str):
    """There is no verdict; the error names the setting."""
    absent: dict[str, Any] = {whose: replace(scored(), mase=None)}
    compared = replace(measured(scored(mase=0.9), scored(mase=0.5)), **absent)

    with pytest.raises(ModelError, match="RETRAIN_LOSS"):
        decide(compared, PromotionPolicy(loss=Loss.MASE))
    assert decide(compared, PromotionPolicy(loss=Loss.RMSE)).verdict is Verdict.KEEP


def test_two_perfect_models_are_a_tie():
    """A loss of zero is neither a gain nor a division by zero; the seasonal naive is promoted as the first."""
    perfect = scored(rmse=0.0)

    assert decide(measured(perfect, perfect, naive=1.0), PromotionPolicy()).verdict is Verdict.KEEP
    assert decide(measured(None, perfect, naive=0.0, is_naive=True), PromotionPolicy()).verdict is Verdict.PROMOTE
    assert "100.0% better" in decide(measured(scored(), perfect), PromotionPolicy()).reason


def test_evidence_that_is_not_defined_is_not_enough():
    """The champion stays, unless the policy asks for none."""
    better = measured(scored(rmse=400.0), scored(rmse=390.0), found=None)

    assert decide(better, PromotionPolicy()).verdict is Verdict.KEEP
    assert decide(better, PromotionPolicy(Rule.BETTER)).verdict is Verdict.PROMOTE


def test_a_gain_that_is_rounding_keeps_the_champion():
    """A relative gain of 1e-6 is not a better model, whatever the evidence."""
    close = measured(scored(rmse=16.67), scored(rmse=16.67 * (1 - 1e-6)), found=ENOUGH)

    assert decide(close, PromotionPolicy()).verdict is Verdict.KEEP
    assert decide(close, PromotionPolicy(Rule.BETTER)).verdict is Verdict.KEEP


def test_a_gain_that_may_be_chance_keeps_the_champion():
    """The reason has gain, evidence, what is needed, and how many more days would do."""
    decision = decide(measured(scored(rmse=400.0), scored(rmse=390.0), found=TOO_LITTLE), PromotionPolicy())

    assert decision.verdict is Verdict.KEEP
    assert "the gain of 2.5% may be chance; the evidence is 2.5, and 20 is needed" in decision.reason
    assert "at this gain about 61 more days would do" in decision.reason


def test_a_gain_that_would_need_years_says_so():
    """No number is invented."""
    slow = replace(TOO_LITTLE, more_days=None)

    decision = decide(measured(scored(rmse=400.0), scored(rmse=399.0), found=slow), PromotionPolicy())

    assert "more than two years" in decision.reason


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("champion", [None, scored(rmse=400.0)], ids=["first", "not the first"])
@pytest.mark.parametrize("naive", [380.0, 390.0], ids=["lower", "equal"])
def test_what_is_not_better_than_the_seasonal_naive_is_not_promoted(
    rule: Rule, champion: Scorecard | None, naive: float
):
    """By no policy, and not as the first model either; the reason has both numbers."""
    decision = decide(measured(champion, scored(rmse=390.0), naive=naive), PromotionPolicy(rule))

    assert decision.verdict is Verdict.KEEP
    assert f"RMSE 390 against {naive:.0f}" in decision.reason


def test_the_seasonal_naive_itself_may_be_promoted():
    """Where it beats the champion."""
    compared = measured(scored(rmse=400.0), scored(rmse=300.0), naive=300.0, is_naive=True)

    assert decide(compared, PromotionPolicy()).verdict is Verdict.PROMOTE


def test_the_first_model_says_that_there_was_nothing_to_compare():
    """With and without days held out."""
    first = decide(measured(None, scored(rmse=390.0)), PromotionPolicy())

    assert first.verdict is Verdict.PROMOTE
    assert first.reason.startswith("No champion yet")
    assert decide_unmeasured(25, "(1,0,0)").reason.startswith("No champion yet")
    assert decide_unmeasured(25, "(1,0,0)").warnings

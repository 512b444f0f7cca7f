"""The one question of the gate: pure, so that any process may answer it; and its three answers."""

from __future__ import annotations

import math
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import cache
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from retrain.data.series import DailySeries, GapPolicy, daily_series
from retrain.gate.assess import Assessment, DecisionSettings, assess
from retrain.gate.decide import PromotionPolicy, Verdict
from tests.builders import FIRST_DAY, level_days, series, weekly, without
from tests.unit.gate.outside import reached_while_assessing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scoring.model import ForecastModel

ARMA = Order(1, 0, 1, mean=True)
SETTINGS = DecisionSettings(order=ARMA, min_unseen_days=28)
KNOWN = 100
OLD = level_days(KNOWN, seed=1, level=200)
LOWER = np.concatenate([OLD, level_days(60, seed=2, level=160)])
"""The level has moved: a challenger that is refitted along the new days wins."""


def champion() -> ForecastModel:
    """Trained on the first days."""
    return fit_pinned(ARMA, series(OLD), 7).model


def numbers(assessment: Assessment) -> dict[str, Any]:
    """Everything that a report takes from it, as plain values."""
    fitted = {"challenger": assessment.challenger, "winner": assessment.winner}
    return {
        "decision": assessment.decision,
        "measured": assessment.measured and replace(assessment.measured, days=()),
        "days": [repr(day) for day in assessment.measured.days] if assessment.measured else [],
        "orders": {name: model and str(model.order) for name, model in fitted.items()},
        "parameters": {name: model and [fit.parameters for fit in model.fits] for name, model in fitted.items()},
        "artifacts": {name: model and model.model.to_json() for name, model in fitted.items()},
    }


ASKED: dict[str, tuple[DailySeries, ForecastModel | None, DecisionSettings]] = {
    "waiting": (series(OLD), champion(), SETTINGS),
    "keep": (series(LOWER), champion(), replace(SETTINGS, policy=PromotionPolicy(min_gain=0.99))),
    "promote": (series(LOWER), champion(), SETTINGS),
    "a first model": (series(OLD), None, SETTINGS),
    "a search": (series(LOWER), champion(), replace(SETTINGS, order=None, country="DE")),
}
asked = pytest.mark.parametrize("question", ASKED)
here = cache(lambda question: assess(*ASKED[question]))  # once: it is pure, as the tests below show


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """A process that shares nothing with this one."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool


@asked
def test_another_process_gives_the_same_verdict_sentence_and_numbers(question: str, elsewhere: ProcessPoolExecutor):
    """To the last bit, artifacts included."""
    there = elsewhere.submit(assess, *ASKED[question]).result()

    assert numbers(there) == numbers(here(question))


@asked
def test_arguments_and_result_can_be_sent(question: str):
    """What arrives is worth the same."""
    again = pickle.loads(pickle.dumps(ASKED[question]))  # noqa: S301 - our own bytes

    assert numbers(assess(*again)) == numbers(here(question))
    assert numbers(pickle.loads(pickle.dumps(here(question)))) == numbers(here(question))  # noqa: S301 - our own bytes


@asked
def test_it_reads_no_file_clock_environment_or_chance(question: str, elsewhere: ProcessPoolExecutor):
    """Once its libraries are loaded: no file is opened, nothing is started, and the clock is not looked at."""
    reached, answer = elsewhere.submit(reached_while_assessing, *ASKED[question]).result()

    assert reached == []
    assert numbers(answer) == numbers(here(question))


def test_what_it_is_given_is_not_changed():
    """The same arguments give the same answer again."""
    arguments = ASKED["promote"]
    before = arguments[0].values.copy(), arguments[1] and arguments[1].to_json()
    first, second = assess(*arguments), assess(*arguments)

    assert numbers(first) == numbers(second)
    assert np.array_equal(arguments[0].values, before[0])
    assert arguments[1] is not None
    assert arguments[1].to_json() == before[1]


def test_too_few_unseen_days_wait():
    """Nothing is fitted."""
    answer = assess(series(LOWER[: KNOWN + 27]), champion(), SETTINGS)

    assert answer.decision.verdict is Verdict.WAITING
    assert answer.decision.reason == "The champion has not seen 27 of the 127 days; a comparison needs 28."
    assert (answer.challenger, answer.measured, answer.winner) == (None, None, None)


def test_too_few_days_for_a_first_model_wait():
    """Three weeks are needed."""
    answer = assess(series(OLD[:20]), None, SETTINGS)

    assert answer.decision.verdict is Verdict.WAITING
    assert answer.decision.reason == "There are 20 days; a first model needs 21."


def test_a_series_that_never_changes_waits():
    """There is nothing to learn from it."""
    answer = assess(series(np.full(60, 7.0)), None, SETTINGS)

    assert answer.decision.verdict is Verdict.WAITING
    assert "All 60 days are 7" in answer.decision.reason


def test_a_challenger_that_is_not_better_enough_is_kept_out():
    """It was compared, and there is no winner."""
    answer = assess(*ASKED["keep"])

    assert answer.decision.verdict is Verdict.KEEP
    assert answer.challenger is not None
    assert answer.measured is not None
    assert answer.winner is None


def test_a_better_challenger_is_promoted_fitted_to_every_day():
    """It was compared as it was before the unseen days; its order is the same."""
    days, old, _ = ASKED["promote"]
    answer = assess(*ASKED["promote"])

    assert answer.decision.verdict is Verdict.PROMOTE
    assert answer.winner is not None
    assert answer.challenger is not None
    assert old is not None
    assert answer.challenger.model.origin == old.origin
    assert answer.winner.model.origin == days.last_day
    assert answer.winner.order == answer.challenger.order


def test_a_first_model_is_promoted_and_tested_on_its_own_last_days():
    """There is no champion to compare with."""
    answer = assess(*ASKED["a first model"])

    assert answer.decision.verdict is Verdict.PROMOTE
    assert answer.measured is not None
    assert answer.measured.champion is None
    assert answer.winner is not None


@pytest.mark.parametrize("days", [20, 21, 40, 100])
@pytest.mark.parametrize("gain", [0.0, 0.99])
@pytest.mark.parametrize("has_champion", [True, False])
def test_there_is_a_winner_only_with_the_verdict_promote(days: int, gain: float, *, has_champion: bool):
    """Whatever is asked."""
    settings = replace(SETTINGS, policy=PromotionPolicy(min_gain=gain))
    values = LOWER[: KNOWN + days] if has_champion else OLD[:days]
    answer = assess(series(values[~np.isnan(values)]), champion() if has_champion else None, settings)

    assert (answer.winner is not None) == (answer.decision.verdict is Verdict.PROMOTE)
    fits = answer.winner.fits if answer.winner else ()
    assert all(math.isfinite(value) for fit in fits for value in fit.parameters.values())


def test_progress_is_told_in_the_order_of_the_stages():
    """For a person who waits."""
    stages: list[str] = []
    assess(*ASKED["promote"], lambda stage, _detail: stages.append(stage))

    assert list(dict.fromkeys(stages)) == ["search", "compare", "fit"]


NAIVE = "(0,0,0)(0,1,0)7"


def test_a_first_model_that_does_not_beat_the_seasonal_naive_gives_way_to_it():
    """A weekly pattern without noise, and an order that knows no week; the reason has both numbers."""
    answer = assess(series(weekly(120, noise=0.5)), None, SETTINGS)

    assert answer.decision.verdict is Verdict.PROMOTE
    assert answer.winner is not None
    assert str(answer.winner.order) == NAIVE
    assert "The challenger is the seasonal naive, because (1,0,1) with mean is not better" in answer.decision.reason


def test_a_challenger_that_does_not_beat_the_seasonal_naive_gives_way_to_it():
    """It is compared with the champion as any other, and wins or not."""
    days = series(weekly(160, noise=0.5))
    poor = fit_pinned(ARMA, days.through(days.first_day + timedelta(days=99)), 7).model

    answer = assess(days, poor, SETTINGS)

    assert answer.decision.verdict is Verdict.PROMOTE
    assert answer.measured is not None
    assert answer.measured.is_naive
    assert answer.winner is not None
    assert str(answer.winner.order) == NAIVE


@pytest.mark.parametrize(
    ("order", "expected"), [(None, NAIVE), (ARMA, "(1,0,1) with mean")], ids=["searched", "pinned"]
)
def test_a_first_model_of_too_few_days_to_measure_is_the_seasonal_naive(order: Order | None, expected: str):
    """Nothing shows that a searched one is better; a pinned order is what was asked for."""
    answer = assess(series(weekly(25)), None, replace(SETTINGS, order=order))

    assert answer.measured is None
    assert answer.winner is not None
    assert str(answer.winner.order) == expected
    assert answer.decision.warnings == ("The first model's error is not known yet.",)


def test_days_that_were_not_observed_are_no_part_of_the_least_unseen_days():
    """Where a year has too few observed days, more than a year is compared."""
    values = level_days(KNOWN + 500, seed=1, level=200)
    missing = tuple(FIRST_DAY + timedelta(days=at) for at in range(KNOWN + 90, KNOWN + 499) if at % 30)
    days = replace(series(values), interpolated=missing)

    answer = assess(days, champion(), replace(SETTINGS, refit_days=1000))

    assert answer.measured is not None
    assert answer.measured.first_unseen_day == FIRST_DAY + timedelta(days=KNOWN)
    assert answer.measured.unseen_days == 500 - len(missing)


def shop(days: int) -> DailySeries:
    """Closed at weekends."""
    return daily_series(without({5, 6}, weekly(days)), GapPolicy.INTERPOLATE)


def test_a_first_model_is_tested_on_a_fifth_of_its_observed_days():
    """However many closed days are among them, and at most on the least number of unseen days."""
    few, many = (assess(shop(days), None, SETTINGS).measured for days in (110, 300))

    assert few is not None
    assert many is not None
    assert (few.unseen_days, many.unseen_days) == (int(0.2 * shop(110).observed.sum()), 28)


def test_closed_days_between_missing_ones_do_not_shorten_a_gap():
    """Seven weeks without a row are more than a month, weekends left out."""
    gap = {FIRST_DAY + timedelta(days=at) for at in range(112, 161)}
    days = {day: amount for day, amount in without({5, 6}, weekly(220)).items() if day not in gap}

    answer = assess(daily_series(days, GapPolicy.INTERPOLATE), None, SETTINGS)

    assert answer.decision.verdict is Verdict.WAITING
    assert "days in a row are missing" in answer.decision.reason


def test_a_champion_whose_last_day_is_not_known_any_more_is_compared_all_the_same():
    """That day is held or retracted; the challenger does not know it, and begins after it too."""
    values = LOWER.copy()
    days = {FIRST_DAY + timedelta(days=at): float(amount) for at, amount in enumerate(values)}
    known = daily_series(days, GapPolicy.INTERPOLATE, held=[champion().origin])

    answer = assess(known, champion(), SETTINGS)

    assert answer.measured is not None
    assert answer.measured.first_unseen_day == champion().origin + timedelta(days=1)


def test_constant_days_beside_closed_ones_are_flat():
    """There is nothing to learn from the zeros."""
    days = without({5, 6}, np.full(60, 12.0))

    answer = assess(daily_series(days, GapPolicy.INTERPOLATE), None, SETTINGS)

    assert answer.decision.verdict is Verdict.WAITING


@pytest.mark.parametrize(("unseen", "compared"), [(200, 200), (455, 455), (456, 365), (547, 365), (1000, 454)])
def test_at_most_about_a_year_of_unseen_days_is_compared(unseen: int, compared: int):
    """The first of more are left to the challenger to learn from, in steps, so that the days do not move daily."""
    values = level_days(KNOWN + unseen, seed=1, level=200)

    answer = assess(series(values), champion(), replace(SETTINGS, refit_days=200))

    assert answer.measured is not None
    assert answer.measured.unseen_days == compared

"""The scores by slice: what is divided by, that nothing is lost or counted twice, and what a slice lacks."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from retrain.arima.procedure import Procedure
from retrain.gate.evaluate import compare
from retrain.gate.rolling import Terms, rolling_forecasts
from retrain.gate.scores import Loss, score
from retrain.gate.slices import BY_HORIZON, BY_WEEKDAY, Slice, calendar_of, slices
from scoring.model import Prediction
from tests.builders import FIRST_DAY, consecutive, series, weekly

MOST_ROWS = 40


def sliced(actual: np.ndarray, *, holidays: tuple[date, ...] = ()) -> tuple[Slice, ...]:
    """A challenger that forecasts 10, of intervals, and a naive forecast of 8, for origins on consecutive days."""
    challenger = Prediction(np.full(actual.shape, 10.0), np.ones(actual.shape), log=False)
    made: dict[str, np.ndarray | Prediction] = {
        "challenger": challenger,
        "seasonal_naive": np.full(actual.shape, 8.0),
    }
    return slices(consecutive(len(actual)), actual, made, np.full(7, 10.0), Loss.RMSE, holidays)


def named(found: tuple[Slice, ...], name: str) -> Slice:
    return next(each for each in found if each.name == name)


@given(origins=st.integers(1, 40), horizon=st.integers(1, 90), missing=st.floats(0, 0.9))
def test_every_scored_day_is_in_one_slice_of_each_kind(origins: int, horizon: int, missing: float):
    """So their squared errors add up to those of the scorecard; and a report holds few rows."""
    rng = np.random.default_rng(origins * 100 + horizon)
    actual = rng.normal(10, 2, (origins, horizon))
    actual[rng.random(actual.shape) < missing] = np.nan
    actual[0, 0] = 12.0

    found = sliced(actual)

    whole = score(actual, np.full(actual.shape, 10.0), np.full(7, 10.0), 7)
    for by in (BY_WEEKDAY, BY_HORIZON):
        parts = [each.challenger for each in found if each.by == by]
        days = sum(each.days for each in parts)
        assert days == np.isfinite(actual).sum()
        assert sum(each.days * each.rmse**2 for each in parts) / days == pytest.approx(whole.rmse**2)
        assert sum(each.days * each.bias for each in parts) / days == pytest.approx(whole.bias)
    assert len(found) <= MOST_ROWS


def test_a_day_is_what_the_calendar_says():
    """A month end may be a public holiday too; most days are neither."""
    last = date(2024, 12, 31)

    assert calendar_of(last, {last}) == ("month end", "public holiday")
    assert calendar_of(date(2024, 12, 30), {last}) == ("other days",)


def test_a_slice_without_a_scored_day_is_left_out():
    """Of three days in January, none is a month end or a Sunday."""
    found = sliced(np.full((3, 1), 10.0))

    assert [each.name for each in found] == ["Monday", "Tuesday", "Wednesday", "other days", "1"]


def test_the_days_of_a_long_horizon_are_put_together():
    """Otherwise a report would hold a line for each."""
    found = [each.name for each in sliced(np.full((2, 30), 10.0)) if each.by == BY_HORIZON]

    assert found[:2] == ["1 to 3", "4 to 6"]
    assert found[-1] == "28 to 30"


def test_errors_and_coverage_are_those_of_the_days_of_the_slice():
    """On a holiday the amount is three below the forecast, which is beyond both intervals."""
    actual = np.full((7, 1), 10.0)
    actual[2] = 7.0

    found = named(sliced(actual, holidays=(FIRST_DAY + timedelta(days=2),)), "public holiday")

    assert (found.challenger.rmse, found.challenger.bias, found.challenger.coverage_95) == (3.0, 3.0, 0.0)
    assert (found.seasonal_naive.mae, found.seasonal_naive.coverage_80) == (1.0, None)
    assert found.champion is None


def test_a_comparison_has_the_slices_of_its_country():
    """Public holidays need one."""
    known = series(weekly(250))
    challenger = fit_pinned(Order(1, 0, 0, mean=True), known.through(FIRST_DAY + timedelta(days=99)), 7)

    def names(country: str) -> set[str]:
        history, terms = replace(known, country=country), Terms()
        rolled = rolling_forecasts(Procedure(order=challenger.order), challenger, history, terms)
        measured = compare(challenger.model, rolled, history, terms)
        assert all(each.champion for each in measured.slices)
        total = sum(each.challenger.rmse**2 * each.challenger.days for each in measured.slices[:7])
        days = sum(each.challenger.days for each in measured.slices[:7])
        assert math.sqrt(total / days) == pytest.approx(measured.challenger.rmse)
        return {each.name for each in measured.slices}

    assert "public holiday" in names("US")
    assert "public holiday" not in names("")

"""Which days are watched, and what each was to the champion."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest

from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from retrain.data.landed import DayTotal
from retrain.data.series import GapPolicy
from retrain.monitoring.innovations import LEAST_REFERENCE_DAYS, Innovations, innovations
from retrain.records.counted_days import CountedDays, Head
from retrain.records.registry import Lineage
from scoring.model import FIRST_DAYS, ForecastModel
from tests.builders import FIRST_DAY, series, weekly

LEARNED, WATCHED = 120, 30
AMOUNTS = weekly(LEARNED + WATCHED)
LAST = FIRST_DAY + timedelta(days=LEARNED + WATCHED - 1)


@cache
def champion() -> ForecastModel:
    return fit_pinned(Order(0, 1, 1, 0, 1, 1, 7), series(AMOUNTS[:LEARNED]), 7).model


def days(**other: float) -> dict[date, float]:
    """Every day's amount, but these: by their numbers, as in `d125`; NaN for none."""
    found = {FIRST_DAY + timedelta(days=at): float(amount) for at, amount in enumerate(AMOUNTS)}
    changed = {FIRST_DAY + timedelta(days=int(name[1:])): amount for name, amount in other.items()}
    return {day: amount for day, amount in (found | changed).items() if amount == amount}


def of(known: dict[date, float], unknown: tuple[date, ...] = (), today: date = LAST) -> Innovations | None:
    head = Head.empty().evolve(unknown=unknown)
    trained = CountedDays({day: DayTotal(amount, 1) for day, amount in days().items()}, head)
    through = FIRST_DAY + timedelta(days=LEARNED - 1)
    lineage = Lineage("", trained.sha256(FIRST_DAY, through), FIRST_DAY, through, "", "")
    history = CountedDays({day: DayTotal(amount, 1) for day, amount in known.items()}, head)
    return innovations(champion(), lineage, history, GapPolicy.INTERPOLATE, 7, today)


def watched(*args: object, **options: object) -> Innovations:
    found = of(*args, **options)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_every_day_after_the_training_is_watched():
    """And the days of training, after those that make a state known, are the reference."""
    found = watched(days())

    assert (found.first, len(found.watched)) == (FIRST_DAY + timedelta(days=LEARNED), WATCHED)
    assert len(found.reference) == LEARNED - FIRST_DAYS >= LEAST_REFERENCE_DAYS
    assert np.isfinite(found.watched).all()
    assert 0.5 < found.watched.std() < 2


def test_a_missing_day_and_a_held_one_have_no_innovation():
    """Nothing is known of them."""
    found = watched(days(d125=np.nan), unknown=(FIRST_DAY + timedelta(days=130),))

    assert np.flatnonzero(~np.isfinite(found.watched)).tolist() == [5, 10]
    assert np.flatnonzero(~np.isfinite(found.outside)).tolist() == [5, 10]


def test_a_day_to_come_is_not_watched():
    """A person may have accepted it; it is no observation yet."""
    assert len(watched(days(), today=LAST - timedelta(days=10)).watched) == WATCHED - 9


def test_a_corrected_day_of_the_training_is_no_innovation():
    """The champion begins with what is known now of those days, and all that follow are watched."""
    found = watched(days(d100=500.0))

    assert found.first == FIRST_DAY + timedelta(days=LEARNED)
    assert np.isfinite(found.watched).all()
    assert np.abs(found.watched).max() < 6


@pytest.mark.parametrize("left", [0, FIRST_DAYS - 1])
def test_corrected_days_that_are_too_few_are_not_watched(left: int):
    """A state that is not known tells nothing of a day."""
    known = {day: amount for day, amount in days().items() if day >= FIRST_DAY + timedelta(days=LEARNED - left)}

    assert of(known) is None


def test_losing_to_the_naive_is_a_share_of_both_errors():
    """The forecast of a day is the amount of the same day a week before."""
    found = watched(days())

    model, unseen = champion(), AMOUNTS[LEARNED:]
    own = np.abs(unseen - model.rolling(unseen, 1).median[:, 0])
    naive = np.abs(unseen - AMOUNTS[LEARNED - 7 : -7])
    assert found.losses == pytest.approx((own - naive) / (own + naive))

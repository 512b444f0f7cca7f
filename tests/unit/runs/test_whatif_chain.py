"""What users would have had: each forecast from the days that were known, by the champion of that day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from retrain.data.series import GapPolicy
from retrain.gate.assess import DecisionSettings
from retrain.gate.decide import PromotionPolicy, Rule
from retrain.runs.whatif_chain import follow
from retrain.runs.whatif_course import FAILED, Chain, Course, Kind
from retrain.runs.whatif_errors import errors_of
from retrain.runs.whatif_timeline import Change, Look, Timeline
from tests.builders import FIRST_DAY, level_days, series

if TYPE_CHECKING:
    from collections.abc import Mapping

ARMA = Order(1, 0, 1, mean=True)
SETTINGS = DecisionSettings(order=ARMA, policy=PromotionPolicy(rule=Rule.BETTER))
KNOWN = 100
AMOUNTS = np.concatenate([level_days(KNOWN, seed=1, level=200), level_days(120, seed=2, level=160)])
MIDNIGHT = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC)


def day(number: int) -> date:
    return FIRST_DAY + timedelta(days=number)


def landed(first: int, last: int, other: Mapping[int, float] | None = None) -> Change:
    """Days that land in the night after the last of them."""
    amounts = dict(enumerate(AMOUNTS.tolist()))
    days = {day(number): amounts[number] for number in range(first, last)}
    days |= {day(number): amount for number, amount in (other or {}).items()}
    return Change(MIDNIGHT + timedelta(days=last), 0, days, (), ())


def daily(
    changes: list[Change], kind: Kind = Kind.NEVER, every: int = 1, gaps: GapPolicy = GapPolicy.INTERPOLATE
) -> Course:
    """A look right after every so many changes."""
    looks = [Look(f"look {at}", changes[at - 1].at, at) for at in range(1, len(changes) + 1, every)]
    chain = Chain(kind, SETTINGS, gaps)
    return follow(Timeline(tuple(changes), tuple(looks)), chain, lambda _stage, _detail: None, lambda: None)


def day_by_day(last: int = 130) -> list[Change]:
    return [landed(0, KNOWN), *(landed(number, number + 1) for number in range(KNOWN, last))]


def test_each_day_is_forecast_from_the_days_before_it():
    """As the champion's service would, which observes each day and keeps its parameters."""
    course = daily(day_by_day())

    model = fit_pinned(ARMA, series(AMOUNTS[:KNOWN]), 7).model
    assert course.made is not None
    assert [date.fromordinal(int(origin)) for origin in course.origins] == [day(at) for at in range(99, 129)]
    for row, origin in enumerate(range(KNOWN, 130)):
        expected = model.observe(AMOUNTS[KNOWN:origin]).forecast(7).mean
        assert course.made.mean[row] == pytest.approx(expected, rel=1e-9)


def test_days_that_land_together_count_as_if_they_had_come_one_a_day():
    """A file of a month says the same of the champion as thirty files of a day."""
    together, apart = daily([landed(0, KNOWN), landed(KNOWN, 130)]), daily(day_by_day())

    assert np.array_equal(together.origins, apart.origins)
    assert together.made is not None
    assert apart.made is not None
    assert together.made.mean == pytest.approx(apart.made.mean, rel=1e-9)


def test_a_correction_is_known_from_its_landing_on():
    """The forecasts of the days before it are those that were issued."""
    wrong = {110: 400.0}
    before = [landed(0, KNOWN), *(landed(at, at + 1) for at in range(KNOWN, 110)), landed(110, 111, wrong)]
    corrected = [*before, *(landed(at, at + 1) for at in range(111, 120)), landed(110, 121)]
    never = [*before, *(landed(at, at + 1) for at in range(111, 121))]
    rest = [landed(at, at + 1) for at in range(121, 130)]

    one, other = daily([*corrected, *rest]), daily([*never, *rest])

    assert one.made is not None
    assert other.made is not None
    same = np.isclose(one.made.mean, other.made.mean).all(axis=1)
    on = one.origins.tolist().index(day(120).toordinal())
    assert same[:on].all()
    assert not same[on]


def test_a_new_champion_forecasts_from_its_first_day_on():
    """And never before: it was trained on those days."""
    never, better = daily(day_by_day(200)), daily(day_by_day(200), Kind.POLICY)

    first = better.switches[0].trained_through.toordinal()
    assert never.made is not None
    assert better.made is not None
    same = np.isclose(never.made.mean, better.made.mean).all(axis=1)
    assert same.tolist() == [int(origin) < first for origin in better.origins]


def test_what_is_better_is_said_with_its_uncertainty():
    """The level has moved, so whoever promotes is better off, and surely so."""
    changes = day_by_day(220)
    better, never, always = (daily(changes, kind, every=7) for kind in (Kind.POLICY, Kind.NEVER, Kind.ALWAYS))

    found = errors_of([better, never, always], series(AMOUNTS), SETTINGS)

    ours, theirs, _ = found
    assert ours is not None
    assert theirs is not None
    assert ours.rmse < theirs.rmse
    assert ours.against_never is not None
    assert ours.against_never.change.high < 0
    assert ours.against_never.change.mean == pytest.approx(ours.rmse / theirs.rmse - 1)
    assert (ours.origins, ours.days) == (120, 120)


def test_a_closed_day_that_a_champion_does_not_know_counts_as_zero():
    """As the gate scores it: users were told of trade, and there was none. A missing day counts for nothing."""
    never = daily(day_by_day(160))
    sundays = tuple(day(at) for at in range(KNOWN, 160) if day(at).weekday() == 6)

    known = series(AMOUNTS[:160])

    closed = errors_of([never] * 3, replace(known, closed=sundays), SETTINGS)[0]
    missing = errors_of([never] * 3, replace(known, interpolated=sundays), SETTINGS)[0]

    assert closed is not None
    assert missing is not None
    assert closed.days == missing.days + len(sundays)
    assert closed.rmse > missing.rmse


def test_a_look_at_days_that_cannot_be_used_leaves_the_champion():
    """It says why, and the next one asks again."""
    changes = [landed(0, KNOWN), landed(KNOWN + 1, 150), landed(KNOWN, KNOWN + 1)]

    course = daily(changes, Kind.POLICY, gaps=GapPolicy.REFUSE)

    assert [each.verdict for each in course.given] == ["promote", FAILED, "promote"]
    assert "RETRAIN_GAPS=refuse" in course.given[1].reason

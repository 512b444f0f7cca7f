"""A shop that is closed on some days: what its runs say, and what its champion answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retrain.data.series import GapPolicy, daily_series
from retrain.doors.page import page
from retrain.doors.terminal import summary
from tests.builders import FIRST_DAY, World, level_days, weekly, without

if TYPE_CHECKING:
    from retrain.data.series import Days
    from scoring.model import ForecastModel

WEEKEND = {5, 6}
CLOSED = without(WEEKEND, weekly(180))
PINNED = {"RETRAIN_ORDER": "0,1,1,0,1,1"}


def land(world: World, name: str, days: Days) -> dict[str, Any]:
    """One row a day."""
    rows = ["TransactionDate,PaidAmount", *(f"{day},{amount!r}" for day, amount in days.items())]
    return world.land(name, "\n".join(rows).encode())


def promoted(world: World, name: str, days: Days) -> ForecastModel:
    """What the landing has registered."""
    version = land(world, name, days)["model"]["version"]
    return world.context.registry.load(world.context.registry.get(version))


def test_a_closed_weekend_is_said_and_not_interpolated(world: World):
    """In the report, on the terminal and on the page."""
    report = land(world, "shop.csv", CLOSED)

    assert (report["data"]["interpolated_days"], report["data"]["closed"]) == (0, "every Saturday and Sunday")
    run = world.ledger.run(report["run_id"])
    assert "; closed: every Saturday and Sunday" in summary(run)
    assert "every Saturday and Sunday" in page(run, [])
    assert report["evidence"]["unseen_days"] == 0.2 * len(CLOSED)


def test_the_champion_forecasts_zero_on_closed_days(world: World):
    """Exactly, and by its artifact alone."""
    made = promoted(world, "shop.csv", CLOSED).forecast(14)

    assert [amount == 0 for amount in made.mean] == [day.weekday() in WEEKEND for day in made.days]


def test_a_closed_weekday_is_no_missing_day(world: World):
    """Also where missing days are refused."""
    world.overrides["RETRAIN_GAPS"] = "refuse"
    gap = {day: amount for day, amount in CLOSED.items() if day != FIRST_DAY + timedelta(days=30)}

    refused, landed = land(world, "gap.csv", gap), land(world, "shop.csv", CLOSED)

    assert (refused["status"], refused["landing"]["findings"][0]["doubt"]) == ("held", "gap")
    assert landed["verdict"] == "promote"


def test_public_holidays_of_the_country_are_counted(world: World):
    """Independence Day and the others fall on open weekdays."""
    world.overrides["RETRAIN_COUNTRY"] = "US"
    closed = {"2023-01-16", "2023-02-20", "2023-05-29", "2023-06-19", "2023-07-04", "2023-09-04"}
    days = {day: amount for day, amount in without({6}, weekly(260)).items() if day.isoformat() not in closed}

    report = land(world, "shop.csv", days)

    assert report["data"]["closed"] == "every Sunday, 6 public holidays"
    assert report["data"]["interpolated_days"] == 0


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_the_same_days_in_other_files_are_the_same_series(world: World, parts: int):
    """With a month of zeros in the middle, which is a closure."""
    world.overrides["RETRAIN_ORDER"] = "0,1,1"
    values = level_days(140, seed=3, level=200)
    values[60:90] = 0.0
    days = list(without({6}, values).items())
    size = -(-len(days) // parts)

    for number in range(parts):
        report = land(world, f"part-{number}.csv", dict(days[number * size :][:size]))

    assert (report["data"]["closed"], report["data"]["interpolated_days"]) == ("every Sunday", 0)
    assert report["data"]["sha256"] == daily_series(dict(days), GapPolicy.INTERPOLATE).sha256


def test_a_shop_that_begins_to_open_on_sundays_gets_a_champion_that_knows(world: World):
    """The old one forecasts zero on a day with trade, and loses."""
    world.overrides |= PINNED
    first = without({6}, weekly(330)[:180])
    later = {day: amount for day, amount in without(set(), weekly(330)).items() if day > max(first)}

    before, after = promoted(world, "one.csv", first), promoted(world, "two.csv", later)

    assert before.closures.weekdays == {6}
    assert not after.closures.weekdays
    assert (after.forecast(7).mean > 20).all()


def test_a_shop_that_stops_opening_on_sundays_gets_a_champion_that_knows(world: World):
    """The old one forecasts trade on a closed day, and loses."""
    world.overrides |= PINNED
    first = without(set(), weekly(330)[:180])
    later = {day: amount for day, amount in without({6}, weekly(330)).items() if day > max(first)}

    before, after = promoted(world, "one.csv", first), promoted(world, "two.csv", later)

    assert not before.closures.weekdays
    assert after.closures.weekdays == {6}
    assert np.count_nonzero(after.forecast(7).mean == 0) == 1

"""The stable route: whoever is champion forecasts from the last accepted day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from retrain.data.series import GapPolicy
from retrain.doors.champion_forecast import _asked as asked
from retrain.doors.champion_forecast import champion_forecast as forecast
from retrain.errors import NotFound, ServiceError
from retrain.monitoring.observed_days import newer_days
from tests.approving import REQUIRED
from tests.builders import NEW_YEAR, ONE, World, csv_file, weekly
from tests.stories.test_acquire import server
from tests.stories.test_promotion import second_year


@pytest.mark.parametrize("body", [b"[]", b"null", b"no json", b"{}"])
def test_a_service_that_talks_nonsense_is_a_service_error(serving: World, body: bytes):
    """Whatever it answers."""
    with server(body) as url:
        silly = replace(serving.platform.services()[0], url=url.removesuffix("/TransactionHistory.csv"))
        with pytest.raises(ServiceError):
            asked(silly, 7, serving.settings, serving.context)


def test_years_of_new_days_still_fit_into_a_question(serving: World):
    """The newest thousand are told; a model has forgotten what lies further back."""
    serving.overrides |= {"RETRAIN_MIN_UNSEEN_DAYS": "730", "RETRAIN_REFIT_DAYS": "365"}
    serving.clock.now = datetime(2030, 1, 1, tzinfo=UTC)
    for year in range(5):
        serving.land(
            f"{year}.csv", csv_file(weekly(365, seed=year) / 3, NEW_YEAR + timedelta(days=365 * year)), dry_run=True
        )

    answer = forecast(7, serving.settings, serving.context)

    assert answer["origin"] == (NEW_YEAR + timedelta(days=5 * 365 - 1)).isoformat()


def test_a_kept_champion_forecasts_from_the_last_accepted_day(serving: World):
    """It is told the days it was not trained on, with the parameters it has; nothing is deployed."""
    kept = second_year(serving, RETRAIN_MIN_GAIN="0.99")

    answer = forecast(7, serving.settings, serving.context)

    assert kept["verdict"] == "keep"
    assert answer["origin"] == (NEW_YEAR + timedelta(days=59)).isoformat()
    assert answer["trained_through"] == (NEW_YEAR - timedelta(days=1)).isoformat()
    assert answer["forecast"][0]["date"] == (NEW_YEAR + timedelta(days=60)).isoformat()
    assert answer["data_age_days"] > 0


def test_a_missing_day_is_told_as_zero_only_where_it_means_zero():
    """Otherwise the model bears that it is missing."""
    known = {NEW_YEAR: 1.0, NEW_YEAR + timedelta(days=3): 5.0}

    missing = newer_days(NEW_YEAR, known, GapPolicy.INTERPOLATE)
    zero = newer_days(NEW_YEAR, known, GapPolicy.ZERO)

    assert list(missing.values()) == [5.0]
    assert list(zero.values()) == [0.0, 0.0, 5.0]


def test_a_held_day_is_never_told():
    """Neither its amount, nor as zero."""
    known, held = {NEW_YEAR: 1.0, NEW_YEAR + timedelta(days=3): 5.0}, {NEW_YEAR + timedelta(days=2)}

    told = newer_days(NEW_YEAR, known | dict.fromkeys(held, 1000000000000.0), GapPolicy.ZERO, held)

    assert told == {NEW_YEAR + timedelta(days=1): 0.0, NEW_YEAR + timedelta(days=3): 5.0}


def test_without_a_champion_there_is_no_forecast(world: World):
    """And that is said."""
    with pytest.raises(NotFound, match="no champion yet"):
        forecast(7, world.settings, world.context)


def test_a_first_model_that_waits_for_approval_is_named(world: World):
    """Whoever landed the file is not told to land it again."""
    world.overrides |= REQUIRED
    run_id = world.land("one.csv", ONE)["run_id"]

    with pytest.raises(NotFound, match=f"waits: `retrain approve {run_id}`"):
        forecast(7, world.settings, world.context)


def test_a_service_retired_in_the_middle_of_a_question_costs_nothing(
    serving: World, monkeypatch: pytest.MonkeyPatch
):
    """The pointer had moved: the successor is asked."""
    from retrain.doors import champion_forecast as forecasting

    asked = forecasting._asked

    def retired_meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(forecasting, "_asked", asked)
        second_year(serving, RETRAIN_KEEP_SERVICES="1")
        return asked(*args)

    monkeypatch.setattr(forecasting, "_asked", retired_meanwhile)

    assert forecast(7, serving.settings, serving.context)["version"] == "2"


def test_a_model_that_cannot_restart_on_the_corrected_days_still_answers_and_says_so(world: World):
    """A model of logarithms that is left with zeros, for example."""
    world.overrides |= {"RETRAIN_ORDER": "", "RETRAIN_MIN_GAIN": "0.99"}
    growth = np.random.default_rng(0).normal(0, 0.1, 140) + 0.02 * np.arange(140)
    amounts = np.exp(growth) * np.resize([1.2, 1.1, 1, 1, 0.9, 0.7, 0.6], 140) * 200
    first = world.land("a.csv", csv_file(amounts))
    world.accept(world.land("a.csv", csv_file(np.where(np.arange(140) % 6 == 0, amounts, 0.0)))["run_id"])

    answer = forecast(2, world.settings, world.context)

    assert "logarithms" in first["challenger"]["order"]
    assert answer["version"] == "1"
    assert "too few to restart" in answer["warning"]


TRAINED = NEW_YEAR - timedelta(days=1)


def landed_later(serving: World, first: date, days: int) -> None:
    """More days, accepted whatever is odd about them; the champion stays."""
    serving.overrides |= {"RETRAIN_MIN_UNSEEN_DAYS": "730", "RETRAIN_REFIT_DAYS": "365"}
    run = serving.land(f"{first}.csv", csv_file(weekly(days) / 3, first))
    if run["status"] == "held":
        serving.accept(run["run_id"])


def test_a_champion_of_ten_years_ago_forecasts_from_the_newest_days(serving: World):
    """It restarts on them, and says that it has forgotten its training."""
    serving.clock.now = datetime(2036, 1, 1, tzinfo=UTC)
    landed_later(serving, NEW_YEAR + timedelta(days=3700), 100)

    answer = forecast(7, serving.settings, serving.context)

    assert answer["origin"] == (NEW_YEAR + timedelta(days=3799)).isoformat()
    assert f"trained on days up to {TRAINED}" in answer["warning"]
    assert "stale" in answer["warning"]


def test_a_day_to_come_that_a_person_accepted_does_not_move_the_origin(serving: World):
    """As on a machine whose clock was ahead; it is named, with the command that takes its file out."""
    landed_later(serving, NEW_YEAR, 20)
    now, serving.clock.now = serving.clock.now, datetime(2031, 2, 1, tzinfo=UTC)
    landed_later(serving, date(2031, 1, 1), 1)
    serving.clock.now = now

    answer = forecast(7, serving.settings, serving.context)

    assert answer["origin"] == (NEW_YEAR + timedelta(days=19)).isoformat()
    assert "The day 2031-01-01 is not used" in answer["warning"]
    assert "retrain retract" in answer["warning"]


def test_a_stale_forecast_says_how_old_its_newest_day_is(serving: World):
    serving.clock.now = datetime(2028, 1, 1, tzinfo=UTC)

    answer = forecast(7, serving.settings, serving.context)

    age = (serving.clock.now.date() - TRAINED).days
    assert answer["data_age_days"] == age
    assert f"its newest day is {TRAINED}, {age:,} days ago" in answer["warning"]

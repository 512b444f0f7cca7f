"""Why the champion forecasts what it forecasts: from what its service would be told, without asking it."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from retrain.doors.champion_forecast import champion_forecast
from retrain.doors.cli import main
from retrain.monitoring.explain import LAST_DAYS, explain
from retrain.monitoring.taken_apart import LAST_DAYS as PULLS
from tests.builders import NEW_YEAR, ONE, World, csv_file, level_days
from tests.stories.test_promotion import second_year

if TYPE_CHECKING:
    from collections.abc import Callable


def landed_later(world: World) -> None:
    """Days that the champion was not trained on; it stays."""
    second_year(world, RETRAIN_MIN_GAIN="0.99")


def landed_a_few(world: World) -> None:
    """Fewer than the last days that are explained."""
    world.land("few.csv", csv_file(level_days(5, seed=4, level=180), NEW_YEAR))


def corrected(world: World) -> None:
    """Days of the training are other than they were, so the champion restarts on what is known."""
    world.overrides |= {"RETRAIN_MIN_GAIN": "0.99"}
    days = level_days(100, seed=1, level=200)
    days[20:40] += 1.5
    world.land("one.csv", csv_file(days))


WHAT_FOLLOWS: dict[str, Callable[[World], None]] = {
    "nothing": lambda _world: None,
    "a few days": landed_a_few,
    "many days": landed_later,
    "a correction": corrected,
}


@pytest.mark.parametrize("follows", WHAT_FOLLOWS)
def test_what_is_explained_is_what_the_service_answers(serving: World, follows: str):
    """Whatever has landed since the training; the parts add up to it, and two weeks of days pull."""
    WHAT_FOLLOWS[follows](serving)

    answer = champion_forecast(9, serving.settings, serving.context)
    for row in answer["forecast"]:
        day = NEW_YEAR.fromisoformat(row["date"])
        found = explain(day, serving.settings, serving.context)

        assert (found.version, str(found.origin)) == (answer["version"], answer["origin"])
        assert found.found.forecast == pytest.approx(row["mean"], rel=1e-9)
        assert math.fsum(found.found.parts.values()) == pytest.approx(row["mean"], rel=1e-9)
        days = [pull.day for pull in found.found.pulls]
        assert days == [found.origin - timedelta(days=ago) for ago in reversed(range(LAST_DAYS))]


def test_a_service_is_not_asked(serving: World):
    """None runs."""
    for service in serving.platform.services():
        serving.platform.remove(service.name)

    assert explain(None, serving.settings, serving.context).found.forecast > 0


def told(world: World, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit code of the command, and all that it prints."""
    code = main(["explain", *words, "--root", str(world.root)])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def test_the_command_says_the_parts_and_the_days_that_pull_most(serving: World, capsys: pytest.CaptureFixture[str]):
    """By default of the next day; as JSON, one object with every number."""
    code, text = told(serving, capsys)
    _, line = told(serving, capsys, "--json")
    found: dict[str, Any] = json.loads(line)

    assert code == 0
    for said in (
        f"forecast   {NEW_YEAR} Wed, 1 day ahead",
        "level",
        f"last {LAST_DAYS} days",
        "pulls      ",
        "expected",
    ):
        assert said in text
    assert found["day"] == str(NEW_YEAR)
    assert math.fsum(found["parts"].values()) == pytest.approx(found["forecast"], rel=1e-9)
    assert math.fsum(pull["adds"] for pull in found["last_days"]) == pytest.approx(found["parts"][PULLS])


@pytest.mark.parametrize(
    ("day", "message"),
    [
        (NEW_YEAR - timedelta(days=1), "`retrain history --from 2023-04-11` shows its amount"),
        (NEW_YEAR + timedelta(days=365), "one of the 365 days after 2023-04-11"),
    ],
    ids=["known", "too far"],
)
def test_a_day_that_is_known_or_too_far_is_refused(
    serving: World, capsys: pytest.CaptureFixture[str], day: Any, message: str
):
    """With what to do."""
    code, text = told(serving, capsys, "--day", str(day))

    assert code == 2
    assert message in text


def test_the_last_of_a_year_of_days_is_explained(serving: World):
    """As far as a service forecasts."""
    day = NEW_YEAR + timedelta(days=364)

    answer = champion_forecast(365, serving.settings, serving.context)

    found = explain(day, serving.settings, serving.context).found
    assert found.forecast == pytest.approx(answer["forecast"][-1]["mean"], rel=1e-9)


def test_without_a_champion_there_is_nothing_to_explain(world: World, capsys: pytest.CaptureFixture[str]):
    """A store of which nobody knows anything."""
    code, text = told(world, capsys)

    assert code == 2
    assert "no champion yet" in text


def test_a_model_of_logarithms_has_factors(world: World, capsys: pytest.CaptureFixture[str]):
    """Their product is the mean, with one factor from the median to it."""
    world.overrides |= {"RETRAIN_ORDER": ""}
    growth = [200 * math.exp(0.02 * day) * (1.3, 1.1, 1.0, 0.9, 0.8, 0.6, 0.5)[day % 7] for day in range(140)]
    noise = level_days(140, seed=6, level=100) / 100
    report = world.land("a.csv", csv_file(noise * growth))
    assert "logarithms" in report["challenger"]["order"]

    _, text = told(world, capsys)
    found = explain(None, world.settings, world.context).found

    assert math.exp(math.fsum(found.parts.values())) == pytest.approx(found.forecast, rel=1e-9)
    assert "every part but the level is a factor" in text
    assert "from the median to the mean" in text


def test_a_closed_day_is_said_to_be_closed(world: World, capsys: pytest.CaptureFixture[str]):
    """It has no parts."""
    lines = ONE.decode().splitlines()
    open_days = [
        line for line in lines if not line[:1].isdigit() or NEW_YEAR.fromisoformat(line[:10]).weekday() < 5
    ]
    world.land("open.csv", "\n".join(open_days).encode())
    saturday = NEW_YEAR + timedelta(days=3)
    assert saturday.weekday() == 5

    code, text = told(world, capsys, "--day", str(saturday))

    assert code == 0
    assert "the day is closed, so its forecast is 0" in text

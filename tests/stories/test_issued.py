"""The champion's forecasts are issued once, before their days are known, and compared with the actual amounts."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.doors.cli import main
from retrain.monitoring.issued import Issued, IssuedForecasts, forecast_to_issue
from retrain.monitoring.review import review
from retrain.records.history import Histories
from retrain.records.registry import artifact_name
from retrain.records.request import Land
from retrain.runs.asking import ask
from retrain.runs.dispatch import work_off
from tests.builders import FIRST_DAY, World, csv_file, level_days

DAYS = level_days(200, seed=1, level=200)
LEARNED = 100


def part(first: int, last: int) -> bytes:
    return csv_file(DAYS[first:last], FIRST_DAY + timedelta(days=first))


@pytest.fixture
def story(world: World) -> World:
    """A champion of 100 days, and then a file a week, with which it forecasts two weeks."""
    world.overrides = {"RETRAIN_ISSUE_DAYS": "14", "RETRAIN_MIN_UNSEEN_DAYS": "90"}
    assert world.land("first.csv", part(0, LEARNED))["model"]["version"] == "1"
    for first in range(LEARNED, LEARNED + 28, 7):
        world.land(f"{first}.csv", part(first, first + 7))
    return world


def issued(world: World) -> list[Issued]:
    return list(IssuedForecasts(world.context.state).since(date.min))


def replaced(story: World) -> None:
    """The level falls, the champion is replaced, and the next one forecasts three times."""
    story.overrides |= {"RETRAIN_MIN_UNSEEN_DAYS": "28"}
    lower = level_days(60, seed=2, level=160)
    assert story.land("lower.csv", csv_file(lower, FIRST_DAY + timedelta(days=128)))["model"]["version"] == "2"
    for week in (27, 28, 29):
        story.land(f"{week}.csv", csv_file(lower[:7], FIRST_DAY + timedelta(days=7 * week - 1)))


def test_each_run_issues_the_forecast_of_the_champion_that_it_finds(story: World):
    """From its newest day; the run names it."""
    found = issued(story)

    ends = [FIRST_DAY + timedelta(days=LEARNED + 7 * week - 1) for week in (1, 2, 3, 4)]
    assert [(each.version, each.origin, len(each.days)) for each in found] == [("1", end, 14) for end in ends]
    assert story.ledger.run(found[0].run_id).issued == found[0].name


def test_what_was_issued_is_not_written_again(story: World):
    """A run on the same days issues nothing new, and changes nothing."""
    before = {file: file.read_bytes() for file in (story.root / "issued").iterdir()}

    story.run()

    assert {file: file.read_bytes() for file in (story.root / "issued").iterdir()} == before


def test_a_correction_issues_another_forecast_beside_the_first(story: World):
    """From the same origin, with what is known now."""
    first = issued(story)[-1]

    story.land("last.csv", csv_file(DAYS[127:128] + 40, FIRST_DAY + timedelta(days=127)))

    assert [each.origin for each in issued(story)].count(first.origin) == 2
    assert first in issued(story)


def test_computed_again_it_is_the_same_to_the_byte(story: World):
    """From the landings as of then."""
    context = story.context
    registered = context.registry.get("1")
    for each in issued(story):
        again = forecast_to_issue(
            registered,
            context.registry.load(registered),
            Histories(context.state).after(each.entries),
            story.settings.data.gaps,
            len(each.days),
            each.run_id,
            context.now().date(),
        )

        assert again.to_json() == each.to_json()


def test_a_dry_run_and_a_length_of_zero_issue_none(world: World):
    """Neither is asked to."""
    world.overrides = {"RETRAIN_ISSUE_DAYS": "0"}
    world.land("first.csv", part(0, LEARNED))
    world.land("next.csv", part(LEARNED, LEARNED + 7))
    world.overrides = {}
    world.run(dry_run=True)

    assert issued(world) == []


def test_a_forecast_that_cannot_be_issued_fails_no_run(story: World):
    """The run says why."""
    (story.root / "issued").rename(story.root / "aside")
    (story.root / "issued").write_text("a file in the way")

    report = story.land("more.csv", part(128, 135))

    assert report["status"] == "done"
    assert report["issued"].startswith("not issued: ")


def test_it_is_published_as_csv_and_parquet(story: World):
    """The same rows in both."""
    forecasts = FolderStore(story.root / "forecasts")
    story.put("more.csv", part(128, 135))
    ask(lambda run_id: Land(run_id=run_id, file="more.csv"), story.context)

    work_off(story.settings, replace(story.context, forecasts=forecasts))

    name = f"{issued(story)[-1].name.removeprefix('issued/').removesuffix('.json')}"
    text, table = (forecasts.read(f"{name}.{kind}") for kind in ("csv", "parquet"))
    assert text is not None
    assert table is not None
    rows = list(csv.DictReader(io.StringIO(text.data.decode())))
    typed = pq.read_table(io.BytesIO(table.data)).to_pylist()
    assert [row["date"] for row in rows] == [str(row["date"]) for row in typed]
    assert [float(row["high_95"]) for row in rows] == [row["high_95"] for row in typed]
    assert {(row["origin"], row["version"]) for row in rows} == {(str(FIRST_DAY + timedelta(days=134)), "1")}


def test_performance_compares_with_what_came(story: World):
    """Every day of a forecast that has an amount, by days ahead too."""
    found = review(date.min, story.settings, story.context)

    champion = found.by_actual["as_corrected"]["champion"]
    assert champion.total is not None
    assert champion.total.days == 14 + 14 + 7
    assert {name: each.days for name, each in champion.by_horizon.items()} == {
        str(ahead): 3 if ahead <= 7 else 2 for ahead in range(1, 15)
    }
    expected = [
        day.mean - DAYS[(day.day - FIRST_DAY).days]
        for each in issued(story)
        for day in each.days
        if (day.day - FIRST_DAY).days < LEARNED + 28
    ]
    assert champion.total.bias == pytest.approx(sum(expected) / len(expected))


def test_amounts_as_first_accepted_stay_what_they_were(story: World):
    """A correction changes only what is compared with the amounts of now."""
    before = review(date.min, story.settings, story.context)
    story.land("127.csv", csv_file(DAYS[127:128] + 40, FIRST_DAY + timedelta(days=127)))

    after = review(date.min, story.settings, story.context)

    known = (each.by_actual["as_first_accepted"]["champion"].by_weekday["Sunday"] for each in (before, after))
    assert len({each.rmse for each in known}) == 1
    assert before.by_actual["as_corrected"]["champion"] != after.by_actual["as_corrected"]["champion"]


def test_the_one_before_forecasts_from_the_same_origins(story: World):
    """Computed from what was known then."""
    replaced(story)

    found = review(date.min, story.settings, story.context)

    assert (found.champion, found.previous) == ("2", "1")
    totals = {name: each.total for name, each in found.by_actual["as_corrected"].items()}
    assert len({total.days for total in totals.values() if total}) == 1
    assert len({total.rmse for total in totals.values() if total}) == 3


def test_performance_is_sliced_by_the_calendar(story: World):
    """The end of April, the first of May where it is a public holiday, and every other day."""
    story.overrides |= {"RETRAIN_COUNTRY": "DE"}

    champion = review(date.min, story.settings, story.context).by_actual["as_corrected"]["champion"]

    assert champion.total is not None
    assert champion.by_calendar.keys() == {"month end", "public holiday", "other days"}
    assert sum(each.days for each in champion.by_calendar.values()) == champion.total.days


def test_another_series_than_the_only_one_is_not_found(story: World, capsys: pytest.CaptureFixture[str]):
    """Its key is empty."""
    words = ["performance", "--root", str(story.root), "--series"]

    assert main([*words, ""]) == 0
    assert main([*words, "shop 7"]) == 2
    assert "there is no series 'shop 7'" in capsys.readouterr().err


def test_the_command_prints_one_object(story: World, capsys: pytest.CaptureFixture[str]):
    """Or a table."""
    since = str(FIRST_DAY + timedelta(days=LEARNED + 13))

    assert main(["performance", "--since", since, "--json", "--root", str(story.root)]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (found["origins"], found["first_origin"]) == (3, since)
    assert found["as_first_accepted"]["seasonal_naive"]["total"]["coverage_80"] is None
    assert main(["performance", "--root", str(story.root)]) == 0
    assert "champion by weekday" in capsys.readouterr().out


def test_a_damaged_one_is_named_and_the_others_are_compared(story: World, capsys: pytest.CaptureFixture[str]):
    """The watch and the figures of a year must not depend on each file."""
    damaged, *others = issued(story)
    story.context.state.write(damaged.name, b'{"days": []}')
    found = review(date.min, story.settings, story.context)

    assert found.unread == [damaged.name]
    assert found.origins == len(others)
    assert main(["performance", "--root", str(story.root)]) == 0
    assert f"damaged    {damaged.name} is left out" in capsys.readouterr().out


def test_a_champion_before_that_is_damaged_is_named_and_the_others_are_compared(story: World):
    """The champion beside the seasonal naive."""
    replaced(story)
    registry = story.context.registry
    story.context.state.write(artifact_name(registry.of_record("1").artifact_sha256), b"{}")

    found = review(date.min, story.settings, story.context)

    assert (found.champion, found.previous, found.unread) == ("2", "1", ["version 1"])
    corrected = found.by_actual["as_corrected"]
    assert corrected["champion"].total is not None
    assert corrected["previous"].total is None

"""Files that were refused: they are listed until a file of their name has landed, and land as they were read."""

from __future__ import annotations

from typing import Any

import pytest

from retrain.records.quarantine import open_files, refused_files
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from retrain.runs.rebuild import rebuild
from tests.builders import FIRST_DAY, World, csv_file, level_days, read_history

FEW = csv_file(level_days(10, seed=1, level=200), FIRST_DAY)
GERMAN = FEW.replace(b"TransactionDate", b"Tag")


@pytest.fixture
def refused(world: World) -> World:
    """One file, in a folder of the inbox, whose day has another name."""
    assert world.land("2024/may.csv", GERMAN)["status"] == "failed"
    return world


def listed(world: World) -> list[str]:
    return [each.file for each in open_files(world.context.state)]


def test_a_refused_file_is_listed_by_the_name_that_people_call_it(refused: World):
    """So that it replaces what that name brought when it lands again."""
    assert listed(refused) == ["2024/may.csv"]


def test_what_has_landed_since_is_not_listed_any_more(refused: World):
    landed = refused.land("2024/may.csv", FEW)

    assert listed(refused) == []
    assert [each.landed_by for each in refused_files(refused.context.state)] == [landed["run_id"]]


def test_a_file_that_is_refused_again_after_it_landed_is_listed(refused: World):
    refused.land("2024/may.csv", FEW)
    refused.land("2024/may.csv", GERMAN)

    assert listed(refused) == ["2024/may.csv"]


def test_a_file_of_another_name_settles_nothing(refused: World):
    refused.land("may.csv", FEW)

    assert listed(refused) == ["2024/may.csv"]


def days(world: World) -> dict[Any, float]:
    return dict(read_history(world.context.state).days)


def landed_in_german(world: World) -> dict[Any, float]:
    """Once, with a setting of its own; the days there are then."""
    world.overrides["RETRAIN_DATE_COLUMN"] = "Tag"
    world.run(Trigger.BLOB, file="2024/may.csv", again=True)
    del world.overrides["RETRAIN_DATE_COLUMN"]
    return days(world)


def test_a_rebuild_reads_each_file_with_the_settings_with_which_it_landed(refused: World):
    """The same landings give the same history."""
    before = landed_in_german(refused)

    rebuild(refused.context)
    work_off(refused.settings, refused.context)

    assert len(before) == 10
    assert days(refused) == before
    (landing,) = (each.landing for each in read_history(refused.context.state).standings)
    assert landing.read_with == ("RETRAIN_DATE_COLUMN=Tag",)


def test_a_rebuild_may_read_with_the_settings_in_force(refused: World):
    """For a time zone that was wrong from the beginning, for example."""
    landed_in_german(refused)

    rebuild(refused.context, read_anew=True)
    work_off(refused.settings, refused.context)

    assert days(refused) == {}
    assert listed(refused) == ["2024/may.csv"]

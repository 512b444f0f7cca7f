"""What was told of the watch is told once, whatever happens to the champion, the days or the record in between."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from retrain.data.landed import DayTotal
from retrain.monitoring.watch import watched
from retrain.records.counted_days import CountedDays, Head
from retrain.records.request import Retract, Trigger
from retrain.records.watched import TOLD
from retrain.runs import asking
from tests.builders import FIRST_DAY, World, csv_file, level_days

if TYPE_CHECKING:
    from tests.listening import Heard, Listener

CALM = level_days(320, seed=1, level=200)


def days(first: int, last: int, more: float = 0.0) -> bytes:
    """Some days of the calm series, `more` above it."""
    return csv_file(CALM[first:last] + more, FIRST_DAY + timedelta(days=first))


@pytest.fixture
def alarmed(heard: Heard, listener: Listener) -> Heard:
    """A second champion, and an alarm of each of the two; what was told until then is forgotten."""
    heard.world.overrides = {"RETRAIN_DRIFT_ALPHA": "0.05", "RETRAIN_MIN_GAIN": "0.99"}
    heard.land("first.csv", days(0, 120))
    heard.land("calm.csv", days(120, 134))
    heard.land("higher.csv", days(134, 144, 200.0))
    assert "alarm" in kinds(listener)
    listener.told.clear()
    return heard


def kinds(listener: Listener) -> list[str]:
    return [str(kind) for _, kind in listener.told]


def asked(world: World) -> int:
    return sum(run.trigger is Trigger.DRIFT for run in world.ledger.runs(99))


def test_an_alarm_that_a_correction_takes_away_is_over(alarmed: Heard, listener: Listener):
    """The file was wrong, and a person has taken it back: whoever listens must not wait for ever."""
    wrong = next(run for run in alarmed.world.ledger.runs(9) if run.watch and run.watch.news)
    asking.ask(lambda run_id: Retract(run_id=run_id, of=wrong.run_id), alarmed.context)
    alarmed.run()
    alarmed.run()

    assert kinds(listener).count("recovery") == 1


def test_a_rollback_there_and_back_tells_no_alarm_again(alarmed: Heard, listener: Listener):
    """Each version has its own last alarm on record."""
    alarmed.world.overrides["RETRAIN_MIN_GAIN"] = "0"
    alarmed.land("more.csv", days(144, 180, 200.0))
    assert alarmed.world.ledger.pointer().versions[0] == "2"
    alarmed.world.overrides["RETRAIN_MIN_GAIN"] = "0.99"
    alarmed.land("highest.csv", days(180, 200, 900.0))
    before = asked(alarmed.world)
    listener.told.clear()

    for to in ("1", "2", "1", "2"):
        alarmed.world.roll_back(to)
        alarmed.run()

    assert kinds(listener).count("alarm") <= 1
    assert asked(alarmed.world) <= before + 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("day", "9999-12-31"), ("by", "../../x"), ("by", ""), ("retrain", "../../evil"), ("day", "yesterday")],
)
def test_a_damaged_record_of_what_was_told_fails_no_run(alarmed: Heard, name: str, value: str):
    """It is set aside, and something may be told again."""
    record: dict[str, Any] = json.loads((alarmed.world.root / TOLD).read_text())
    record["alarms"][0][name] = value
    (alarmed.world.root / TOLD).write_text(json.dumps(record))

    assert alarmed.world.ledger.run(alarmed.run()).status == "done"


def test_days_too_far_off_for_the_champion_are_said_not_to_be_watched(world: World):
    """More than ten years after its training; those before them are watched."""
    world.overrides["RETRAIN_DRIFT_ALPHA"] = "0.05"
    world.land("first.csv", days(0, 120))
    registry = world.context.registry
    known = {FIRST_DAY + timedelta(days=at): DayTotal(200.0, 1) for at in (*range(140), 4000)}
    champion, today = registry.of_record("1"), FIRST_DAY + timedelta(days=4000)

    found = watched(champion, registry.load(champion), CountedDays(known, Head.empty()), world.settings, today)

    assert found.through == FIRST_DAY + timedelta(days=139)
    last = FIRST_DAY + timedelta(days=119 + 3660)
    assert found.note.startswith(f"days after {last} are not watched")

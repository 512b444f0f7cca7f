"""What lands is believed when it is plausible, and can be taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from retrain.doors.champion_forecast import champion_forecast
from retrain.doors.cli import main
from retrain.errors import NotFound
from retrain.records.history import Histories
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from retrain.runs.inbox import ask_for_unseen, is_marker
from retrain.runs.settle import held_by
from retrain.wiring import without_trace
from tests.builders import FIRST_DAY, NEW_YEAR, ONE, TWO, World, ask, csv_file, level_days, read_history, reports

ABSURD = csv_file(np.append(level_days(59, seed=2, level=200), 1e9), NEW_YEAR)
CENTS = csv_file(level_days(60, seed=2, level=200) * 100, NEW_YEAR)
LAST = (NEW_YEAR + timedelta(days=59)).isoformat()


@pytest.fixture
def one(world: World) -> World:
    """A champion trained on a hundred days around 200."""
    assert world.land("one.csv", ONE)["verdict"] == "promote"
    return world


def days_of(world: World) -> dict[str, float]:
    return {day.isoformat(): amount for day, amount in read_history(world.context.state).days.items()}


def files_of(world: World) -> dict[str, bytes]:
    return {path.as_posix(): path.read_bytes() for path in world.root.rglob("*") if path.is_file()}


def rows(first: int, last: int, day: str = "2024-01-01", amount: float = 10.0) -> bytes:
    """Transactions of one day, by their ids."""
    lines = [f"{number},{day},{amount}" for number in range(first, last + 1)]
    return "\n".join(["TransactionID,TransactionDate,PaidAmount", *lines, ""]).encode()


def test_an_absurd_day_is_held_and_the_rest_lands(one: World):
    """The run says which, why, and ends as held, its verdict being on the rest."""
    report = one.land("two.csv", ABSURD)

    assert (report["status"], report["landing"]["held_days"]) == ("held", [LAST])
    assert report["verdict"] in ("promote", "keep")
    assert report["landing"]["findings"][0]["doubt"] == "absurd day"
    assert LAST not in days_of(one)
    assert len(days_of(one)) == 159


def test_a_file_in_cents_is_held_whole_and_nothing_is_decided_on_it(one: World):
    report = one.land("two.csv", CENTS)

    assert (report["status"], report["verdict"]) == ("held", None)
    assert len(report["landing"]["held_days"]) == 60
    assert len(days_of(one)) == 100


def test_what_is_accepted_counts_and_closes_the_run_that_held_it(one: World):
    held = one.land("two.csv", CENTS)

    accepted = one.accept(held["run_id"])

    assert accepted["landing"]["new_days"] == 60
    assert accepted["data"]["days"] == 160
    assert one.ledger.run(held["run_id"]).status == "done"
    assert accepted["run_id"] in one.ledger.run(held["run_id"]).reason


def test_one_day_can_be_accepted_and_the_others_dropped(one: World):
    held = one.land("two.csv", CENTS)
    one.accept(held["run_id"], days=(NEW_YEAR,))

    dropped = one.drop(held["run_id"])

    assert (dropped["landing"]["done"], dropped["landing"]["days"]) == ("dropped", 59)
    assert len(days_of(one)) == 101


def test_what_was_decided_cannot_be_decided_again(one: World):
    held = one.land("two.csv", CENTS)
    one.drop(held["run_id"])

    assert one.accept(held["run_id"])["status"] == "failed"
    with pytest.raises(NotFound, match="retrain landings"):
        held_by(held["run_id"], (), Histories(one.context.state))


def test_a_held_file_that_lands_again_is_still_held(one: World):
    first = one.land("two.csv", CENTS)

    again = one.land("copy.csv", CENTS)

    assert (again["status"], again["landing"]["taken_in_by"]) == ("held", first["run_id"])


def test_a_file_of_the_same_name_replaces_what_the_name_brought(one: World):
    one.land("two.csv", TWO)
    corrected = csv_file(level_days(58, seed=2, level=160), NEW_YEAR)

    report = one.land("two.csv", corrected)

    assert report["landing"]["replaces"] == reports(one.ledger, 2)[1]["run_id"]


def test_a_retracted_file_counts_no_more_until_a_person_lands_it_again(one: World):
    landed = one.land("two.csv", TWO)
    with_two = days_of(one)
    retracted = one.retract(landed["run_id"])
    after = days_of(one)

    again = one.land("two.csv", TWO)
    asked = one.land("two.csv", TWO, again=True)

    assert (retracted["landing"]["done"], len(after)) == ("retracted", 100)
    assert "taken_in_by" in again["landing"]
    assert asked["landing"]["new_days"] == 60
    assert days_of(one) == with_two


def test_parts_with_ids_add_up_in_any_order_and_the_same_part_again_changes_nothing(world: World):
    world.overrides["RETRAIN_AGGREGATE"] = "sum"
    for name, part in (("b.csv", rows(11, 20)), ("a.csv", rows(1, 12)), ("again.csv", rows(11, 20))):
        world.land(name, part)

    assert days_of(world) == {"2024-01-01": 200.0}


def test_late_rows_join_their_day(world: World):
    """Two rows after midnight do not replace a day of two hundred."""
    world.overrides["RETRAIN_AGGREGATE"] = "sum"
    days = [(NEW_YEAR + timedelta(days=at)).isoformat() for at in range(40)]
    parts = [rows(100 * at, 100 * at + 49 + at % 7, day).partition(b"\n")[2] for at, day in enumerate(days)]
    world.land("year.csv", rows(0, 0, days[0]).partition(b"\n")[0] + b"\n" + b"".join(parts))
    before = days_of(world)[days[-1]]

    report = world.land("next.csv", rows(90001, 90002, days[-1]))

    assert report["landing"]["changed_days"] == [days[-1]]
    assert days_of(world)[days[-1]] == before + 20


def test_transactions_without_ids_that_share_days_are_held_until_a_setting_says_what_they_are(world: World):
    body = b"TransactionDate,PaidAmount\n" + b"2024-01-01,5\n2024-01-01,6\n2024-01-02,7\n2024-01-02,8\n"
    world.overrides["RETRAIN_AGGREGATE"] = "sum"
    world.land("a.csv", body)
    held = world.land("b.csv", body.replace(b",6", b",9"))
    unsaid = world.accept(held["run_id"])

    world.overrides["RETRAIN_OVERLAP"] = "add"
    world.run()

    assert held["landing"]["findings"][0]["doubt"] == "overlap"
    assert (unsaid["error"]["kind"], "RETRAIN_OVERLAP=add" in unsaid["reason"]) == ("configuration", True)
    assert days_of(world) == {"2024-01-01": 25.0, "2024-01-02": 30.0}


def corrected(world: World) -> dict[str, Any]:
    """Three days that the champion was trained on are put right."""
    amounts = level_days(100, seed=1, level=200)[40:43] + 30
    return world.land("correction.csv", csv_file(amounts, FIRST_DAY + timedelta(days=40)))


def test_a_champion_that_was_trained_on_corrected_days_is_compared_at_once(one: World):
    """However few days it has not seen; and once for each state of the data."""
    report = corrected(one)

    assert report["verdict"] in ("keep", "promote")
    assert report["reason"].startswith("Days that the champion was trained on have been corrected")
    assert report["evidence"]["unseen_days"] >= 20
    assert one.run()["verdict"] == "unchanged"


def test_a_champion_forecasts_from_the_corrected_days(one: World):
    """With its own parameters, as if it had always been told the right ones."""
    one.overrides["RETRAIN_MIN_GAIN"] = "0.99"
    before = champion_forecast(3, one.settings, one.context)
    amounts = level_days(100, seed=1, level=200)[90:] + 40
    one.land("correction.csv", csv_file(amounts, FIRST_DAY + timedelta(days=90)))

    after = champion_forecast(3, one.settings, one.context)

    assert after["version"] == before["version"]
    assert after["forecast"][0]["mean"] > before["forecast"][0]["mean"]


def test_a_dry_run_leaves_no_trace(one: World):
    before = files_of(one)

    with without_trace(one.context) as apart:
        apart.inbox.write("two.csv", TWO)
        request = ask(Trigger.BLOB, apart, file="two.csv", dry_run=True)
        work_off(one.settings, apart)
        made = apart.ledger.run(request.run_id)

    assert made.landing is not None
    assert made.data is not None
    assert (made.data.days, made.reason.startswith("Dry run")) == (160, True)
    assert files_of(one) == before


def test_the_timer_takes_in_what_no_event_has_told_of(one: World):
    """Once; and what is no file of transactions is left alone."""
    for name in ("two.csv", "_SUCCESS", "_started_1", "out/.part.crc", ".DS_Store"):
        path = one.root / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(TWO)

    asked = ask_for_unseen(one.context)
    work_off(one.settings, one.context)

    assert [request.file for request in asked] == ["two.csv"]
    assert len(days_of(one)) == 160
    assert ask_for_unseen(one.context) == []


@pytest.mark.parametrize(
    ("name", "marker"),
    [
        ("2024.csv", False),
        ("2024/01/part-00000.csv", False),
        ("_SUCCESS", True),
        ("out/_committed_7", True),
        ("out/.2024.csv.crc", True),
        ("out/", True),
    ],
)
def test_markers_of_other_programs_are_known_by_their_names(name: str, marker: bool):
    assert is_marker(name) is marker


@pytest.mark.parametrize("name", ["a\\b.csv", "out.csv"])
def test_what_no_file_can_be_read_by_is_ignored_by_the_timer_and_listed(
    one: World, name: str, capsys: pytest.CaptureFixture[str]
):
    """A name that another system allows, and a link that leads out of the inbox."""
    if name == "out.csv":
        (one.root / "inbox" / name).symlink_to("/etc/hostname")
    else:
        (one.root / "inbox" / name).write_bytes(TWO)

    assert ask_for_unseen(one.context) == []
    assert main(["landings", "--root", str(one.root)]) == 0
    assert f"ignored    1 in the inbox, by their names: {name}" in capsys.readouterr().out


def test_an_empty_blob_is_ignored_and_fails_no_run(one: World):
    report = one.land("empty.csv", b"")

    assert (report["status"], report["landing"]["ignored"]) == ("done", "the file is empty")

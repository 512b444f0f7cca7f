"""What is held, dropped or retracted stays so, whatever lands afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from retrain.errors import AccessDenied
from retrain.records.request import Trigger
from retrain.runs.dispatch import work_off
from retrain.runs.inbox import ask_for_unseen
from tests.builders import NEW_YEAR, TWO, World, ask, csv_file, level_days
from tests.stories.test_landings import ABSURD, LAST, days_of, one

__all__ = ["one"]


def test_an_absurd_day_that_comes_again_under_the_same_name_is_held_again(one: World):
    """Also after it was dropped: that nothing has changed is no reason to let it count."""
    longer = ABSURD + f"{NEW_YEAR + timedelta(days=60)},200\n".encode()
    first = one.land("two.csv", ABSURD)
    one.drop(first["run_id"])

    again = one.land("two.csv", longer)

    assert again["landing"]["held_days"] == [LAST]
    assert LAST not in days_of(one)


def test_a_champion_whose_training_days_are_all_gone_is_replaced_or_waits(one: World):
    """No run fails for that."""
    landed = one.ledger.runs(1)[0].run_id
    one.retract(landed)

    later = one.land("later.csv", csv_file(level_days(120, seed=4, level=200), NEW_YEAR + timedelta(days=200)))

    assert later["status"] == "done"
    assert later["verdict"] in ("keep", "promote", "waiting")


def test_a_dropped_day_is_unknown_and_no_day_of_zero(one: World):
    """Where a missing day means zero."""
    one.overrides["RETRAIN_GAPS"] = "zero"
    inside = csv_file(np.insert(level_days(59, seed=2, level=200), 30, 1e9), NEW_YEAR)
    held = one.land("two.csv", inside)
    dropped = one.drop(held["run_id"])

    assert dropped["status"] == "done"
    assert one.run(force=True)["data"]["interpolated_days"] == 1


def test_transactions_that_were_held_when_others_came_are_not_restated_unasked(world: World):
    """A person has to say whether they add up."""
    world.overrides["RETRAIN_AGGREGATE"] = "sum"
    head = b"TransactionDate,PaidAmount\n"
    usual = [f"{NEW_YEAR + timedelta(days=at)},{10 + at % 3}\n".encode() * 2 for at in range(60)]
    world.land("year.csv", head + b"".join(usual[:40]))
    held = world.land("a.csv", head + b"".join(line.replace(b",1", b",1000") for line in usual[40:50]))
    other = world.land("b.csv", head + b"".join(usual[49:60]))

    assert world.accept(held["run_id"])["status"] == "done"
    accepted = world.accept(other["run_id"])

    assert [held["status"], other["status"]] == ["held", "held"]
    assert len(other["landing"]["held_days"]) == 1
    assert (accepted["status"], accepted["error"]["kind"]) == ("failed", "configuration")
    assert "RETRAIN_OVERLAP" in accepted["reason"]


def test_days_that_are_damaged_are_made_anew_from_the_landings(one: World):
    """Whichever byte of them it is, and where they are cut off."""
    record = one.root / "history.json"
    before, data = days_of(one), bytearray(record.read_bytes())
    head = data.index(b"\n") + 1
    for at in range(head, len(data), 97):
        data[at] ^= 0xFF
        record.write_bytes(data)
        assert days_of(one) == before
        data[at] ^= 0xFF
    record.write_bytes(data[:head])
    assert days_of(one) == before


def test_what_may_not_be_read_fails_its_own_run_and_holds_nothing_up(one: World, monkeypatch: pytest.MonkeyPatch):
    """A blob in the archive tier, for example; its request is kept until it can be read."""
    context, opened = one.context, one.context.inbox.open

    def refuse(name: str) -> Any:
        if name == "archived.csv":
            raise AccessDenied("the blob is in the archive tier")
        return opened(name)

    monkeypatch.setattr(context.inbox, "open", refuse)
    for name in ("archived.csv", "two.csv"):
        one.put(name, TWO)
        ask(Trigger.BLOB, context, file=name)

    outcome = work_off(one.settings, context)

    assert len(days_of(one)) == 160
    assert [left.ends_the_round for left in outcome.left] == [False]
    assert "archive tier" in one.ledger.run(outcome.left[0].run_id).reason


def test_a_held_file_that_a_person_lands_again_with_another_setting_is_judged_anew(one: World):
    """And nobody has to decide on the earlier one any more."""
    late = csv_file(level_days(60, seed=2, level=200), NEW_YEAR + timedelta(days=60))
    held = one.land("late.csv", late)
    one.overrides["RETRAIN_GAPS"] = "zero"

    again = one.land("late.csv", late, again=True)

    assert (held["status"], again["landing"]["new_days"]) == ("held", 60)
    assert one.ledger.run(held["run_id"]).status == "done"


def test_a_correction_under_the_same_name_closes_the_run_that_held_days(one: World):
    held = one.land("two.csv", ABSURD)

    one.land("two.csv", csv_file(level_days(60, seed=2, level=200), NEW_YEAR))

    assert one.ledger.run(held["run_id"]).status == "done"
    assert len(days_of(one)) == 160


def test_where_the_log_is_damaged_the_timer_asks_for_no_file_and_its_own_run_tells(one: World):
    (one.root / "history.json").write_bytes(b"{")
    one.put("two.csv", TWO)

    assert ask_for_unseen(one.context) == []
    assert "history.json" in one.run(Trigger.TIMER)["reason"]


def test_rows_of_a_day_of_which_others_are_held_are_held_with_them(world: World):
    """A part of a day is no day."""
    world.overrides["RETRAIN_AGGREGATE"] = "sum"
    days = [(NEW_YEAR + timedelta(days=at)).isoformat() for at in range(40)]
    head, day = b"TransactionID,TransactionDate,PaidAmount\n", days[20]

    def file(first: int, rows: dict[str, list[float]]) -> bytes:
        amounts = [(day, amount) for day, each in rows.items() for amount in each]
        return head + "".join(f"{first + at},{day},{amount}\n" for at, (day, amount) in enumerate(amounts)).encode()

    usual = {each: [10.0, 11.0, 12.0] for each in days}
    one = world.land("one.csv", file(0, usual | {day: [10.0, 1e12]}))
    two = world.land("two.csv", file(900, {day: [11.0, 12.0]}))

    assert one["landing"]["held_days"] == two["landing"]["held_days"] == [day]
    assert one["run_id"] in two["landing"]["findings"][0]["found"]
    assert day not in days_of(world)

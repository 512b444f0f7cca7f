"""The story of a run, on a folder: every verdict, and what each leaves behind."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retrain.records.request import Trigger
from tests.builders import FIRST_DAY, World, csv_file, level_days, read_history, reports, weekly

if TYPE_CHECKING:
    from collections.abc import Callable

YEAR_ONE, YEAR_TWO = level_days(150, seed=1, level=200), level_days(100, seed=2, level=160)
NEW_YEAR = FIRST_DAY + timedelta(days=150)


@pytest.fixture
def drifted(world: World) -> World:
    """A champion trained on year one, and a second year on a much higher level waiting to land."""
    assert world.land("one.csv", csv_file(YEAR_ONE))["verdict"] == "promote"
    return world


def test_without_data_a_run_waits(world: World):
    """A schedule may fire before the first file lands."""
    report = world.run()

    assert (report["verdict"], report["data"]) == ("waiting", None)
    assert "land a file" in report["reason"]


def test_the_first_model_is_promoted_and_says_that_it_was_the_first(world: World):
    """It is measured on days held out from it, then fitted to all."""
    report = world.land("one.csv", csv_file(YEAR_ONE))

    assert report["verdict"] == "promote"
    assert report["champion"] is None
    assert report["reason"].startswith("No champion yet")
    assert report["evidence"]["unseen_days"] == 28
    assert report["challenger"]["trained_through"] == report["data"]["last_day"]
    assert report["model"]["version"] == "1"


def test_a_better_challenger_becomes_the_next_version(drifted: World):
    """Both were measured on the same origins of the new days."""
    report = drifted.land("two.csv", csv_file(YEAR_TWO, NEW_YEAR))

    assert report["verdict"] == "promote"
    assert report["challenger"]["rmse"] < report["champion"]["rmse"]
    assert (report["champion"]["version"], report["model"]["version"]) == ("1", "2")
    assert report["evidence"]["origins"] == len(YEAR_TWO) - 6
    assert report["data"]["files"] == 2
    assert [entry.version for entry in drifted.ledger.pointer().champions] == ["1", "2"]


def test_a_challenger_that_is_not_better_enough_leaves_everything_as_it_was(drifted: World):
    """Nothing is registered and the reason says what would have been needed."""
    drifted.overrides["RETRAIN_MIN_GAIN"] = "0.99"

    report = drifted.land("two.csv", csv_file(YEAR_TWO, NEW_YEAR))

    assert report["verdict"] == "keep"
    assert "needs less than" in report["reason"]
    assert report["model"] is None
    assert not (drifted.root / "models" / "daily-transactions" / "2.json").exists()
    assert len(drifted.ledger.pointer().champions) == 1


def test_too_few_new_days_wait(drifted: World):
    """Four weeks are asked for; the sentence counts what is there."""
    report = drifted.land("january.csv", csv_file(YEAR_TWO[:14], NEW_YEAR))

    assert report["verdict"] == "waiting"
    assert "14 of the 164 days; a comparison needs 28" in report["reason"]


def test_the_same_file_again_is_unchanged(drifted: World):
    """After a promotion, because the champion was trained on exactly these days."""
    report = drifted.land("one.csv", csv_file(YEAR_ONE))

    assert report["verdict"] == "unchanged"
    assert report["landing"]["taken_in_by"] == reports(drifted.ledger, 2)[1]["run_id"]


def test_the_same_question_again_is_unchanged(drifted: World):
    """After a keep or a wait, because nothing that matters has changed since."""
    drifted.overrides["RETRAIN_MIN_GAIN"] = "0.99"
    kept = drifted.land("two.csv", csv_file(YEAR_TWO, NEW_YEAR))

    again = drifted.run()

    assert again["verdict"] == "unchanged"
    assert kept["run_id"] in again["reason"]


def test_another_policy_is_another_question(drifted: World):
    """A setting that can change the verdict makes the run worth making."""
    drifted.overrides["RETRAIN_MIN_GAIN"] = "0.99"
    drifted.land("two.csv", csv_file(YEAR_TWO, NEW_YEAR))
    drifted.overrides["RETRAIN_MIN_GAIN"] = "0"

    assert drifted.run()["verdict"] == "promote"


def test_force_asks_again_and_opens_no_gate(drifted: World):
    """The comparison is made anew and ends as before."""
    drifted.overrides["RETRAIN_MIN_GAIN"] = "0.99"
    drifted.land("two.csv", csv_file(YEAR_TWO, NEW_YEAR))

    forced = drifted.run(force=True)

    assert forced["verdict"] == "keep"
    assert forced["evidence"]["origins"] == len(YEAR_TWO) - 6


def test_a_dry_run_registers_nothing_and_settles_nothing(drifted: World):
    """The next real run asks the same question and acts on it."""
    dry = drifted.land("two.csv", csv_file(YEAR_TWO, NEW_YEAR), dry_run=True)

    assert (dry["verdict"], dry["model"]) == ("promote", None)
    assert dry["reason"].startswith("Dry run")
    assert len(drifted.ledger.pointer().champions) == 1
    assert drifted.run()["model"]["version"] == "2"


def test_a_file_that_fails_its_tests_is_set_aside_with_the_reason(drifted: World):
    """The history stays as it was."""
    before = read_history(drifted.context.state).totals
    bad = csv_file(YEAR_TWO, NEW_YEAR).replace(b"\n", b"\nnot-a-day,5\n", 1)

    report = drifted.land("bad.csv", bad)

    assert report["status"] == "failed"
    assert (report["error"]["file"], report["error"]["row"]) == ("bad.csv", 1)
    aside = drifted.root / "quarantine" / report["run_id"]
    assert (aside / "bad.csv").read_bytes() == bad
    assert b"not-a-day" in (aside / "bad.csv.reason.json").read_bytes()
    assert read_history(drifted.context.state).totals == before


def test_a_source_that_is_stuck_is_held(drifted: World):
    """Four weeks of one amount are no data."""
    report = drifted.land("stuck.csv", csv_file(np.full(60, 190.0), NEW_YEAR))

    assert report["status"] == "held"
    assert [finding["doubt"] for finding in report["landing"]["findings"]] == ["constant"]


def test_a_restated_day_is_counted_and_named(drifted: World):
    """The later file wins."""
    restated = YEAR_ONE.copy()
    restated[10] += 1

    report = drifted.land("one-corrected.csv", csv_file(restated))

    assert report["landing"]["changed_days"] == [(FIRST_DAY + timedelta(days=10)).isoformat()]
    assert report["landing"]["equal_days"] == 149


def test_a_gap_between_files_is_filled_and_counted(drifted: World):
    """Or the file is held, when the policy says so."""
    late = NEW_YEAR + timedelta(days=3)
    drifted.overrides["RETRAIN_GAPS"] = "refuse"
    refused = drifted.land("late.csv", csv_file(YEAR_TWO, late))
    drifted.overrides["RETRAIN_GAPS"] = "interpolate"
    filled = drifted.accept(refused["run_id"])

    assert refused["status"] == "held"
    assert filled["data"]["interpolated_days"] == 3


def test_days_that_were_never_observed_promote_nothing(drifted: World):
    """One late row makes a calendar of weeks, and not one unseen day more than itself."""
    late = csv_file(np.array([500.0]), NEW_YEAR + timedelta(days=31))

    report = drifted.land("late.csv", late)

    assert report["verdict"] == "waiting"
    assert "has not seen 1 of the 182 days" in report["reason"]


def test_a_file_behind_a_long_gap_is_held_until_the_days_between_have_landed(drifted: World):
    """More than a month is not interpolated; nobody has to accept what is plausible then."""
    later = drifted.land("later.csv", csv_file(YEAR_TWO[50:], NEW_YEAR + timedelta(days=50)))
    between = drifted.land("between.csv", csv_file(YEAR_TWO[:50], NEW_YEAR))

    assert (later["status"], later["landing"]["findings"][0]["doubt"]) == ("held", "gap")
    assert between["data"]["days"] == 200
    accepted = reports(drifted.ledger, 1)[0]
    assert (accepted["landing"]["of"], accepted["data"]["days"]) == (later["run_id"], 250)
    assert drifted.ledger.run(later["run_id"]).status == "done"


def test_a_date_far_from_all_others_is_held(drifted: World):
    """A year that was mistyped, for example; the other days land."""
    rows = csv_file(YEAR_TWO, NEW_YEAR).replace(NEW_YEAR.isoformat().encode(), b"1950-01-01", 1)

    report = drifted.land("typo.csv", rows)

    assert report["landing"]["held_days"] == ["1950-01-01"]
    assert report["data"]["days"] == 250


def test_an_event_delivered_again_does_not_undo_a_correction(drifted: World):
    """The same state of a file is taken in once, however often the platform tells of it."""
    old = YEAR_ONE.copy()
    old[3] += 50
    drifted.land("old.csv", csv_file(old))
    drifted.land("correction.csv", csv_file(YEAR_ONE))
    corrected = drifted.run()["data"]["sha256"]

    again = drifted.run(Trigger.BLOB, file="old.csv")

    assert again["data"]["sha256"] == corrected
    assert again["landing"]["taken_in_by"] == reports(drifted.ledger, 4)[-1]["run_id"]


def test_another_model_name_is_not_another_champion(drifted: World):
    """The operator is told to set it back."""
    drifted.overrides["RETRAIN_MODEL_NAME"] = "other"

    error = drifted.run()["error"]

    assert error["kind"] == "configuration"
    assert (
        "versions of the model daily-transactions and none of other; set RETRAIN_MODEL_NAME back"
        in error["message"]
    )


@pytest.mark.parametrize("what", ["models/*/1.json", "artifacts/*.json"])
@pytest.mark.parametrize("change", [Path.unlink, partial(Path.write_bytes, data=b"{}")], ids=["gone", "altered"])
def test_a_champion_whose_record_is_damaged_is_no_fault_of_the_settings_or_the_model(
    drifted: World, what: str, change: Callable[[Path], object]
):
    """The operator restores it from a backup, and the next run goes on; until then the champion answers."""
    (record,) = drifted.root.glob(what)
    before = record.read_bytes()
    change(record)
    failed = drifted.run()
    record.write_bytes(before)

    assert failed["error"]["kind"] == "record"
    assert record.name in failed["reason"]
    assert "restore it from a backup, or make the store anew with `retrain rebuild`" in failed["reason"]
    assert drifted.run()["verdict"] is not None


def test_two_ways_to_aggregate_do_not_mix(world: World):
    """A history made of means takes no sums."""
    rows = b"TransactionDate,PaidAmount\n2024-01-01,1\n2024-01-01,2\n2024-01-02,3\n"
    world.land("mean.csv", rows)
    world.overrides["RETRAIN_AGGREGATE"] = "sum"

    report = world.land("sum.csv", rows)

    assert report["error"]["kind"] == "configuration"
    assert "set it to mean" in report["error"]["message"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [(weekly(20), "There are 20 days; a first model needs 21"), (np.full(27, 5.0), "All 27 days are 5")],
)
def test_a_history_that_teaches_nothing_yet_waits(world: World, values: np.ndarray, sentence: str):
    """It is accepted, and the next file may change that."""
    report = world.land("short.csv", csv_file(values))

    assert report["verdict"] == "waiting"
    assert sentence in report["reason"]


@pytest.mark.parametrize("days", [21, 30, 45])
def test_a_short_history_makes_a_first_model(world: World, days: int):
    """Measured where days can be held out, registered in any case."""
    report = world.land("short.csv", csv_file(weekly(days)))

    assert report["verdict"] == "promote"
    assert (report["evidence"] is None) == (days < 40)


def test_the_artifact_in_the_registry_is_json_with_its_lineage(drifted: World):
    """Named by its sha256; no pickle anywhere."""
    report = reports(drifted.ledger, 1)[0]
    artifact = drifted.root / "artifacts" / f"{report['model']['artifact_sha256']}.json"

    assert f'"data_sha256":"{report["data"]["sha256"]}"'.encode() in artifact.read_bytes()
    assert {path.suffix for path in drifted.root.rglob("*") if path.is_file()} <= {".json", ".csv", ".parquet", ""}

"""What counts follows from the log: names replace, held days wait, decisions and retractions are final."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from retrain.data.totals import Joins
from retrain.records.landing import Landed
from retrain.records.landing_log import Decided, LandedFile, Log, Retracted, Standing, is_daily

if TYPE_CHECKING:
    from collections.abc import Collection

    from retrain.records.landing_log import Entry

FIRST = date(2024, 1, 1)
DAYS = tuple(FIRST + timedelta(days=at) for at in range(3))
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def landed(run_id: str, file: str = "a.csv", held: Collection[date] = (), **other: Any) -> LandedFile:
    """A file of three days; its run is named by its number."""
    facts = Landed(file=file, rows=3, days=3, repeated_rows=0, new_days=3, equal_days=0, changed_days=())
    known = {"version": run_id, "sha256": run_id, "has_ids": False, "is_daily": True, "joins": Joins.RESTATE}
    return LandedFile(
        run_id=run_id,
        at=NOON + timedelta(hours=int(run_id)),
        file=file,
        source=f"{run_id}/{file}",
        first_day=DAYS[0],
        last_day=DAYS[-1],
        held=tuple(held),
        facts=facts,
        **{**known, **other},
    )


def decided(run_id: str, of: str, *days: date, kind: str = "accepted") -> Decided:
    return Decided(run_id=run_id, at=NOON + timedelta(hours=int(run_id)), kind=kind, of=of, days=days)  # type: ignore[arg-type]


def retracted(run_id: str, of: str) -> Retracted:
    return Retracted(run_id=run_id, at=NOON + timedelta(hours=int(run_id)), of=of, file="a.csv")


def log_of(*entries: Entry) -> Log:
    return Log(entries=entries)


def counting(*entries: Entry) -> dict[str, list[date]]:
    """The days that count, by the run that landed them."""
    return {
        each.landing.run_id: [day for day in DAYS if each.counts(day)]
        for each in log_of(*entries).standings
        if any(each.counts(day) for day in DAYS)
    }


def only(*entries: Entry) -> Standing:
    (standing,) = log_of(*entries).standings
    return standing


def test_a_landing_counts():
    assert counting(landed("1")) == {"1": [*DAYS]}


def test_a_file_of_the_same_name_replaces_what_the_name_brought():
    assert counting(landed("1"), landed("2")) == {"2": [*DAYS]}


def test_files_of_other_names_count_side_by_side():
    assert counting(landed("1"), landed("2", "b.csv")) == {"1": [*DAYS], "2": [*DAYS]}


def test_a_held_day_counts_when_it_is_accepted():
    held = landed("1", held=DAYS[:1])

    assert counting(held) == {"1": [*DAYS[1:]]}
    assert counting(held, decided("2", "1", DAYS[0])) == {"1": [*DAYS]}


def test_a_file_that_is_held_whole_replaces_nothing_before_it_is_accepted():
    held = landed("2", held=DAYS)

    assert counting(landed("1"), held) == {"1": [*DAYS]}
    assert counting(landed("1"), held, decided("3", "2", *DAYS)) == {"2": [*DAYS]}


def test_for_a_held_day_of_a_replacement_the_replaced_file_still_counts():
    """What is held reaches nothing, and what was known is not lost by it."""
    entries = landed("1"), landed("2", held=DAYS[:1])

    assert counting(*entries) == {"1": [DAYS[0]], "2": [*DAYS[1:]]}
    assert counting(*entries, decided("3", "2", DAYS[0])) == {"2": [*DAYS]}
    assert counting(*entries, decided("3", "2", DAYS[0], kind="dropped")) == {"1": [DAYS[0]], "2": [*DAYS[1:]]}


def test_a_file_of_which_everything_is_dropped_is_dropped():
    standing = only(landed("1", held=DAYS), decided("2", "1", *DAYS, kind="dropped"))

    assert (standing.state, standing.ended_by) == ("dropped", "2")


def test_a_dropped_day_cannot_be_accepted_later():
    entries = landed("1", held=DAYS[:1]), decided("2", "1", DAYS[0], kind="dropped"), decided("3", "1", DAYS[0])

    assert counting(*entries) == {"1": [*DAYS[1:]]}


def test_an_older_held_file_does_not_replace_a_newer_one():
    """The newer one has settled what the name says."""
    entries = landed("1", held=DAYS), landed("2"), decided("3", "1", *DAYS)

    assert counting(*entries) == {"2": [*DAYS]}


def test_a_retracted_landing_counts_no_more_and_nothing_comes_back_for_it():
    assert counting(landed("1"), landed("2"), retracted("3", "2")) == {}


def test_the_log_of_an_earlier_moment_has_what_had_been_done_by_then():
    log = log_of(landed("1"), landed("2"), retracted("3", "2"))

    standings = log.as_of(NOON + timedelta(hours=2)).standings

    assert [each.state for each in standings] == ["replaced", "in force"]


def test_the_first_file_that_counts_says_whether_the_store_is_daily():
    """By its columns, and not by how many rows a later file happens to have."""
    raw = landed("1", "raw.csv", has_ids=True)

    assert is_daily(log_of().standings) is None
    assert is_daily(log_of(landed("1"), landed("2", "b.csv", has_ids=True)).standings) is True
    assert is_daily(log_of(raw, landed("2")).standings) is False


def test_a_log_reads_back_what_it_wrote():
    """Unknown fields of newer code too."""
    log = log_of(landed("1", held=DAYS[:1], added="by newer code"), decided("2", "1", DAYS[0]), retracted("3", "1"))

    assert Log.model_validate_json(log.model_dump_json()) == log


def test_what_was_held_of_a_replaced_file_counts_for_no_day():
    """Nobody has accepted it."""
    entries = landed("1", held=DAYS[:1]), landed("2", held=DAYS[:1])

    assert counting(*entries) == {"2": [*DAYS[1:]]}


def test_for_a_day_that_two_replacements_hold_the_oldest_file_still_counts():
    entries = landed("1"), landed("2", held=DAYS[:1]), landed("3", held=DAYS[:1])

    assert counting(*entries) == {"1": [DAYS[0]], "3": [*DAYS[1:]]}


def test_a_retraction_takes_back_what_an_earlier_file_of_the_name_still_counted_for():
    assert counting(landed("1"), landed("2", held=DAYS[:1]), retracted("3", "2")) == {}

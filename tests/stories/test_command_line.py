"""The command line: what it prints, where, and what it exits with."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.builders import csv_file, weekly
from tests.shell import Shell, objects

ROWS = b"TransactionDate,PaidAmount\n2024-01-01,5\n2024-01-02,6\n"
CARD = {"version", "order", "trained_through", "rmse", "mae", "mase", "r2", "bias", "coverage_80", "coverage_95"}


def test_each_landed_file_is_one_json_object_of_the_promised_shape(shell: Shell):
    """First a champion, then a comparison with it, then nothing new."""
    one = shell.file("one.csv", csv_file(weekly(200)[:150]))
    both = shell.file("both.csv", csv_file(weekly(200)))

    code, out, err = shell("land", one, both, both, "--json")
    first, second, third = objects(out)

    assert (code, err) == (0, "")
    assert (first["verdict"], first["champion"]) == ("promote", None)
    assert second["champion"].keys() == second["challenger"].keys() == CARD
    assert second["seasonal_naive"].keys() == CARD - {"version", "order", "trained_through"}
    assert second["evidence"].keys() >= {"unseen_days", "origins", "horizon_days", "dm_statistic", "p_value"}
    facts = {"sha256", "first_day", "last_day", "days", "interpolated_days", "closed", "files"}
    assert second["data"].keys() == facts
    assert second["evidence"]["origins"] == 44
    assert first["model"].keys() == {"name", "version", "artifact_sha256"}
    assert third["verdict"] == "unchanged"


def test_the_summary_puts_the_scorecards_side_by_side(shell: Shell):
    """Verdict, sentence, numbers, and where the artifacts are."""
    shell("land", shell.file("one.csv", csv_file(weekly(150))))
    _, out, _ = shell("land", shell.file("both.csv", csv_file(weekly(200))))

    for part in ("verdict    ", "champion v1", "challenger", "seasonal naive", "RMSE", "R2", "report.json"):
        assert part in out


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"", 3, "the file is empty"),
        (csv_file(np.full(200, 5.0)), 3, ""),
        (csv_file(weekly(20)), 0, ""),
        (csv_file(np.random.default_rng(0).normal(0, 1, 200)), 0, ""),
    ],
    ids=["empty", "constant", "20-days", "noise"],
)
def test_odd_files_end_in_a_verdict_or_one_sentence(shell: Shell, data: bytes, code: int, message: str):
    """Never in a traceback."""
    ended, out, err = shell("land", shell.file("odd.csv", data))

    assert ended == code
    assert message in err
    assert "Traceback" not in out + err
    assert len(err.splitlines()) <= 1


def test_a_bad_file_does_not_stop_the_ones_behind_it(shell: Shell):
    """The exit code is that of the worst."""
    bad, good = shell.file("bad.csv", b"hello"), shell.file("good.csv", csv_file(weekly(60)))

    code, out, _ = shell("land", bad, good, "--json")
    first, second = objects(out)

    assert code == 3
    assert first["error"]["kind"] == "data"
    assert second["verdict"] == "promote"


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (["fly"], 2, "usage"),
        (["land"], 2, "usage"),
        (["land", "no-such-file.csv"], 2, "not_found"),
        (["show", "20240101T000000000Z-0000"], 2, "not_found"),
        (["champion", "--on", "yesterday"], 2, "usage"),
    ],
)
def test_a_wrong_word_is_one_sentence_and_an_object(shell: Shell, words: list[str], code: int, kind: str):
    """On stderr for people, on stdout for machines that asked."""
    ended, out, err = shell(*words, "--json")

    assert ended == code
    assert objects(out)[0]["error"]["kind"] == kind
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "words", [["show"], ["promote", "--run"], ["replay"], ["accept"], ["drop"], ["quarantine"], ["approve"]]
)
@pytest.mark.parametrize("name", ["no-such-run", "", "../champion", "20240101T000000000Z-0000/../x", "x" * 5000])
def test_what_is_no_name_of_a_run_is_refused_before_anything_is_read(shell: Shell, words: list[str], name: str):
    """With an example; no store is made or looked at."""
    (shell.folder / "store").write_text("a file, so that every read of it would fail")
    ended, _, err = shell(*words, name)

    assert ended == 2
    assert "is not the name of a run, such as 20241231T235959123Z-0a1b; `retrain runs` lists the runs" in err
    assert len(err) < 300


def test_names_of_files_begin_no_line_and_change_no_colour_wherever_they_are_printed(shell: Shell):
    """A file may be called anything, also like the output of a command."""
    name = "a\nverdict    PROMOTE\x1b[31m\u202e.csv"
    said = [shell("land", shell.file(name, ROWS))]
    (shell.folder / "store" / "inbox" / f"_{name}").write_bytes(ROWS)
    refused = shell("land", shell.file(f"b{name}", b"TransactionDate,PaidAmount\nnever,5\n"))
    run_id = json.loads(shell("runs", "--newest", "1", "--json")[1])["run_id"]
    lines = ("landings", "runs", "tick", "quarantine", f"quarantine {run_id}", f"show {run_id}")
    said += [shell(*line.split()) for line in lines]
    said += [refused, shell("check", shell.file(f"c{name}", ROWS))]

    text = "".join(out + err for _, out, err in said)
    assert text.count("a\\nverdict    PROMOTE\\x1b[31m\\u202e.csv") >= 8
    assert not [line for line in text.splitlines() if line.startswith("verdict    PROMOTE")]
    assert not {"\x1b", "\u202e"} & set(text)


def test_a_wrong_setting_is_a_configuration_error(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    """Exit code 4."""
    monkeypatch.setenv("RETRAIN_HORIZON_DAYS", "soon")

    code, _, err = shell("run")

    assert code == 4
    assert "RETRAIN_HORIZON_DAYS is 'soon'" in err


def test_a_store_that_cannot_be_written_is_a_service_error(shell: Shell):
    """Exit code 5."""
    (shell.folder / "store").write_bytes(b"a file where the folder should be")

    code, _, err = shell("run")

    assert code == 5
    assert "store" in err


def test_a_list_of_no_runs_says_so_to_people_alone(shell: Shell):
    """Right after an upload nothing has run yet, and silence looks like a failure; a program gets an empty list."""
    assert shell("runs") == (0, "", "retrain: no runs yet\n")
    assert shell("runs", "--json") == (0, "", "")


def test_run_tick_runs_show_and_champion_tell_one_story(shell: Shell):
    """Asked for by hand, by the clock, looked up afterwards."""
    shell("land", shell.file("one.csv", csv_file(weekly(60))))
    _, out, _ = shell("run", "--force", "--note", "looking", "--json")
    forced = objects(out)[0]
    _, out, _ = shell("tick", "--json")
    ticked = objects(out)[0]

    _, listed, _ = shell("runs", "--newest", "2")
    _, shown, _ = shell("show", forced["run_id"], "--json")
    _, champion, _ = shell("champion", "--json")
    _, before, _ = shell("champion", "--on", "2001-01-01")

    assert (forced["trigger"], forced["verdict"], forced["request"]["note"]) == ("http", "waiting", "looking")
    assert (ticked["trigger"], ticked["verdict"]) == ("timer", "unchanged")
    assert [line.split()[0] for line in listed.splitlines()] == [ticked["run_id"], forced["run_id"]]
    assert objects(shown)[0] == forced
    assert objects(champion)[0]["champion"]["version"] == "1"
    assert before == "There is no champion on 2001-01-01.\n"


def test_a_dry_run_promotes_nothing(shell: Shell):
    """It tells what would have happened."""
    _, out, _ = shell("land", shell.file("one.csv", csv_file(weekly(60))), "--dry-run", "--json")

    assert objects(out)[0]["reason"].startswith("Dry run")
    assert objects(shell("champion", "--json")[1])[0] == {"champion": None, "champions": []}


@pytest.mark.parametrize(
    "words",
    [
        ["settings", "RETRAIN_NOTIFY_SECRET=hunter2"],
        ["settings", "RETRAIN_NOTIFY_SECRET=its 'quotes' and\nhunter2"],
        ["--set", "RETRAIN_NOTIFY_SECRET=hunter2", "settings"],
    ],
)
def test_a_setting_that_is_out_of_place_is_refused_without_its_value(shell: Shell, words: list[str]):
    """It may be a secret."""
    code, _, err = shell(*words)

    assert (code, "hunter2" in err) == (2, False)

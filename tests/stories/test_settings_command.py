"""`retrain settings`, and `--set` on every command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from retrain.doors.cli import _parser, main
from retrain.doors.settings_table import table
from retrain.settings import names, parse

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "TOPSECRET"
RUN = "20240101T000000000Z-0000"
COMMANDS = {
    "land": "land no-such-file.csv",
    "check": "check no-such-file.csv",
    "run": "run",
    "tick": "tick",
    "runs": "runs",
    "show": f"show {RUN}",
    "champion": "champion",
    "forecast": "forecast",
    "promote": f"promote --run {RUN}",
    "landings": "landings",
    "history": "history",
    "accept": f"accept {RUN}",
    "drop": f"drop {RUN}",
    "approve": f"approve {RUN}",
    "reject": f"reject {RUN} --why no",
    "retract": "retract a.csv",
    "quarantine": "quarantine",
    "rollback": "rollback",
    "rebuild": "rebuild --yes",
    "release": "release",
    "services": "services",
    "settings": "settings",
    "events": "events",
    "acquire": "acquire",
    "replay": "replay --all",
    "performance": "performance",
    "doctor": "doctor",
    "subscribe": "subscribe",
    "sweep": "sweep",
    "explain": "explain",
    "whatif": "whatif",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def told(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(line.split())
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def in_force(line: str, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """What `retrain settings --json` prints, by name."""
    _, out, _ = told(f"{line} --json", capsys)
    return {each["name"]: each for each in map(json.loads, out.splitlines())}


def test_the_table_has_a_row_for_every_setting(capsys: pytest.CaptureFixture[str]):
    """Its name, value, unit and source, below a header."""
    code, out, err = told("settings --set RETRAIN_HORIZON_DAYS=14", capsys)
    header, *rows = out.splitlines()

    assert (code, err) == (0, "")
    assert header.split() == ["setting", "value", "unit", "source", "description"]
    assert [row.split()[0] for row in rows] == names()
    assert ["RETRAIN_HORIZON_DAYS", "14", "days", "flag"] in [row.split()[:4] for row in rows]
    assert ["RETRAIN_MIN_GAIN", "0", "share", "default"] in [row.split()[:4] for row in rows]


def test_each_value_has_its_source(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """`--root` is a flag too."""
    monkeypatch.setenv("RETRAIN_CPU", "2")
    monkeypatch.setenv("RETRAIN_MEMORY_GB", "4")

    shown = in_force("settings --set RETRAIN_CPU=0.5 --root here", capsys)

    assert shown["RETRAIN_CPU"] == {
        "name": "RETRAIN_CPU",
        "group": "azure",
        "value": 0.5,
        "unit": "cores",
        "source": "flag",
        "description": "processors of a service",
    }
    assert (shown["RETRAIN_MEMORY_GB"]["value"], shown["RETRAIN_MEMORY_GB"]["source"]) == (4.0, "environment")
    assert (shown["RETRAIN_ROOT"]["value"], shown["RETRAIN_ROOT"]["source"]) == ("here", "flag")
    assert (shown["RETRAIN_ORDER"]["value"], shown["RETRAIN_ORDER"]["source"]) == (None, "default")


def test_the_last_of_two_flags_for_one_setting_wins(capsys: pytest.CaptureFixture[str]):
    """And `--set` over `--root`, in any order."""
    shown = in_force("settings --set RETRAIN_ROOT=one --set RETRAIN_ROOT=two --root three", capsys)

    assert shown["RETRAIN_ROOT"]["value"] == "two"


def test_secrets_are_masked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """In the table and as JSON, from the environment and from a flag."""
    monkeypatch.setenv("TRANSACTIONS_STORAGE", f"AccountName=a;AccountKey={SECRET}")
    flag = f"--set RETRAIN_ACQUIRE_URL=https://me:{SECRET}@host/history.csv?sig={SECRET}"

    _, as_table, _ = told(f"settings {flag}", capsys)
    as_json = in_force(f"settings {flag}", capsys)

    assert SECRET not in as_table + str(as_json)
    assert as_json["TRANSACTIONS_STORAGE"]["value"] == "***"
    assert "https://***@host/history.csv?***" in as_table


def test_only_a_terminal_shortens_and_only_the_descriptions():
    """What does not fit into its width; into a file the whole of each is written."""
    settings = parse({}).in_force()
    whole, shortened = list(table(settings, None)), list(table(settings, 120))

    assert all(each.setting.description in row for each, row in zip(settings, whole[1:], strict=True))
    for row, short in zip(whole, shortened, strict=True):
        assert short == row if len(row) <= 120 else short.endswith("…")
        assert len(short) <= 120 or "https://" in short
        assert row.startswith(short.rstrip("…"))


def test_every_command_is_in_the_example():
    """Otherwise the next test would leave one out."""
    commands = _parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]

    assert set(COMMANDS) == set(commands)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_command_takes_a_setting(command: str, capsys: pytest.CaptureFixture[str]):
    """And checks it before anything else is done."""
    code, out, err = told(f"{command} --set RETRAIN_HORIZON_DAYS=soon", capsys)

    assert code == 4
    assert "RETRAIN_HORIZON_DAYS is 'soon'" in (out if command == "doctor" else err)


def test_a_setting_by_flag_does_what_the_variable_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Here it chooses the folder, although the variable names another one."""
    monkeypatch.setenv("RETRAIN_ROOT", str(tmp_path / "by-variable"))

    code, _, _ = told(f"run --set RETRAIN_ROOT={tmp_path / 'by-flag'}", capsys)

    assert code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["by-flag"]


@pytest.mark.parametrize("written", ["RETRAIN_HORIZON_DAYS", "=7", f"{SECRET}/+==", f"{SECRET * 6}="])
def test_a_malformed_setting_is_told_the_form_and_not_repeated(written: str, capsys: pytest.CaptureFixture[str]):
    """It may be a key that was pasted without the name of its setting."""
    code, _, err = told(f"runs --set {written}", capsys)

    assert code == 2
    assert "--set NAME=VALUE" in err
    assert SECRET not in err


def test_an_unknown_setting_is_told_the_nearest_name(capsys: pytest.CaptureFixture[str]):
    """A flag need not begin with RETRAIN_ to be checked."""
    code, _, err = told("runs --set HORIZON_DAYS=7", capsys)

    assert code == 4
    assert "HORIZON_DAYS is not a setting; did you mean RETRAIN_HORIZON_DAYS?" in err

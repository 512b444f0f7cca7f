"""`retrain check`: how a file would be read, without a store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from retrain.doors.cli import main

if TYPE_CHECKING:
    from pathlib import Path

GERMAN = b"Datum;Betrag\n31.12.2023;1.234,50\n01.01.2024;12,00\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "umsatz.csv").write_bytes(GERMAN)


def checked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["check", "umsatz.csv", "--json", *words])
    return code, json.loads(capsys.readouterr().out)


def test_a_file_that_would_be_refused_is_shown_with_the_settings_to_copy(capsys: pytest.CaptureFixture[str]):
    """And as it would be read with them."""
    code, found = checked(capsys)

    assert (code, found["readable"]) == (3, False)
    assert found["settings"] == ["RETRAIN_DATE_COLUMN=Datum", "RETRAIN_AMOUNT_COLUMN=Betrag"]
    assert found["landed"]["first_day"] == "2023-12-31"
    assert found["error"]["found"] == "Datum, Betrag"


def test_with_these_settings_it_is_readable(capsys: pytest.CaptureFixture[str]):
    """What was settled is said."""
    code, found = checked(capsys, "--set", "RETRAIN_DATE_COLUMN=Datum", "--set", "RETRAIN_AMOUNT_COLUMN=Betrag")

    assert (code, found["readable"], found["settings"], found["error"]) == (0, True, [], None)
    assert found["landed"]["made"] == "one row a day"
    assert "dates are day first, because row 1 has 31.12.2023" in found["landed"]["read_as"]


def test_it_is_shown_to_people_line_by_line(capsys: pytest.CaptureFixture[str]):
    """With the settings as a shell takes them."""
    assert main(["check", "umsatz.csv"]) == 3

    out = capsys.readouterr().out
    assert "file       umsatz.csv: text with semicolons between the columns\n" in out
    assert "           RETRAIN_AMOUNT_COLUMN=Betrag\n" in out
    assert "last day   2024-01-01: 12\n" in out


def test_what_no_setting_helps_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """With the row, under the settings that helped so far."""
    (tmp_path / "umsatz.csv").write_bytes(GERMAN + b"02.01.2024;1.2.3\n")

    code, found = checked(capsys)

    assert (code, found["landed"]) == (3, None)
    assert found["still"]["row"] == 3


def test_nothing_is_touched(tmp_path: Path):
    """No store is made."""
    main(["check", "umsatz.csv"])

    assert [file.name for file in tmp_path.iterdir()] == ["umsatz.csv"]


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]):
    """Is the caller's to name."""
    assert main(["check", "no-such-file.csv"]) == 2
    assert "no-such-file.csv cannot be read" in capsys.readouterr().err


def test_two_likely_columns_of_amounts_are_both_named(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """Nobody but a person knows which is meant."""
    (tmp_path / "umsatz.csv").write_bytes(b"Datum;Brutto;Netto\n31.12.2023;11,90;10,00\n01.01.2024;1,19;1,00\n")

    code, found = checked(capsys)

    assert (code, found["settings"]) == (3, ["RETRAIN_DATE_COLUMN=Datum"])
    assert "RETRAIN_AMOUNT_COLUMN=Brutto or RETRAIN_AMOUNT_COLUMN=Netto" in found["still"]["message"]


def test_a_name_that_would_be_ignored_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "_SUCCESS").write_bytes(b"TransactionDate,PaidAmount\n2024-01-01,5\n")

    main(["check", "_SUCCESS"])
    main(["land", "_SUCCESS"])

    printed = capsys.readouterr()
    assert "warning    its name is that of a marker of another program" in printed.out
    assert "_SUCCESS has the name of a marker of another program, and is ignored; it has 40 bytes" in printed.err

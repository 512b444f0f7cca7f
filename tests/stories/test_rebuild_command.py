"""The command: an older store is refused by every other one, and made anew by this one if that is confirmed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.local.folder import FolderStore
from retrain.doors.cli import main
from tests.builders import ONE, QUICK, TWO, made_older
from tests.platforms import stop_services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READERS = ["run", "tick", "rollback", "champion", "services", "forecast", "land FILE"]
READERS += ["performance", "explain", "whatif", "replay --all", "sweep --dry-run"]


class Shell:
    """Commands on a store whose services are processes."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys

    def __call__(self, line: str) -> tuple[int, str, str]:
        code = main([*line.split(), "--root", str(self.root)])
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "one.csv").write_bytes(ONE)
    (tmp_path / "two.csv").write_bytes(TWO)
    yield Shell(tmp_path / "store", capsys)
    stop_services(tmp_path / "store")


@pytest.mark.parametrize("command", READERS)
def test_every_command_that_needs_the_champion_refuses_an_older_store(shell: Shell, command: str):
    """With the sentence and the command, and as a matter for the operator."""
    shell.root.mkdir()
    (shell.root / "champion.json").write_bytes(b'{"champion": null, "reigns": []}')

    code, _, err = shell(command.replace("FILE", str(shell.root.parent / "one.csv")))

    assert code == 4
    assert "an older version of retrain wrote this store" in err
    assert "`retrain rebuild`" in err


def test_the_command_rebuilds_only_if_that_is_confirmed(shell: Shell, tmp_path: Path):
    """Otherwise it says what it would do, and does nothing."""
    shell(f"land {tmp_path / 'one.csv'} {tmp_path / 'two.csv'}")
    made_older(shell.root)
    before = list(FolderStore(shell.root).names(""))

    code, out, err = shell("rebuild")

    assert (code, out) == (2, "")
    assert "remove services (2)" in err
    assert "the files of the inbox again (2)" in err
    assert "--yes" in err
    assert list(FolderStore(shell.root).names("")) == before


def test_the_command_prints_each_run_as_landing_does(shell: Shell, tmp_path: Path):
    """And the champion answers."""
    shell(f"land {tmp_path / 'one.csv'} {tmp_path / 'two.csv'}")
    made_older(shell.root)

    code, out, err = shell("rebuild --yes --json")
    runs = [json.loads(line) for line in out.splitlines()]

    assert (code, err) == (0, "")
    assert [run["landing"]["file"] for run in runs] == ["one.csv", "two.csv"]
    assert [run["model"]["version"] for run in runs] == ["1", "2"]
    assert "version    2 of daily-transactions" in shell("forecast")[1]
    assert shell("services")[1].count("answers") == 2

"""Paths that a person names: what cannot be read or written is a sentence, and nothing is left half done."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.builders import csv_file, weekly
from tests.faults import fails
from tests.shell import objects

if TYPE_CHECKING:
    from tests.shell import Shell


def test_a_name_that_the_system_refuses_is_a_sentence(shell: Shell):
    """As is a folder that belongs to another person."""
    code, _, err = shell("land", str(shell.folder / ("long" * 100)))

    assert code == 2
    assert "cannot be read: File name too long; name a file that you may read" in err


def test_a_file_that_cannot_be_read_keeps_the_others_from_landing(shell: Shell):
    """It is looked at before the first one lands."""
    itself = shell.folder / "itself.csv"
    itself.symlink_to(itself.name)

    code, _, err = shell("land", shell.file("one.csv", csv_file(weekly(60))), str(itself))

    assert code == 2
    assert "itself.csv cannot be read: Too many levels of symbolic links" in err
    assert "nothing was landed" in err
    assert shell("landings")[1] == ""


@pytest.mark.parametrize("command", ["check", "land"])
def test_a_pipe_is_refused_at_once(shell: Shell, command: str):
    """Nobody may ever write into it, and a file is read twice."""
    pipe = shell.folder / "pipe"
    os.mkfifo(pipe)

    code, _, err = shell(command, str(pipe))

    assert code == 2
    assert "is a pipe or a device, which cannot be read twice; save it as a file" in err


@pytest.mark.parametrize(
    ("words", "option", "name"),
    [(["show"], "--page", "page.html"), (["promote", "--run"], "--report", "report.json")],
    ids=["page", "report"],
)
def test_a_file_of_a_run_is_replaced_whole_or_not_at_all(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, words: list[str], option: str, name: str
):
    """The disk is full in the middle of the new one."""
    one = shell.file("one.csv", csv_file(weekly(60)))
    run_id = objects(shell("land", one, "--json")[1])[0]["run_id"]
    file = shell.folder / name
    file.write_text("the old one")

    def half(path: Path, data: bytes) -> int:
        with path.open("wb") as opened:
            opened.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", half)
    code, _, err = shell(*words, run_id, option, str(file if option == "--page" else shell.folder))

    assert (code, file.read_text()) == (2, "the old one")
    assert f"{option} {file}: No space left on device" in err


def test_a_full_temporary_folder_is_not_the_fault_of_the_file(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    """Rows with ids are kept there while they are read."""
    monkeypatch.setattr("retrain.doors.check.open_table", fails(OSError(errno.ENOSPC, "no room")))

    code, _, err = shell("check", shell.file("one.csv", csv_file(weekly(60))))

    assert code == 5
    assert "no room in the temporary folder" in err

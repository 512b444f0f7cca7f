"""The demo tells what it does, shows what it ran, and says which command failed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from samples.demo import wrapped
from tests.builders import csv_file, weekly
from tests.platforms import stop_services
from tests.project.test_architecture import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WIDTH = 80
SCORES = "           challenger v1              21.6     16.6    0.561    0.672      8.8    87.0%    94.8%"
QUICK = {"RETRAIN_ORDER": "0,0,0", "RETRAIN_CONFIRM_SECONDS": "0"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with one good file; the demo keeps its store beside it."""
    yield a_folder(tmp_path)
    stop_services(tmp_path / ".demo")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.CompletedProcess[str]]:
    """A demo of one file that goes well, in a shell that is set up for a cloud."""
    place = tmp_path_factory.mktemp("demo")
    yield run_demo(a_folder(place), RETRAIN_PLATFORM="azure", RETRAIN_STORE="blob")
    stop_services(place / ".demo")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.CompletedProcess[str]]]:
    """A demo of a good file and a bad one, whose services are kept; its folder of files."""
    place = tmp_path_factory.mktemp("kept")
    files = a_folder(place)
    (files / "bad.csv").write_text("TransactionDate,PaidAmount\nyesterday,1\n")
    yield files, run_demo(files, KEEP="1")
    stop_services(place / ".demo")


def a_folder(place: Path) -> Path:
    files = place / "files"
    files.mkdir()
    (files / "good.csv").write_bytes(csv_file(weekly(60)))
    return files


def run_demo(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return python(folder.parent, str(ROOT / "samples" / "demo.py"), str(folder), **environment)


def python(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RETRAIN_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**inherited, **QUICK, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_step_is_announced_before_its_command_and_timed(shown: subprocess.CompletedProcess[str]):
    """One landing, the champion, its services, its forecast."""
    for step, command in enumerate(("land", "champion", "services", "forecast"), 1):
        announced, _, rest = shown.stdout.partition(f"[{step}/4] ")[2].partition(f"$ retrain {command} ")
        assert announced.strip()
        assert " s)" in rest
    assert "Files landed: 1 of 1, in" in shown.stdout
    assert "Services stopped: 1." in shown.stdout


def test_services_that_are_kept_run_until_they_are_stopped(kept: tuple[Path, subprocess.CompletedProcess[str]]):
    """KEEP=1, then what `make stop` calls."""
    files, ended = kept

    stopped = python(files.parent, "-c", "from samples.demo import stop; print(stop(), stop())").stdout

    assert "`make stop` stops them" in ended.stdout
    assert stopped == "1 0\n"


def test_a_failure_names_its_command_and_what_to_do(kept: tuple[Path, subprocess.CompletedProcess[str]]):
    """The other files are landed all the same."""
    folder, ended = kept

    assert ended.returncode == 3
    failed = f"FAILED retrain land {folder / 'bad.csv'} --root .demo ended with exit code 3"
    assert failed in " ".join(ended.stdout.split())
    assert "to do      .demo/quarantine holds each refused file" in ended.stdout
    assert "version 1 is champion" in ended.stdout
    assert "bad.csv, row 1" in ended.stderr


def test_a_folder_without_files_is_refused(tmp_path: Path):
    """Before anything is removed or started."""
    (tmp_path / "none").mkdir()

    ended = run_demo(tmp_path / "none")

    assert ended.returncode == 3
    assert "holds no files; name a folder of transactions: make demo DATA=folder" in ended.stderr


def test_a_wrong_setting_is_named(folder: Path):
    """No traceback."""
    ended = run_demo(folder, RETRAIN_HORIZON_DAYS="many")

    assert ended.returncode == 4
    assert ended.stderr.startswith("retrain: RETRAIN_HORIZON_DAYS is 'many'")


def test_a_cloud_that_the_shell_is_set_up_for_is_not_used(shown: subprocess.CompletedProcess[str]):
    """The demo runs on this machine."""
    assert shown.returncode == 0, shown.stderr


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("short", "short"),
        ("verdict    " + " ".join(["word"] * 20), [f"verdict   {' word' * 14}", f"{' ' * 10}{' word' * 6}"]),
        (f"{SCORES}  (3,1,2)(2,0,1)7 with month end", [SCORES, "             (3,1,2)(2,0,1)7 with month end"]),
        (SCORES, SCORES),
    ],
    ids=["fits", "sentence", "scores with an order", "scores alone"],
)
def test_a_line_that_is_too_wide_goes_on_below(line: str, shown: str | list[str]):
    """Sentences at a space, tables before their last column."""
    expected = [shown] if isinstance(shown, str) else shown

    assert wrapped(line, WIDTH).split("\n") == expected

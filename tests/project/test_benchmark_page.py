"""The page of benchmarks: what is on it, and that one benchmark that fails spoils no other."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from benchmarks.all import main, targets
from benchmarks.page import Machine, Section, commit_of, page
from benchmarks.result import Result, Table
from tests.project.test_architecture import ROOT
from tests.project.test_benchmarks import make

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = Machine("Some CPU", 2, 8.2, "Some Linux 13 (x86_64)", "3.13.0", 0.25)
RESULT = Result(
    "Ours against the peer.",
    "3 runs in turn.",
    (Table("readers", ({"reader": "ours", "time, s": 1234.5}, {"reader": "peer", "time, s": 0.012345})),),
)


def written(*sections: Section) -> str:
    return page(MACHINE, "abc1234", date(2024, 6, 30), list(sections))


def makefile(folder: Path, **recipes: str) -> None:
    text = "".join(f"{name.replace('_', '-')}: some-file\n\t@{recipe}\n" for name, recipe in recipes.items())
    (folder / "Makefile").write_text(f".PHONY: {' '.join(recipes)}\nsome-file:\n{text}")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_page_says_on_which_machine_of_which_commit_and_when():
    """All that figures depend on."""
    text = written(Section("bench", RESULT))

    assert "Some CPU, 2 cores, 8 GB of memory" in text
    assert "Some Linux 13 (x86_64), Python 3.13.0" in text
    assert "| commit | abc1234 |" in text
    assert "| date | 2024-06-30 |" in text


def test_a_section_has_its_command_what_it_compares_and_its_figures():
    """Three significant digits; large numbers in whole units."""
    text = written(Section("bench", RESULT))

    assert "## make bench\n\nOurs against the peer.\n\n3 runs in turn." in text
    assert "| ours   |   1,234 |" in text
    assert "| peer   |  0.0123 |" in text


def test_a_peer_that_was_not_measured_is_named():
    """No row is missing in silence."""
    text = written(Section("bench", replace(RESULT, missing=("mlflow",))))

    assert "Not measured: mlflow." in text


def test_figures_of_the_quick_form_are_called_so():
    """Nobody takes them for measurements."""
    assert "the figures say nothing about speed" in written(Section("bench", replace(RESULT, quick=True)))
    assert "the figures say nothing about speed" not in written(Section("bench", RESULT))


def test_a_result_survives_its_json():
    """Figures unrounded."""
    result = replace(RESULT, missing=("mlflow",), quick=True, figures={"rows": [{"share": 1 / 3}]})

    assert Result.from_json(result.to_json()) == result


def test_named_figures_are_at_the_top_level_of_the_json():
    """A program finds them without knowing the tables."""
    document = json.loads(replace(RESULT, figures={"rows": [{"share": 0.5}]}).to_json())

    assert document["rows"] == [{"share": 0.5}]
    assert document["tables"][0]["title"] == "readers"


def test_the_commit_says_whether_files_differed_from_it(tmp_path: Path):
    """A figure of uncommitted code belongs to no commit."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    commit = git(tmp_path, "rev-parse", "--short", "HEAD")

    clean = commit_of(tmp_path)
    (tmp_path / "file").write_text("two")

    assert clean == commit
    assert commit_of(tmp_path) == f"{commit}, with uncommitted changes"


def test_the_benchmarks_are_the_targets_of_the_makefile(tmp_path: Path):
    """A new one needs no list."""
    makefile(tmp_path, bench="true", bench_new="true", bench_all="true", unbench="true")

    assert targets(tmp_path / "Makefile") == ["bench", "bench-new"]


def test_a_benchmark_that_fails_is_named_and_the_others_keep_their_figures(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    """It fails the run after all have run."""
    (tmp_path / "figures").write_text(RESULT.to_json())
    file = tmp_path / "page.md"
    makefile(tmp_path, bench_broken="exit 3", bench_silent="true", bench="cp figures $(JSON)")

    code = main(["--page", str(file)], tmp_path)

    said = capfd.readouterr()
    assert code == 1
    assert "3 of 3: make bench\n" in said.out
    assert "failed: bench-broken, bench-silent" in said.err
    text = file.read_text()
    assert "## make bench-broken\n\n**Failed: make bench-broken ended with 2.**" in text
    assert "**Failed: make bench-silent wrote no figures to JSON=file.**" in text
    assert "## make bench\n\nOurs against the peer." in text


def test_a_benchmark_that_was_not_run_is_said_to_be_missing(tmp_path: Path):
    """ONLY= runs some."""
    (tmp_path / "figures").write_text(RESULT.to_json())
    makefile(tmp_path, bench="cp figures $(JSON)", bench_other="exit 1")

    code = main(["--page", str(tmp_path / "page.md"), "--only", "bench"], tmp_path)

    assert code == 0
    assert "## make bench-other\n\n**Not run: no figures.**" in (tmp_path / "page.md").read_text()


@pytest.mark.parametrize("options", [["--quick"], ["--only", "bench"]])
def test_the_page_in_docs_is_for_full_runs_of_all(options: list[str], capsys: pytest.CaptureFixture[str]):
    """Anything less names a file of its own."""
    with pytest.raises(SystemExit) as ended:
        main(options)

    assert ended.value.code == 2
    assert "need PAGE=file" in capsys.readouterr().err


@pytest.mark.timeout(900)
def test_make_bench_all_has_a_quick_form(tmp_path: Path):
    """Through make, with one real benchmark: each of the others has a test of its own."""
    file = tmp_path / "page.md"

    made = make("bench-all", "QUICK=1", f"PAGE={file}", "ONLY=bench")

    assert made.returncode == 0, made.stderr
    assert "1 of 1: make bench\n" in made.stdout
    text = file.read_text()
    assert "**ours / pandas**" in text
    assert all(f"## make {target}\n" in text for target in targets(ROOT / "Makefile"))

"""The command that tries policies: what it prints, and what it refuses."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from retrain.doors.cli import main
from tests.builders import NEW_YEAR, ONE, QUICK, TWO, World, csv_file, level_days
from tests.platforms import ThreadPlatform

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two champions."""
    platform = ThreadPlatform()
    world = World(tmp_path_factory.mktemp("past") / "store", platform=platform)
    world.land("one.csv", ONE)
    world.land("two.csv", TWO)
    platform.close()
    return world.root


def words(root: Path, *options: str) -> list[str]:
    return ["whatif", "--root", str(root), "--processes", "1", *options]


def test_with_json_it_prints_an_object_for_each_policy(root: Path, capsys: pytest.CaptureFixture[str]):
    """The policy in force first, never and always last."""
    assert main(words(root, "--json", "--policy", "evidence,alpha=0.01,min_gain=0.5")) == 0

    found: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["policy"] for each in found] == [
        "in force",
        "evidence,alpha=0.01,min_gain=0.5",
        "never",
        "always",
    ]
    assert [len(each["promotions"]) for each in found] == [1, 0, 0, 1]
    assert [each["alpha"] for each in found] == [0.05, 0.01, None, None]
    assert found[0]["record"] == {"looks": 2, "other_settings": [], "differs": []}
    assert found[0]["promotions"][0]["trained_through"] == "2023-06-10"
    assert {each["days"] for each in found} == {60}
    assert all(each["rmse"] > 0 for each in found)


def test_a_person_reads_a_line_for_each_policy_and_the_days_of_its_promotions(
    root: Path, capsys: pytest.CaptureFixture[str]
):
    """With what the forecasts rest on, and whether the record agrees."""
    assert main(words(root)) == 0

    lines = capsys.readouterr().out.splitlines()
    assert "2 of 2 verdicts as they are on record" in "\n".join(lines)
    rows = [line for line in lines if line.startswith(("in force", "never", "always"))]
    assert [line.split()[-1] for line in rows] == ["days", "days", "days"]  # too few for an interval
    assert "promotions under in force" in lines
    assert "trained through 2023-06-10" in lines[-1]


REFUSED = {
    "bettr": "'evidence' or 'better'",
    "evidence,alpha": "the keys alpha and min_gain",
    "evidence,loss=mae": "the keys alpha and min_gain",
    "evidence,alpha=3": "RETRAIN_ALPHA",
    "evidence,alpha=0.1,alpha=0.2": "alpha is given twice",
    "": "--policy is empty",
}


@pytest.mark.parametrize("policy", REFUSED)
def test_a_policy_that_is_not_one_is_refused_with_what_is_allowed(
    root: Path, capsys: pytest.CaptureFixture[str], policy: str
):
    """Exit code 2: the caller must act."""
    assert main(words(root, "--policy", policy)) == 2
    assert REFUSED[policy] in capsys.readouterr().err


@pytest.mark.parametrize("loss", ["mape", ""])
def test_an_unknown_loss_is_refused_with_those_that_there_are(
    root: Path, capsys: pytest.CaptureFixture[str], loss: str
):
    """It is that of all policies."""
    assert main(words(root, "--loss", loss)) == 2
    assert "'rmse', 'mae' or 'mase'" in capsys.readouterr().err


def test_from_the_first_day_of_all_is_from_the_beginning(root: Path, capsys: pytest.CaptureFixture[str]):
    """There is no day before it."""
    assert main(words(root, "--json", "--from", "0001-01-01")) == 0
    begun = capsys.readouterr().out
    assert main(words(root, "--json")) == 0

    assert capsys.readouterr().out == begun


def test_a_cadence_without_a_moment_since_a_day_is_said(root: Path, capsys: pytest.CaptureFixture[str]):
    """And not answered with the option that was given."""
    assert main(words(root, "--cadence", "weekly", "--from", "2999-01-01")) == 2
    assert (
        capsys.readouterr()
        .err.strip()
        .endswith("there is no moment to look at since 2999-01-01; choose an earlier day")
    )


def test_too_few_days_are_no_reason_for_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A year was retracted, and three days have landed since."""
    platform = ThreadPlatform()
    world = World(tmp_path / "store", platform=platform)
    landed = world.land("one.csv", ONE)
    world.retract(landed["run_id"])
    world.land("few.csv", csv_file(level_days(3, seed=2, level=200), NEW_YEAR))
    platform.close()

    assert main(words(world.root, "--json")) == 0
    assert '"policy": "in force"' in capsys.readouterr().out


def test_a_past_with_a_run_that_cannot_be_read_is_refused(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Without that run the policies would be tried on another past."""
    shutil.copytree(root, tmp_path / "store")
    report = max((tmp_path / "store" / "runs").rglob("report.json"))
    report.write_text("{")

    assert main(words(tmp_path / "store")) == 5
    assert f"{report} cannot be read" in capsys.readouterr().err

"""`retrain services`: what runs, and what a person does about it; the services are processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.local.process import ProcessPlatform
from retrain.doors.cli import main
from tests.builders import ONE, QUICK, World
from tests.platforms import stop_services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Retrain = Callable[..., tuple[int, str, str]]

NAME = "daily-transactions-v1"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Version 1 answers, from a process that the tests of this module share."""
    root = tmp_path_factory.mktemp("services") / "store"
    world = World(root, platform=ProcessPlatform(root / "platform"))
    assert world.land("one.csv", ONE)["model"]["version"] == "1"
    yield world
    stop_services(root)


@pytest.fixture
def retrain(store: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Retrain:
    """A command line on that store: its exit code and what it printed."""
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)

    def command(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--root", str(store.root)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


def listed(retrain: Retrain) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(retrain("services", "--json")[1])
    return found


def test_the_list_says_what_each_service_is_and_since_when(retrain: Retrain):
    """For people in a line, for programs as an object."""
    facts, (_, line, _) = listed(retrain), retrain("services")

    assert (facts["name"], facts["state"], facts["champion"], facts["restarts"]) == (NAME, "answers", True, 0)
    assert facts["since"].startswith("2026-01-01T")
    assert "champion" in line
    assert "since 2026-01-01" in line
    assert facts["url"] in line


def test_a_stopped_service_is_listed_as_stopped_until_it_is_restarted(retrain: Retrain):
    """No trigger starts it, and a forecast says who can."""
    code, told, _ = retrain("services", "--stop", NAME)
    retrain("tick")
    stopped, (refused, _, reason) = listed(retrain), retrain("forecast")
    restarted, report, _ = retrain("services", "--restart", NAME)

    assert (code, stopped["state"]) == (0, "stopped by a person")
    assert f"retrain services --restart {NAME}" in told
    assert refused == 5
    assert "was stopped by a person" in reason
    assert restarted == 0
    assert "it was started again and answers at http://127.0.0.1:" in report
    assert listed(retrain)["restarts"] == 1


def test_a_forecast_repairs_a_champion_that_was_killed(store: World, retrain: Retrain):
    """The command line makes the run itself, and says so."""
    ProcessPlatform(store.root / "platform").stop(NAME, at_once=True)
    code, answer, told = retrain("forecast")

    assert code == 0
    assert "earlier    run" in answer
    assert "version    1 of daily-transactions" in answer
    assert "repairs the service now" in told


def test_a_champion_whose_folder_is_gone_is_listed_and_comes_back(store: World, retrain: Retrain):
    """Its record, its image and its log were in it."""
    ProcessPlatform(store.root / "platform").stop(NAME, at_once=True)
    shutil.rmtree(store.root / "platform")
    gone = listed(retrain)
    code, _, _ = retrain("forecast")

    assert (gone["name"], gone["state"], gone["champion"]) == (NAME, "no service", True)
    assert (code, listed(retrain)["state"]) == (0, "answers")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_printed_call_works_in_bash_and_holds_no_key(store: World, retrain: Retrain):
    """Nor does the list of processes: curl reads it from its input."""
    _, script, _ = retrain("services", "--curl")
    service = store.platform.find("1")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-ec", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )

    assert service is not None
    assert service.key not in script
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["forecast"]) == 7


def test_a_rotation_gives_a_new_key_and_says_how_long_the_one_before_is_good(retrain: Retrain):
    """`--key` prints the one that is in the record; a second rotation waits for the first."""
    before = retrain("services", "--key", NAME)[1]
    code, told, _ = retrain("services", "--rotate")
    after = retrain("services", "--key", NAME)[1]
    _, told_again, _ = retrain("services", "--rotate", NAME)

    assert code == 0
    assert "keeps its key, because a rotation is under way" in told_again
    assert "the one before is accepted until" in told
    assert before != after == retrain("services", "--key", NAME)[1]
    assert retrain("forecast")[0] == 0


def test_the_key_and_the_call_are_objects_for_programs(retrain: Retrain):
    """The same that is printed for people."""
    key, call = retrain("services", "--key", NAME)[1], retrain("services", "--curl")[1]

    assert json.loads(retrain("services", "--key", NAME, "--json")[1]) == {"name": NAME, "key": key.strip()}
    assert json.loads(retrain("services", "--curl", "--json")[1])["lines"] == call.splitlines()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stop"], "--stop needs the name of a service, or --all"),
        (["--stop", NAME, "--all"], "--stop needs the name of a service, or --all"),
        (["--all"], "--all is for --stop"),
        (["--curl", "--rotate"], "--rotate and --curl exclude each other"),
        (["--restart", ""], "--restart needs the name of a service"),
        (["--key", ""], "--key needs the name of a service"),
        (["--rotate", ""], "--rotate needs the name of a service"),
        (["--stop", "", "--all"], "--stop needs the name of a service"),
        (["--restart", "nobody"], "there is no service 'nobody'; `retrain services` lists them"),
    ],
    ids=[
        "stop-nothing",
        "stop-both",
        "all-alone",
        "two-at-once",
        "restart-nothing",
        "key-nothing",
        "rotate-nothing",
        "stop-nothing-and-all",
        "unknown",
    ],
)
def test_a_wrong_option_is_refused_with_what_to_write(retrain: Retrain, words: list[str], message: str):
    """Nothing is done."""
    code, _, told = retrain("services", *words)

    assert code == 2
    assert message in told

"""What stands beside the code is true: locks, samples, documents."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from retrain.doors.cli import _parser, main
from samples.generate import generate
from tests.platforms import stop_services

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
COMMANDS = ROOT / "docs" / "commands.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"]


def group(name: str) -> list[str]:
    """A dependency group with those that it includes."""
    lines: list[str] = []
    for entry in PROJECT["dependency-groups"][name]:
        lines += [entry] if isinstance(entry, str) else group(entry["include-group"])
    return lines


LOCKS = {
    "requirements.txt": RUNTIME,
    "requirements-dev.txt": [*RUNTIME, *group("dev")],
    "scoring/requirements.txt": group("scoring"),
}


def pins(lock: str) -> dict[str, Requirement]:
    """The packages of a lock that this platform installs."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    lines = (line.split(" --hash")[0].strip() for line in text.splitlines() if line and line[0] not in " #")
    found = (Requirement(line) for line in lines)
    return {canonicalize_name(pin.name): pin for pin in found if not pin.marker or pin.marker.evaluate()}


def closure(direct: list[str]) -> set[str]:
    """Everything that these requirements install here, by what the installed packages say they need."""
    needed: set[tuple[str, tuple[str, ...]]] = set()
    waiting = [Requirement(line) for line in direct]
    while waiting:
        wanted = waiting.pop()
        key = (canonicalize_name(wanted.name), tuple(sorted(wanted.extras)))
        if key in needed:
            continue
        needed.add(key)
        for line in distribution(wanted.name).requires or []:
            child = Requirement(line)
            extras = ["", *wanted.extras]
            if child.marker is None or any(child.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(child)
    return {name for name, _ in needed}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_what_pyproject_compiles_to(lock: str):
    """Stale otherwise: run `make lock`."""
    pinned = pins(lock)

    for line in LOCKS[lock]:
        wanted = Requirement(line)
        assert str(pinned[canonicalize_name(wanted.name)].specifier) == str(wanted.specifier), "run make lock"
    assert set(pinned) == closure(LOCKS[lock]), "run make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_exact_pins_with_hashes_and_no_address(lock: str):
    """What is installed is what was reviewed."""
    text = (ROOT / lock).read_text()
    entries = re.split(r"\n(?=\S)", text.replace("\\\n", " "))

    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries if entry.strip())
    assert "://" not in text
    assert not (ROOT / "uv.lock").exists()


@pytest.mark.parametrize("lock", ["requirements.txt", "scoring/requirements.txt"])
def test_what_is_deployed_is_part_of_the_development_lock(lock: str):
    """The tests run it."""
    development = pins("requirements-dev.txt")

    for name, pin in pins(lock).items():
        assert str(development[name].specifier) == str(pin.specifier)


def test_the_node_lock_names_no_address():
    """Azurite comes from whichever registry the machine is set up for."""
    lock = json.loads((ROOT / "package-lock.json").read_text())

    assert lock["packages"]["node_modules/azurite"]["version"] == PACKAGE["devDependencies"]["azurite"]
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


PACKAGE = json.loads((ROOT / "package.json").read_text())


def test_the_samples_are_what_their_generator_makes():
    """Nobody's data; and the same bytes again."""
    for name, data in generate().items():
        assert (ROOT / "samples" / "data" / name).read_bytes() == data


def test_host_json_suits_flex_consumption():
    """Its longest default run, its extension bundle, one event at a time."""
    host = json.loads((ROOT / "host.json").read_text())

    assert host["functionTimeout"] == "00:30:00"
    assert host["extensionBundle"]["version"] == "[4.*, 5.0.0)"
    assert host["extensions"]["queues"]["batchSize"] == 1


def console_blocks(*pages: Path) -> list[str]:
    """Every command that these pages show after a prompt."""
    text = "\n".join(page.read_text() for page in pages)
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_the_readme_shows_make_targets_that_exist():
    """`make -n` knows each of them."""
    made = [command for command in console_blocks(README, COMMANDS) if command.startswith("make ")]

    assert {"make demo", "make test"} <= set(made)
    for command in made:
        subprocess.run([*shlex.split(command), "-n"], cwd=ROOT, check=True, capture_output=True)


def test_the_commands_of_the_readme_and_its_page_of_commands_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
):
    """One after the other, in an empty folder with the samples; a run's name is the newest one's.

    The first landing searches for an order. From then on the one that a search of both years finds is pinned: these
    commands would search for it dozens of times.
    """
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    request.addfinalizer(lambda: stop_services(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RETRAIN_CONFIRM_SECONDS", "0")
    (tmp_path / "epoch.csv").write_text("TransactionDate,PaidAmount\n1970-01-01,12.5\n")
    commands = [command for command in console_blocks(README, COMMANDS) if command.startswith("retrain ")]

    for command in commands:
        if "acquire" in command:  # it downloads; test_acquire does it from loopback
            _parser().parse_args(shlex.split(command)[1:])
            continue
        if "RUN" in command or "HELD" in command:
            capsys.readouterr()
            assert main(["runs", "--json", "--root", "store"]) == 0
            runs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
            held = next((run["run_id"] for run in runs if run["status"] == "held"), "")
            command = command.replace("RUN", runs[0]["run_id"]).replace("HELD", held)
        assert main(shlex.split(command)[1:]) == 3 * ("epoch.csv" in command), command
        if " land " in command:
            monkeypatch.setenv("RETRAIN_ORDER", "1,0,1,0,1,1")
    assert len(commands) >= 6


def test_the_readme_and_its_page_of_commands_name_every_command():
    """A command that nobody can find does not exist."""
    commands = _parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    text = README.read_text() + COMMANDS.read_text()

    assert all(f"retrain {name}" in text for name in commands)  # type: ignore[union-attr]


def test_the_readme_leads_to_every_page():
    """A page that nobody can find does not exist either."""
    linked = {(ROOT / link).resolve() for link in re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text())}
    reached = linked | set((ROOT / "docs").glob("azure-drills*.md"))  # from the page about Azure

    assert set((ROOT / "docs").glob("*.md")) <= reached


def test_the_readme_begins_with_the_description_of_the_package():
    """One sentence says what this is, wherever it is read."""
    opening = " ".join(README.read_text().split("\n\n")[1].split())

    assert opening == f"{PROJECT['project']['description']}."


def test_the_readme_names_every_package():
    """With a line each."""
    packages = [path.parent.name for path in (ROOT / "retrain").glob("*/__init__.py")]

    assert packages
    assert all(re.search(rf"^  {name}/ +\S", README.read_text(), re.MULTILINE) for name in packages)


@pytest.mark.parametrize("page", [README, *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda page: page.stem)
def test_no_link_between_the_pages_is_dead(page: Path):
    """Every relative one leads to a file."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_glossary_has_the_words_of_the_house():
    """The terms that code and documents share."""
    glossary = (ROOT / "docs" / "glossary.md").read_text()

    for word in (
        "champion",
        "challenger",
        "origin",
        "horizon",
        "unseen days",
        "seasonal naive",
        "lineage",
        "verdict",
    ):
        assert f"**{word}**" in glossary

"""The package of the Function App holds what it loads, and what it leaves out exists."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

import pytest

from infra import package
from infra.package import (
    CODE,
    LEFT_OUT,
    MARK,
    NOTHING_IGNORED,
    PRUNED,
    build,
    is_pruned,
    kept_requirements,
)
from tests.faults import fails
from tests.project.test_architecture import ROOT, modules
from tests.project.test_project_files import pins

LOCK = (ROOT / "requirements.txt").read_text()
OF_A_SERVICE = {"scoring.app", "scoring.__main__", "scoring.server"}
"""They need what the container of a service installs."""
USED_LATER = (
    "azure.ai.ml.entities",
    "azure.ai.ml.operations",
    "azure.identity",
    "azure.keyvault.secrets",
    "azure.mgmt.containerinstance",
    "azure.mgmt.containerregistrytasks.models",
    "azure.monitor.opentelemetry.exporter",
    "azure.storage.blob",
    "holidays",
    "leather",
    "openpyxl",
    "pyarrow.csv",
    "pyarrow.parquet",
    "scipy.special",
    "statsmodels.tsa.statespace.sarimax",
)
"""What modules of this project import when they use it."""


def test_the_lock_of_the_package_is_the_lock_without_what_is_left_out():
    """With every hash of the others."""
    kept = kept_requirements(LOCK)

    gone = [line for line in LOCK.splitlines() if line.strip() and line not in kept.splitlines()]
    assert {line.partition("==")[0] for line in gone if "==" in line} == set(LEFT_OUT)
    assert kept.count("--hash=") + sum("--hash=" in line for line in gone) == LOCK.count("--hash=")


def test_what_is_left_out_is_locked_and_no_requirement_of_the_project():
    """A package that is gone has to leave the list."""
    assert set(LEFT_OUT) <= set(pins("requirements.txt"))


def test_every_pattern_still_prunes_a_file():
    """A package that has changed has to leave the list."""
    files = [file.as_posix() for name in pins("requirements.txt") for file in distribution(name).files or []]
    pruned = [file for file in files if is_pruned(PurePosixPath(file))]

    assert [pattern for pattern in PRUNED if not fnmatch.filter(pruned, pattern)] == []


@pytest.mark.long
def test_what_the_app_loads_is_in_the_package():
    """Every module of the project and every library that one of them imports when it uses it."""
    ours = [name for name in modules() if name not in OF_A_SERVICE]
    script = f"""
import importlib, warnings
import tests.pruned
warnings.simplefilter("ignore")
for name in {[*ours, *USED_LATER]!r}:
    importlib.import_module(name)
"""

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["mine.txt", "host.json", ".funcignore"])
def test_a_folder_that_holds_something_else_is_not_replaced(tmp_path: Path, name: str):
    """Also the code of another Function App. The sentence names it."""
    (tmp_path / name).write_text("keep")

    with pytest.raises(SystemExit, match=f"{tmp_path} holds something else"):
        build(tmp_path)

    assert (tmp_path / name).read_text() == "keep"


@pytest.mark.parametrize("where", [".", "..", "../link"])
def test_the_code_itself_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str):
    """Neither the checkout, nor a folder around it, though it bears the mark of a package."""
    root = tmp_path / "checkout"
    root.mkdir()
    (tmp_path / "link").symlink_to(root)
    for folder in (root, tmp_path):
        (folder / MARK).write_text(NOTHING_IGNORED)
    monkeypatch.chdir(root)

    with pytest.raises(SystemExit, match="holds the code that is to be packed"):
        build(Path(where), root)

    assert (root / MARK).exists()


def test_a_file_is_no_place_for_a_package(tmp_path: Path):
    """It stays."""
    place = tmp_path / "package"
    place.write_text("keep")

    with pytest.raises(SystemExit, match="holds something else"):
        build(place)

    assert place.read_text() == "keep"


def test_a_package_whose_build_was_killed_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The mark is written first."""
    monkeypatch.setattr(package, "_installed", fails(KeyboardInterrupt()))
    place = tmp_path / "package"
    with pytest.raises(KeyboardInterrupt):
        build(place)
    (place / "old.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        build(place)

    assert (place / "host.json").exists()
    assert not (place / "old.txt").exists()


def test_the_code_of_the_package_exists():
    """And is what the platform and a job need."""
    assert all((ROOT / name).exists() for name in CODE)

"""What is deployed: which files, in which bytes, on which worker."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.project.test_project_files import RUNTIME, pins

ROOT = Path(__file__).parents[2]
GIT = shutil.which("git") or "git"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty repository with the attributes of this one."""
    made = tmp_path_factory.mktemp("package")
    subprocess.run([GIT, "init", "--quiet", made], check=True)
    shutil.copy(ROOT / ".gitattributes", made)
    return made


def is_deployed(path: str, folder: Path) -> bool:
    """By git, whose rules an ignore file of Azure Functions follows."""
    command = [
        GIT,
        "-c",
        f"core.excludesFile={ROOT / '.funcignore'}",
        "check-ignore",
        "--quiet",
        "--no-index",
        path,
    ]
    return subprocess.run(command, cwd=folder, check=False).returncode == 1


@pytest.mark.parametrize(
    "path",
    [
        "function_app.py",
        "host.json",
        "requirements.txt",
        "retrain/Dockerfile",
        "retrain/settings/azure.py",
        "scoring/Dockerfile",
        "scoring/requirements.txt",
        ".python_packages/lib/site-packages/numpy/__init__.py",
        ".python_packages/lib/site-packages/scipy/.libs/libopenblas.so",
        ".python_packages/lib/site-packages/pandas/tests/__init__.py",
    ],
)
def test_what_the_app_needs_is_deployed(path: str, folder: Path):
    """Also what was installed beside it where nothing is built remotely."""
    assert is_deployed(path, folder)


@pytest.mark.parametrize(
    "path",
    [
        "local.settings.json",
        ".env",
        ".azure/test/.env",
        ".git/config",
        ".venv/bin/python",
        "node_modules/azurite/index.js",
        "tests/conftest.py",
        "infra/main.bicep",
        "retrain/__pycache__/errors.cpython-313.pyc",
    ],
)
def test_what_it_does_not_need_stays_here(path: str, folder: Path):
    """Above all what may hold a secret."""
    assert not is_deployed(path, folder)


@pytest.mark.parametrize("path", ["retrain/errors.py", "scoring/Dockerfile", "requirements.txt", "scoring/page.js"])
def test_a_release_is_named_after_the_same_bytes_on_every_machine(path: str, folder: Path):
    """A checkout with other ends of lines would be another release."""
    command = [GIT, "check-attr", "eol", "text", "--", path]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout

    assert f"{path}: eol: lf" in told
    assert f"{path}: text: auto" in told


def test_the_worker_is_the_one_that_the_tests_run():
    """Without a pin in what is deployed, the platform runs another one, and changes it when it likes."""
    pinned = next(line for line in RUNTIME if line.startswith("azure-functions-runtime=="))

    assert str(pins("requirements.txt")["azure-functions-runtime"]) == pinned
    assert str(pins("requirements-dev.txt")["azure-functions-runtime"]) == pinned

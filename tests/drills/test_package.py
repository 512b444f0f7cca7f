"""The package of the Function App: what it leaves out is missed neither by Azure's calls nor by a first request."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.cold import Side, store_with_champion
from infra.package import PACKAGES, build, megabytes
from tests.project.test_architecture import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long
MOST_MEGABYTES = 355
CALLS = ("test_end_to_end.py", "test_catalog_and_jobs.py", "test_key_vault.py", "test_container_groups.py")


@pytest.mark.parametrize("file", CALLS)
def test_what_the_product_uses_of_azure_works_without_what_is_left_out(file: str):
    """Against the emulator: models, environments, components, jobs, images, container groups, keys."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "tests.pruned", f"tests/azure/{file}"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.skipif(
    not (shutil.which("uv") or (ROOT / ".tools" / "uv" / "bin" / "uv").exists()), reason="uv installs the package"
)
def test_a_first_request_gets_its_verdict_from_the_package_alone(tmp_path: Path):
    """The package, whose size has a limit, in a process that sees nothing else."""
    place = tmp_path / "package"
    build(place)
    store = store_with_champion(tmp_path / "store", 60, 30, {"RETRAIN_ORDER": "1,0,1"})

    found = Side("the package", place, place / PACKAGES).first_request(store)

    assert found["verdict"] == "keep"
    assert megabytes(place)[0] < MOST_MEGABYTES
    assert all(path.with_name("__pycache__").exists() for path in (place / "retrain").rglob("__init__.py"))

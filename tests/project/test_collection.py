"""The suite is the same suite wherever and whenever it is collected: workers compare the ids of their tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def collected_elsewhere(folder: Path) -> list[str]:
    """The ids of all tests in another process, later, with another hash seed, time zone and temporary folder."""
    without = ["-p", "no:cacheprovider", "-p", "no:unraisableexception"]  # the second collects garbage at the end
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", *without]
    environment = {**os.environ, "PYTHONHASHSEED": "1", "TZ": "UTC+1", "TMPDIR": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_ids_depend_on_nothing_but_the_code(tmp_path: Path, collected: list[str]):
    """Not on the time, the process or the time zone; compared are the tests of this run."""
    here = set(collected)

    assert sorted(here & {*collected_elsewhere(tmp_path)}) == sorted(here)

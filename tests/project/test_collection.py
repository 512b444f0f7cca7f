"""The suite is the same suite wherever and whenever it is collected: workers compare the ids of their tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
APART_SECONDS = 2  # a time in whole seconds, as gzip's, has changed by then


def collecting(seed: str, folder: Path) -> subprocess.Popen[str]:
    """Collect every test in a process of its own, with its own hash seed, time zone and temporary folder."""
    without = ["-p", "no:cacheprovider", "-p", "no:unraisableexception"]  # the second collects garbage at the end
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", *without]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC+{seed}", "TMPDIR": str(folder)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def test_ids_depend_on_nothing_but_the_code(tmp_path: Path):
    """Not on the time, the process, the time zone or the order of a set."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()

    first = collecting("1", tmp_path / "one")
    time.sleep(APART_SECONDS)
    second = collecting("2", tmp_path / "two")
    ids, ids_again = (
        [line for line in process.communicate()[0].splitlines() if "::" in line] for process in (first, second)
    )

    assert len(ids) > 1000
    assert ids == ids_again

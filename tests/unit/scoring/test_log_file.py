"""The log of a service stays within its bounds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from retrain.adapters.local.service_files import ServiceFiles
from retrain.records.service_keys import ServiceKeys

WRITES = """
import os, sys
from scoring.log_file import bound_log
bound_log(os.environ)
for number in range(int(sys.argv[1])):
    print(f"line {number}", file=sys.stderr)
"""
LIMIT_BYTES = 2000


def log_of(folder: Path, lines: int) -> ServiceFiles:
    """What a process leaves that writes so many lines, its output being led into its log."""
    files = ServiceFiles(folder, ServiceKeys())
    with files.log("m-v1").open("ab") as log:
        environment = {"SCORING_LOG": str(files.log("m-v1")), "SCORING_LOG_BYTES": str(LIMIT_BYTES)}
        command = [sys.executable, "-c", WRITES, str(lines)]
        root = Path(__file__).parents[3]
        subprocess.run(command, check=True, stdout=log, stderr=log, env=environment, cwd=root)
    return files


def test_a_log_and_the_one_before_it_stay_below_their_limit(tmp_path: Path):
    """However much is written; nothing else is left behind."""
    log_of(tmp_path, 2000)

    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes.keys() == {"m-v1.log", "m-v1.log.1"}
    assert max(sizes.values()) <= LIMIT_BYTES + len("line 9999\n")


def test_the_last_lines_are_found_across_the_exchange(tmp_path: Path):
    """In their order, whichever file they are in."""
    for lines in (150, 223, 224, 225, 300):
        for old in tmp_path.iterdir():
            old.unlink()
        assert log_of(tmp_path, lines).tail("m-v1") == [f"line {number}" for number in range(lines - 20, lines)]

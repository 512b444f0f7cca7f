"""Fresh processes for what must be measured alone: its time, or the memory of a whole process."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]


def in_new_process(*arguments: str | Path, variables: Mapping[str, str] | None = None) -> str:
    """What a new Python prints to standard output, given these arguments, started in the project's folder.

    Args: variables: of its environment, besides those of this process.
    Raises: SystemExit with its standard error if it fails.
    """
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"a measured process ended with {done.returncode}:\n{done.stderr}")
    return done.stdout.strip()


def processor_seconds(*arguments: str | Path, variables: Mapping[str, str]) -> float:
    """What a new Python costs with these arguments, from its start to its end: processor time, also of the kernel.

    Raises: SystemExit with its standard error if it fails.
    """
    command = [sys.executable, *map(str, arguments)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as trouble:
        started = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env={**os.environ, **variables}, stdout=out, stderr=trouble
        )
        _, status, usage = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
        if started.returncode:
            trouble.seek(0)
            said = trouble.read().decode()
            raise SystemExit(f"{' '.join(map(str, arguments))} ended with {started.returncode}:\n{said}")
    return usage.ru_utime + usage.ru_stime


def peak_mb() -> float:
    """The peak resident memory of this process so far, MB.

    On Linux `getrusage` also counts the memory of the parent at the start of this process; VmHWM does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1024
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

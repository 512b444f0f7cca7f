"""What every machine needs: the interpreter, the pinned packages, and, for a store in a folder, room and locks."""

from __future__ import annotations

import re
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from retrain.doctor.check import Check, Finding, fault, ok, warning
from retrain.errors import LockHeld

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.ports import ObjectStore

PYTHON = (3, 13)
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)([^\\]*)", re.MULTILINE)
SMALLEST_FREE_BYTES = 1 << 30
SERVICE_PACKAGES = ("fastapi", "uvicorn", "httptools", "psutil")
OWN_LOCK = "doctor"
PROBE = "doctor/probe"
MOST_NAMED = 5


def machine_checks(requirements: Path) -> list[Check]:
    """Those that hold everywhere. Args: requirements: the lock file of what is deployed."""
    return [Check("python", python), Check("packages", lambda: packages(requirements))]


def folder_checks(root: Path, state: ObjectStore, *, serves_here: bool) -> list[Check]:
    """Those of a store in a folder. Args: serves_here: services are processes of this machine."""
    checks = [
        Check("store", lambda: writable(state)),
        Check("locks", lambda: lockable(state), after="store"),
        Check("disk", lambda: disk(root)),
    ]
    if serves_here:
        checks += [Check("services", local_services), Check("ports", ports)]
    return checks


def python() -> Finding:
    """The version that everything is pinned for."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] == PYTHON:
        return ok(f"Python {found}")
    return fault(
        f"Python {found}, and this version of retrain needs 3.13", "install Python 3.13, then `make setup`"
    )


def packages(requirements: Path) -> Finding:
    """What is installed is what the lock pins. A pin for other systems alone may be missing."""
    if not requirements.is_file():
        return warning(f"{requirements} is missing, so the packages were not compared", "run this from a checkout")
    pins = PIN.findall(requirements.read_text(encoding="utf-8"))
    wrong = []
    for name, pinned, marker in pins:
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "missing"
        if found != pinned and not (found == "missing" and ";" in marker):
            wrong.append(f"{name} is {found} and should be {pinned}")
    if wrong:
        more = f", and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        return fault(", ".join(wrong[:MOST_NAMED]) + more, "install what requirements.txt pins: `make setup`")
    return ok(f"{len(pins)} packages, as pinned")


def writable(state: ObjectStore) -> Finding:
    """An object can be written, read again and removed."""
    state.write(PROBE, b"written by `retrain doctor`")
    there = state.read(PROBE)
    state.delete(PROBE)
    if there is None:
        return fault(f"{state.address(PROBE)} was written and is not there")
    return ok(f"{state.address(PROBE).removesuffix(f'/{PROBE}')} can be written and read")


def lockable(state: ObjectStore) -> Finding:
    """A lock can be had, or another process that looks has it now."""
    try:
        with state.lock(OWN_LOCK):  # whoever has the right to run would miss what is asked for meanwhile
            return ok("locks can be had")
    except LockHeld:
        return ok("another process is looking now")


def disk(root: Path, smallest: int = SMALLEST_FREE_BYTES) -> Finding:
    """There is room for data and images."""
    folder = root.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    told = f"{free / (1 << 30):.1f} GB are free in {folder}"
    return ok(told) if free >= smallest else warning(told, "make room, or set RETRAIN_ROOT to a larger disk")


def local_services() -> Finding:
    """What services of this machine are made of is installed."""
    missing = [name for name in SERVICE_PACKAGES if find_spec(name) is None]
    if missing:
        return fault(f"{', '.join(missing)} are missing, which services on this machine need", "run `make setup`")
    return ok("services can run on this machine")


def ports() -> Finding:
    """A service finds a port."""
    from retrain.adapters.local.process import free_port

    return ok(f"a port is free, for example {free_port()}")

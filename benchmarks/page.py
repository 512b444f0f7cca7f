"""The page of benchmarks: on which machine, of which commit, on which day, and the figures of each benchmark."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psutil

from benchmarks.result import Result

HEAD = """\
# Benchmarks

Written by `make bench-all`, which runs every benchmark and replaces this page. Each section names the command that
runs the benchmark alone. The two sides of a ratio took turns, so compare ratios: seconds depend on the machine and
on what else ran on it.
"""
QUICK = "**These are quick forms: they show that the benchmarks work; the figures say nothing about speed.**\n"


@dataclass(frozen=True, slots=True)
class Machine:
    """What the figures depend on; nothing that identifies the machine."""

    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str
    load: float
    """Average of runnable processes over the minute before the first benchmark."""


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark of a run.

    Attributes:
        target: of make.
        result: None if there are no figures.
        error: why there are no figures, or what went wrong although there are; empty if nothing.
    """

    target: str
    result: Result | None
    error: str = ""

    def markdown(self) -> str:
        """Its command, its figures, and what went wrong."""
        parts = [f"## make {self.target}"]
        if self.error:
            parts.append(f"**{self.error}**")
        if self.result:
            parts.append(self.result.markdown())
        return "\n\n".join(parts)


def page(machine: Machine, commit: str, day: date, sections: list[Section]) -> str:
    """The whole page, in Markdown."""
    about = (
        f"| machine | {machine.cpu}, {machine.cores} cores, {machine.memory_gb:.0f} GB of memory |",
        f"| system | {machine.system}, Python {machine.python} |",
        f"| load before the first benchmark | {machine.load:.1f} |",
        f"| commit | {commit} |",
        f"| date | {day.isoformat()} |",
    )
    quick = any(section.result and section.result.quick for section in sections)
    parts = [HEAD, *([QUICK] if quick else []), "\n".join(["| | |", "|---|---|", *about, ""])]
    return "\n".join([*parts, "\n\n".join(section.markdown() for section in sections), ""])


def this_machine() -> Machine:
    """The machine that runs this."""
    memory_gb = psutil.virtual_memory().total / 1e9
    cores = os.process_cpu_count() or 1
    return Machine(_cpu(), cores, memory_gb, _system(), platform.python_version(), psutil.getloadavg()[0])


def _cpu() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        named = re.search(r"^model name\s*:\s*(.+)$", described.read_text(), re.MULTILINE)
        if named:
            return named[1].strip()
    return platform.processor() or platform.machine()


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:  # not a Linux
        name = f"{platform.system()} {platform.release()}"
    return f"{name} ({platform.machine()})"


def commit_of(root: Path) -> str:
    """The short commit of a work tree, and whether files differed from it."""
    try:
        commit = _git(root, "rev-parse", "--short", "HEAD")
        changed = _git(root, "status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return "unknown: this folder is no git work tree"
    return f"{commit}, with uncommitted changes" if changed else commit


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603

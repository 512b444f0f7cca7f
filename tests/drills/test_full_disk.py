"""A disk that is full at any point of a write: every file is whole, the old one or the new one."""

from __future__ import annotations

import errno
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.local import folder
from retrain.records.history import RECORD
from tests.drills.stage import Stage
from tests.drills.table import tell
from tests.faults import SAYS, Fault, never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@dataclass
class HalfWritten:
    """A file whose disk is full in the middle of a write."""

    file: BinaryIO

    def write(self, data: bytes) -> int:
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        raise OSError(errno.ENOSPC, SAYS)


class Disk:
    """The disk below the folder store: full from one write on, for a while or until it is freed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full_at: range = range(0)
        self.where, self.writes = "write", 0
        self._open: Any = os.fdopen
        monkeypatch.setattr(os, "fdopen", self._file)
        for holder, name, where in ((os, "fsync", "sync"), (Path, "replace", "rename"), (Path, "mkdir", "folder")):
            monkeypatch.setattr(holder, name, self._full(getattr(holder, name), where))

    @contextmanager
    def _file(self, *args: Any) -> Iterator[Any]:
        self.writes += 1
        is_full = self.where == "write" and self.writes - 1 in self.full_at
        with self._open(*args) as file:
            yield HalfWritten(file) if is_full else file

    def _full(self, call: Callable[..., Any], where: str) -> Callable[..., Any]:
        def limited(target: Any, *args: Any, **options: Any) -> Any:
            is_there = where == "folder" and target.is_dir()
            if self.where == where and self.writes - 1 in self.full_at and not is_there:
                raise OSError(errno.ENOSPC, SAYS)
            return call(target, *args, **options)

        return limited


def files_of(root: Path) -> dict[str, bytes]:
    """Every object of a folder store by its name."""
    found = (path for path in root.rglob("*") if path.is_file())
    named = ((path.relative_to(root).as_posix(), path) for path in found)
    return {name: path.read_bytes() for name, path in named if not name.startswith(".locks")}


@pytest.mark.parametrize("until", ["once", "until it is freed"])
@pytest.mark.parametrize("where", ["write", "sync", "rename", "folder"])
def test_a_full_disk_loses_nothing_that_was_there(
    stage: Stage, where: str, until: str, monkeypatch: pytest.MonkeyPatch
):
    """At any point of a write: every file is whole, the old one or the new one."""
    disk = Disk(monkeypatch)
    before = files_of(stage.world.root)
    numbers = range(sum(call.method == "write" for call in stage.calls()))

    def look() -> list[str]:
        disk.full_at = range(0)
        after = files_of(stage.world.root)
        gone = [f"{name} is gone" for name in before if name not in after]
        kept = [
            f"{name} has changed" for name in after if name.startswith("inbox/") and after[name] != before[name]
        ]
        for name, data in after.items():
            if name.endswith(".json"):
                [json.loads(line) for line in data.splitlines()] if name == RECORD else json.loads(data)
        return gone + kept + [f"{name} is left behind" for name in after if name.startswith(folder.UNFINISHED)]

    wrong = []
    for number in numbers:
        disk.where, disk.writes = where, 0
        disk.full_at = range(number, number + 1 if until == "once" else 1_000_000)
        wrong += [f"write {number}: {each}" for each in stage.play(never, Fault.STALE, look)]

    tell("storage faults", "folder", f"writes that found the disk full {until} ({where})", len(numbers), len(wrong))
    assert not wrong, "\n".join(wrong)

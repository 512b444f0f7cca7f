"""A store whose process is killed at one of its changes, and a copy of a store for each such place."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from retrain.adapters.local.folder import FolderStore
from tests.faults import Killed
from tests.sweeps import reached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Dying(FolderStore):
    """A store whose process is killed at one of its changes, before or after it takes effect."""

    root: Path
    at: int
    is_after: bool
    changes: Iterator[int] = field(default_factory=lambda: count(1))

    def write(self, name: str, data: bytes, if_etag: str | None = None) -> str:
        return str(self._dying(lambda: FolderStore.write(self, name, data, if_etag)))

    def upload(self, name: str, stream: Any) -> None:
        self._dying(lambda: FolderStore.upload(self, name, stream))

    def delete(self, name: str) -> None:
        self._dying(lambda: FolderStore.delete(self, name))

    def _dying(self, change: Callable[[], Any]) -> Any:
        is_it = next(self.changes) == self.at
        if is_it and not self.is_after:
            raise Killed
        done = change()
        if is_it:
            raise Killed
        return done


def changes(root: Path, act: Callable[[FolderStore], object]) -> int:
    """How many changes of a store something makes, if nothing disturbs it."""
    counter = Dying(root, at=0, is_after=False)
    act(counter)
    return next(counter.changes) - 1


def kills(before: Path, count: int, reach: str = "every") -> Iterator[Dying]:
    """A copy of a store for changes among its next `count`, before and after each: the process is killed there."""
    for at in (number + 1 for number in reached(count, reach)):
        for is_after in (False, True):
            root = before.parent / f"{at}-{is_after}"
            shutil.copytree(before, root)
            yield Dying(root, at, is_after)

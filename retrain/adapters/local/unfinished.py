"""A file that is being written, where nobody looks for objects, until all of it can be seen at once."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Unfinished:
    """The file and where it is now."""

    file: BinaryIO
    path: Path
    is_published: bool = False

    def make_durable(self) -> None:
        """See that the bytes are on the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def publish(self, path: Path) -> None:
        """Give it its name. Whoever reads that finds what was there before, or all of this."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path.replace(path)
        self.is_published = True


@contextmanager
def unfinished(folder: Path) -> Iterator[Unfinished]:
    """A new file in a folder, which is made; it is removed if it was not published."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(descriptor, "wb") as file:
        new = Unfinished(file, Path(name))
        try:
            yield new
        finally:
            if not new.is_published:
                new.path.unlink(missing_ok=True)

"""Files that a person names: what stands in the way of reading or writing one is a sentence, not a traceback."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from retrain.errors import NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Read this file. Raises: NotFound for what the system says about it."""
    try:
        yield
    except OSError as exc:
        raise NotFound(f"{path} cannot be read: {exc.strerror}; name a file that you may read") from exc


@contextmanager
def writable(option: str, path: Path) -> Iterator[None]:
    """Write the file that an option names. Raises: UsageError for what the system says about it."""
    try:
        yield
    except OSError as exc:
        raise UsageError(f"{option} {path}: {exc.strerror}; choose a path that can be written") from exc

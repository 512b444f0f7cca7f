"""Symbolic links in a folder: those that stay inside are followed, no other is."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def leads_out(path: Path, root: Path) -> bool:
    """Whether a link on the way from a folder to a path below it leads out of the folder, or to nothing.

    Raises: OSError, for example for a name that is too long or a link to itself.
    """
    below = len(path.parts) - len(root.parts)
    if not any(map(_is_link, (path, *path.parents[: below - 1]))):
        return False  # nearly always, and at less cost than to resolve the path
    try:
        return not path.resolve(strict=True).is_relative_to(root.resolve())
    except FileNotFoundError:
        return True


def _is_link(path: Path) -> bool:
    """Raises: OSError for a name that no file can have; `Path.is_symlink` would say that it is no link."""
    try:
        return stat.S_ISLNK(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False

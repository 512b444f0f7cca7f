"""A plugin for pytest: modules that the package of the Function App leaves out cannot be imported.

python -m pytest -p tests.pruned
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from infra.package import LEFT_OUT, is_pruned

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGES = Path(str(distribution("numpy").locate_file("")))


def left_out_files() -> set[str]:
    """Every file of the packages that are left out, by its path below the folder of packages."""
    return {file.as_posix() for name in LEFT_OUT for file in distribution(name).files or []}


class Pruned:
    """An import hook that does not find what is left out."""

    def __init__(self) -> None:
        self._left_out = left_out_files()

    def find_spec(self, name: str, path: Sequence[str] | None = None, _target: object = None) -> ModuleSpec | None:
        """As without it; a bare folder for a package that is left out. Raises: ModuleNotFoundError."""
        spec = PathFinder.find_spec(name, path)
        if spec is None or not spec.origin or not Path(spec.origin).is_relative_to(PACKAGES):
            return None
        file = PurePosixPath(Path(spec.origin).relative_to(PACKAGES).as_posix())
        if str(file) in self._left_out and file.name == "__init__.py":  # others may have modules in the same folder
            bare = ModuleSpec(name, None, is_package=True)
            bare.submodule_search_locations = [str(Path(spec.origin).parent)]
            return bare
        if is_pruned(file) or str(file) in self._left_out:
            raise ModuleNotFoundError(f"{file} is left out of the package", name=name)
        return None


sys.meta_path.insert(0, Pruned())

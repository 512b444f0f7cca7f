"""pyarrow, told that pandas is not there."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from types import ModuleType


@cache
def arrow() -> ModuleType:
    """Import pyarrow without pandas, which its first array would import if it is there; that takes 0.2 s.

    It looks once, so it is made to look while pandas seems to be missing. What is asked to make pandas' own types
    still imports it.
    """
    import pyarrow as pa

    sys.meta_path.insert(0, _WITHOUT_PANDAS)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(_WITHOUT_PANDAS)
    return cast("ModuleType", pa)


class _WithoutPandas:
    """An import hook that does not find pandas."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """None for every other module: the next hook looks. Raises: ModuleNotFoundError for pandas."""
        if name == "pandas":
            raise ModuleNotFoundError(name, name=name)


_WITHOUT_PANDAS = _WithoutPandas()

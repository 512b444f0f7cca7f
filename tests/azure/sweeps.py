"""An Azurite that answers throughout: what is started meanwhile never sweeps, for which it would stand still."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PRELOADED = Path(__file__).parent / "azurite_without_sweeps.cjs"


@contextmanager
def without_sweeps() -> Iterator[None]:
    """Processes of Node that are started here load the script which says what a sweep is, and why there is none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NODE_OPTIONS", f'--require="{PRELOADED}"')
        yield

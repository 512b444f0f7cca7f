"""A collector of its own for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.telemetry.collector import Collector, collecting

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def collector() -> Iterator[Collector]:
    """It accepts everything until it is told to refuse."""
    with collecting() as running:
        yield running

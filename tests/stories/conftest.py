"""What several stories begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.stories.office import JobsOnDemand, Office

if TYPE_CHECKING:
    from tests.builders import World


@pytest.fixture
def office(serving: World) -> Office:
    """Version 1 answers."""
    return Office(serving, JobsOnDemand())

"""What several stories begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.listening import Heard, Listener
from tests.stories.office import JobsOnDemand, Office

if TYPE_CHECKING:
    from tests.builders import World


@pytest.fixture
def office(serving: World) -> Office:
    """Version 1 answers."""
    return Office(serving, JobsOnDemand())


@pytest.fixture
def heard(world: World) -> Heard:
    """A world whose events a listener takes."""
    return Heard(world, (Listener(),))


@pytest.fixture
def listener(heard: Heard) -> Listener:
    """The one that takes them."""
    return heard.listeners[0]

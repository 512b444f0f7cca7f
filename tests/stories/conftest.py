"""Somebody listens to what happens in a story."""

from __future__ import annotations

import pytest

from tests.builders import World
from tests.listening import Heard, Listener


@pytest.fixture
def heard(world: World) -> Heard:
    return Heard(world, (Listener(),))


@pytest.fixture
def listener(heard: Heard) -> Listener:
    return heard.listeners[0]

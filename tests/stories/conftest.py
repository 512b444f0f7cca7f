"""What several stories begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders import QUICK
from tests.listening import Heard, Listener
from tests.platforms import stop_services
from tests.shell import Shell
from tests.stories.office import JobsOnDemand, Office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.builders import World


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """An empty store, whose models are fitted fast."""
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    yield Shell(tmp_path, capsys)
    stop_services(tmp_path / "store")


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

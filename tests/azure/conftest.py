"""Fixtures of the tests on Azure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.azure.cloud import on, on_a_laptop
from tests.functions.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.azure.cloud import Cloud

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """The deployed code."""
    with Worker(ROOT) as loaded:
        yield loaded


@pytest.fixture
def deployed(cloud: Cloud, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A Function App with its code, and its settings in the shell of whoever deploys."""
    on_a_laptop(cloud.azure, monkeypatch)
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    cloud.azure.app.deploy(worker)
    return cloud


@pytest.fixture
def apps(cloud: Cloud) -> Cloud:
    """A world whose versions run on Container Apps."""
    cloud.overrides = on("container-apps")
    return cloud

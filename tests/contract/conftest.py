"""An empty platform of each kind, for all that every platform promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.adapters.local.process import ProcessPlatform
from tests.azure.cloud import on
from tests.platforms import ThreadPlatform, stop_services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from retrain.ports import Platform
    from tests.azure.cloud import Cloud


@pytest.fixture(params=["process", "thread", "aci", "container-apps", "managed-online", "kubernetes"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    """An empty platform of each kind."""
    if request.param == "process":
        yield ProcessPlatform(tmp_path / "platform")
        stop_services(tmp_path)
    elif request.param == "thread":
        threads = ThreadPlatform()
        yield threads
        threads.close()
    else:
        cloud: Cloud = request.getfixturevalue("cloud")
        cloud.name = "m"
        cloud.overrides = {"RETRAIN_KUBERNETES_COMPUTE": "cluster"} | on(request.param)
        on_azure = cloud.context.platform
        yield on_azure
        for service in on_azure.services():
            on_azure.remove(service.name)

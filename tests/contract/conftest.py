"""An empty platform of each kind, for all that every platform promises."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.local.process import ProcessPlatform
from tests.azure.cloud import Cloud, hurry, on
from tests.platforms import ThreadPlatform, stop_services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from retrain.ports import Platform

KINDS = ("process", "thread", "aci", "container-apps", "managed-online", "kubernetes")


@contextmanager
def empty(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Platform]:
    """An empty platform; its services are gone afterwards."""
    if kind == "process":
        yield ProcessPlatform(folder / "platform")
        stop_services(folder)
    elif kind == "thread":
        threads = ThreadPlatform()
        yield threads
        threads.close()
    else:
        with pytest.MonkeyPatch.context() as patch:
            azure, vault = (request.getfixturevalue(name) for name in ("azure", "vault"))
            for name, value in azure.environment.items():
                patch.setenv(name, value)
            hurry(patch)
            on_azure = Cloud(
                azure, vault, "m", {"RETRAIN_KUBERNETES_COMPUTE": "cluster"} | on(kind)
            ).context.platform
            yield on_azure
            for service in on_azure.services():
                on_azure.remove(service.name)
            azure.heal()
            azure.stop_services()


@pytest.fixture(params=KINDS)
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    """An empty platform of each kind."""
    with empty(request.param, tmp_path, request) as made:
        yield made

"""The genuine worker with `function_app.py` in it, and an app with a storage account of its own."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from azure.storage.blob import BlobServiceClient

from tests.builders import QUICK
from tests.functions.app import ROOT, App
from tests.functions.worker import Worker
from tests.platforms import stop_services

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """The app, loaded once, as the platform does."""
    with Worker(ROOT) as loaded:
        yield loaded


@pytest.fixture
def app(worker: Worker, storage: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[App]:
    """Fresh containers in Azurite, and the settings that point there."""
    mark = uuid.uuid4().hex[:12]
    environment = {
        **QUICK,
        "RETRAIN_STORE": "blob",
        "RETRAIN_ROOT": str(tmp_path),
        "TRANSACTIONS_STORAGE": storage,
        "TRANSACTIONS_CONTAINER": f"transactions-{mark}",
        "RETRAIN_STATE_CONTAINER": f"retrain-{mark}",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    service = BlobServiceClient.from_connection_string(storage)
    service.create_container(environment["TRANSACTIONS_CONTAINER"])
    yield App(worker, environment, service)
    stop_services(tmp_path)

"""The Function App as a test drives it: files land in a container, events reach the genuine worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.storage.blob import BlobServiceClient

from retrain.settings import parse
from retrain.wiring import connect
from tests.builders import level_days
from tests.functions.worker import Worker

if TYPE_CHECKING:
    from retrain.records.context import Context


ROOT = Path(__file__).parents[2]
YEAR_ONE, YEAR_TWO = level_days(150, seed=1, level=200), level_days(100, seed=2, level=160)


@dataclass
class App:
    """The loaded app with a storage account of its own."""

    worker: Worker
    environment: dict[str, str]
    service: BlobServiceClient

    @property
    def context(self) -> Context:
        return connect(parse(self.environment))

    def upload(self, name: str, data: bytes) -> None:
        """A file lands in the container."""
        container = self.environment["TRANSACTIONS_CONTAINER"]
        self.service.get_blob_client(container, name).upload_blob(data, overwrite=True)

    def blob_event(self, name: str) -> None:
        """The platform noticed it."""
        container = self.environment["TRANSACTIONS_CONTAINER"]
        self.worker.blob("retrain_on_new_data", container, name, "TRANSACTIONS_STORAGE")

    def newest_run(self) -> dict[str, Any]:
        """What the app itself tells about its last run."""
        runs: list[dict[str, Any]] = self.worker.http("list_runs", "GET", newest="1").body["runs"]
        return runs[0]

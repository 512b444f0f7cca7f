"""What several drills begin with: an empty store of each kind, services in threads, a scene, a scoring service."""

from __future__ import annotations

import logging
import secrets
import socket
from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.azure import arm
from retrain.adapters.local.folder import FolderStore
from retrain.arima.order import Order
from scoring.app import Served, create_app
from scoring.model import ForecastModel
from tests.builders import QUICK, World, series, weekly
from tests.drills.evidence import AWAY, DOWNLOAD, NOBODY, SCORING_KEY, SERVICE_KEY, Evidence
from tests.drills.hostile import KEY, Service
from tests.drills.place import Place, a_place
from tests.drills.stage import ONE, Stage, on_doors
from tests.platforms import stop_services
from tests.serving import serve
from tests.sweeps import in_drills

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["folder", *in_drills("azurite")])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty store of each kind."""
    return a_place(request, tmp_path / "store")


@pytest.fixture
def stage(world: World, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """On a folder."""
    return on_doors(Stage(world, FolderStore(world.root / "inbox"), FolderStore(world.root)), monkeypatch)


@pytest.fixture(scope="module")
def listener() -> Iterator[int]:
    """The port of the app, started once."""
    from retrain.arima.ensemble import fit_pinned

    model = fit_pinned(Order(1, 0, 0, 0, 0, 0, 0, mean=True), series(weekly(60)), 7).model
    listening = socket.create_server(("127.0.0.1", 0))
    serving = serve(create_app(Served(model, "daily-transactions", "7", "ab" * 32), KEY), listening)
    yield listening.getsockname()[1]
    serving.end(at_once=True)


@pytest.fixture
def service(listener: int, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The app, with a model that notes whether it is asked."""
    asked: list[str] = []

    def noting(name: str) -> Any:
        method = getattr(ForecastModel, name)

        def noted(*args: Any) -> Any:
            asked.append(name)
            return method(*args)

        return noted

    for name in ("forecast", "observe"):
        monkeypatch.setattr(ForecastModel, name, noting(name))
    return Service(listener, asked)


@pytest.fixture
def evidence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Evidence]:
    """Marks in every setting that may hold a secret, and a folder for whatever is kept."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(arm, "RETRIES", 0)
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _bytes: SERVICE_KEY)
    made = Evidence({}, tmp_path, caplog, capsys, monkeypatch)
    made.set(
        **QUICK,
        RETRAIN_ROOT=str(tmp_path),
        RETRAIN_MIN_UNSEEN_DAYS="14",
        TRANSACTIONS_STORAGE=AWAY,
        RETRAIN_ACQUIRE_URL=f"{NOBODY}/history.csv?sig={DOWNLOAD}",
        SCORING_KEY=SCORING_KEY,
    )
    (tmp_path / "land.csv").write_bytes(ONE)
    yield made
    stop_services(tmp_path)

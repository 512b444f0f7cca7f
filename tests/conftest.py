"""Fixtures that more than one folder needs."""

from __future__ import annotations

import gc
import os
import secrets
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.azurite import azurite, secure_azurite
from tests.builders import World
from tests.first_champion import FirstChampion
from tests.platforms import ThreadPlatform
from tests.remembering import assessed_anew as assessed_anew
from tests.remembering import remembered_assessments as remembered_assessments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.azure.cloud import Cloud
    from tests.azure.emulator import Emulator
    from tests.azurite import SecureAzurite


LONGEST_ID = 60
IDS = pytest.StashKey[list[str]]()

# An example that only chance finds would fail somebody else's change; a slow machine is no failure.
hypothesis.settings.register_profile(
    "project", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("project")


def pytest_configure() -> None:
    """Collecting makes a million objects that stay; to look among them for garbage takes a third of its time."""
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the ids of what was collected, before a mark leaves some out."""
    config.stash[IDS] = [item.nodeid for item in items]


def pytest_collection_finish() -> None:
    """From now on garbage is looked for, but not among what was collected."""
    gc.freeze()
    gc.enable()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a parameter by its argument where its value is bytes or a long text.

    Such a value may hold the time at which it was made (gzip does), and nobody can read it in an id.
    """
    if isinstance(val, bytes) or (isinstance(val, str) and len(val) > LONGEST_ID):
        return argname
    return None


@pytest.fixture(autouse=True)
def _environment_as_before() -> Iterator[None]:
    """Put the environment back after each test: later tests start processes, which inherit it.

    Azure ML's SDK writes the emulator's address into it, also while a fixture of a whole module is made.
    """
    before = {name: value for name, value in os.environ.items() if name != "AZUREML_CURRENT_CLOUD"}
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def collected(request: pytest.FixtureRequest) -> list[str]:
    """The ids of all tests that this process has collected."""
    return request.config.stash[IDS]


@pytest.fixture
def platform() -> Iterator[ThreadPlatform]:
    """Nothing runs there yet."""
    empty = ThreadPlatform()
    yield empty
    empty.close()


@pytest.fixture
def world(tmp_path: Path, platform: ThreadPlatform) -> World:
    """An empty store on a folder."""
    return World(tmp_path / "store", platform=platform)


@pytest.fixture(scope="session")
def first_champion(tmp_path_factory: pytest.TempPathFactory) -> FirstChampion:
    """What `serving` copies."""
    return FirstChampion(tmp_path_factory.mktemp("first-champion"))


@pytest.fixture
def serving(world: World, platform: ThreadPlatform, first_champion: FirstChampion) -> World:
    """Version 1 answers."""
    first_champion.copied_to(world, platform)
    return world


@pytest.fixture(scope="session")
def storage() -> Iterator[str]:
    """Azurite's connection string; one Azurite serves the whole test run, each test takes its own container."""
    with azurite() as connection:
        yield connection


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureAzurite]:
    """Azurite behind TLS, signed in to by identity."""
    with secure_azurite(tmp_path_factory.mktemp("tls")) as storage:
        yield storage


@pytest.fixture(scope="module")
def azure(vault: SecureAzurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulated subscription that a module shares; services are threads of this process."""
    from tests.azure.emulator import emulator

    with emulator(tmp_path_factory.mktemp("azure"), vault, runner="thread") as running:
        yield running


@pytest.fixture(scope="module")
def gate(azure: Emulator, vault: SecureAzurite) -> Iterator[SecureAzurite]:
    """The same storage behind a gate that asks whoever signs in by identity for a role at each call."""
    from tests.azure.emulator.gate import Gate

    standing = Gate(vault, azure)
    yield standing.storage
    standing.close()


@pytest.fixture
def cloud(azure: Emulator, vault: SecureAzurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A signed-in world with an empty store; nothing in it waits for seconds."""
    from tests.azure.cloud import Cloud, hurry

    for name, value in azure.environment.items():
        monkeypatch.setenv(name, value)
    hurry(monkeypatch)
    yield Cloud(azure, vault, f"m{secrets.token_hex(4)}", calls_before=len(azure.calls))
    azure.heal()
    azure.stop_services()

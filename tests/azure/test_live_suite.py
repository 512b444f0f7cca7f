"""The live suite itself: it passes where Azure is emulated, so that nobody pays for its mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.azure.cloud import Cloud
from tests.azure.emulator import emulator

if TYPE_CHECKING:
    from tests.azurite import SecureAzurite

ROOT = Path(__file__).parents[2]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-m", "live", "tests/azure/test_live.py"]


@pytest.mark.long
@pytest.mark.timeout(900)  # two jobs, four processes of services and an interpreter
def test_the_live_suite_passes_on_the_emulator(vault: SecureAzurite, tmp_path: Path):
    """Processes and all; afterwards no service is left."""
    with emulator(tmp_path, vault) as azure:
        environment = {**os.environ, **azure.environment, **Cloud(azure, vault, "unused").environment}
        environment.pop("AZUREML_CURRENT_CLOUD", None)  # where the SDK keeps the last cloud of a process
        done = subprocess.run(PYTEST, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

        assert "3 passed" in done.stdout, done.stdout[-3000:]
        assert azure.services() == []


@pytest.mark.long
def test_without_a_subscription_the_live_suite_is_skipped():
    """And says which setting is missing."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RETRAIN_")}
    done = subprocess.run([*PYTEST, "-rs"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert "RETRAIN_SUBSCRIPTION is not set" in done.stdout

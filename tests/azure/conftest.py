"""The storage of the tests on Azure, which together last longer than Azurite answers between two sweeps."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.azure.sweeps import without_sweeps
from tests.azurite import secure_azurite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.azurite import SecureAzurite


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureAzurite]:
    """Azurite behind TLS, signed in to by identity."""
    with ExitStack() as running:
        with without_sweeps():
            storage = running.enter_context(secure_azurite(tmp_path_factory.mktemp("tls")))
        yield storage

"""Fixtures of the tests on Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.azure.cloud import on

if TYPE_CHECKING:
    from tests.azure.cloud import Cloud


@pytest.fixture
def apps(cloud: Cloud) -> Cloud:
    """A world whose versions run on Container Apps."""
    cloud.overrides = on("container-apps")
    return cloud

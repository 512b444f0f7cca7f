"""Images in a container registry: which are ours, page after page, and what a registry refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.adapters.azure import acr_images
from retrain.adapters.azure.acr_images import RegistryImages
from retrain.errors import AccessDenied, ServiceUnavailable
from tests.contract.test_platform import context_of

if TYPE_CHECKING:
    from tests.azure.cloud import Cloud


def built(cloud: Cloud, *versions: str) -> RegistryImages:
    """The registry after these were built."""
    for version in versions:
        cloud.context.platform.build(cloud.name, version, context_of(version))
    return RegistryImages(cloud.settings)


def test_a_list_of_many_images_is_read_to_its_end(cloud: Cloud, monkeypatch: pytest.MonkeyPatch):
    """The registry gives it page by page."""
    monkeypatch.setattr(acr_images, "PAGE", 2)
    images = built(cloud, "1", "2", "3", "4", "5").of(cloud.name)

    assert sorted(image.version for image in images) == ["1", "2", "3", "4", "5"]


def test_an_image_with_a_tag_of_somebody_else_is_not_ours(cloud: Cloud):
    """A person may have tagged one to keep it."""
    images = built(cloud, "1", "2")
    cloud.azure.images.tag(cloud.name, "1", "keep")

    assert [image.version for image in images.of(cloud.name)] == ["2"]


def test_before_the_first_build_there_are_none(cloud: Cloud):
    """The registry does not know the repository."""
    assert RegistryImages(cloud.settings).of(cloud.name) == []


def test_a_registry_with_abac_names_the_role_that_counts_there(cloud: Cloud):
    """AcrPull and AcrDelete do not."""
    images = built(cloud, "1")
    cloud.azure.abac = True

    with pytest.raises(AccessDenied, match="the role Container Registry Repository Contributor instead"):
        images.of(cloud.name)


def test_a_registry_that_is_away_is_tried_again_by_the_next_sweep(cloud: Cloud):
    """It is no refusal."""
    images = built(cloud, "1")
    cloud.azure.fail("GET", "/_manifests$", 503, "Unavailable", times=None)

    with pytest.raises(ServiceUnavailable):
        images.of(cloud.name)


def test_no_token_is_shown(cloud: Cloud):
    """Neither in a message nor in the address of a call."""
    images = built(cloud, "1")
    before = len(cloud.azure.calls)
    images.of(cloud.name)
    calls = cloud.azure.calls[before:]

    assert {call.path for call in calls if "oauth2" in call.path} == {"/oauth2/exchange", "/oauth2/token"}
    assert not [call for call in calls if "token=" in call.path]

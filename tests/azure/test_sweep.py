"""A sweep on Azure, as the app, with the roles of the template: what a killed promotion has left is removed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from retrain.promotion.resume import LOCK
from retrain.runs.sweep import sweep
from tests.azure.cloud import on
from tests.builders import ONE
from tests.contract.test_platform import context_of

if TYPE_CHECKING:
    from tests.azure.cloud import Cloud

RUN = "20260101T000000000Z-0000beef"


def swept(cloud: Cloud) -> list[str]:
    """What a sweep has removed, in the order of the keys."""
    context = cloud.context
    with context.state.lock(LOCK):
        found = sweep(cloud.settings, context)
    assert found.troubles == ()
    return sorted(found.removed)


def versions(cloud: Cloud) -> list[str]:
    """What is deployed."""
    return sorted(service.version for service in cloud.context.platform.services())


@pytest.mark.parametrize("target", ["aci", "container-apps", "managed-online"])
def test_a_service_and_then_its_image_are_removed(cloud: Cloud, target: str):
    """The champion answers on, and its image stays; the record with the key goes with the service."""
    cloud.overrides = on(target)
    cloud.land("one.csv", ONE)
    context, name = cloud.context, f"{cloud.name}-v2"
    lineage = context.registry.get("1").lineage
    context.registry.register(context.registry.keep(b"{}"), lineage, RUN, context.now())
    context.platform.deploy(name, "2", context.platform.build(cloud.name, "2", context_of("2")).reference)
    running = versions(cloud)
    removed = []
    for _ in range(4):
        removed.append(swept(cloud))
        cloud.later += timedelta(days=1, minutes=1)

    assert running == ["1", "2"]
    assert removed[:3] == [[], [f"service {name}"], []]
    assert [key.partition("@")[0] for key in removed[3]] == [f"image {cloud.name}"]
    assert (versions(cloud), [image.version for image in context.platform.images(cloud.name)]) == (["1"], ["1"])
    assert list(context.state.names("services/")) == [f"services/{cloud.name}-v1.json"]


def test_a_record_whose_service_is_gone_is_removed_with_its_key(cloud: Cloud):
    """A person has removed the container group in the portal."""
    cloud.land("one.csv", ONE)
    context, name = cloud.context, f"{cloud.name}-v2"
    context.registry.register(context.registry.keep(b"{}"), context.registry.get("1").lineage, RUN, context.now())
    context.platform.deploy(name, "2", context.platform.build(cloud.name, "2", context_of("2")).reference)
    context.platform.stop(name)
    swept(cloud)
    cloud.later += timedelta(days=1, minutes=1)

    assert f"service {name}" in swept(cloud)
    assert list(context.state.names("services/")) == [f"services/{cloud.name}-v1.json"]

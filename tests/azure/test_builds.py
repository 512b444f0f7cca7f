"""What builds of images have to know about the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from retrain.adapters.azure import acr
from retrain.errors import BuildFailed, NotFound, QuotaUsedUp
from retrain.wiring import releaser
from tests.builders import ONE
from tests.contract.test_platform import context_of

if TYPE_CHECKING:
    from tests.azure.cloud import Cloud


def build(cloud: Cloud) -> str:
    return cloud.context.platform.build(cloud.name, "3", context_of("3")).reference


def scheduled(cloud: Cloud) -> Any:
    """The body of the last build."""
    return [call.body for call in cloud.azure.calls if call.path.endswith("/scheduleRun")][-1]


def test_a_build_in_a_registry_with_abac_has_the_rights_of_its_caller(cloud: Cloud):
    """It has none of its own there."""
    cloud.azure.abac = True

    assert build(cloud).startswith("forecastsacr.azurecr.io/")
    assert scheduled(cloud)["credentials"] == {"sourceRegistry": {"identity": "[caller]"}}


def test_a_build_elsewhere_has_the_rights_of_the_registry(cloud: Cloud):
    """Its caller needs no role to push."""
    build(cloud)

    assert "credentials" not in scheduled(cloud)


def test_an_inline_build_is_given_up_before_its_function_is_ended(cloud: Cloud):
    """By the registry too, which a process that is killed cannot tell."""
    build(cloud)

    assert scheduled(cloud)["timeout"] == cloud.settings.azure.build_seconds == 720


def test_a_build_that_was_just_scheduled_and_is_not_found_is_waited_for(cloud: Cloud):
    """Azure reads it where it is not written yet."""
    cloud.azure.fail("GET", r"/registries/[^/]+/runs/[^/]+$", 404, "RunNotFound", times=3)

    assert build(cloud).startswith("forecastsacr.azurecr.io/")


def test_a_build_that_stays_unknown_is_given_up(cloud: Cloud, monkeypatch: pytest.MonkeyPatch):
    """Somebody has removed its registry, for example."""
    monkeypatch.setattr(acr, "UNSEEN_SECONDS", 0)
    cloud.azure.fail("GET", r"/registries/[^/]+/runs/[^/]+$", 404, "RunNotFound", times=None)

    with pytest.raises(NotFound, match="waiting for build"):
        build(cloud)


def test_a_promotion_that_failed_promises_no_repeat(cloud: Cloud):
    """Nobody tries this run again: the next one compares anew."""
    cloud.azure.fail("POST", r"/scheduleRun$", 503, "ServiceUnavailable", times=None)
    run = cloud.land("one.csv", ONE)

    assert run["status"] == "failed"
    assert (
        "Azure is busy (503 ServiceUnavailable); wait some minutes, then run again; the champion" in run["reason"]
    )


def test_a_release_that_no_job_could_use_is_not_made(cloud: Cloud):
    """A node needs quota: it is looked at before an image is built."""
    cloud.azure.cores_of_jobs = 0
    cloud.overrides = {"RETRAIN_JOBS": "azureml"}
    before = len(cloud.azure.calls)

    with pytest.raises(QuotaUsedUp, match=r"0 of 0 cores left for jobs in westeurope.* request quota"):
        releaser(cloud.settings).release(lambda _stage, _detail: None)
    assert {call.method for call in cloud.azure.calls[before:]} == {"GET"}


def test_who_may_not_look_at_the_registry_builds_as_by_default(cloud: Cloud):
    """No role is needed for that look alone."""
    cloud.azure.fail("GET", r"/registries/[^/]+$", 403, "AuthorizationFailed", times=None)

    assert build(cloud).startswith("forecastsacr.azurecr.io/")


def test_a_build_that_fails_in_a_registry_with_abac_names_the_role(cloud: Cloud):
    """AcrPush does not count there."""
    cloud.azure.abac = cloud.azure.broken_build = True

    with pytest.raises(BuildFailed, match="give this identity the role Container Registry Repository Writer on"):
        build(cloud)

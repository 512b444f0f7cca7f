"""What only a container app can get wrong: revisions, traffic, a service that is asleep, what a person changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from retrain.adapters.azure.container_apps import ContainerAppsPlatform
from retrain.doors.champion_forecast import champion_forecast
from retrain.errors import ConfigError, ServiceError
from retrain.promotion.client import ask
from retrain.promotion.look import look
from retrain.promotion.verify import prove, wait_until_ready
from retrain.records.service_state import State
from tests.azure import specs
from tests.azure.app_calls import at_stable_address, made, puts, traffic
from tests.azure.cloud import CLIENT_ID, PULL_IDENTITY, READY_SECONDS, on
from tests.azure.template import types
from tests.azure.test_container_groups import deploy
from tests.builders import ONE
from tests.contract.test_platform import context_of, model
from tests.faults import fails

if TYPE_CHECKING:
    from retrain.ports import Service
    from tests.azure.app_calls import at_stable_address, made, puts, traffic
from tests.azure.cloud import Cloud


def test_a_new_version_gets_no_traffic_before_it_is_proven(apps: Cloud):
    """It answers at an address of its own; the stable one follows the pointer, under the same key."""
    old = deploy(apps, "3")
    stable = at_stable_address(apps, old)
    new = deploy(apps, "4")
    before = ask(stable, "/readyz")["version"]
    apps.context.platform.point_to(new.name)

    assert (before, ask(new, "/readyz")["version"], ask(stable, "/readyz")["version"]) == ("3", "4", "4")
    assert traffic(apps) == {"v3": 0, "v4": 100}
    assert new.key == old.key
    assert all(one.url.startswith("https://") and not one.certificate for one in (old, new))


@pytest.mark.skipif(not types.FOLDER.exists(), reason="Microsoft's types are not beside the project")
def test_every_body_is_what_microsofts_types_allow(apps: Cloud):
    """Of a creation, a second version, a switch and a rotation."""
    deploy(apps, "3")
    new = deploy(apps, "4")
    apps.context.platform.point_to(new.name)
    apps.context.platform.rotate(new.name, datetime.now(UTC) + timedelta(hours=1))

    calls = [call for call in apps.azure.calls[apps.calls_before :] if "Microsoft.App/" in call.path]
    assert len(puts(apps)) == 4
    assert [specs.problems(call) for call in calls if call.method == "PUT"] == [[]] * 4


def test_a_version_that_is_asleep_answers_the_first_who_asks(apps: Cloud):
    """Nothing runs while nobody asks; the look, the forecast and the proof wait for the start."""
    apps.land("one.csv", ONE)
    service = apps.context.platform.find("1")
    assert service is not None
    awake = []
    for question in (
        lambda: look("1", None, apps.context.platform).state is State.ANSWERS,
        lambda: champion_forecast(1, apps.settings, apps.context)["version"] == "1",
        lambda: _is_ready(service, apps),
    ):
        apps.azure.apps.scale_to_zero()
        asleep = (apps.running, apps.context.platform.is_running(service.name))
        awake.append((*asleep, question(), apps.running))

    assert awake == [([], True, True, ["1"])] * 3


def _is_ready(service: Service, cloud: Cloud) -> bool:
    wait_until_ready(service, cloud.context.platform, READY_SECONDS)
    return True


def test_replicas_that_always_run_are_a_setting(apps: Cloud):
    """Then nobody waits for a start."""
    apps.overrides |= {"RETRAIN_MIN_REPLICAS": "5"}
    deploy(apps)

    assert puts(apps)[0]["properties"]["template"]["scale"] == {"minReplicas": 5, "maxReplicas": 5}
    assert apps.context.platform.wake_seconds == 0


def test_a_size_that_container_apps_does_not_have_is_said_at_once(cloud: Cloud):
    """Before anything is asked of Azure."""
    cloud.overrides = {"RETRAIN_TARGET": "container-apps"}

    with pytest.raises(
        ConfigError, match=r"RETRAIN_CPU=1 with RETRAIN_MEMORY_GB=1 is not a size.*write RETRAIN_CPU=0.5"
    ):
        _ = cloud.settings


def test_an_app_needs_an_environment(cloud: Cloud):
    """Its setting is named."""
    cloud.overrides = {**on("container-apps"), "RETRAIN_CONTAINER_APPS_ENVIRONMENT": ""}

    with pytest.raises(ConfigError, match="RETRAIN_CONTAINER_APPS_ENVIRONMENT is not set"):
        _ = cloud.settings


def test_a_deployment_that_was_killed_goes_on_with_the_same_key(apps: Cloud, monkeypatch: pytest.MonkeyPatch):
    """Between the revision and its record there is a moment; who comes again creates no second one."""
    with monkeypatch.context() as patch:
        patch.setattr(ContainerAppsPlatform, "_with_address", fails(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            deploy(apps)
    assert apps.context.platform.find("3") is None
    service = deploy(apps)

    prove(service, model())
    assert len(puts(apps)) == 1


def test_a_revision_that_failed_is_followed_by_another(apps: Cloud):
    """It cannot be changed, and its name is taken."""
    apps.azure.fail_operation("containerApps", "ContainerAppOperationError", "Operation expired.", times=1)
    with pytest.raises(ServiceError, match="Operation expired"):
        deploy(apps)

    prove(deploy(apps), model())
    first, second = made(apps)
    assert second == f"{first}-1"
    assert [service.version for service in apps.context.platform.services()] == ["3"]


def test_another_definition_of_a_version_takes_its_place(apps: Cloud):
    """With the traffic that it had; nothing of the one before runs on."""
    service = deploy(apps)
    apps.overrides |= {"RETRAIN_CPU": "0.25", "RETRAIN_MEMORY_GB": "0.5"}
    again = deploy(apps)

    prove(again, model())
    assert (again.key, again.revision != service.revision) == (service.key, True)
    assert apps.running == ["3"]
    assert ask(at_stable_address(apps, again), "/readyz")["version"] == "3"


def test_what_a_person_has_added_to_the_app_stays(apps: Cloud):
    """A domain of their own and a tag."""
    deploy(apps, "3")
    domain = {"name": "forecasts.example.com", "bindingType": "Disabled"}
    apps.azure.apps.edit(
        apps.name, lambda app: app["properties"]["configuration"]["ingress"].update(customDomains=[domain])
    )
    apps.azure.apps.edit(apps.name, lambda app: app["tags"].update(team="forecasting"))
    deploy(apps, "4")

    assert puts(apps)[-1]["properties"]["configuration"]["ingress"]["customDomains"] == [domain]
    assert puts(apps)[-1]["tags"]["team"] == "forecasting"


def test_an_app_of_somebody_else_is_left_alone(apps: Cloud):
    """It has the name by chance."""
    deploy(apps, "3")
    apps.azure.apps.edit(apps.name, lambda app: app["tags"].clear())

    with pytest.raises(ConfigError, match="is there and not this model's"):
        deploy(apps, "4")
    apps.azure.apps.edit(apps.name, lambda app: app["tags"].update({"retrain-model": apps.name}))


def test_services_of_another_target_are_not_taken_for_ones_own(apps: Cloud):
    """After a change of the target the version is started on the new one."""
    deploy(apps, "3")
    apps.overrides = {}
    group = deploy(apps, "4")

    assert apps.context.platform.find("3") is None
    apps.overrides = on("container-apps")
    assert apps.context.platform.find("4") is None
    apps.overrides = {}
    apps.context.platform.remove(group.name)


def test_a_replica_has_the_pulling_identity_and_no_other(apps: Cloud):
    """Whoever breaks into it owns neither data nor keys nor jobs."""
    deploy(apps)

    app = puts(apps)[0]
    assert app["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {PULL_IDENTITY: {}}}
    assert [one["identity"] for one in app["properties"]["configuration"]["registries"]] == [PULL_IDENTITY]
    assert CLIENT_ID not in json.dumps(app)


def test_a_log_is_the_replicas_own_and_else_what_azure_says(apps: Cloud):
    """Its last lines; without a replica there are none, and the reason is told."""
    apps.azure.tamper = {"scoring/__main__.py": b"print('out of luck', flush=True)\nraise SystemExit(1)\n"}
    with pytest.raises(ServiceError, match="ended before it was ready"):
        deploy(apps)
    platform = apps.context.platform
    crashed = platform.log(f"{apps.name}-v3")
    apps.azure.heal()
    apps.azure.app_without_cores = True
    name, image = f"{apps.name}-v4", platform.build(apps.name, "4", context_of("4")).reference
    platform.deploy(name, "4", image)

    assert "out of luck" in crashed
    assert platform.log(name) == ["0/1 replicas ready."]
    assert platform.log(f"{apps.name}-v9") == []

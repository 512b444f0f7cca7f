"""`retrain doctor` where versions run on Container Apps: the environment, the role, the app and its champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from retrain.adapters.azure.rest import arm
from retrain.doctor.check import Outcome, examine
from retrain.doctor.container_apps import container_apps_checks
from tests.azure.doctor_faults import Fault
from tests.azure.emulator.access import of_the_template
from tests.azure.emulator.standing import APP
from tests.builders import ONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.doctor.check import Finding
    from tests.azure.cloud import Cloud


def found(cloud: Cloud) -> dict[str, Finding]:
    """What each line finds."""
    checks = container_apps_checks(cloud.settings, arm(cloud.settings), cloud.context)
    return {line.name: line.finding for line in examine(checks)}


def refused(method: str, path: str) -> Callable[[Cloud], object]:
    return lambda cloud: cloud.azure.fail(method, path, 403, "AuthorizationFailed", times=None)


def without_traffic(cloud: Cloud) -> None:
    """A person has sent the traffic elsewhere."""
    cloud.azure.apps.edit(
        cloud.name, lambda app: app["properties"]["configuration"]["ingress"]["traffic"][0].update(weight=0)
    )


def in_another_state(cloud: Cloud) -> None:
    cloud.azure.apps.edit(cloud.name, lambda app: app["properties"].update(provisioningState="Failed"))


def crashed(cloud: Cloud) -> None:
    """Whoever asks gets no answer."""
    cloud.azure.apps.stop_services()


APPS_ROLE = "give this identity the role Container Apps Contributor on subscriptions/"
FAULTS = (
    Fault(
        "an environment that was not made",
        lambda cloud: setattr(cloud.azure.deployed, "apps_environment", "Failed"),
        "apps environment",
        "the environment is Failed",
        "azd provision",
    ),
    Fault("no role there", refused("GET", "/managedEnvironments/"), "apps environment", "refused", APPS_ROLE),
    Fault("no role for apps", refused("DELETE", "/containerApps/"), "container apps", "refused", APPS_ROLE),
    Fault(
        "no app",
        lambda cloud: cloud.context.platform.remove(f"{cloud.name}-v1"),
        "container app",
        "there is no container app",
        "retrain services --restart",
    ),
    Fault("a change that failed", in_another_state, "container app", "is Failed", "look at it in the portal"),
    Fault(
        "a revision that was ended",
        lambda cloud: cloud.context.platform.stop(f"{cloud.name}-v1"),
        "container app",
        "no revision that runs: none is active",
        "retrain services --restart",
    ),
    Fault(
        "traffic elsewhere",
        without_traffic,
        "container app",
        "not all traffic goes to",
        "retrain services --restart",
    ),
    Fault("no answer", crashed, "container app", "does not answer", "retrain services --restart"),
)


def test_before_the_first_promotion_nothing_is_missing(apps: Cloud):
    """The app is made with its first version."""
    lines = found(apps)

    assert {name: line.outcome for name, line in lines.items()} == dict.fromkeys(
        ("apps environment", "container apps", "container app"), Outcome.OK
    )
    assert "the first promotion makes the app" in lines["container app"].text


def test_a_champion_that_answers_is_ok(apps: Cloud):
    """Also one that was asleep; nothing is changed by the look."""
    apps.land("one.csv", ONE)
    apps.azure.apps.scale_to_zero()
    before = len(apps.azure.calls)
    lines = found(apps)
    calls = [call for call in apps.azure.calls[before:] if call.method != "GET"]
    sent = {(call.method, call.path.rpartition("/")[2]) for call in calls}

    assert "answers as version 1 and has all the traffic" in lines["container app"].text
    assert {line.outcome for line in lines.values()} == {Outcome.OK}
    assert sent == {("DELETE", "retrain-doctor")}


def test_the_app_lacks_no_right_to_look(apps: Cloud):
    """With the roles of the template; without the role for apps, the line names it."""
    mine = {one for one in of_the_template() if (one.who, one.role_name) == (APP, "Container Apps Contributor")}
    apps.azure.taken_away = frozenset(mine)
    lines = found(apps)

    assert mine
    assert lines["container apps"].outcome is Outcome.FAULT
    assert APPS_ROLE in lines["container apps"].advice


@pytest.mark.parametrize("wrong", FAULTS, ids=lambda wrong: wrong.what)
def test_each_fault_has_its_line(apps: Cloud, wrong: Fault):
    """With what to do; only the line of the app itself is about a champion."""
    if wrong.line == "container app":
        apps.land("one.csv", ONE)
    wrong.happens(apps)
    line = found(apps)[wrong.line]

    assert line.outcome is Outcome.FAULT, line
    assert wrong.says in line.text
    assert wrong.advises in line.advice


def test_other_targets_have_no_such_lines(cloud: Cloud):
    """Nothing is asked for that is not used."""
    assert found(cloud) == {}

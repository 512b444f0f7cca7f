"""What versions use on Container Apps: the environment, the role for apps, the model's app and its champion."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from retrain.adapters.azure.app_client import API_VERSION, AppClient, traffic_of
from retrain.adapters.azure.arm import state_name
from retrain.adapters.azure.rest import resource_group
from retrain.adapters.azure.revisions import WHOLE, active
from retrain.adapters.azure.roles import role_for
from retrain.doctor.azure import NOTHING
from retrain.doctor.check import Check, Finding, fault, ok
from retrain.promotion.look import look
from retrain.records.registry import service_name
from retrain.records.service_state import State

if TYPE_CHECKING:
    from retrain.adapters.azure.rest import Rest
    from retrain.records.context import Context
    from retrain.settings import Settings

ROLE = role_for("Microsoft.App/")


def container_apps_checks(settings: Settings, rest: Rest, context: Context) -> list[Check]:
    """Each after what it depends on; none where versions run elsewhere."""
    if settings.azure.target != "container-apps":
        return []
    group, environment = resource_group(settings), str(settings.azure.container_apps_environment)
    where, named = group.lstrip("/"), environment.lstrip("/")
    return [
        Check("apps environment", partial(look_at_environment, environment, rest), ROLE, named, after="identity"),
        Check("container apps", partial(look_at_apps, group, rest), ROLE, where, after="identity"),
        Check("container app", partial(look_at_app, settings, context), ROLE, where, after="container apps"),
    ]


def look_at_environment(environment: str, rest: Rest) -> Finding:
    """It exists, and was made to the end."""
    found = rest.get(environment, f"looking at {environment.lstrip('/')}", api_version=API_VERSION)
    state = (found.get("properties") or {}).get("provisioningState")
    if state != "Succeeded":
        return fault(f"the environment is {state}", "look at it in the portal, then run `azd provision`")
    return ok(f"{found.get('name')} in {found.get('location')}")


def look_at_apps(group: str, rest: Rest) -> Finding:
    """This identity may create and remove them."""
    path = f"{group}/providers/Microsoft.App/containerApps/{NOTHING}"
    rest.delete(path, f"removing no app of {group.lstrip('/')}", api_version=API_VERSION)
    return ok("apps can be created and removed")


def look_at_app(settings: Settings, context: Context) -> Finding:
    """The champion's revision runs, has all the traffic, and answers as its version.

    One that is asleep is woken by the question.
    """
    client = AppClient(settings)
    app, champion = client.get(), context.ledger.pointer().champion
    if champion is None:
        return ok("no version is champion yet; the first promotion makes the app")
    version = champion.version
    restart = f"run `retrain services --restart {service_name(settings.platform.model_name, version)}`"
    if app is None or app.properties is None:
        return fault(f"version {version} is champion, and there is no container app {client.name}", restart)
    state = state_name(app.properties.provisioning_state)
    if state != "Succeeded":
        return fault(f"the last change of the app {client.name} is {state}", f"look at it in the portal; {restart}")
    revision = active(client.revisions()).get(version)
    if revision is None or revision.has_failed:
        why = revision.trouble if revision else "none is active"
        return fault(f"version {version} is champion, and has no revision that runs: {why}", restart)
    to = {str(one.get("revisionName")): int(one.get("weight") or 0) for one in traffic_of(app)}
    if to.get(revision.name) != WHOLE:
        return fault(f"version {version} is champion, and not all traffic goes to {revision.name}", restart)
    found = look(version, None, context.platform)
    if found.state is not State.ANSWERS:
        return fault(f"revision {revision.name} of the champion does not answer: {found.reason}", restart)
    return ok(f"{revision.name} answers as version {version} and has all the traffic")

"""The resource provider of container groups: the app makes them, so no resource of the template registers it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from retrain.adapters.azure.rest import arm
from retrain.errors import AccessDenied, ServiceUnavailable
from retrain.poll import poll

if TYPE_CHECKING:
    from retrain.settings import Settings

NAMESPACE = "Microsoft.ContainerInstance"
BY_HAND = f"`az provider register --namespace {NAMESPACE} --wait`"
API = "2021-04-01"
REGISTER_SECONDS = 600.0


def register(settings: Settings) -> str:
    """Register it in the subscription, once, and wait for it; a sentence about what was found or done.

    Whoever may not register it has to be told by `retrain doctor` if it is missing: that is no fault here.

    Raises: ServiceUnavailable after `REGISTER_SECONDS`; what `Rest.get` raises.
    """
    path = f"/subscriptions/{settings.azure.subscription}/providers/{NAMESPACE}"
    what = f"registering {NAMESPACE} in the subscription"
    with closing(arm(settings)) as azure:
        try:
            if azure.get(path, what, api_version=API)["registrationState"] == "Registered":
                return f"{NAMESPACE} is registered"
            azure.post(f"{path}/register", what, api_version=API)
        except AccessDenied:
            return f"{NAMESPACE} cannot be looked at or registered by this account; an Owner runs {BY_HAND}, once"
        for _ in poll(REGISTER_SECONDS):
            if azure.get(path, what, api_version=API)["registrationState"] == "Registered":
                return f"{NAMESPACE} was registered"
    raise ServiceUnavailable(f"{what} has not ended within {REGISTER_SECONDS:g} s; {BY_HAND} waits for it")

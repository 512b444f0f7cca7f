"""Azure Resource Manager: who signs in, how long a call may take, and what its refusals mean.

Every exception of an Azure SDK becomes one of ours here, with what to do about it in its message.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import stamina

from retrain.errors import AccessDenied, Conflict, NotFound, ServiceError, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.core.credentials import TokenCredential

    from retrain.settings import Settings

CONNECT_SECONDS = 10
READ_SECONDS = 60
RETRIES = 3
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 2.0, 30.0
MESSAGE_LENGTH = 400
BUSY = {408, 429, 500, 502, 503, 504}
ROLES = {
    "Microsoft.ContainerInstance/": "Azure Container Instances Contributor Role",
    "Microsoft.ContainerRegistry/": "Container Registry Tasks Contributor",
    "Microsoft.MachineLearningServices/": "AzureML Data Scientist",
    "Microsoft.ManagedIdentity/": "Managed Identity Operator",
    "Microsoft.Network/": "Network Contributor",
}
# What the SDKs do not try again, and yet may pass: another operation on the group, a registry that lags behind.
PASSING = {"ContainerGroupTransitioning", "InaccessibleImage"}
CANCELED = "Canceled"  # ours: a cancelled operation has no code, and its message speaks of a status
ADVICE = {
    "TasksOperationsNotAllowed": "ACR Tasks are closed to subscriptions on free credit; move to pay-as-you-go, or "
    "ask Azure support to open them",
    "InaccessibleImage": "see that the registry holds it and that RETRAIN_IDENTITY has the role AcrPull there",
    "ContainerGroupTransitioning": "another operation on the group is going on; run again when it has ended",
    "Quota": "ask for more quota in the region, lower RETRAIN_CPU and RETRAIN_MEMORY_GB, or remove what is idle",
    "Capacity": "the region has no room for this size; try again later, or another RETRAIN_LOCATION",
    CANCELED: "somebody or a policy cancelled it; see the activity log of the resource group, and run again",
}
# What ARM says of a missing role; of two actions in one message the last is the one that is not allowed.
ACTION = re.compile(r"perform action '([^']+)'")
SCOPE = re.compile(r"scope(?:\(s\))? '([^']+)'")


class Passing(ServiceUnavailable):
    """A refusal that the SDK does not try again and that may pass within a minute."""


def sign_in(client_id: str | None) -> TokenCredential:
    """The user-assigned identity where one is named; otherwise whoever is signed in on this machine."""
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=client_id) if client_id else DefaultAzureCredential()


def bounds() -> dict[str, Any]:
    """Limits for every call of an SDK's client."""
    return {"connection_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "retry_total": RETRIES}


def arm_bounds() -> dict[str, Any]:
    """Limits for every call of a client of Azure Resource Manager.

    A call that is refused or not answered ends after `RETRIES` + 1 attempts of at most `CONNECT_SECONDS` +
    `READ_SECONDS` each, with waits of at most `LONGEST_WAIT_SECONDS` between them: about six minutes.
    """
    return {**bounds(), "per_retry_policies": [_shorter_waits()]}


def _shorter_waits() -> Any:
    """A policy that shortens the wait that a refusal asks for: the SDKs obey a Retry-After of any length."""
    from azure.core.pipeline.policies import RetryPolicy, SansIOHTTPPolicy

    retry: Any = RetryPolicy()

    class ShorterWaits(SansIOHTTPPolicy[Any, Any]):
        def on_response(self, _request: Any, response: Any) -> None:
            answer = response.http_response
            if answer.status_code >= 400 and (retry.get_retry_after(response) or 0) > LONGEST_WAIT_SECONDS:
                answer.headers["Retry-After"] = f"{LONGEST_WAIT_SECONDS:g}"

    return ShorterWaits()


def management(settings: Settings) -> dict[str, Any]:
    """What every management client is made with."""
    return {
        "credential": sign_in(settings.storage.client_id),
        "subscription_id": settings.azure.subscription,
        "base_url": settings.azure.arm_url,
        "credential_scopes": [f"{settings.azure.arm_url}/.default"],
        **arm_bounds(),
    }


def patiently[T](call: Callable[[], T]) -> T:
    """Call again, a few times within two minutes, while the refusal may pass. Raises: what the last call raised."""
    waits = {"wait_initial": FIRST_WAIT_SECONDS, "wait_max": LONGEST_WAIT_SECONDS}
    for attempt in stamina.retry_context(Passing, attempts=6, timeout=120, **waits):
        with attempt:
            return call()
    raise AssertionError("stamina raises what the last attempt raised")


def finished(poller: Any, where: str, seconds: float) -> None:
    """Wait for the end of an operation, at most so many seconds.

    Raises: what it ended with; what the SDK raises as soon as its state cannot be read within the limits of one
        call; ServiceUnavailable when the time is over.
    """
    poller.wait(seconds)
    if not poller.done():
        raise ServiceUnavailable(f"{where} has not ended within {seconds:g} s; look at it in the portal")
    poller.result()


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn an SDK's exceptions into ours. Args: where: what is being done, and to which resource."""
    from azure.core import exceptions as sdk

    try:
        yield
    except sdk.ResourceNotFoundError as exc:
        raise NotFound(f"{where}: there is no such resource ({_told(exc)})") from exc
    except sdk.ClientAuthenticationError as exc:
        raise AccessDenied(
            f"{where}: not signed in ({_told(exc)}); assign the identity to this app and name it in "
            "TRANSACTIONS_STORAGE__clientId"
        ) from exc
    except sdk.DecodeError as exc:
        raise ServiceUnavailable(
            f"{where}: the answer is none of Azure's ({_told(exc)}); is a proxy between?"
        ) from exc
    except sdk.HttpResponseError as exc:
        raise _refusal(where, exc) from exc
    except (sdk.ServiceRequestError, sdk.ServiceResponseError, sdk.IncompleteReadError) as exc:
        raise ServiceUnavailable(
            f"{where}: Azure does not answer ({type(exc).__name__}); check RETRAIN_ARM_URL and the network"
        ) from exc
    except sdk.AzureError as exc:
        raise ServiceError(f"{where}: {_told(exc)}") from exc
    except (AttributeError, KeyError, TypeError, ValueError) as exc:  # the SDK met what it did not expect
        raise ServiceError(f"{where}: the SDK cannot read the answer ({type(exc).__name__}: {_told(exc)})") from exc


def found[T](where: str, look: Callable[[], T]) -> T | None:
    """What a look at a resource gives; None where there certainly is none. Raises: as `translated` for all else."""
    try:
        with translated(where):
            return look()
    except NotFound:
        return None


def _refusal(where: str, exc: Any) -> ServiceError | Conflict:
    code, told = code_of(exc), _told(exc)
    advice = next((text for known, text in ADVICE.items() if known in code), None)
    if advice is not None:
        kind = Passing if code in PASSING else ServiceError
        return kind(f"{where}: {code if code == CANCELED else f'{code}, {told}'}; {advice}")
    if exc.status_code == 403 or code in {"AuthorizationFailed", "LinkedAuthorizationFailed"}:
        return AccessDenied(f"{where}: refused ({code}); {_role(where, str(exc.message))}")
    if exc.status_code in BUSY:
        return ServiceUnavailable(f"{where}: Azure is busy ({exc.status_code} {code}); it will be tried again")
    if exc.status_code in (409, 412):
        return Conflict(f"{where}: {code}, {told}; run again")
    return ServiceError(f"{where}: {code}, {told}")


def _role(where: str, message: str) -> str:
    """Which role to give, and on what."""
    action = (ACTION.findall(message) or [""])[-1]
    scope = (SCOPE.findall(message) or [where])[-1]
    role = next((role for provider, role in ROLES.items() if provider in (action or where)), "Contributor")
    return f"give this identity the role {role} on {scope}" + (f", which allows {action}" if action else "")


def code_of(exc: Any) -> str:
    """Azure's own word for what happened; a cancelled operation has none."""
    error = getattr(exc, "error", None)
    code = getattr(error, "code", None)
    if code is None and exc.status_code == 200:
        return CANCELED
    return str(code or exc.reason or exc.status_code)


def word(state: Any) -> str:
    """A state as Azure spells it, whether the SDK made an enumeration of it or left it a string."""
    return str(getattr(state, "value", state))


def _told(exc: Any) -> str:
    """The first line of the message, without what follows a question mark in an address: it may be a signature."""
    error = getattr(exc, "error", None)
    message = str(getattr(error, "message", None) or getattr(exc, "message", exc))
    return re.sub(r"\?\S+", "", message.strip().splitlines()[0] if message.strip() else "")[:MESSAGE_LENGTH]

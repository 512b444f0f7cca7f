"""Azure Resource Manager: time limits and retries of calls, and the meaning of its errors.

Every exception of an Azure SDK is translated here into one of this package; its message says what to do.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import stamina

from retrain.adapters.azure.credentials import advice as sign_in_advice
from retrain.adapters.azure.credentials import sign_in
from retrain.adapters.azure.roles import missing_role, role_for
from retrain.errors import AccessDenied, Conflict, NotFound, ServiceError, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrain.settings import Settings

CONNECT_SECONDS = 10
READ_SECONDS = 60
RETRIES = 3
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 2.0, 30.0
MESSAGE_LENGTH = 400
BUSY = {408, 429, 500, 502, 503, 504}
# Errors that the SDKs do not retry and that may be temporary: another operation on the group, a slow registry.
TRANSIENT_CODES = {
    "ContainerAppLockConflict",
    "ContainerAppOperationInProgress",
    "ContainerGroupTransitioning",
    "InaccessibleImage",
    "InvalidParameterValueInContainerTemplate",
}
CANCELED = "Canceled"  # our own code: the error of a cancelled operation has none
CHECK_IMAGE = (
    "check that the registry has the image, and RETRAIN_PULL_IDENTITY the role AcrPull there, or Container "
    "Registry Repository Reader if the registry uses ABAC"
)
APP_BUSY = "another operation on the app is in progress; run again when it has ended"
ADVICE = {
    "TasksOperationsNotAllowed": "ACR Tasks are not allowed on free credit; move to pay-as-you-go, or ask Azure "
    "support to enable them",
    "InaccessibleImage": CHECK_IMAGE,
    "InvalidParameterValueInContainerTemplate": CHECK_IMAGE,
    "ContainerAppLockConflict": APP_BUSY,
    "ContainerAppOperationInProgress": APP_BUSY,
    "ContainerAppSecret": "a secret of the app was removed or is empty; run again, which writes it anew",
    "ContainerGroupTransitioning": "another operation on the group is in progress; run again when it has ended",
    "MissingSubscriptionRegistration": "an Owner or Contributor of the subscription runs `az provider register "
    "--namespace NAME --wait`, once; then run again",
    "Quota": "request more quota in the region, lower RETRAIN_CPU and RETRAIN_MEMORY_GB, or free some",
    "Capacity": "the region has no capacity for this size; try again later, or set another RETRAIN_LOCATION",
    CANCELED: "a person or a policy cancelled it; see the activity log of the resource group, and run again",
}
NAME_IDENTITY = "assign the identity to this app and name it in TRANSACTIONS_STORAGE__clientId"
# The message of ARM for a missing role; of two actions in it the last is the one that is not allowed.
ACTION = re.compile(r"perform action '([^']+)'")
SCOPE = re.compile(r"scope(?:\(s\))? '([^']+)'")


class Transient(ServiceUnavailable):
    """An error that the SDK does not retry and that may be over within a minute."""


def bounds() -> dict[str, Any]:
    """Time limits and retries for every call of an SDK's client."""
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
            if answer.status_code >= 400 and hasattr(answer, "read"):
                answer.read()  # a streamed refusal that is repeated would keep its connection
            if answer.status_code >= 400 and (retry.get_retry_after(response) or 0) > LONGEST_WAIT_SECONDS:
                answer.headers["Retry-After"] = f"{LONGEST_WAIT_SECONDS:g}"

    return ShorterWaits()


def management_options(settings: Settings) -> dict[str, Any]:
    """The arguments of every management client."""
    return {
        "credential": sign_in(settings.storage.client_id),
        "subscription_id": settings.azure.subscription,
        "base_url": settings.azure.arm_url,
        "credential_scopes": [f"{settings.azure.arm_url}/.default"],
        **arm_bounds(),
    }


def with_retries[T](call: Callable[[], T]) -> T:
    """Call up to six times within two minutes while the error is Transient. Raises: what the last call raised."""
    waits = {"wait_initial": FIRST_WAIT_SECONDS, "wait_max": LONGEST_WAIT_SECONDS}
    for attempt in stamina.retry_context(Transient, attempts=6, timeout=120, **waits):
        with attempt:
            return call()
    raise AssertionError("stamina raises the error of the last attempt")


def wait_for(poller: Any, where: str, seconds: float) -> None:
    """Wait for the end of an operation.

    Raises: the error it ended with; what the SDK raises if its state cannot be read within the limits of one
        call; ServiceUnavailable after `seconds`.
    """
    poller.wait(seconds)
    if not poller.done():
        raise ServiceUnavailable(f"{where} has not ended within {seconds:g} s; look at it in the portal")
    poller.result()


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Translate an SDK's exceptions into ours. Args: where: what is being done, and to which resource."""
    from azure.core import exceptions as sdk

    try:
        yield
    except sdk.ResourceNotFoundError as exc:
        raise NotFound(f"{where}: there is no such resource ({_first_line(exc)})") from exc
    except sdk.ClientAuthenticationError as exc:
        told = sign_in_advice(exc, NAME_IDENTITY)
        raise AccessDenied(f"{where}: not signed in ({_first_line(exc)}); {told}") from exc
    except sdk.DecodeError as exc:
        raise ServiceUnavailable(
            f"{where}: the answer is not from Azure ({_first_line(exc)}); is there a proxy in between?"
        ) from exc
    except sdk.HttpResponseError as exc:
        raise _error_of_response(where, exc) from exc
    except (sdk.ServiceRequestError, sdk.ServiceResponseError, sdk.IncompleteReadError) as exc:
        raise ServiceUnavailable(
            f"{where}: Azure does not answer ({type(exc).__name__}); check RETRAIN_ARM_URL and the network"
        ) from exc
    except sdk.AzureError as exc:
        raise ServiceError(f"{where}: {_first_line(exc)}") from exc
    except (AttributeError, KeyError, TypeError, ValueError) as exc:  # the SDK could not parse the answer
        raise ServiceError(
            f"{where}: the SDK cannot read the answer ({type(exc).__name__}: {_first_line(exc)})"
        ) from exc


def or_none[T](where: str, look: Callable[[], T]) -> T | None:
    """The result of reading a resource, or None if it does not exist. Raises: as `translated` for other errors."""
    try:
        with translated(where):
            return look()
    except NotFound:
        return None


def _error_of_response(where: str, exc: Any) -> ServiceError | Conflict:
    code, told = error_code(exc), _first_line(exc)
    advice = next((text for known, text in ADVICE.items() if known in code), None)
    if advice is not None:
        kind = Transient if code in TRANSIENT_CODES else ServiceError
        return kind(f"{where}: {code if code == CANCELED else f'{code}, {told}'}; {advice}")
    if exc.status_code == 403 or code in {"AuthorizationFailed", "LinkedAuthorizationFailed"}:
        return AccessDenied(f"{where}: refused ({code}); {_missing_role(where, str(exc.message))}")
    if exc.status_code in BUSY:
        return ServiceUnavailable(
            f"{where}: Azure is busy ({exc.status_code} {code}); wait some minutes, then run again"
        )
    if exc.status_code in (409, 412):
        return Conflict(f"{where}: {code}, {told}; run again")
    return ServiceError(f"{where}: {code}, {told}")


def _missing_role(where: str, message: str) -> str:
    """The sentence that says which role is missing, and on which scope."""
    action = (ACTION.findall(message) or [""])[-1]
    scope = (SCOPE.findall(message) or [where])[-1]
    return missing_role(role_for(action or where), scope, action)


def error_code(exc: Any) -> str:
    """The error code of Azure; CANCELED for a cancelled operation, which has none."""
    error = getattr(exc, "error", None)
    code = getattr(error, "code", None)
    if code is None and exc.status_code == 200:
        return CANCELED
    return str(code or exc.reason or exc.status_code)


def state_name(state: Any) -> str:
    """A state as Azure spells it; the SDKs give an enumeration or a string."""
    return str(getattr(state, "value", state))


def _first_line(exc: Any) -> str:
    """The first line of the message, without the query of an address, which may be a signature."""
    error = getattr(exc, "error", None)
    message = str(getattr(error, "message", None) or getattr(exc, "message", exc))
    return re.sub(r"\?\S+", "", message.strip().splitlines()[0] if message.strip() else "")[:MESSAGE_LENGTH]

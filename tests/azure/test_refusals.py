"""Every exception of the SDKs becomes one of ours, with who must act and what to do in its sentence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import azure.identity  # noqa: F401 - it defines errors too
import pytest
from azure.core import exceptions as sdk

from retrain.adapters.azure.arm import Transient, translated, with_retries
from retrain.errors import AccessDenied, Conflict, NotFound, RetrainError, ServiceError, ServiceUnavailable
from tests.faults import sdk_errors

WHERE = "deploying resourceGroups/g/providers/Microsoft.ContainerInstance/containerGroups/m-v2"


def refused(status: int, code: str, message: str = "") -> sdk.HttpResponseError:
    """What an SDK raises when Azure answers with an error."""
    error = sdk.HttpResponseError(message=message or code)
    error.status_code = status
    error.error = SimpleNamespace(code=code, message=message or code)  # type: ignore[assignment]
    return error


def ours(error: Exception) -> RetrainError:
    with pytest.raises(RetrainError) as found, translated(WHERE):
        raise error
    return found.value


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (sdk.ResourceNotFoundError("gone"), NotFound, "no such resource"),
        (sdk.ClientAuthenticationError("no token"), AccessDenied, "TRANSACTIONS_STORAGE__clientId"),
        (refused(403, "Forbidden"), AccessDenied, "role Azure Container Instances Contributor Role on deploying"),
        (refused(403, "TasksOperationsNotAllowed"), ServiceError, "not allowed on free credit"),
        (
            refused(409, "MissingSubscriptionRegistration"),
            ServiceError,
            "az provider register --namespace NAME --wait",
        ),
        (refused(400, "InvalidRequest", "bad name"), ServiceError, "InvalidRequest, bad name"),
        (refused(409, "Conflict"), Conflict, "run again"),
        (refused(412, "PreconditionFailed"), Conflict, "run again"),
        (refused(409, "ContainerGroupTransitioning"), Transient, "another operation on the group is in progress"),
        (refused(400, "InaccessibleImage"), Transient, "role AcrPull"),
        (refused(409, "ContainerGroupQuotaReached"), ServiceError, "request more quota"),
        (refused(409, "InsufficientCapacity"), ServiceError, "another RETRAIN_LOCATION"),
        (refused(429, "TooManyRequests"), ServiceUnavailable, "busy"),
        (refused(503, "ServerBusy"), ServiceUnavailable, "busy"),
        (refused(200, "InternalError", "it broke"), ServiceError, "InternalError, it broke"),
        (sdk.ServiceRequestError("refused"), ServiceUnavailable, "check RETRAIN_ARM_URL and the network"),
    ],
    ids=str,
)
def test_a_refusal_says_who_must_act(error: Exception, kind: type[RetrainError], says: str):
    """And on what."""
    found = ours(error)

    assert type(found) is kind
    assert says in str(found)
    assert "containerGroups/m-v2" in str(found)


def test_an_operation_without_a_code_was_cancelled():
    """That is how a long-running one ends when somebody stops it."""
    cancelled = sdk.HttpResponseError(message="Operation returned an invalid status 'OK'")
    cancelled.status_code = 200

    assert "a person or a policy cancelled it" in str(ours(cancelled))


@pytest.mark.parametrize("kind", list(sdk_errors("azure.core", "azure.identity")))
def test_every_branch_of_the_tree_is_one_of_ours(kind: Any):
    """None reaches a door as it is."""
    error = kind.__new__(kind)
    Exception.__init__(error, "it broke")
    for name, value in {"message": "it broke", "status_code": 418, "reason": "teapot", "error": None}.items():
        setattr(error, name, value)

    assert isinstance(ours(error), RetrainError)


def test_every_exception_of_azure_ml_is_one_of_ours():
    """They are a tree of their own below azure-core's root."""
    from azure.ai.ml.exceptions import ErrorTarget, ValidationException

    error = ValidationException("name is wrong", "name is wrong", target=ErrorTarget.MODEL)  # type: ignore[arg-type]

    assert "name is wrong" in str(ours(error))


def test_a_signature_never_reaches_a_sentence():
    """What follows a question mark in an address may be one."""
    found = ours(refused(400, "Bad", "cannot read https://a.blob.core.windows.net/c/b?sv=1&sig=SECRET now"))

    assert "SECRET" not in str(found)
    assert "cannot read https://a.blob.core.windows.net/c/b now" in str(found)


def test_what_may_pass_is_called_again_and_what_may_not_is_not():
    """Bounded, by the library; the last refusal is the one that is told."""
    import stamina

    stamina.set_testing(True, attempts=3, cap=True)
    calls: list[str] = []

    def refusing(code: str) -> None:
        calls.append(code)
        with translated(WHERE):
            raise refused(409, code)

    try:
        for code in ("ContainerGroupTransitioning", "SomethingElse"):
            with pytest.raises(RetrainError):
                with_retries(lambda code=code: refusing(code))  # type: ignore[misc]
    finally:
        stamina.set_testing(False)

    assert calls == ["ContainerGroupTransitioning"] * 3 + ["SomethingElse"]

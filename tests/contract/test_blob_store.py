"""What only Blob Storage can get wrong: every failure of the SDK becomes one of ours, with an action in it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from azure.core import exceptions as sdk
from azure.storage.blob import BlobServiceClient

from retrain.adapters.azure.blob import BlobStore
from retrain.adapters.local.process import free_port
from retrain.errors import (
    AccessDenied,
    Conflict,
    NotFound,
    RetrainError,
    ServiceError,
    ServiceUnavailable,
)
from tests.azurite import KEY
from tests.faults import sdk_errors


def blob_store(connection: str) -> BlobStore:
    service = BlobServiceClient.from_connection_string(connection, retry_total=0)
    return BlobStore(service, f"blob-{uuid.uuid4().hex[:12]}")


def refused(status: int, code: str) -> sdk.HttpResponseError:
    error = sdk.HttpResponseError(message=code)
    error.status_code, error.error_code = status, code  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("raised", "ours", "message"),
    [
        (refused(403, "AuthorizationPermissionMismatch"), AccessDenied, "role Storage Blob Data Contributor"),
        (sdk.ClientAuthenticationError("no token"), AccessDenied, "check the connection"),
        (sdk.ResourceNotFoundError("gone"), NotFound, "there is no blob"),
        (sdk.ResourceExistsError("there"), Conflict, "another process"),
        (refused(412, "ConditionNotMet"), Conflict, "ConditionNotMet"),
        (refused(503, "ServerBusy"), ServiceUnavailable, "ServerBusy.*run again"),
        (refused(429, "TooManyRequests"), ServiceUnavailable, "TooManyRequests"),
        (refused(400, "InvalidHeaderValue"), ServiceError, "400 InvalidHeaderValue"),
        (sdk.ServiceRequestError("no route"), ServiceUnavailable, "does not answer"),
        (sdk.ServiceResponseError("cut off"), ServiceUnavailable, "does not answer"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_failure_says_what_to_do(raised: Exception, ours: type[RetrainError], message: str):
    """The SDK's own exception stays as the cause."""
    store = blob_store(
        f"DefaultEndpointsProtocol=http;AccountName=x;AccountKey={KEY};BlobEndpoint=http://127.0.0.1/x"
    )

    with pytest.raises(ours, match=message) as caught, store._translated("champion.json"):
        raise raised

    assert type(caught.value) is ours
    assert caught.value.__cause__ is raised


@pytest.mark.parametrize("kind", list(sdk_errors("azure.core")), ids=lambda kind: kind.__name__)
def test_no_exception_of_the_sdk_passes_through(kind: type[sdk.AzureError]):
    """Whatever azure-core declares becomes a RetrainError."""
    error: Any = kind.__new__(kind)
    Exception.__init__(error, "made up")
    error.status_code, error.reason, error.message = 418, "teapot", "made up"
    store = blob_store(
        f"DefaultEndpointsProtocol=http;AccountName=x;AccountKey={KEY};BlobEndpoint=http://127.0.0.1/x"
    )

    with pytest.raises(RetrainError), store._translated("champion.json"):
        raise error


def test_a_storage_that_is_away_may_come_back():
    """Nobody listens: the event is kept, not lost."""
    port = free_port()
    store = blob_store(
        f"DefaultEndpointsProtocol=http;AccountName=x;AccountKey={KEY};BlobEndpoint=http://127.0.0.1:{port}/x"
    )

    with pytest.raises(ServiceUnavailable, match="does not answer"):
        store.read("champion.json")


def test_a_file_that_changes_while_it_is_read_is_noticed(storage: str):
    """The reader is pinned to the state that it opened."""
    store = blob_store(storage)
    store.write("inbox/a.csv", b"x" * 9_000_000)

    with store.open("inbox/a.csv") as stream:
        stream.read(10)
        store.write("inbox/a.csv", b"y" * 9_000_000)
        with pytest.raises(Conflict):
            stream.read()

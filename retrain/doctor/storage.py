"""The containers and the queue of the storage account."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from retrain.adapters.azure.credentials import in_azure
from retrain.adapters.azure.rest import storage
from retrain.adapters.azure.roles import BLOB_ROLE, role_for
from retrain.doctor.check import Check, Finding, fault, ok, warning
from retrain.doctor.machine import writable
from retrain.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrain.adapters.azure.rest import Rest
    from retrain.ports import ObjectStore
    from retrain.settings import Settings

QUEUE = "retrain-requests"
QUEUES = "Microsoft.Storage/storageAccounts/queueServices/"
QUEUE_URI = "TRANSACTIONS_STORAGE__queueServiceUri"
VERSION = {"x-ms-version": "2023-11-03", "Accept": "application/xml"}


def storage_checks(settings: Settings, environment: Mapping[str, str], state: ObjectStore) -> list[Check]:
    """Of a store in Blob Storage. A connection string is its own sign-in, so no role is named for it."""
    if settings.storage.connection is not None:
        return [Check("store", lambda: writable(state))]
    scope = f"the storage account {settings.storage.account}"
    checks = [
        Check("containers", lambda: containers(settings), BLOB_ROLE, scope, after="identity"),
        Check("store", lambda: writable(state), BLOB_ROLE, scope, after="identity"),
    ]
    if settings.platform.name == "azure":
        look = partial(requests, settings, environment)
        # The host of the app alone reads it: a person needs no role for it.
        checks.append(Check("queue", look, role_for(QUEUES), scope, optional=not in_azure(), after="identity"))
    return checks


def containers(settings: Settings) -> Finding:
    """Both exist: an upload cannot make the first, and an event subscription names it."""
    where, path = _service(str(settings.storage.uri), settings)
    names = (settings.storage.transactions_container, settings.storage.state_container)
    missing = []
    for name in names:
        try:
            query = {"restype": "container"}
            where.call("GET", f"{path}/{name}", f"looking at container {name}", query=query, headers=VERSION)
        except NotFound:
            missing.append(name)
    if names[0] in missing:
        return fault(
            f"there is no container {names[0]}, in which files land",
            f"create it: `az storage container create --name {names[0]} --auth-mode login`",
        )
    if missing:
        return warning(f"there is no container {names[1]} yet", "nothing: the first run creates it")
    return ok(f"{names[0]} and {names[1]} are there")


def requests(settings: Settings, environment: Mapping[str, str]) -> Finding:
    """The queue that wakes the worker for what was asked over HTTP can be read."""
    uri = environment.get(QUEUE_URI) or str(settings.storage.uri).replace(".blob.", ".queue.", 1)
    where, path = _service(uri, settings)
    query = {"peekonly": "true"}
    try:
        where.call("GET", f"{path}/{QUEUE}/messages", f"looking at queue {QUEUE}", query=query, headers=VERSION)
    except NotFound:
        return warning(f"there is no queue {QUEUE} yet", "nothing: the host creates it when it starts")
    return ok(f"{QUEUE} can be read")


def _service(uri: str, settings: Settings) -> tuple[Rest, str]:
    """The service at an address, and the path that begins each of its resources."""
    url = urlsplit(uri)
    return storage(f"{url.scheme}://{url.netloc}", settings), url.path.rstrip("/")

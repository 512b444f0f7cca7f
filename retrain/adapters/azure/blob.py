"""An object store in a container of Azure Blob Storage; conditions are ETags, the lock is a lease."""

from __future__ import annotations

import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from retrain.adapters import fence
from retrain.adapters.azure import lease as lease_module
from retrain.adapters.azure.arm import BUSY
from retrain.adapters.azure.blob_reader import open_blob
from retrain.adapters.azure.credentials import advice as sign_in_advice
from retrain.adapters.azure.lease import Lease, now
from retrain.adapters.azure.roles import BLOB_ROLE, missing_role
from retrain.adapters.fence import Hold
from retrain.errors import AccessDenied, Conflict, LockHeld, NotFound, ServiceError, ServiceUnavailable
from retrain.ports import ABSENT, Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.storage.blob import BlobServiceClient

UNREADABLE = {
    "BlobArchived": "the blob is in the archive tier; move it to the hot or cool tier",
    "BlobBeingRehydrated": "the blob is being moved out of the archive tier; wait until that has ended",
    "BlobUsesCustomerSpecifiedEncryption": "the blob is encrypted with a key of its own; upload it without one",
}
MARK = "write"
"""The name of the metadata that tell one write from every other."""


class BlobStore:
    """Objects are block blobs of one container; the first write creates a missing container."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._container = service.get_container_client(container)

    def read(self, name: str) -> Stored | None:
        """See ObjectStore."""
        stored = self._stored(name)
        fence.hold_of(self).has_read(name, stored)
        return stored

    def write(self, name: str, data: bytes, if_etag: str | None = None) -> str:
        """See ObjectStore."""
        fence.check()
        hold, mark = fence.hold_of(self), uuid.uuid4().hex
        expected = hold.etags.get(name) if if_etag is None else if_etag
        try:
            etag = self._put(name, data, expected, mark)
        except Conflict:
            fence.confirm()
            there = self._marked(name)
            if there.mark == mark:  # an earlier attempt of the SDK took effect, and its answer was lost
                etag = there.etag
            elif if_etag is None and there.mark == hold.unsure.get(name):
                etag = self._put(name, data, there.etag, mark)
            else:
                raise
        except ServiceError:
            hold.unsure[name] = mark
            raise
        hold.has_written(name, etag)
        return etag

    def open(self, name: str) -> BinaryIO:
        """See ObjectStore."""
        with self._translated(name):
            return open_blob(self._container.get_blob_client(name), self._translated)

    def state(self, name: str) -> str:
        """See ObjectStore."""
        with self._translated(name):
            return str(self._container.get_blob_client(name).get_blob_properties().etag)

    def upload(self, name: str, stream: BinaryIO) -> None:
        """See ObjectStore."""
        fence.check()
        self._upload(name, stream, overwrite=True)

    def names(self, prefix: str) -> Iterator[str]:
        """See ObjectStore."""
        try:
            with self._translated(prefix):
                yield from self._container.list_blob_names(name_starts_with=prefix)
        except NotFound:
            return

    def listing(self, prefix: str) -> Iterator[tuple[str, str]]:
        """See ObjectStore."""
        try:
            with self._translated(prefix):
                for blob in self._container.list_blobs(name_starts_with=prefix):
                    yield str(blob.name), _quoted(str(blob.etag))
        except NotFound:
            return

    def delete(self, name: str) -> None:
        """See ObjectStore."""
        fence.check()
        hold = fence.hold_of(self)
        expected = hold.etags.get(name)
        if expected == ABSENT:
            return
        try:
            self._remove(name, expected)
        except Conflict:
            fence.confirm()
            there = self._marked(name)
            if there.mark != hold.unsure.get(name):
                raise
            self._remove(name, there.etag)
        hold.has_written(name, ABSENT)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """See ObjectStore."""
        blob = f"locks/{name}"
        lease = self._acquired(blob)
        try:
            with fence.holding(Hold(self, lease)):
                yield
        finally:
            with suppress(Conflict, NotFound), self._translated(blob):  # a lost lease needs no release
                lease.release()

    def address(self, name: str) -> str:
        """See ObjectStore."""
        return f"{self._container.url.split('?')[0]}/{name}"

    def _acquired(self, blob: str) -> Lease:
        """The lease of a lock, once no write of an earlier holder can take effect any more. Raises: LockHeld."""
        taken = LockHeld(f"another process holds the lease of {self.address(blob)}")
        state = self._lease_state(blob)
        if state == "leased":
            raise taken
        client = self._container.get_blob_client(blob)
        try:
            with self._translated(blob):
                asked_at = now()
                lease = Lease(client.acquire_lease(lease_module.TERMS.lease), asked_at, lease_module.TERMS)
        except Conflict as exc:
            raise taken from exc
        if state == "broken":  # its holder may not have learned of that yet
            try:
                lease.wait(lease_module.TERMS.settled)
            except BaseException:
                lease.stop()
                raise
            if lease.lost():
                raise taken
        return lease

    def _lease_state(self, blob: str) -> str:
        """Whether a lock's blob is leased, broken, expired or available; it is created if it does not exist."""
        try:
            with self._translated(blob):
                return str(self._container.get_blob_client(blob).get_blob_properties().lease.state)
        except NotFound:
            with suppress(Conflict):  # it exists by now, or it is leased
                self._upload(blob, b"", overwrite=False)
            return "available"

    def _stored(self, name: str) -> Stored | None:
        try:
            with self._translated(name):
                blob = self._container.download_blob(name)
                return Stored(blob.readall(), blob.properties.etag)
        except NotFound:
            return None

    def _marked(self, name: str) -> _Marked:
        """Which write made the object that is there."""
        try:
            with self._translated(name):
                found = self._container.get_blob_client(name).get_blob_properties()
        except NotFound:
            return _Marked("", ABSENT)
        return _Marked((found.metadata or {}).get(MARK, "unmarked"), found.etag)

    def _put(self, name: str, data: bytes, expected: str | None, mark: str) -> str:
        options = {"overwrite": expected != ABSENT, "metadata": {MARK: mark}, "timeout": lease_module.TERMS.answer}
        return str(self._upload(name, data, **options, **_condition(expected))["etag"])

    def _remove(self, name: str, expected: str | None) -> None:
        with suppress(NotFound), self._translated(name):
            self._container.delete_blob(name, timeout=lease_module.TERMS.answer, **_condition(expected))

    def _upload(self, name: str, data: bytes | BinaryIO, **options: Any) -> dict[str, Any]:
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        with self._translated(name):
            try:
                return self._container.get_blob_client(name).upload_blob(data, **options)
            except ResourceNotFoundError:
                with suppress(ResourceExistsError):
                    self._container.create_container()
                if not isinstance(data, bytes):
                    data.seek(0)
                return self._container.get_blob_client(name).upload_blob(data, **options)

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        """Translate the SDK's exceptions into ours."""
        from azure.core import exceptions as sdk

        where = self.address(name)
        try:
            yield
        except sdk.ResourceNotFoundError as exc:
            raise NotFound(f"there is no blob {where}") from exc
        except (sdk.ResourceExistsError, sdk.ResourceModifiedError) as exc:
            if _code(exc) in UNREADABLE:
                raise AccessDenied(f"{where}: {UNREADABLE[_code(exc)]} ({_code(exc)})") from exc
            raise Conflict(f"{where} was changed or is locked by another process ({_code(exc)})") from exc
        except sdk.ClientAuthenticationError as exc:
            told = sign_in_advice(exc, "check the connection and its credential")
            raise AccessDenied(f"{where}: not signed in; {told}") from exc
        except sdk.HttpResponseError as exc:
            code = _code(exc)
            if exc.status_code == 403:
                account = f"the storage account {self._container.account_name}"
                raise AccessDenied(f"{where}: refused ({code}); {missing_role(BLOB_ROLE, account)}") from exc
            if exc.status_code == 412:
                raise Conflict(f"{where} was changed by another process ({code})") from exc
            if exc.status_code in BUSY:
                raise ServiceUnavailable(
                    f"{where}: the storage is busy ({code}); wait some minutes, then run again"
                ) from exc
            raise ServiceError(f"{where}: the storage refused ({exc.status_code} {code})") from exc
        except sdk.AzureError as exc:
            raise ServiceUnavailable(
                f"{where}: the storage does not answer ({type(exc).__name__}); check its address and the network"
            ) from exc


class _Marked(NamedTuple):
    """The mark of the write that made an object, which no other write has, and the object's ETag.

    `mark` is empty, and the ETag is ABSENT, if nothing is there.
    """

    mark: str
    etag: str


def _condition(expected: str | None) -> dict[str, Any]:
    """The SDK's options for an expected ETag; none for None."""
    from azure.core import MatchConditions

    if expected is None:
        return {}
    if expected == ABSENT:
        return {"match_condition": MatchConditions.IfMissing}
    return {"etag": expected, "match_condition": MatchConditions.IfNotModified}


def _quoted(etag: str) -> str:
    """An ETag as headers spell it: lists of blobs leave the quotes out."""
    return etag if etag.startswith(('"', "W/")) else f'"{etag}"'


def _code(exc: Any) -> str:
    """The error code of the storage; the SDK sets it without declaring it."""
    code = getattr(exc, "error_code", None) or exc.reason
    return str(getattr(code, "value", code))

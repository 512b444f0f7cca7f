"""An object store in a container of Azure Blob Storage; conditions are ETags, the lock is a lease."""

from __future__ import annotations

import io
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from retrain.adapters import fence
from retrain.adapters.azure import lease as lease_module
from retrain.adapters.azure.arm import BUSY
from retrain.adapters.azure.lease import Lease, now
from retrain.adapters.fence import Hold
from retrain.errors import AccessDenied, Conflict, LockHeld, NotFound, ServiceError, ServiceUnavailable
from retrain.ports import ABSENT, Stored

if TYPE_CHECKING:
    from collections.abc import Buffer, Iterator

    from azure.storage.blob import BlobClient, BlobServiceClient

READ_BYTES = 4 << 20
UNREADABLE = {
    "BlobArchived": "the blob is in the archive tier; move it to the hot or cool tier",
    "BlobBeingRehydrated": "the blob is being moved out of the archive tier; wait until that has ended",
    "BlobUsesCustomerSpecifiedEncryption": "the blob is encrypted with a key of its own; upload it without one",
}
ROLE = "Storage Blob Data Contributor"


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
        hold = fence.hold_of(self)
        expected = hold.etags.get(name) if if_etag is None else if_etag
        try:
            etag = self._put(name, data, expected)
        except Conflict:
            fence.confirm()
            mine = self._tried(name, hold, data) if if_etag is None else None
            if mine is None:
                raise
            etag = self._put(name, data, mine)
        except ServiceError:
            hold.may_have_written(name, data)
            raise
        hold.has_written(name, etag)
        return etag

    def open(self, name: str) -> BinaryIO:
        """See ObjectStore."""
        with self._translated(name):
            return io.BufferedReader(_BlobReader(self, self._container.get_blob_client(name)), READ_BYTES)

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
                    yield str(blob.name), str(blob.etag)
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
            mine = self._tried(name, hold)
            if mine is None:
                raise
            self._remove(name, mine)
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
                self._put(blob, b"", ABSENT)
            return "available"

    def _stored(self, name: str) -> Stored | None:
        try:
            with self._translated(name):
                blob = self._container.download_blob(name)
                return Stored(blob.readall(), blob.properties.etag)
        except NotFound:
            return None

    def _tried(self, name: str, hold: Hold, data: bytes | None = None) -> str | None:
        """The ETag of what is there, if this holder wrote it and the answer was lost; otherwise None."""
        there = self._stored(name)
        return there.etag if there is not None and hold.has_tried(name, there, data) else None

    def _put(self, name: str, data: bytes, expected: str | None) -> str:
        options = {"overwrite": expected != ABSENT, "timeout": lease_module.TERMS.answer}
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
            raise AccessDenied(f"{where}: not signed in; check the connection and its credential") from exc
        except sdk.HttpResponseError as exc:
            code = _code(exc)
            if exc.status_code == 403:
                raise AccessDenied(f"{where}: refused ({code}); give this identity the role {ROLE}") from exc
            if exc.status_code == 412:
                raise Conflict(f"{where} was changed by another process ({code})") from exc
            if exc.status_code in BUSY:
                raise ServiceUnavailable(f"{where}: the storage is busy ({code}); it will be tried again") from exc
            raise ServiceError(f"{where}: the storage refused ({exc.status_code} {code})") from exc
        except sdk.AzureError as exc:
            raise ServiceUnavailable(
                f"{where}: the storage does not answer ({type(exc).__name__}); check its address and the network"
            ) from exc


class _BlobReader(io.RawIOBase):
    """A blob as a seekable stream, read in ranges; reading raises Conflict if the blob has changed since."""

    def __init__(self, store: BlobStore, blob: BlobClient) -> None:
        properties = blob.get_blob_properties()
        self._store, self._blob = store, blob
        self._etag, self._size, self._at = properties.etag, properties.size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readall(self) -> bytes:
        # The inherited method makes one request for every few kilobytes.
        return self.read(max(self._size - self._at, 0)) or b""

    def readinto(self, buffer: Buffer) -> int:
        from azure.core import MatchConditions

        view = memoryview(buffer).cast("B")
        length = min(len(view), self._size - self._at)
        if length <= 0:
            return 0
        with self._store._translated(self._blob.blob_name):
            data = self._blob.download_blob(
                offset=self._at,
                length=length,
                etag=self._etag,
                match_condition=MatchConditions.IfNotModified,
            ).readall()
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


def _condition(expected: str | None) -> dict[str, Any]:
    """The SDK's options for an expected ETag; none for None."""
    from azure.core import MatchConditions

    if expected is None:
        return {}
    if expected == ABSENT:
        return {"match_condition": MatchConditions.IfMissing}
    return {"etag": expected, "match_condition": MatchConditions.IfNotModified}


def _code(exc: Any) -> str:
    """The error code of the storage; the SDK sets it without declaring it."""
    code = getattr(exc, "error_code", None) or exc.reason
    return str(getattr(code, "value", code))

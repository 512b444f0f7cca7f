"""An object store in a container of Azure Blob Storage; conditions are ETags, the lock is a lease."""

from __future__ import annotations

import io
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from retrain.adapters.azure.arm import BUSY
from retrain.errors import AccessDenied, Conflict, LockHeld, NotFound, ServiceError, ServiceUnavailable
from retrain.ports import ABSENT, Stored

if TYPE_CHECKING:
    from collections.abc import Buffer, Iterator

    from azure.storage.blob import BlobClient, BlobServiceClient

READ_BYTES = 4 << 20
LEASE_SECONDS = 60
RENEW_SECONDS = 15
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
        self._lease: _Lease | None = None

    def read(self, name: str) -> Stored | None:
        """See ObjectStore."""
        try:
            with self._translated(name):
                blob = self._container.download_blob(name)
                return Stored(blob.readall(), blob.properties.etag)
        except NotFound:
            return None

    def write(self, name: str, data: bytes, if_etag: str | None = None) -> str:
        """See ObjectStore."""
        from azure.core import MatchConditions

        condition: dict[str, Any] = {}
        if if_etag == ABSENT:
            condition = {"match_condition": MatchConditions.IfMissing}
        elif if_etag is not None:
            condition = {"etag": if_etag, "match_condition": MatchConditions.IfNotModified}
        return str(self._upload(name, data, overwrite=if_etag != ABSENT, **condition)["etag"])

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
        self._check_lock(name)
        try:
            with self._translated(name):
                self._container.delete_blob(name)
        except NotFound:
            return

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """See ObjectStore.

        A thread renews the lease; when the process dies, renewal stops. A process that was suspended for longer
        than its lease starts no further write: another process may hold the lock by then.
        """
        blob = f"locks/{name}"
        with suppress(Conflict):  # it exists already, or it is leased
            self.write(blob, b"", if_etag=ABSENT)
        try:
            with self._translated(blob):
                asked_at = time.monotonic()
                lease = _Lease(self._container.get_blob_client(blob).acquire_lease(LEASE_SECONDS), asked_at)
        except Conflict as exc:
            raise LockHeld(f"another process holds the lease of {self.address(blob)}") from exc
        self._lease = lease
        renewal = threading.Thread(target=lease.renew_until_released, name="lease renewal", daemon=True)
        renewal.start()
        try:
            yield
        finally:
            self._lease = None
            lease.released.set()
            renewal.join()
            with suppress(Conflict), self._translated(blob):  # a lost lease needs no release
                lease.client.release()

    def address(self, name: str) -> str:
        """See ObjectStore."""
        return f"{self._container.url.split('?')[0]}/{name}"

    def _check_lock(self, name: str) -> None:
        if self._lease is not None and self._lease.is_lost:
            raise Conflict(f"{self.address(name)} was not changed: this process has lost the lock; run again")

    def _upload(self, name: str, data: bytes | BinaryIO, **options: Any) -> dict[str, Any]:
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        self._check_lock(name)
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


def _code(exc: Any) -> str:
    """The error code of the storage; the SDK sets it without declaring it."""
    code = getattr(exc, "error_code", None) or exc.reason
    return str(getattr(code, "value", code))


class _Lease:
    """A lease, and the time of its last successful renewal."""

    def __init__(self, client: Any, asked_at: float) -> None:
        self.client, self.released = client, threading.Event()
        self._renewed_at = asked_at

    @property
    def is_lost(self) -> bool:
        """Whether the lease may have ended."""
        return time.monotonic() - self._renewed_at > LEASE_SECONDS

    def renew_until_released(self) -> None:
        """Renew the lease until it is released; a failed renewal is retried."""
        from azure.core.exceptions import AzureError

        while not self.released.wait(RENEW_SECONDS):
            with suppress(AzureError):
                asked_at = time.monotonic()
                self.client.renew()
                self._renewed_at = asked_at

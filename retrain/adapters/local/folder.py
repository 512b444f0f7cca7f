"""An object store in a folder: every write is a rename, every condition is checked under a lock."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from filelock import FileLock, Timeout

from retrain.adapters import fence
from retrain.adapters.fence import Hold
from retrain.adapters.local.file_reader import FileReader, state_of
from retrain.adapters.local.links import leads_out
from retrain.adapters.local.unfinished import unfinished
from retrain.errors import (
    AccessDenied,
    Conflict,
    DamagedRecord,
    DataError,
    LockHeld,
    NotFound,
    ServiceError,
    ServiceUnavailable,
)
from retrain.ports import ABSENT, Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

# Both are in the root and begin with a dot, which no object's name may.
LOCKS = ".locks"
UNFINISHED = ".unfinished"
AWAY = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the quota is used up",
    errno.EROFS: "the disk can be read only; look for its errors in the log of the system",
    errno.EMFILE: "this process has too many open files; raise the limit (ulimit -n)",
    errno.ENFILE: "the system has too many open files; end other programs",
    errno.ESTALE: "the network drive was mounted anew; start this process again",
    errno.EHOSTDOWN: "the network drive does not answer; try again",
}
"""Errors of the whole store and not of one object, and what to do."""


class FolderStore:
    """Objects as files below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, name: str) -> Stored | None:
        """See ObjectStore."""
        stored = self._stored(name)
        fence.hold_of(self).has_read(name, stored)
        return stored

    def write(self, name: str, data: bytes, if_etag: str | None = None) -> str:
        """See ObjectStore."""
        path = self._path(name)
        with self._translated(name), unfinished(self.root / UNFINISHED) as new:
            new.file.write(data)
            new.make_durable()
            with self._writing():
                self._expect(name, if_etag)
                new.publish(path)
                fence.hold_of(self).has_written(name, _etag(data))
        return _etag(data)

    def open(self, name: str) -> BinaryIO:
        """See ObjectStore."""
        path = self._readable_path(name)
        with self._translated(name):
            try:
                return io.BufferedReader(FileReader(path, name, self._translated), 1 << 20)
            except FileNotFoundError as exc:
                raise NotFound(f"file {path} does not exist") from exc

    def state(self, name: str) -> str:
        """See ObjectStore."""
        path = self._readable_path(name)
        with self._translated(name):
            try:
                return state_of(path)
            except FileNotFoundError as exc:
                raise NotFound(f"file {path} does not exist") from exc

    def upload(self, name: str, stream: BinaryIO) -> None:
        """See ObjectStore."""
        path = self._path(name)
        with self._translated(name), unfinished(self.root / UNFINISHED) as new:
            shutil.copyfileobj(stream, new.file, 1 << 20)
            new.make_durable()
            with self._writing():
                new.publish(path)

    def names(self, prefix: str) -> Iterator[str]:
        """See ObjectStore."""
        folder, slash, begin = prefix.rpartition("/")
        with self._translated(prefix):
            where = self._path(folder) if folder else self.root
            found = _files(where, f"{folder}{slash}", begin)
            yield from sorted(name for name in found if name.partition("/")[0] not in (LOCKS, UNFINISHED))

    def listing(self, prefix: str) -> Iterator[tuple[str, str]]:
        """See ObjectStore; without what cannot be read by its name."""
        for name in self.names(prefix):
            with (
                self._translated(name),
                suppress(FileNotFoundError, DataError),
            ):  # removed meanwhile, or such a name
                yield name, state_of(self._readable_path(name))

    def delete(self, name: str) -> None:
        """See ObjectStore."""
        with self._translated(name), self._writing():
            self._expect(name)
            self._path(name).unlink(missing_ok=True)
            fence.hold_of(self).has_written(name, ABSENT)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """See ObjectStore."""
        lock = self._file_lock(name, timeout=0)
        # Not while another process writes: one whose lock's file was removed has finished that write, or stops.
        with self._translated(name), self._file_lock("writes", timeout=30):
            try:
                lock.acquire()
            except Timeout as exc:
                raise LockHeld(f"another process holds {lock.lock_file}") from exc
            held = _HeldFile(Path(lock.lock_file))
        try:
            with fence.holding(Hold(self, held)):
                yield
        finally:
            lock.release()

    def address(self, name: str) -> str:
        """See ObjectStore."""
        return str(self._path(name))

    def _path(self, name: str) -> Path:
        """The path of an object. Raises: DataError for a name outside the folder or with a hidden part."""
        parts = PurePosixPath(name).parts
        if not parts or any(part.startswith((".", "/")) or "\\" in part or "\0" in part for part in parts):
            raise DataError(
                file=name, found="a name outside the store or with a hidden part", expected="a plain name"
            )
        return self.root.joinpath(*parts)

    def _record_path(self, name: str) -> Path:
        """The path of a record to read. Raises: DamagedRecord for a link out of the store."""
        path = self._path(name)
        if leads_out(path, self.root):
            raise DamagedRecord(f"{path}: a link leads out of the store; put what it leads to in its place")
        return path

    def _readable_path(self, name: str) -> Path:
        """The path of an object to read. Raises: DataError for a link out of the store, a folder, a long name."""
        path = self._path(name)
        try:
            name.encode()
            is_out = leads_out(path, self.root)
            if not is_out and (path.is_file() or not path.exists()):
                return path
            found = "a link to outside the store" if is_out else "not a file"
        except (OSError, ValueError) as exc:
            found = exc.strerror or str(exc) if isinstance(exc, OSError) else "a name that is not valid text"
        raise DataError(file=name, found=found, expected="a plain name")

    def _file_lock(self, name: str, timeout: float) -> FileLock:
        folder = self.root / LOCKS
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / name, timeout=timeout)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Write alone, if no lock of this context is lost."""
        with self._file_lock("writes", timeout=30):
            fence.check()
            yield

    def _stored(self, name: str) -> Stored | None:
        with self._translated(name):
            try:
                data = self._record_path(name).read_bytes()
            except FileNotFoundError:
                return None
            return Stored(data, _etag(data))

    def _expect(self, name: str, if_etag: str | None = None) -> None:
        """See that an object is as its writer knows it. Raises: Conflict."""
        expected = fence.hold_of(self).etags.get(name) if if_etag is None else if_etag
        if expected is None:
            return
        there = self._stored(name)
        if (ABSENT if there is None else there.etag) != expected:
            raise Conflict(f"{self.address(name)} was changed by another process; run again")

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        try:
            yield
        except Timeout as exc:
            raise ServiceUnavailable(
                f"{self.root}: another process has been writing for 30 s; end it if it is stopped, and leave the "
                f"file {self.root / LOCKS / 'writes'} where it is"
            ) from exc
        except PermissionError as exc:
            raise AccessDenied(
                f"{self.root / name}: this user has no permission; grant it read and write access"
            ) from exc
        except (IsADirectoryError, NotADirectoryError) as exc:
            raise DamagedRecord(
                f"{self.root / name}: a folder is where a file belongs, or a file where a folder does; move it away"
            ) from exc
        except OSError as exc:
            where = self.root / name
            if exc.errno in AWAY:
                raise ServiceUnavailable(f"{where}: {AWAY[exc.errno]}") from exc
            raise ServiceError(f"{where}: {exc.strerror or exc}") from exc


class _HeldFile:
    """The file of a lock that was just acquired. It is ours while it is the same file: a person may remove it."""

    def __init__(self, path: Path) -> None:
        self._path, self._identity = path, _identity(path)

    def lost(self) -> str:
        """See fence.Lock."""
        is_ours = self._identity is not None and self._identity == _identity(self._path)
        return "" if is_ours else f"somebody has removed {self._path}"

    def doubt(self) -> None:
        """Nothing to do: what the file system says is always of now."""


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _files(folder: str | Path, name: str, begin: str) -> Iterator[str]:
    """The names of all files in a folder of this name that begin so, and in the folders inside."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(begin):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path, f"{name}{entry.name}/", "")
            elif _is_file(entry):
                yield f"{name}{entry.name}"


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link that leads to itself; as one that leads to nothing, it is left out
        return False


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

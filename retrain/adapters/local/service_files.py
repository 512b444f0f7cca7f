"""The files of services on this machine: records, keys and logs, readable by this user alone."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from retrain.errors import ServiceError
from retrain.ports import LOG_LINES
from retrain.records.service_record import read_service, written

if TYPE_CHECKING:
    from pathlib import Path

    from retrain.ports import Service
    from retrain.records.service_keys import ServiceKeys

LOG_BYTES = 5_000_000  # then the log becomes NAME.log.1, in place of the one before
TAIL_BYTES = 64 << 10


class ServiceFiles:
    """Files of one folder, named by service.

    NAME.json is the record; NAME.keys holds what the service accepts, and is made from the record; NAME.log and
    NAME.log.1 are what it wrote.
    """

    def __init__(self, folder: Path, keys: ServiceKeys) -> None:
        self._folder, self._keys = folder, keys

    def record(self, name: str) -> Path:
        """The path of a record, which also marks the service's process."""
        return self._folder / f"{name}.json"

    def keys(self, name: str) -> Path:
        """The path of the keys."""
        return self._folder / f"{name}.keys"

    def log(self, name: str) -> Path:
        """The path of the log."""
        return self._folder / f"{name}.log"

    def names(self) -> list[str]:
        """The services that are on record."""
        return sorted(path.stem for path in self._folder.glob("*.json")) if self._folder.exists() else []

    def read(self, name: str) -> Service | None:
        """A service as on record. Raises: ServiceError if the record is damaged."""
        try:
            service = read_service(self.record(name).read_bytes())
            if service.name != name or not (service.key and service.url):
                raise ValueError("it is not the record of this service")
        except FileNotFoundError:
            return None
        except ValueError as exc:
            raise ServiceError(
                f"{self.record(name)} cannot be read; the next trigger sets it aside and starts the service again"
            ) from exc
        return self._keys.shown(service)

    def save(self, service: Service) -> None:
        """Write the record, then the keys, each in one step."""
        self._folder.mkdir(parents=True, exist_ok=True)
        record, hidden = self.record(service.name), self._keys.hidden(service)
        before = record.read_bytes() if record.exists() else None
        self._write(record, written(hidden, before))
        self.write_keys(service)
        if before is not None:
            with suppress(ValueError):
                self._keys.retire_before(read_service(before), hidden)

    def write_keys(self, service: Service) -> None:
        """Write what the service accepts, from its record."""
        accepted = {
            "key": service.key,
            "key_before": service.key_before,
            "before_until": service.before_until,
        }
        data = json.dumps(accepted).encode()
        path = self.keys(service.name)
        if not path.exists() or path.read_bytes() != data:
            self._write(path, data)

    def set_aside(self, name: str) -> None:
        """Move a damaged record out of the way, where a person finds it."""
        (self._folder / "unreadable").mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            self.record(name).replace(self._folder / "unreadable" / f"{name}.json")

    def remove(self, name: str) -> None:
        """Remove all files of a service; the record last, for it says that there are others."""
        if self.record(name).exists():
            self._keys.forget(name)
        log = self.log(name)
        for path in (log.with_name(f"{log.name}.1"), log, self.keys(name), self.record(name)):
            path.unlink(missing_ok=True)

    def begin_log(self, name: str) -> Path:
        """The path of the log, which is exchanged if it is long."""
        log = self.log(name)
        with suppress(FileNotFoundError):
            if log.stat().st_size > LOG_BYTES:
                log.replace(log.with_name(f"{log.name}.1"))
        return log

    def tail(self, name: str) -> list[str]:
        """The last lines of the log, from before it was exchanged too."""
        log = self.log(name)
        lines = _last_lines(log)
        if len(lines) < LOG_LINES:
            lines = _last_lines(log.with_name(f"{log.name}.1")) + lines
        return lines[-LOG_LINES:]

    def _write(self, path: Path, data: bytes) -> None:
        unfinished = self._folder / f".{path.name}-{secrets.token_hex(4)}"
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(data)
        unfinished.replace(path)


def _last_lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - TAIL_BYTES, 0))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    return lines[1:] if size > TAIL_BYTES else lines

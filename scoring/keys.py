"""The keys that callers may send: one, or two while a new key replaces the one before."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FILE, KEY = "SCORING_KEY_FILE", "SCORING_KEY"
BEFORE, UNTIL = "SCORING_KEY_BEFORE", "SCORING_KEY_BEFORE_UNTIL"
ANONYMOUS = "SCORING_ALLOW_ANONYMOUS"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key, and the one before, which is accepted until a time (UTC)."""

    key: bytes
    before: bytes = b""
    until: datetime | None = None

    @classmethod
    def of(cls, key: str, before: str = "", until: str = "") -> Self:
        """Args: until: ISO 8601 with its zone. Raises: ValueError if the key is empty or the time is not valid."""
        if not key:
            raise ValueError("the key is empty")
        end = datetime.fromisoformat(until) if until else None
        if end is not None and end.tzinfo is None:
            raise ValueError(f"{until!r} has no time zone")
        return cls(key.encode(), before.encode(), end)

    def accepted(self, now: datetime) -> tuple[bytes, ...]:
        """What callers may send now, the newest first."""
        both = self.before and self.until is not None and now < self.until
        return (self.key, self.before) if both else (self.key,)


class Keys:
    """What callers may send, read anew whenever the file of keys has been replaced.

    A file that cannot be read changes nothing: the keys that were read last stay.
    """

    def __init__(self, pair: KeyPair, file: Path | None = None, now: Callable[[], datetime] = _now) -> None:
        self._pair, self._file, self._now = pair, file, now
        self._seen = _state(file)

    def accepted(self) -> tuple[bytes, ...]:
        """The keys that are good now, the newest first."""
        if self._file is not None and (state := _state(self._file)) != self._seen:
            with suppress(OSError, ValueError):
                self._pair, self._seen = read_pair(self._file), state
        return self._pair.accepted(self._now())


def read_pair(file: Path) -> KeyPair:
    """The keys of a file: a JSON object with `key`, and `key_before` and `before_until` during a rotation.

    Raises: OSError, or ValueError if it is damaged.
    """
    try:
        record = json.loads(file.read_bytes())
        return KeyPair.of(record["key"], record.get("key_before", ""), record.get("before_until", ""))
    except (AttributeError, KeyError, TypeError) as exc:
        raise ValueError(f"{file} is not a file of keys") from exc


def keys_of(environment: Mapping[str, str]) -> Keys | None:
    """The keys that the environment names; None only if SCORING_ALLOW_ANONYMOUS is 1 and no key is set.

    Raises: ValueError if neither is set, or the file of keys cannot be read.
    """
    if environment.get(FILE):
        file = Path(environment[FILE])
        try:
            return Keys(read_pair(file), file)
        except OSError as exc:
            raise ValueError(f"{FILE}: {file} cannot be read ({exc.strerror})") from exc
    if environment.get(KEY):
        return Keys(KeyPair.of(environment[KEY], environment.get(BEFORE, ""), environment.get(UNTIL, "")))
    if environment.get(ANONYMOUS) == "1":
        return None
    raise ValueError(f"{KEY} is not set; set it, or {ANONYMOUS}=1 to accept callers without a key")


def keys(given: Keys | str | None) -> Keys | None:
    """A single key as keys."""
    return Keys(KeyPair.of(given)) if isinstance(given, str) else given


def _state(file: Path | None) -> tuple[int, int, int] | None:
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size

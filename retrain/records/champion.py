"""Which version is champion, and which were before: the record that the stable route follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from retrain.records.base import parsed

NOBODY = ""
"""The version of an entry that says: there is no champion, because the first one failed and had no predecessor."""
REBUILT = "being rebuilt, records moved to"
"""The key of a record that stands in for the pointer during a rebuild."""


def version_text(version: str | None) -> str:
    """How a message names a version, or that there is none."""
    return f"version {version}" if version else "none"


@dataclass(frozen=True, slots=True)
class Champion:
    """One version as champion, from `since` until the next entry's. `question`: see `Promotion`."""

    version: str
    since: datetime
    run_id: str
    question: str | None = None

    def as_json(self) -> dict[str, str]:
        """As it stands in the record."""
        entry = {"version": self.version, "since": self.since.isoformat(), "run_id": self.run_id}
        return entry if self.question is None else {**entry, "question": self.question}


@dataclass(frozen=True, slots=True)
class Pointer:
    """Every champion, the present one last, and the ETag under which the record may be replaced.

    Attributes:
        record: as it was read, so that fields which newer code added are kept when the pointer moves.
    """

    champions: tuple[Champion, ...]
    etag: str
    record: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def champion(self) -> Champion | None:
        """None before the first promotion, or when the first champion was taken back."""
        return _somebody(self.champions[-1] if self.champions else None)

    def on(self, day: date) -> Champion | None:
        """The champion at the end of that day (UTC); None before the first."""
        return _somebody(next((entry for entry in reversed(self.champions) if entry.since.date() <= day), None))

    def during(self, day: date) -> tuple[Champion, ...]:
        """Everyone who was champion for some part of that day (UTC), in their order."""
        before = next((entry for entry in reversed(self.champions) if entry.since.date() < day), None)
        within = [entry for entry in self.champions if entry.since.date() == day]
        return tuple(entry for entry in (before, *within) if _somebody(entry) and entry is not None)

    @property
    def versions(self) -> list[str]:
        """Every version that was confirmed as champion, the latest first, each once.

        An entry that was ended by the same run was a switch that had to be taken back.
        """
        return list(dict.fromkeys(reversed(self._confirmed_versions)))

    @property
    def predecessor(self) -> str | None:
        """Who was champion before the present one first became it; None if nobody was.

        So one rollback after the other leads further back, and never forth again.
        """
        confirmed = self._confirmed_versions
        if self.champion is None or self.champion.version not in confirmed:
            return None
        earlier = confirmed[: confirmed.index(self.champion.version)]
        return earlier[-1] if earlier else None

    @property
    def promoted(self) -> list[Champion]:
        """Those that a verdict has made champion, the latest last: no rollback, nor what had to be taken back."""
        return [entry for entry in self._confirmed if entry.question is not None]

    @property
    def replaced(self) -> str | None:
        """The version that a verdict has replaced by the champion.

        None for a first champion, after a rollback, and for a version that was champion before.
        """
        champion, confirmed = self.champion, self._confirmed
        if champion is None or champion.question is None or len(confirmed) < 2:
            return None
        earlier = [entry.version for entry in confirmed if entry is not champion]
        before = self.champions[-2].version
        return before if champion.version not in earlier and before != NOBODY else None

    def answered(self, question: str) -> Champion | None:
        """The champion that was the answer to a question; None if none was."""
        return next((entry for entry in reversed(self._confirmed) if entry.question == question), None)

    def was_moved_by(self, run_id: str) -> bool:
        """Whether a run has ever moved the pointer."""
        return any(entry.run_id == run_id for entry in self.champions)

    @property
    def _confirmed(self) -> list[Champion]:
        next_run = {before: after.run_id for before, after in pairwise(self.champions)}
        return [
            entry for entry in self.champions if entry.run_id != next_run.get(entry) and entry.version != NOBODY
        ]

    @property
    def _confirmed_versions(self) -> list[str]:
        return [entry.version for entry in self._confirmed]

    def moved_to(self, champion: Champion) -> bytes:
        """The record in which this one is champion, no sooner than the one before, even if the clock went back."""
        if self.champions:
            champion = replace(champion, since=max(champion.since, self.champions[-1].since))
        return _written([*self.record.get("champions", []), champion.as_json()], self.record)


def read_pointer(data: bytes, etag: str) -> Pointer:
    """Read the record. Raises: ValueError, KeyError or TypeError if it is damaged or contradicts itself."""
    record: dict[str, Any] = parsed(data)
    entries = record["champions"]
    if not isinstance(entries, list) or record["champion"] != (entries[-1] if entries else None):
        raise ValueError("the champion is not the last entry")
    champions = tuple(
        Champion(entry["version"], datetime.fromisoformat(entry["since"]), entry["run_id"], entry.get("question"))
        for entry in entries
    )
    return Pointer(champions, etag, record)


def why_refused(data: bytes) -> str:
    """Why a store with this record cannot be used, and what to do; empty if it can be, or the record is damaged."""
    record = _object(data)
    if "champion" in record and "champions" not in record:  # so did every version before 0.2.0
        return (
            "an older version of retrain wrote this store, and this version cannot read it; `retrain rebuild` "
            "makes it anew from the files in its inbox"
        )
    if REBUILT in record:
        return "the store is being rebuilt, or the rebuild was interrupted; `retrain rebuild --yes` continues it"
    return ""


def being_rebuilt(folder: str) -> bytes:
    """The record of a store that is being rebuilt. `folder`: where its records are moved."""
    return json.dumps({REBUILT: folder}).encode()


def rebuilt_into(data: bytes) -> str | None:
    """The folder into which an interrupted rebuild has moved records; None if this is not such a record."""
    folder = _object(data).get(REBUILT)
    return folder if isinstance(folder, str) else None


def _object(data: bytes) -> dict[str, Any]:
    try:
        record = parsed(data)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def no_champion() -> bytes:
    """The record of a store that has no champion yet."""
    return _written([], {})


def _written(entries: list[dict[str, Any]], record: Mapping[str, Any]) -> bytes:
    changed = {"champion": entries[-1] if entries else None, "champions": entries}
    return json.dumps({**record, **changed}, indent=1).encode()


def _somebody(entry: Champion | None) -> Champion | None:
    return None if entry is None or entry.version == NOBODY else entry

"""Stores the history of all accepted days, and the quarantine of refused files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from retrain.data.series import Restatement, restate
from retrain.errors import ConfigError, ServiceError
from retrain.ports import ABSENT

if TYPE_CHECKING:
    from retrain.data.landed import Aggregate, Landed
    from retrain.data.series import Days
    from retrain.errors import RetrainError
    from retrain.ports import ObjectStore

RECORD = "history.json"
MAX_NAME_BYTES = 200


@dataclass(frozen=True, slots=True)
class History:
    """All accepted days and where they come from.

    Attributes:
        days: observed days only, ascending.
        files: the accepted files that changed the history, in the order of their landing.
        aggregate: how transactions became days; None if all files so far had one row per day.
        etag: of the record; ABSENT if there is none yet.
    """

    days: Days
    files: tuple[str, ...]
    aggregate: str | None
    etag: str


def read_history(state: ObjectStore) -> History:
    """Read the record. Raises: ServiceError if it exists and is not valid."""
    stored = state.read(RECORD)
    if stored is None:
        return History({}, (), None, ABSENT)
    try:
        record = json.loads(stored.data)
        days = {date.fromisoformat(day): float(amount) for day, amount in record["days"].items()}
        return History(days, tuple(record["files"]), record["aggregate"], stored.etag)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ServiceError(
            f"{state.address(RECORD)} cannot be read ({type(exc).__name__}); restore it from a backup, or remove "
            "it and land the files of the inbox again"
        ) from exc


def accept(landed: Landed, history: History, aggregate: Aggregate, run_id: str, state: ObjectStore) -> Restatement:
    """Merge the file into the history; nothing is written if it changes nothing.

    The record of the landing is written first, so that every day of the history can be traced to a file.

    Raises: ConfigError if transactions were aggregated in another way before; Conflict if another process
        accepted a file at the same time.
    """
    if not landed.is_daily and history.aggregate not in (None, aggregate):
        raise ConfigError(
            f"RETRAIN_AGGREGATE is {aggregate}, but the history was made with {history.aggregate}; set it to "
            f"{history.aggregate}, or start a new store and land every file again"
        )
    days = landed.amounts(aggregate)
    outcome = restate(history.days, days)
    if outcome.changes_nothing:
        return outcome
    state.write(f"accepted/{run_id}.json", _as_json({"file": landed.file, "days": _named(days)}))
    record = {
        "aggregate": history.aggregate if landed.is_daily else aggregate,
        "files": [*history.files, landed.file],
        "days": _named(outcome.days),
    }
    state.write(RECORD, _as_json(record), if_etag=history.etag)
    return outcome


def taken_in(file: str, version: str, state: ObjectStore) -> str | None:
    """The run that accepted this version of a file; None if no run has."""
    stored = state.read(_landing(file, version))
    return None if stored is None else str(json.loads(stored.data)["run_id"])


def note_taken_in(file: str, version: str, run_id: str, state: ObjectStore) -> None:
    """Record that this version of a file is in the history."""
    state.write(_landing(file, version), _as_json({"file": file, "run_id": run_id}))


def _landing(file: str, version: str) -> str:
    return f"landings/{hashlib.sha256(f'{file} {version}'.encode()).hexdigest()}.json"


def quarantine(file: str, reason: RetrainError, run_id: str, inbox: ObjectStore, state: ObjectStore) -> str:
    """Copy the file to quarantine, write the reason next to it, and give its address."""
    place = f"quarantine/{run_id}/{_short(PurePosixPath(file).name)}"
    with inbox.open(file) as stream:
        state.upload(place, stream)
    state.write(f"{place}.reason.json", _as_json(reason.as_json()))
    return state.address(place)


def _short(name: str) -> str:
    """A name that leaves room for the suffix of the reason: a folder allows 255 bytes."""
    return name if len(name.encode()) <= MAX_NAME_BYTES else f"{name[:40]}...{name[-10:]}"


def _named(days: Days) -> dict[str, float]:
    return {day.isoformat(): amount for day, amount in days.items()}


def _as_json(record: dict[str, Any]) -> bytes:
    return json.dumps(record, indent=1, allow_nan=False).encode()

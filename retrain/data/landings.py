"""All accepted days in one record, and the quarantine for files that were refused."""

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
    from retrain.data.series import Days
    from retrain.data.transactions import Aggregate, LandedDays
    from retrain.errors import RetrainError
    from retrain.ports import ObjectStore

RECORD = "history.json"
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class History:
    """What has been accepted so far.

    Attributes:
        days: observed days only, ascending.
        files: the accepted files that brought something, in the order of their landing.
        aggregate: how transactions became days; None while only files of one row a day were accepted.
        etag: of the record; ABSENT while there is none.
    """

    days: Days
    files: tuple[str, ...]
    aggregate: str | None
    etag: str


def read_history(state: ObjectStore) -> History:
    """Raises: ServiceError if the record is there and cannot be understood."""
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


def accept(
    landed: LandedDays, history: History, aggregate: Aggregate, run_id: str, state: ObjectStore
) -> Restatement:
    """Lay the file over the history; what changes nothing leaves no trace.

    The landing's own record is written first, so that whatever stands in the history can be explained.

    Raises: ConfigError if transactions were aggregated in another way before; Conflict if somebody else
        accepted a file meanwhile.
    """
    if not landed.is_daily and history.aggregate not in (None, aggregate):
        raise ConfigError(
            f"RETRAIN_AGGREGATE is {aggregate}, but the history was made with {history.aggregate}; set it back, "
            "or start a new store and land every file again"
        )
    outcome = restate(history.days, landed.days)
    if outcome.changes_nothing:
        return outcome
    state.write(f"accepted/{run_id}.json", _as_json({"file": landed.file, "days": _named(landed.days)}))
    record = {
        "aggregate": history.aggregate if landed.is_daily else aggregate,
        "files": [*history.files, landed.file],
        "days": _named(outcome.days),
    }
    state.write(RECORD, _as_json(record), if_etag=history.etag)
    return outcome


def taken_in(file: str, version: str, state: ObjectStore) -> str | None:
    """The run that took this very version of a file in; None if none has."""
    stored = state.read(_landing(file, version))
    return None if stored is None else str(json.loads(stored.data)["run_id"])


def note_taken_in(file: str, version: str, run_id: str, state: ObjectStore) -> None:
    """Remember that a version of a file is in the history."""
    state.write(_landing(file, version), _as_json({"file": file, "run_id": run_id}))


def _landing(file: str, version: str) -> str:
    return f"landings/{hashlib.sha256(f'{file} {version}'.encode()).hexdigest()}.json"


def quarantine(file: str, reason: RetrainError, run_id: str, inbox: ObjectStore, state: ObjectStore) -> str:
    """Set a copy of the file aside with the reason beside it, and say where."""
    place = f"quarantine/{run_id}/{_short(PurePosixPath(file).name)}"
    with inbox.open(file) as stream:
        state.upload(place, stream)
    state.write(f"{place}.reason.json", _as_json(reason.as_json()))
    return state.address(place)


def _short(name: str) -> str:
    """A name with room for the reason's behind it: a folder takes 255 bytes."""
    return name if len(name.encode()) <= LONGEST_NAME else f"{name[:40]}...{name[-10:]}"


def _named(days: Days) -> dict[str, float]:
    return {day.isoformat(): amount for day, amount in days.items()}


def _as_json(record: dict[str, Any]) -> bytes:
    return json.dumps(record, indent=1, allow_nan=False).encode()

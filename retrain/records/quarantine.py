"""Copies of the files that were refused, each with the reason."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from retrain.errors import NotFound
from retrain.records.base import parsed, skipping, visible
from retrain.records.history import Histories
from retrain.records.landing_log import LandedFile, Log
from retrain.records.request import RUN_ID, shown_name

if TYPE_CHECKING:
    from retrain.errors import RetrainError
    from retrain.ports import ObjectStore

FOLDER = "quarantine/"
REASON = ".reason.json"
NAME = re.compile(rf"({FOLDER}{RUN_ID.pattern}/.+){re.escape(REASON)}", re.ASCII | re.DOTALL)
MAX_NAME_BYTES = 200


@dataclass(frozen=True, slots=True)
class Refused:
    """A file in quarantine.

    Attributes:
        file: its name, as people call it.
        place: the name of its copy in the state store.
        reason: the error as JSON: its kind, its message, and where in the file.
        landed_by: the run that has landed a file of its name since; empty while none has.
    """

    run_id: str
    file: str
    place: str
    reason: dict[str, Any]
    landed_by: str


def quarantine(file: str, reason: RetrainError, run_id: str, inbox: ObjectStore, state: ObjectStore) -> str:
    """Copy the file to quarantine, write the reason next to it, and give its address."""
    place = f"{FOLDER}{run_id}/{_short(PurePosixPath(file).name)}"
    with inbox.open(file) as stream:
        state.upload(place, stream)
    why = {**reason.as_json(), "file": shown_name(file)}
    state.write(f"{place}{REASON}", json.dumps(why, indent=1, allow_nan=False).encode())
    return state.address(place)


def refused_files(state: ObjectStore) -> list[Refused]:
    """Every file in quarantine, in the order of the runs that refused it."""
    places = [named[1] for name in visible(state.names(FOLDER)) if (named := NAME.fullmatch(name))]
    if not places:
        return []
    log = Log.empty()
    with skipping():  # without it, nothing is known to have landed since
        log = Histories(state).log()
    return [_refused(place, log, state) for place in places]


def open_files(state: ObjectStore) -> list[Refused]:
    """Those of which no file of the same name has landed since, in any way."""
    return [each for each in refused_files(state) if not each.landed_by]


def refused_file(run_id: str, state: ObjectStore) -> Refused:
    """The file that a run refused. Raises: NotFound if it has refused none."""
    for each in refused_files(state):
        if each.run_id == run_id:
            return each
    raise NotFound(f"run {run_id[:40]!r} has put no file into quarantine; `retrain quarantine` lists them")


def _refused(place: str, log: Log, state: ObjectStore) -> Refused:
    _, run_id, name = place.split("/", 2)
    found: Any = None
    with skipping(), suppress(ValueError):
        stored = state.read(f"{place}{REASON}")
        found = parsed(stored.data) if stored else None
    unknown = {"message": f"{state.address(f'{place}{REASON}')} cannot be read, so the reason is not known"}
    reason = found if isinstance(found, dict) else unknown
    file = str(reason.get("file", name))
    return Refused(run_id, file, place, reason, _landed_since(run_id, file, log))


def _landed_since(run_id: str, file: str, log: Log) -> str:
    """The first run from this one on that landed a file of this name, or found that its content had landed."""
    for entry in log.looks:
        if entry.file == file and entry.run_id >= run_id and (isinstance(entry, LandedFile) or entry.of):
            return entry.run_id
    return ""


def _short(name: str) -> str:
    """A name that leaves room for the suffix of the reason: a folder allows 255 bytes."""
    return name if len(name.encode()) <= MAX_NAME_BYTES else f"{name[:40]}...{name[-10:]}"

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
from retrain.records.request import RUN_ID

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
        place: its name in the state store.
        reason: the error as JSON: its kind, its message, and where in the file.
    """

    run_id: str
    file: str
    place: str
    reason: dict[str, Any]


def quarantine(file: str, reason: RetrainError, run_id: str, inbox: ObjectStore, state: ObjectStore) -> str:
    """Copy the file to quarantine, write the reason next to it, and give its address."""
    place = f"{FOLDER}{run_id}/{_short(PurePosixPath(file).name)}"
    with inbox.open(file) as stream:
        state.upload(place, stream)
    state.write(f"{place}{REASON}", json.dumps(reason.as_json(), indent=1, allow_nan=False).encode())
    return state.address(place)


def refused_files(state: ObjectStore) -> list[Refused]:
    """Every file in quarantine, in the order of the runs that refused it."""
    places = [named[1] for name in visible(state.names(FOLDER)) if (named := NAME.fullmatch(name))]
    return [_refused(place, state) for place in places]


def refused_file(run_id: str, state: ObjectStore) -> Refused:
    """The file that a run refused. Raises: NotFound if it has refused none."""
    for each in refused_files(state):
        if each.run_id == run_id:
            return each
    raise NotFound(f"run {run_id[:40]!r} has put no file into quarantine; `retrain quarantine` lists them")


def _refused(place: str, state: ObjectStore) -> Refused:
    _, run_id, file = place.split("/", 2)
    reason: Any = None
    with skipping(), suppress(ValueError):
        stored = state.read(f"{place}{REASON}")
        reason = parsed(stored.data) if stored else None
    unknown = {"message": f"{state.address(f'{place}{REASON}')} cannot be read, so the reason is not known"}
    return Refused(run_id, file, place, reason if isinstance(reason, dict) else unknown)


def _short(name: str) -> str:
    """A name that leaves room for the suffix of the reason: a folder allows 255 bytes."""
    return name if len(name.encode()) <= MAX_NAME_BYTES else f"{name[:40]}...{name[-10:]}"

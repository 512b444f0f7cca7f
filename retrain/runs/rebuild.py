"""Makes a store anew from the files in its inbox: for one that older code wrote, or whose records are damaged.

The record of the champion is replaced first, by one that every command refuses, and removed last. Until then a
rebuild that was interrupted goes on where it was; afterwards the store is an empty one in which requests wait.
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from retrain.errors import UsageError
from retrain.monitoring.issued import ISSUED
from retrain.ports import ABSENT
from retrain.promotion.resume import LOCK
from retrain.records.base import skipping, visible
from retrain.records.champion import being_rebuilt, rebuilt_into
from retrain.records.counted_days import Head
from retrain.records.history import LOG, RECORD
from retrain.records.landing_log import Log
from retrain.records.ledger import POINTER
from retrain.records.leftovers import RECORD as SWEEP
from retrain.records.queue import FOLDER as REQUESTS
from retrain.records.registry import VERSIONS
from retrain.records.request import STAMP, parse_request
from retrain.records.watched import WATCH
from retrain.runs.rebuilt import Rebuilt

if TYPE_CHECKING:
    from retrain.ports import ObjectStore
    from retrain.records.context import Context
    from retrain.records.request import Request

MOVED = "before-rebuild/"
FOLDER = re.compile(rf"{MOVED}[0-9A-Za-z-]+/")
FOLDERS = (
    "accepted/",
    "approvals/",
    "artifacts/",
    "history/",
    ISSUED,
    "landings/",
    "models/",
    "outbox/",
    "promotions/",
    "quarantine/",
    REQUESTS,
    "runs/",
    "service-states/",
    "undelivered/",
    "unreadable/",
    "verdicts/",
    VERSIONS,
    WATCH,
)
"""Where records are, besides those of one name. Those of services belong to the platform."""


def rebuild(context: Context, *, read_anew: bool = False) -> list[Request]:
    """Remove every service of the model, move every record away, and ask for all that had landed.

    The log of landings says what had, in which order, and what a person decided since; files that it does not know
    follow in the order of their names. Where it cannot be read, all do. What was asked for and still waits is asked
    for anew after that.

    Args: read_anew: read every file with the settings in force, and not with those with which it landed.
    Returns: the requests, in the order in which they have to be worked off.
    Raises: LockHeld if a retrain is going on; ServiceError if a service or the store is away. Called again, it goes
        on where it was.
    """
    with context.state.lock(LOCK):
        folder = _begin(context)
        for service in context.platform.services():
            context.progress("remove", service.name)
            context.platform.remove(service.name)
        for name in _records(context.state):  # the log is the last of them
            context.progress("move", name)
            _move(name, f"{folder}{name}", context.state)
        log = _log_in(context.state, folder) or Log.empty()
        rebuilt = Rebuilt(context, f"the store was made anew; its records are in {folder}", read_anew)
        requests = rebuilt.ask_again(log, _left(context.state, folder))
        context.state.delete(POINTER)
    return requests


def _log_in(state: ObjectStore, folder: str = "") -> Log | None:
    """The log of landings below a folder, as far as its head says, or all of it. None if it cannot be read."""
    with skipping(), suppress(ValueError):
        stored = state.read(f"{folder}{LOG}")
        if stored is None:
            return None
        log, entries = Log.model_validate_json(stored.data), None
        with skipping(), suppress(ValueError):
            head = state.read(f"{folder}{RECORD}")
            entries = Head.parted(head.data)[0].entries if head else None
        return log.evolve(entries=log.entries[:entries])
    return None


def _left(state: ObjectStore, folder: str) -> list[Request]:
    """The requests that were moved away; those that cannot be read stay where they are."""
    found = []
    for name in visible(state.names(f"{folder}{REQUESTS}")):
        with skipping(), suppress(ValueError):
            stored = state.read(name)
            found += [parse_request(stored.data)] if stored else []
    return found


def must_confirm(context: Context) -> UsageError:
    """The error that says what a rebuild would do."""
    services, records = len(context.platform.services()), len(_records(context.state))
    files, to = len(list(context.inbox.names(""))), context.state.address(MOVED)
    lost = ""
    if records and _log_in(context.state) is None:
        lost = ". The log of landings cannot be read: what people decided, and how files were read, would be lost"
    return UsageError(
        f"this would remove services ({services}), move records to {to} ({records}), and land the files of the "
        f"inbox again ({files}){lost}; add --yes to do so"
    )


def _begin(context: Context) -> str:
    """The folder into which records are moved: that of the rebuild that was interrupted, or a new one."""
    stored = context.state.read(POINTER)
    begun = rebuilt_into(stored.data) if stored else None
    if begun is not None and FOLDER.fullmatch(begun):
        return begun
    folder = f"{MOVED}{context.now():{STAMP}}-{secrets.token_hex(4)}/"
    if stored is not None:
        context.state.write(f"{folder}{POINTER}", stored.data)
    context.state.write(POINTER, being_rebuilt(folder), if_etag=stored.etag if stored else ABSENT)
    return folder


def _records(state: ObjectStore) -> list[str]:
    found = [name for folder in FOLDERS for name in visible(state.names(folder))]
    return found + [name for name in (RECORD, SWEEP) if state.read(name) is not None]


def _move(name: str, to: str, state: ObjectStore) -> None:
    with state.open(name) as stream:  # a copy in quarantine may be large
        state.upload(to, stream)
    state.delete(name)

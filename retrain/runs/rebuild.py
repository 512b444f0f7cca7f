"""Makes a store anew from the files in its inbox: for one that older code wrote, or whose records are damaged.

The record of the champion is replaced first, by one that every command refuses, and removed last. Until then a
rebuild that was interrupted goes on where it was; afterwards the store is an empty one in which requests wait.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING

from retrain.errors import UsageError
from retrain.ports import ABSENT
from retrain.promotion.resume import LOCK
from retrain.records.base import visible
from retrain.records.champion import being_rebuilt, rebuilt_into
from retrain.records.counted_days import Head
from retrain.records.history import PARTS, RECORD
from retrain.records.landing_log import Decided, LandedFile, Log, Retracted, Seen
from retrain.records.ledger import POINTER
from retrain.records.registry import VERSIONS
from retrain.records.request import STAMP, Accept, Drop, Land, Request, Retract
from retrain.runs.asking import ask
from retrain.runs.sweep import is_marker

if TYPE_CHECKING:
    from retrain.ports import ObjectStore
    from retrain.records.context import Context

MOVED = "before-rebuild/"
FOLDERS = (
    "accepted/",
    "artifacts/",
    PARTS,
    "landings/",
    "models/",
    "outbox/",
    "promotions/",
    "quarantine/",
    "requests/",
    "runs/",
    "service-states/",
    "undelivered/",
    "unreadable/",
    "verdicts/",
    VERSIONS,
)
"""Where records are, besides the history and the champion. Those of services belong to the platform."""


def rebuild(context: Context, *, read_anew: bool = False) -> list[Request]:
    """Remove every service of the model, move every record away, and ask for all that had landed.

    The log of landings says what had, in which order, and what a person decided since; files that it does not know
    follow in the order of their names. Where it cannot be read, all do.

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
        requests = _asked_again(_old_log(folder, context), context, read_anew=read_anew)
        context.state.delete(POINTER)
    return requests


def _old_log(folder: str, context: Context) -> Log:
    """The log as it was moved away; an empty one if there is none that can be read."""
    head = context.state.read(f"{folder}{RECORD}")
    try:
        name = Head.from_json(head.data).log if head else ""
        log = context.state.read(f"{folder}{name}") if name else None
        return Log.model_validate_json(log.data) if log else Log.empty()
    except ValueError:
        return Log.empty()


def _asked_again(log: Log, context: Context, *, read_anew: bool) -> list[Request]:
    """The entries of a log as requests that are not made yet, then the files that it does not know."""
    waiting = {name for name in context.inbox.names("") if not is_marker(name)}
    # The inbox has the newest bytes of a name alone: they land where they landed last.
    last = {entry.source: entry.run_id for entry in log.looks if isinstance(entry, LandedFile)}
    last = {entry.source: entry.run_id for entry in log.looks} | last
    new_run: dict[str, str] = {}
    requests: list[Request] = []
    for entry in log.entries:
        if isinstance(entry, LandedFile | Seen) and entry.source in waiting and last[entry.source] == entry.run_id:
            waiting.discard(entry.source)
            requests.append(ask(partial(_as_before, entry, read_anew), context))
            new_run[entry.run_id] = requests[-1].run_id
        elif isinstance(entry, Decided) and entry.of in new_run:
            kind = Accept if entry.kind == "accepted" else Drop
            requests.append(ask(partial(_decision, kind, new_run[entry.of], entry), context))
        elif isinstance(entry, Retracted) and entry.of in new_run:
            requests.append(ask(partial(_retraction, new_run[entry.of]), context))
    return requests + [ask(partial(_landing, file), context) for file in sorted(waiting)]


def must_confirm(context: Context) -> UsageError:
    """The error that says what a rebuild would do."""
    services, records = len(context.platform.services()), len(_records(context.state))
    files, to = len(list(context.inbox.names(""))), context.state.address(MOVED)
    return UsageError(
        f"this would remove services ({services}), move records to {to} ({records}), and land the files of the "
        f"inbox again ({files}); add --yes to do so"
    )


def _begin(context: Context) -> str:
    """The folder into which records are moved: that of the rebuild that was interrupted, or a new one."""
    stored = context.state.read(POINTER)
    begun = rebuilt_into(stored.data) if stored else None
    if begun is not None:
        return begun
    folder = f"{MOVED}{context.now():{STAMP}}-{secrets.token_hex(4)}/"
    if stored is not None:
        context.state.write(f"{folder}{POINTER}", stored.data)
    context.state.write(POINTER, being_rebuilt(folder), if_etag=stored.etag if stored else ABSENT)
    return folder


def _records(state: ObjectStore) -> list[str]:
    found = [name for folder in FOLDERS for name in visible(state.names(folder))]
    return found if state.read(RECORD) is None else [*found, RECORD]


def _move(name: str, to: str, state: ObjectStore) -> None:
    with state.open(name) as stream:  # a copy in quarantine may be large
        state.upload(to, stream)
    state.delete(name)


def _landing(file: str, run_id: str) -> Land:
    return Land(run_id=run_id, file=file, again=True)


def _as_before(entry: LandedFile | Seen, read_anew: bool, run_id: str) -> Land:
    """Of a file that was refused, nothing is known of how it should be read."""
    landing = _landing(entry.source, run_id)
    if isinstance(entry, Seen):
        return landing
    joins = None if entry.has_ids else entry.joins
    return landing.evolve(joins=joins, read_with=None if read_anew else entry.read_with)


def _decision(kind: type[Accept | Drop], of: str, entry: Decided, run_id: str) -> Accept | Drop:
    return kind(run_id=run_id, of=of, days=entry.days, joins=entry.joins)


def _retraction(of: str, run_id: str) -> Retract:
    return Retract(run_id=run_id, of=of)

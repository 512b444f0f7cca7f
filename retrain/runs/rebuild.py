"""Makes a store anew from the files in its inbox: for one that older code wrote, or whose records are damaged.

The record of the champion is replaced first, by one that every command refuses, and removed last. Until then a
rebuild that was interrupted goes on where it was; afterwards the store is an empty one in which requests wait.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from retrain.data.landings import RECORD
from retrain.errors import UsageError
from retrain.ports import ABSENT
from retrain.promotion.resume import LOCK
from retrain.records.champion import being_rebuilt, rebuilt_into
from retrain.records.ledger import POINTER
from retrain.records.request import STAMP, Land
from retrain.runs.dispatch import ask

if TYPE_CHECKING:
    from retrain.ports import ObjectStore
    from retrain.records.context import Context

MOVED = "before-rebuild/"
FOLDERS = (
    "accepted/",
    "artifacts/",
    "landings/",
    "models/",
    "outbox/",
    "promotions/",
    "quarantine/",
    "requests/",
    "runs/",
    "unreadable/",
    "verdicts/",
)
"""Where records are, besides the history and the champion. Those of services belong to the platform."""


def rebuild(context: Context) -> list[Land]:
    """Remove every service of the model, move every record away, and ask for each file of the inbox.

    Returns: the requests, in the order of the files' names; they have to be worked off.
    Raises: LockHeld if a retrain is going on; ServiceError if a service or the store is away. Called again, it goes
        on where it was.
    """
    with context.state.lock(LOCK):
        folder = _begin(context)
        for service in context.platform.services():
            context.progress("remove", service.name)
            context.platform.remove(service.name)
        for name in _records(context.state):
            context.progress("move", name)
            _move(name, f"{folder}{name}", context.state)
        requests = [ask(partial(_landing, file), context) for file in context.inbox.names("")]
        context.state.delete(POINTER)
    return requests


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
    folder = f"{MOVED}{context.now():{STAMP}}/"
    if stored is not None:
        context.state.write(f"{folder}{POINTER}", stored.data)
    context.state.write(POINTER, being_rebuilt(folder), if_etag=stored.etag if stored else ABSENT)
    return folder


def _records(state: ObjectStore) -> list[str]:
    found = [name for folder in FOLDERS for name in state.names(folder)]
    return found if state.read(RECORD) is None else [*found, RECORD]


def _move(name: str, to: str, state: ObjectStore) -> None:
    with state.open(name) as stream:  # a copy in quarantine may be large
        state.upload(to, stream)
    state.delete(name)


def _landing(file: str, run_id: str) -> Land:
    return Land(run_id=run_id, file=file)

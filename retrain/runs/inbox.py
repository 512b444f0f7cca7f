"""Finds the files in the inbox that no event has told of."""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from retrain.errors import ConfigError, DataError, NotFound, ServiceError, ServiceUnavailable
from retrain.records.history import Histories
from retrain.records.inbox_place import keep_last_asked, last_asked
from retrain.records.request import Land, Trigger, file_of
from retrain.runs.asking import ask

if TYPE_CHECKING:
    from retrain.records.context import Context

MOST_FILES = 1000  # that are asked for at once; the next tick goes on after the last of them


def is_marker(name: str) -> bool:
    """Whether an object holds no transactions, by its name: `_SUCCESS`, `_started_1`, `.DS_Store`, a folder."""
    try:
        name.encode()
    except UnicodeEncodeError:  # no store can hold a record of such a name
        return True
    return name.endswith("/") or any(part.startswith(("_", ".")) for part in PurePosixPath(name).parts)


def ask_for_unseen(context: Context) -> list[Land]:
    """Ask for every file that nobody has looked at in its present state, in the order of the names.

    At most `MOST_FILES`; the next call begins after the last of them: files that fail again keep no other waiting.
    Where the log cannot be read it asks for none: the timer's own run tells of that.
    """
    try:
        log = Histories(context.state).log()
    except ServiceUnavailable:
        raise
    except (ServiceError, ConfigError):
        return []
    seen = {(entry.source, entry.version) for entry in log.looks}
    waiting = {file_of(request) for request in context.ledger.requests()}
    unseen = [
        name
        for name, version in context.inbox.listing("")
        if not is_marker(name) and (name, version) not in seen and name not in waiting
    ]
    turn = _in_turn(unseen, context)
    asked = [ask(partial(_landing, name), context) for name in turn]
    if len(turn) < len(unseen):
        keep_last_asked(turn[-1], context.now(), context.state)
    return asked


def trouble_with_unseen(context: Context) -> ServiceError | None:
    """Ask for every unseen file. Returns: the error that stopped it, to be raised after the timer's own run."""
    try:
        ask_for_unseen(context)
    except ServiceError as error:
        return error
    return None


def ignored(context: Context) -> list[str]:
    """The names in the inbox that are markers, or that no file can be read by."""
    names = list(context.inbox.names(""))  # before the listing: what lands between them is not ignored
    readable = {name for name, _ in context.inbox.listing("")}
    return [name for name in names if is_marker(name) or name not in readable]


def is_empty(name: str, context: Context) -> bool:
    """Whether an object of the inbox has no bytes. Raises: NotFound; what the store raises."""
    with context.inbox.open(name) as stream:
        return not stream.read(1)


def has_content(name: str, context: Context) -> bool:
    """Whether an object of the inbox has any bytes; False if it is gone or cannot be read."""
    try:
        return not is_empty(name, context)
    except (NotFound, ServiceError, DataError):
        return False


def _in_turn(names: list[str], context: Context) -> list[str]:
    """The names whose turn it is: all, or the next ones after those of the last time."""
    if len(names) <= MOST_FILES:
        return names
    after = last_asked(context.state, context.now())
    return sorted(names, key=lambda name: (name <= after, name))[:MOST_FILES]


def _landing(file: str, run_id: str) -> Land:
    return Land(run_id=run_id, file=file, trigger=Trigger.TIMER)

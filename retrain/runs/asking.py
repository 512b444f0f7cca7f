"""Writes requests down: whoever holds the lock next works them off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.records.context import Context
    from retrain.records.request import Request


def ask[R: Request](make: Callable[[str], R], context: Context) -> R:
    """Write a request down under a new name. It will be worked off by the next holder of the lock.

    Args: make: the request of a run's name.
    """
    while True:
        request = make(context.ledger.name_run(context.now()))
        try:
            context.ledger.ask(request)
        except Conflict:  # somebody else was given the same name in the same instant
            continue
        return request

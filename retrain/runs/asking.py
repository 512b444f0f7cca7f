"""Writes requests down, with the settings that they are asked under: whoever holds the lock next works them off."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from retrain.errors import Conflict
from retrain.trace import begun, traceparent

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.records.context import Context
    from retrain.records.request import BaseRequest


def ask[R: BaseRequest](make: Callable[[str], R], context: Context) -> R:
    """Write a request down under a new name. It will be worked off by the next holder of the lock.

    Args: make: the request of a run's name.
    """
    while True:
        try:
            return ask_as_named(make(context.ledger.name_run(context.now())), context)
        except Conflict:  # somebody else was given the same name in the same instant
            continue


def ask_once(request: BaseRequest, context: Context) -> None:
    """Write a request down whose name was noted before, unless a process that was killed has done it already."""
    if context.ledger.recorded(request.run_id) is None:
        with suppress(Conflict):
            ask_as_named(request, context)


def ask_as_named[R: BaseRequest](request: R, context: Context) -> R:
    """Write a request down whose run has a name already, with the trace of what asks.

    Raises: Conflict if there is one of that name.
    """
    trace = request.traceparent or traceparent() or begun(request.run_id)
    asked = request.evolve(settings=dict(context.asked_under), traceparent=trace)
    context.ledger.ask(asked)
    return asked

"""What the commands have in common: their settings and stores, and how a request's run is waited for and shown."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from retrain.doors.output import complain, exit_code, show_progress, tell, tell_others
from retrain.errors import DamagedRecord, ServiceUnavailable
from retrain.records.landing import Quarantined

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from retrain.errors import ServiceError
    from retrain.records.context import Context
    from retrain.records.request import Request
    from retrain.records.run import Run
    from retrain.settings import Settings

POLL_SECONDS = 0.5


def chosen_settings(options: argparse.Namespace) -> Settings:
    """The settings that the options choose."""
    from retrain.doors.settings_table import chosen

    return chosen(options.assigned, options.root)


def connected(options: argparse.Namespace) -> tuple[Settings, Context]:
    """The settings that the options choose, and everything that a run touches, with telemetry if it is set."""
    from retrain.wiring import connect, exporting

    chosen = chosen_settings(options)
    context = connect(chosen, show_progress)
    return chosen, replace(context, listeners=(*context.listeners, *exporting(chosen)))


@contextmanager
def acting(options: argparse.Namespace) -> Iterator[tuple[Settings, Context]]:
    """The same for a command with --dry-run: then on stores that forget at the end what was written."""
    settings, context = connected(options)
    if not options.dry_run:
        yield settings, context
        return
    from retrain.wiring import without_trace

    with without_trace(context) as apart:
        yield settings, apart


@contextmanager
def holding_the_lock(options: argparse.Namespace) -> Iterator[tuple[Settings, Context]]:
    """Act while no run does, then make what was asked for meanwhile: its trigger found the lock held."""
    from retrain.promotion.resume import LOCK
    from retrain.runs.dispatch import work_off

    settings, context = connected(options)
    with context.state.lock(LOCK):
        yield settings, context
    if context.ledger.asked():
        outcome = work_off(settings, context)
        if not options.json:
            tell_others([context.ledger.run(run_id) for run_id in outcome.ended])


def finished(request: Request, options: argparse.Namespace, settings: Settings, context: Context) -> int:
    """Wait for the request's own run, made here or by the holder of the lock, and print it."""
    from retrain.runs.dispatch import work_off
    from retrain.runs.outcome import Behind

    while True:
        outcome = work_off(settings, context)
        left = outcome.of(request.run_id)
        made = context.ledger.run(request.run_id)
        if not options.json:
            tell_others([context.ledger.run(run_id) for run_id in outcome.ended if run_id != request.run_id])
        outcome.raise_if_lost()
        if left is None or left.behind is not Behind.ANOTHER_PROCESS or made.status.has_ended:
            break
        show_progress("waiting", "another process is retraining")
        time.sleep(POLL_SECONDS)
    for other in outcome.left_for_others(request.run_id):
        complain(f"run {other.run_id} is left waiting: {other.reason}")
    if left is not None and left.behind is Behind.TROUBLE and left.first not in ("", request.run_id):
        raise ServiceUnavailable(
            f"run {request.run_id} waits behind run {left.first}, which met trouble: {left.reason}"
        )
    if made.error is None:
        return tell(made, as_json=options.json)
    if options.json:
        print(json.dumps(made.as_json()))
    complain(_with_place(made))
    return exit_code(made.error.kind)


def repaired(error: ServiceError, options: argparse.Namespace, settings: Settings, context: Context) -> None:
    """Repair the champion's service here, because a forecast could not be had from it.

    Raises: ServiceUnavailable with what could not be done; the error itself, if a record is damaged.
    """
    from retrain.runs.dispatch import work_off
    from retrain.runs.repairing import repair_after

    if isinstance(error, DamagedRecord):  # no service can be proven to be right by what is damaged
        raise error
    wanted = repair_after(error, context)
    if not wanted.run_id:
        raise ServiceUnavailable(wanted.message) from error
    complain(f"{wanted.message} now")
    outcome = work_off(settings, context)
    if not options.json:
        tell_others([context.ledger.run(run_id) for run_id in outcome.ended])
    made = context.ledger.run(wanted.run_id)
    if made.error is not None:
        raise ServiceUnavailable(f"{error}; run {made.run_id} could not repair it: {made.reason}") from error


def _with_place(made: Run) -> str:
    """The message of a failed run; for a refused file also its run and where its copy is."""
    message = made.error.message if made.error else made.reason
    if isinstance(made.landing, Quarantined):
        return f"{message} (run {made.run_id}; a copy is in {made.landing.quarantine})"
    return message

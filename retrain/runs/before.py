"""What there is of a run before it is made: its own record, and promotions that a rollback overtakes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from retrain.errors import DamagedRecord
from retrain.promotion.resume import overtake
from retrain.records.base import skipping
from retrain.records.request import OfNewerCode, Promote
from retrain.records.run import Run, Status

if TYPE_CHECKING:
    from retrain.records.context import Context
    from retrain.records.request import Request, RollBack
    from retrain.settings import Settings


def recorded(request: Request, context: Context) -> tuple[Run | None, tuple[str, ...]]:
    """The record of a run that was begun before, and what is to be said of it.

    A damaged record is set aside. What was promoting then is known by the record of its promotion, and is
    continued.
    """
    ledger, run_id = context.ledger, request.run_id
    if request.attempts == 0 and not isinstance(request, Promote):
        ledger.begins_anew(run_id)
    else:
        ledger.has_begun(run_id)
    try:
        return ledger.recorded(run_id), ()
    except DamagedRecord:
        lost = f"An earlier record of this run was damaged; it is in {ledger.set_aside_run(run_id)}."
    if ledger.promotion(run_id) is None:
        return None, (lost,)
    run = None
    with suppress(DamagedRecord):
        run = ledger.submitted(run_id)
    run = run or Run.of(request, ledger.address(run_id), Status.PROMOTING)
    return run.evolve(warnings=(*run.warnings, lost)), (lost,)


def overtaken(request: RollBack, settings: Settings, context: Context) -> Run | None:
    """End every other promotion that is under way, before the pointer is moved for good.

    What only newer code can make is left to it. None is ended for a rollback that will not be made.

    Returns: one that could not be taken back yet, which the rollback has to wait for; None if there is none.
    """
    if not _may_be_made(request, context):
        return None
    others = [
        other.run_id
        for other in context.ledger.requests()
        if other.run_id != request.run_id and not isinstance(other, OfNewerCode)
    ]
    for run in filter(None, (_readable(run_id, context) for run_id in others)):
        if run.status is Status.PROMOTING:
            ended = overtake(run, request.run_id, settings, context)
            if ended.status is Status.PROMOTING:
                return ended
    return None


def _may_be_made(request: RollBack, context: Context) -> bool:
    """Whether the version that it is to replace is champion, or will be if an unconfirmed one is taken back."""
    if request.over is None:
        return True
    champion = context.ledger.pointer().champion
    if champion is None or champion.version == request.over:
        return True
    return champion.run_id in context.ledger.asked()


def _readable(run_id: str, context: Context) -> Run | None:
    """A run's record; None if there is none, or it is damaged. Raises: ServiceUnavailable."""
    with skipping():
        return context.ledger.recorded(run_id)
    return None


def is_over(run: Run, request: Request) -> bool:
    """Whether the run has come to the end that was asked for."""
    if isinstance(request, Promote) and run.status is Status.FAILED:
        return run.ends > request.ends
    return run.status.has_ended and not run.will_retry

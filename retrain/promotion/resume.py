"""Starts promotions and continues those that were begun: by the next trigger, by the two halves of a job, by hand.

A promotion ends as champion, or is taken back and on record as failed. Until one of the two is certain its run is
`promoting` and keeps its request, so the next trigger continues it.
"""

from __future__ import annotations

import time
import traceback
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import stamina

from retrain.errors import (
    Bug,
    Conflict,
    DamagedRecord,
    LockHeld,
    NotFound,
    PromotionFailed,
    RetrainError,
    ServiceUnavailable,
)
from retrain.ports import REGISTER
from retrain.promotion.jobs import look_after
from retrain.promotion.record import Promotion, hand_over
from retrain.promotion.steps import give_up, promote
from retrain.records.known import knowing
from retrain.records.request import Promote, Trigger
from retrain.records.run import Registered, Run, Status
from retrain.trace import tracing, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrain.errors import Killed
    from retrain.records.context import Context
    from retrain.settings import Settings

LOCK = "retrain"
TRACEBACK = "traceback.txt"
JOB_WAITS_SECONDS = 900  # for the lock: longer than a decision takes


def promote_run(run_id: str, settings: Settings, context: Context, half: str | None = None) -> Run:
    """Continue the promotion of a run that was killed or failed, and give the run.

    Args: half: which half a job carries out; None for all of it, by hand.
    Raises: LockHeld if a retrain is going on, which a job waits for; Conflict if the run was given up before its
        job reached this step; what `promote` raises, which is on record then.
    """
    with _lock(context, JOB_WAITS_SECONDS if half else 0):
        context = knowing(context)
        run = context.ledger.run(run_id)
        if half and run.status in (Status.DONE, Status.HELD):
            return run
        if half and run.status is not Status.PROMOTING:
            raise Conflict(f"run {run_id} is {run.status} and waits for no job: {run.reason or 'it is queued'}")
        if not half:
            _check_that_it_won(run)
            Promotion.of(run_id, context)
            with suppress(Conflict):  # it is asked for already
                trace = run.request.traceparent
                context.ledger.ask(Promote(run_id=run_id, trigger=run.trigger, ends=run.ends, traceparent=trace))
            context.ledger.record(run.promoting())
        with tracing(within(run.request.traceparent, run_id)):
            run, failure = _carry_out(run, settings, context, half)
        if failure is not None:
            raise failure
        return run


def _check_that_it_won(run: Run) -> None:
    """Raises: NotFound if the run reached another verdict, perhaps when it was made again after a kill."""
    failed_in_promotion = run.error is not None and run.error.is_of_a_promotion
    if run.status is Status.PROMOTING or run.has_promoted or failed_in_promotion:
        return
    is_waiting = run.status is Status.AWAITING
    state = run.status if is_waiting else run.verdict or run.status
    raise NotFound(f"run {run.run_id} has no model to promote: it is {state}. {run.reason}")


def overtake(run: Run, by: str, settings: Settings, context: Context) -> Run:
    """End a promotion that is under way, because the run `by` says which version is to answer.

    Returns: the run as it is on record: failed, or done if its champion was confirmed; promoting with trouble if it
        could not be taken back yet.
    """
    if context.jobs is not None:
        with suppress(RetrainError):  # a job that goes on finds its run failed, and does nothing
            context.jobs.cancel(run.run_id)
    return _given_up(run, PromotionFailed("", f"run {by} rolled back meanwhile", []), settings, context)


def start(run: Run, promotion: Promotion, settings: Settings, context: Context) -> Run:
    """Promote what a run has just submitted: by a job if there are jobs.

    Returns: the run as it is on record: done, failed, or promoting by a job or with trouble.
    Raises: ServiceError only if that cannot be recorded; the request is kept then.
    """
    run = run.promoting()

    def action() -> Run:
        if context.ledger.may_be_recorded(run.run_id):  # an earlier report must not outlive this
            context.ledger.record(run)
        if context.jobs is None or promotion.is_rollback:
            return _carry_out(run, settings, context)[0]
        began = time.perf_counter()
        hand_over(promotion, context.jobs, context)
        submitted = _timed(run.evolve(promotion=promotion.steps), "submit", began)
        context.ledger.record(submitted)
        return submitted

    return _guarded(run, action, settings, context)


def resume(run: Run, settings: Settings, context: Context, killed: Killed | None = None) -> Run:
    """Continue a promotion that was begun, while the lock is held.

    Args: killed: why it is not to be continued, but taken back.
    Returns, raises: as `start`.
    """

    def action() -> Run:
        if killed:
            raise killed
        return _resumed(run, settings, context)

    return _guarded(run, action, settings, context)


def may_pass(error: RetrainError) -> bool:
    """Whether a service is away, or somebody else was first: then the request is kept, and later ones wait."""
    return isinstance(error, ServiceUnavailable | Conflict)


@contextmanager
def _lock(context: Context, seconds: float) -> Iterator[None]:
    """Hold the lock; wait for it for so long. Raises: LockHeld if that takes too long."""
    with ExitStack() as held:
        for attempt in stamina.retry_context(LockHeld, attempts=None if seconds else 1, timeout=seconds or None):
            with attempt:
                held.enter_context(context.state.lock(LOCK))
        yield


def _guarded(run: Run, action: Callable[[], Run], settings: Settings, context: Context) -> Run:
    """The door of a promotion: whatever fails is on record, as the run's end or as its trouble."""
    try:
        return action()
    except RetrainError as error:
        known = error
    except Exception as error:  # noqa: BLE001 - a bug must neither lose the run nor hold up those behind it
        context.ledger.keep(run.run_id, TRACEBACK, traceback.format_exc())
        known = Bug(error)
    recorded = None
    with suppress(DamagedRecord):  # then it has not ended
        recorded = context.ledger.recorded(run.run_id)
    if recorded is not None and recorded.ends > run.ends:  # it had ended, and something failed after that
        return recorded
    if may_pass(known):
        return _in_trouble(run, known, context)
    return _given_up(run, known, settings, context)


def _in_trouble(run: Run, error: RetrainError, context: Context) -> Run:
    run = run.evolve(trouble=str(error))
    context.ledger.record(run)
    return run


def _resumed(run: Run, settings: Settings, context: Context) -> Run:
    if context.jobs is not None and run.trigger is not Trigger.ROLLBACK:
        job = look_after(run.run_id, context.jobs, settings, context)
        if not job.ended:
            if run.trouble:  # it has passed
                run = run.promoting()
                context.ledger.record(run)
            return run
        if job.failure:
            return _given_up(run, PromotionFailed("", job.failure, []), settings, context)
    return _carry_out(run, settings, context)[0]


def _given_up(run: Run, error: RetrainError, settings: Settings, context: Context) -> Run:
    """A promotion that ended without saying so itself: it is taken back, and its run has failed.

    Returns: the run with its trouble if it could not be taken back yet.
    """
    why = error.reason if isinstance(error, PromotionFailed) else str(error)
    try:
        failure = give_up(run, why, settings, context)
    except RetrainError as stuck:
        if may_pass(stuck):
            return _in_trouble(run, stuck, context)
        failure = PromotionFailed("taking back", f"{why}; {stuck}", [])
    if run.has_promoted:
        return _still_done(run, context)
    return context.finish(run.promoted(run.reason) if failure is None else run.failed(failure))


def _still_done(run: Run, context: Context) -> Run:
    """A run that was done before, and whose version could not be proven again, is done as it was."""
    run = run.promoted(run.reason)
    context.ledger.record(run)
    context.ledger.done(run.run_id)
    return run


def _carry_out(
    run: Run, settings: Settings, context: Context, half: str | None = None
) -> tuple[Run, PromotionFailed | None]:
    """Take the steps that are left, and record how they ended.

    Args: run: as it was before; if its version was champion before, a failure leaves it done.
    Returns: the run as it is on record, and the failure if there was one.
    Raises: what `promote` raises besides PromotionFailed; the run is still promoting then.
    """
    began = time.perf_counter()
    try:
        promoted = promote(run.run_id, settings, context, half)
    except PromotionFailed as error:
        if run.has_promoted:
            return _still_done(run, context), error
        return context.finish(_timed(run, "promote", began).failed(error)), error
    model, promotion = promoted.model, promoted.promotion
    registered = Registered(name=model.name, version=model.version, artifact_sha256=model.artifact_sha256)
    run = _timed(run.evolve(model=registered, promotion=promotion.steps), "promote", began)
    if half == REGISTER:
        context.ledger.record(run)
        return run, None
    if run.challenger is not None:
        run = run.evolve(challenger=run.challenger.evolve(version=model.version))
    return context.finish(run.promoted(promotion.reason)), None


def _timed(run: Run, stage: str, began: float) -> Run:
    return run.evolve(seconds={**run.seconds, stage: round(time.perf_counter() - began, 3)})

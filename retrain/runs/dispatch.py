"""One retrain at a time, and no event lost: every trigger writes its request down, then tries the lock.

The holder of the lock works off all requests and looks again after letting go, so a request that was written while
the lock was held is seen either by its holder or by the next one. A holder that was killed leaves its request, and
the next trigger takes it up; but not for ever, because the file may be what killed it.
"""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from retrain.errors import (
    Bug,
    ConfigError,
    Killed,
    LockHeld,
    RetrainError,
    ServiceError,
    ServiceUnavailable,
)
from retrain.promotion.record import submit_rollback
from retrain.promotion.resume import LOCK, TRACEBACK, may_pass, overtake, resume, start
from retrain.records.history import Histories
from retrain.records.landing import Quarantined
from retrain.records.quarantine import quarantine
from retrain.records.request import Promote, Repair, RollBack, file_of, shown_name
from retrain.records.run import Run, Status
from retrain.runs.draft import Draft
from retrain.runs.outcome import Behind, Left, Outcome
from retrain.runs.repairing import notice, repair
from retrain.runs.run import retrain

if TYPE_CHECKING:
    from retrain.promotion.record import Promotion
    from retrain.records.context import Context
    from retrain.records.request import Request
    from retrain.settings import Settings

MOST_DEATHS = 5  # as often as Azure Functions delivers an event


def work_off(settings: Settings, context: Context) -> Outcome:
    """Make every run that has been asked for, then deliver what has happened.

    A run that met a service in trouble keeps its request, and ends the round: what was asked later may be about the
    same days, and must not overtake it. So does a run that a job promotes: the next challenger is to be compared
    with the champion that comes of it. A rollback overtakes both: it says which version is to answer now.

    The champion's service is looked at first, and repaired by a run of its own if it does not answer.
    """
    outcome = _worked_off(settings, context)
    deliver(context)
    return outcome


def deliver(context: Context) -> None:
    """Bring the waiting events to the listeners. What cannot be delivered now is kept for the next round."""
    with suppress(RetrainError):
        context.ledger.outbox.deliver(context.listeners, context.ledger.recorded)


def _worked_off(settings: Settings, context: Context) -> Outcome:
    attempted: set[str] = set()
    ended: list[str] = []
    left: list[Left] = []

    def waiting() -> list[Request]:
        requests = [request for request in context.ledger.requests() if request.run_id not in attempted]
        return sorted(requests, key=_rank)

    while waiting():
        try:
            with context.state.lock(LOCK):
                if not attempted and not all(request.dry_run for request in waiting()):
                    notice(context)
                for request in waiting():
                    attempted.add(request.run_id)
                    found = _work(request, settings, context)
                    if found is None:
                        ended.append(request.run_id)
                        continue
                    left.append(found)
                    if found.ends_the_round:
                        left += [Left(each.run_id, found.behind, found.first, found.reason) for each in waiting()]
                        return Outcome(tuple(ended), tuple(left))
        except LockHeld:
            left += [Left(each.run_id, Behind.ANOTHER_PROCESS) for each in waiting()]
            break
    return Outcome(tuple(ended), tuple(left))


def _rank(request: Request) -> int:
    """A rollback overtakes all others; a service that does not answer is not left waiting for a decision."""
    return 0 if isinstance(request, RollBack) else 1 if isinstance(request, Repair) else 2


def _work(request: Request, settings: Settings, context: Context) -> Left | None:
    """Make a run, or continue one that was killed. None if it has ended."""
    ledger = context.ledger
    try:
        before = ledger.recorded(request.run_id)
    except ServiceUnavailable:
        raise
    except ServiceError as error:  # a damaged record holds up its own run and no other
        return Left(request.run_id, Behind.TROUBLE, reason=str(error))
    if before and _is_over(before, request):  # it was killed before it could remove its request
        ledger.done(request.run_id)
        return None
    begun = ledger.begin(request)
    if begun is None:  # somebody else took the lock over meanwhile and has made the run
        return None
    try:
        if isinstance(request, RollBack) and (ahead := _overtaken(request, settings, context)):
            return Left(request.run_id, Behind.TROUBLE, ahead.run_id, ahead.trouble or "")
        if before and (before.status is Status.PROMOTING or isinstance(request, Promote)):
            killed = _killed(request) if begun > MOST_DEATHS else None
            return _left_promoting(resume(before, settings, context, killed))
        if isinstance(request, Repair):
            repair(request, _killed(request) if begun > MOST_DEATHS else None, settings, context)
            return None
        return _make(request, begun, before.ends if before else 0, settings, context)
    finally:
        if begun <= MOST_DEATHS:
            with suppress(RetrainError):  # whatever has failed, this process is alive
                ledger.put_back(request)


def _overtaken(request: RollBack, settings: Settings, context: Context) -> Run | None:
    """End every other promotion that is under way, before the pointer is moved for good.

    Returns: one that could not be taken back yet, which the rollback has to wait for; None if there is none.
    """
    others = [other.run_id for other in context.ledger.requests() if other.run_id != request.run_id]
    for run in filter(None, (_readable(run_id, context) for run_id in others)):
        if run.status is Status.PROMOTING:
            ended = overtake(run, request.run_id, settings, context)
            if ended.status is Status.PROMOTING:
                return ended
    return None


def _readable(run_id: str, context: Context) -> Run | None:
    """A run's record; None if there is none, or it is damaged. Raises: ServiceUnavailable."""
    try:
        return context.ledger.recorded(run_id)
    except ServiceUnavailable:
        raise
    except ServiceError:
        return None


def _is_over(run: Run, request: Request) -> bool:
    """Whether the run has come to the end that was asked for."""
    if isinstance(request, Promote) and run.status is Status.FAILED:
        return run.ends > request.ends
    return run.status.has_ended and not run.will_retry


def _make(request: Request, begun: int, ends: int, settings: Settings, context: Context) -> Left | None:
    """The door of a run: whatever fails inside is recorded as its failure, and the champion stays.

    Args: ends: how often the run has ended before; its events must not get the same id twice.
    """
    draft = Draft(Run.of(request, context.ledger.address(request.run_id), ends=ends), context)
    try:
        if begun > MOST_DEATHS:
            _set_aside(request, begun, draft, context)
        if isinstance(request, RollBack):
            promotion: Promotion | None = submit_rollback(request.to, request.run_id, context)
        else:
            promotion = retrain(request, draft, settings, context)
    except RetrainError as error:
        return _failed(draft.run, error, context)
    except Exception as error:  # noqa: BLE001 - a bug must not open the gate nor lose the run
        context.ledger.keep(request.run_id, TRACEBACK, traceback.format_exc())
        return _failed(draft.run, Bug(error), context)
    if promotion is None:
        context.finish(draft.run.done())
        return None
    return _left_promoting(start(draft.run.evolve(reason=promotion.reason), promotion, settings, context))


def _failed(run: Run, error: RetrainError, context: Context) -> Left | None:
    """Record a failure. What may pass, or is a matter of settings, is tried again by the next trigger."""
    if may_pass(error):
        run = run.failed(error, will_retry=True)
        context.ledger.record(run)
        return Left(run.run_id, Behind.TROUBLE, run.run_id, run.reason)
    run = context.finish(run.failed(error, will_retry=isinstance(error, ConfigError)))
    return Left(run.run_id, Behind.TROUBLE, reason=run.reason) if run.will_retry else None


def _left_promoting(run: Run) -> Left | None:
    if run.status is not Status.PROMOTING:
        return None
    return Left(run.run_id, Behind.TROUBLE if run.trouble else Behind.JOB, run.run_id, run.trouble or "")


def _killed(request: Request) -> Killed:
    file = file_of(request)
    what = f"the run of {shown_name(file)}" if file else "the run"
    return Killed(
        f"{what} was begun {MOST_DEATHS} times, and its process ended in the middle each time: look in the log of "
        f"the host for an abort, or a lack of memory or time; then {'land it' if file else 'ask'} again"
    )


def _set_aside(request: Request, begun: int, draft: Draft, context: Context) -> NoReturn:
    """Put a copy of the request's file into quarantine, unless its days were accepted. Raises: Killed."""
    killed, file = _killed(request), file_of(request)
    first = begun == MOST_DEATHS + 1  # the copy may be what killed the next one
    log = Histories(context.state).log()
    if first and file and not log.landed_by(file, context.inbox.state(file)):
        place = quarantine(file, killed, request.run_id, context.inbox, context.state)
        draft.run = draft.run.evolve(landing=Quarantined(file=shown_name(file), quarantine=place))
    raise killed

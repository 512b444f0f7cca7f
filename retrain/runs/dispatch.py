"""One retrain at a time, and no event lost: every trigger writes its request down, then tries the lock.

The holder of the lock works off all requests and looks again after letting go, so a request that was written while
the lock was held is seen either by its holder or by the next one. A holder that was killed leaves its request, and
the next trigger takes it up; but not for ever, because the file may be what killed it.

Only a service that is away ends a round of work. Whatever else a request meets, such as a record that is damaged or
an object that the store refuses, concerns its own run.
"""

from __future__ import annotations

import traceback
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from retrain.errors import (
    Bug,
    ConfigError,
    Conflict,
    DamagedRecord,
    Killed,
    LockHeld,
    LockLost,
    RetrainError,
    ServiceError,
    ServiceUnavailable,
)
from retrain.promotion.record import submit_rollback
from retrain.promotion.resume import LOCK, TRACEBACK, overtake, resume, start
from retrain.records.base import skipping
from retrain.records.history import Histories
from retrain.records.landing import Quarantined
from retrain.records.quarantine import quarantine
from retrain.records.request import Land, Promote, Repair, RollBack, file_of, shown_name
from retrain.records.run import Run, Status
from retrain.runs.draft import Draft
from retrain.runs.outcome import Behind, Left, Outcome
from retrain.runs.repairing import notice, repair
from retrain.runs.run import retrain
from retrain.settings import under
from retrain.trace import tracing, within

if TYPE_CHECKING:
    from retrain.promotion.record import Promotion
    from retrain.records.context import Context
    from retrain.records.request import Request
    from retrain.settings import Settings

MOST_DEATHS = 5  # as often as Azure Functions delivers an event
MOST_CONFLICTS = 3  # of one run in a round


def work_off(settings: Settings, context: Context) -> Outcome:
    """Make every run that has been asked for, then deliver what has happened.

    A run that finds a service away keeps its request, and ends the round: what was asked later may be about the
    same days, and must not overtake it. So does a run that a job promotes: the next challenger is to be compared
    with the champion that comes of it. A rollback overtakes both: it says which version is to answer now.

    The champion's service is looked at first, and repaired by a run of its own if it does not answer.

    A process that loses the lock stops at once: the outcome says so, and what it had begun is another's to finish.

    Raises: ServiceUnavailable if the store is away.
    """
    outcome = _worked_off(settings, context)
    if not outcome.lost:
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

    seen: set[str] = set()  # also those that cannot be read here
    while not seen.issuperset(asked := context.ledger.asked()):
        try:
            with context.state.lock(LOCK):
                requests = waiting()
                if not seen and not all(request.dry_run for request in requests) and notice(context):
                    requests = waiting()  # the repair is among them
                seen.update(asked, (request.run_id for request in requests))
                for request in requests:
                    attempted.add(request.run_id)
                    found = _attempt(request, settings, context)
                    if found is None:
                        ended.append(request.run_id)
                        continue
                    left.append(found)
                    if found.ends_the_round:
                        left += [Left(each.run_id, found.behind, found.first, found.reason) for each in waiting()]
                        return Outcome(tuple(ended), tuple(left))
        except LockHeld:
            there = (run_id for run_id in context.ledger.asked() if run_id not in attempted)
            left += [Left(run_id, Behind.ANOTHER_PROCESS) for run_id in there]
            break
        except LockLost as lost:
            told = {*ended, *(each.run_id for each in left)}
            there = (run_id for run_id in context.ledger.asked() if run_id not in told)
            left += [Left(run_id, Behind.ANOTHER_PROCESS, reason=str(lost)) for run_id in there]
            return Outcome(tuple(ended), tuple(left), str(lost))
    return Outcome(tuple(ended), tuple(left))


def _rank(request: Request) -> int:
    """A rollback overtakes all others; a service that does not answer is not left waiting for a decision."""
    return 0 if isinstance(request, RollBack) else 1 if isinstance(request, Repair) else 2


def _attempt(request: Request, settings: Settings, context: Context) -> Left | None:
    """The door of a request: what the store refuses of its own objects holds up no other.

    Returns: None if its run has ended.
    Raises: ServiceUnavailable if the store is away.
    """
    try:
        with tracing(within(request.traceparent, request.run_id)):
            return _work(request, settings, context)
    except ServiceUnavailable:
        raise
    except RetrainError as error:
        return Left(request.run_id, Behind.TROUBLE, reason=str(error))
    except Exception as error:  # noqa: BLE001 - a bug in one run must not hold up the others
        with suppress(RetrainError):
            context.ledger.keep(request.run_id, TRACEBACK, traceback.format_exc())
        return Left(request.run_id, Behind.TROUBLE, reason=str(Bug(error)))


def _work(request: Request, settings: Settings, context: Context) -> Left | None:
    """Make a run, or continue one that was killed. None if it has ended."""
    ledger = context.ledger
    before, lost = _recorded(request, context)
    if before and not before.status.is_known:
        return Left(request.run_id, Behind.NEWER_CODE, reason=f"its status is {before.status}")
    if before and _is_over(before, request):  # it was killed before it could remove its request
        ledger.done(request.run_id)
        return None
    if before and before.is_wrongly_set:  # the settings may have been mended since it was asked for
        request = request.evolve(settings=settings.deciding)
    try:
        settings = under(settings, request.settings)
    except ConfigError as error:
        return Left(request.run_id, Behind.NEWER_CODE, reason=f"it was asked for under other settings: {error}")
    context = replace(context, asked_under=request.settings or context.asked_under)
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
        run = Run.of(request, ledger.address(request.run_id), ends=before.ends if before else 0)
        return _make(request, begun, run.evolve(warnings=lost), settings, context)
    finally:
        if begun <= MOST_DEATHS:
            with suppress(RetrainError):  # whatever has failed, this process is alive
                ledger.put_back(request)


def _recorded(request: Request, context: Context) -> tuple[Run | None, tuple[str, ...]]:
    """The record of a run that was begun before, and what is to be said of it.

    A damaged record is set aside. What was promoting then is known by the record of its promotion, and is
    continued.
    """
    ledger, run_id = context.ledger, request.run_id
    try:
        return ledger.recorded(run_id), ()
    except DamagedRecord:
        lost = f"An earlier record of this run was damaged; it is in {ledger.set_aside_run(run_id)}."
    if ledger.promotion(run_id) is None:
        return None, (lost,)
    run = Run.of(request, ledger.address(run_id), Status.PROMOTING)
    return run.evolve(warnings=(lost,)), (lost,)


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
    with skipping():
        return context.ledger.recorded(run_id)
    return None


def _is_over(run: Run, request: Request) -> bool:
    """Whether the run has come to the end that was asked for."""
    if isinstance(request, Promote) and run.status is Status.FAILED:
        return run.ends > request.ends
    return run.status.has_ended and not run.will_retry


def _make(request: Request, begun: int, run: Run, settings: Settings, context: Context) -> Left | None:
    """The door of a run: whatever fails inside is recorded as its failure, and the champion stays.

    Args: run: as it is before it is made.
    """
    draft = Draft(run, context)
    try:
        if begun > MOST_DEATHS:
            _set_aside(request, begun, draft, context)
        if isinstance(request, RollBack):
            promotion: Promotion | None = submit_rollback(request.to, request.run_id, context)
        else:
            promotion = _retrained(request, draft, settings, context)
    except RetrainError as error:
        return _failed(draft.run, error, request, context)
    except Exception as error:  # noqa: BLE001 - a bug must not open the gate nor lose the run
        context.ledger.keep(request.run_id, TRACEBACK, traceback.format_exc())
        return _failed(draft.run, Bug(error), request, context)
    draft.run = draft.run.evolve(warnings=tuple(dict.fromkeys((*run.warnings, *draft.run.warnings))))
    if promotion is None:
        context.finish(draft.run.done())
        return None
    return _left_promoting(start(draft.run.evolve(reason=promotion.reason), promotion, settings, context))


def _retrained(request: Request, draft: Draft, settings: Settings, context: Context) -> Promotion | None:
    """Make a run; again at once, a few times, if somebody else was first. Raises: RetrainError."""
    before = draft.run
    for _ in range(MOST_CONFLICTS - 1):
        try:
            return retrain(request, draft, settings, context)
        except Conflict:
            draft.run = before
    return retrain(request, draft, settings, context)


def _failed(run: Run, error: RetrainError, request: Request, context: Context) -> Left | None:
    """Record a failure. The next trigger tries again where a service is away or a setting is wrong.

    Of what the store refuses or cannot give, it tries a landing again, because its file still waits.
    """
    if isinstance(error, ServiceUnavailable):
        run = run.failed(error, will_retry=True)
        context.ledger.record(run)
        return Left(run.run_id, Behind.TROUBLE, run.run_id, run.reason)
    is_kept = isinstance(error, ServiceError | Conflict) and isinstance(request, Land)
    run = context.finish(run.failed(error, will_retry=is_kept or isinstance(error, ConfigError)))
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

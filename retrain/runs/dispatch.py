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
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

from retrain.errors import (
    Bug,
    ConfigError,
    Conflict,
    Killed,
    LockHeld,
    LockLost,
    RetrainError,
    ServiceError,
    ServiceUnavailable,
)
from retrain.promotion.resume import LOCK, TRACEBACK, resume, start
from retrain.records.base import skipping
from retrain.records.history import Histories
from retrain.records.known import knowing
from retrain.records.landing import Quarantined
from retrain.records.quarantine import quarantine
from retrain.records.request import ANSWERS, Land, OfNewerCode, Promote, Repair, RollBack, file_of, shown_name
from retrain.records.run import Run, Status
from retrain.runs.before import is_over, overtaken, recorded
from retrain.runs.draft import Draft
from retrain.runs.outcome import Behind, Left, Outcome
from retrain.runs.repairing import notice, repair
from retrain.runs.run import retrain
from retrain.runs.taking_back import rolled_back
from retrain.settings import mended, under
from retrain.trace import tracing, within

if TYPE_CHECKING:
    from retrain.promotion.record import Promotion
    from retrain.records.context import Context
    from retrain.records.request import Request
    from retrain.settings import Settings

MOST_DEATHS = 5  # as often as Azure Functions delivers an event
OTHERS_COME_WITHIN = timedelta(days=7)  # whoever knows more listeners: a timer is set to an hour or a day
FIRST = (RollBack,), (Repair, *ANSWERS), (Promote,)  # in this order, and then all others
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
    if not context.listeners:
        return
    with suppress(RetrainError):
        others_since = None if context.hears_all else context.now() - OTHERS_COME_WITHIN
        context.ledger.outbox.deliver(context.listeners, context.ledger.recorded, others_since)


def _worked_off(settings: Settings, context: Context) -> Outcome:
    attempted: set[str] = set()
    ended: list[str] = []
    left: list[Left] = []
    ledger = context.ledger
    asked = ledger.asked_lately()

    def waiting() -> list[Request]:
        requests = ledger.requests(run_id for run_id in asked if run_id not in attempted)
        return sorted(requests, key=_rank)

    seen: set[str] = set()  # also those that cannot be read here
    while not seen.issuperset(asked):
        try:
            with context.state.lock(LOCK):
                held, requests = knowing(context), waiting()
                if not seen and not all(request.dry_run for request in requests) and notice(held):
                    asked = ledger.asked_lately()
                    requests = waiting()  # the repair is among them
                seen.update(asked)
                while requests:
                    request = requests.pop(0)
                    attempted.add(request.run_id)
                    found = _attempt(request, settings, held)
                    if found is None:
                        ended.append(request.run_id)
                        if here := ledger.asked_here:  # what its run has asked for may come before what waits
                            attempted -= here  # a promotion has the name of its run
                            asked = ledger.asked()
                            seen.update(asked)
                            requests = waiting()
                        continue
                    left.append(found)
                    if found.ends_the_round:
                        asked = ledger.asked()
                        left += [Left(each.run_id, found.behind, found.first, found.reason) for each in waiting()]
                        return Outcome(tuple(ended), tuple(left))
            asked = ledger.asked()
        except LockHeld:
            there = (run_id for run_id in ledger.asked() if run_id not in attempted)
            left += [Left(run_id, Behind.ANOTHER_PROCESS) for run_id in there]
            break
        except LockLost as lost:
            told = {*ended, *(each.run_id for each in left)}
            there = (run_id for run_id in ledger.asked() if run_id not in told)
            left += [Left(run_id, Behind.ANOTHER_PROCESS, reason=str(lost)) for run_id in there]
            return Outcome(tuple(ended), tuple(left), str(lost))
    return Outcome(tuple(ended), tuple(left))


def _rank(request: Request) -> int:
    """A rollback overtakes all others; then what a person or a service waits for, then what was approved."""
    return next((at for at, kinds in enumerate(FIRST) if isinstance(request, kinds)), len(FIRST))


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
        return _waiting(request, Behind.TROUBLE, str(error), context)
    except Exception as error:  # noqa: BLE001 - a bug in one run must not hold up the others
        with suppress(RetrainError):
            context.ledger.keep(request.run_id, TRACEBACK, traceback.format_exc())
        return _waiting(request, Behind.TROUBLE, str(Bug(error)), context)


def _waiting(request: Request, behind: Behind, because: str, context: Context) -> Left:
    """A request whose run cannot be made here. Why stands on it, so far as that can be written."""
    with skipping(), suppress(Conflict):
        context.ledger.leave(request, because)
    return Left(request.run_id, behind, reason=because)


def _work(request: Request, settings: Settings, context: Context, *, is_read_anew: bool = False) -> Left | None:
    """Make a run, or continue one that was killed. None if it has ended."""
    ledger = context.ledger
    if isinstance(request, OfNewerCode):
        return Left(request.run_id, Behind.NEWER_CODE, reason=request.left_because)
    before, lost = recorded(request, context)
    if before and not before.status.is_known:
        return Left(request.run_id, Behind.NEWER_CODE, reason=f"its status is {before.status}")
    if before and is_over(before, request):  # it was killed before it could remove its request
        ledger.done(request.run_id)
        return None
    if before and before.is_wrongly_set:  # the settings may have been mended since it was asked for
        request = request.evolve(settings=mended(settings, request.settings))
    try:
        its_settings = under(settings, request.settings)
    except ConfigError as error:
        return _waiting(request, Behind.NEWER_CODE, f"it was asked for under other settings: {error}", context)
    request = request.evolve(left_because="")
    try:
        begun = ledger.begin(request)
    except Conflict:
        there = ledger.request(request.run_id)
        if there is None or is_read_anew:
            raise
        return _work(there, settings, context, is_read_anew=True)
    if begun is None:  # somebody else took the lock over meanwhile and has made the run
        return None
    has_ended = False
    try:
        its_own = replace(context, asked_under=its_settings.deciding)
        left = _begun(request, begun, before, lost, its_settings, its_own)
        has_ended = left is None
        return left
    finally:
        if begun <= MOST_DEATHS and not has_ended:
            with suppress(RetrainError):  # whatever has failed, this process is alive
                ledger.put_back(request)


def _begun(
    request: Request, begun: int, before: Run | None, lost: tuple[str, ...], settings: Settings, context: Context
) -> Left | None:
    """The same, once it is on record that it begins. Args: before, lost: see `recorded`."""
    killed = _killed(request) if begun > MOST_DEATHS else None
    if isinstance(request, RollBack) and (ahead := overtaken(request, settings, context)):
        return Left(request.run_id, Behind.TROUBLE, ahead.run_id, ahead.trouble or "")
    if before and (before.status is Status.PROMOTING or isinstance(request, Promote)):
        return _left_promoting(resume(before, settings, context, killed))
    if isinstance(request, Repair):
        repair(request, killed, settings, context)
        return None
    run = Run.of(request, context.ledger.address(request.run_id), ends=before.ends if before else 0)
    return _make(request, begun, run.evolve(warnings=lost), settings, context)


def _make(request: Request, begun: int, run: Run, settings: Settings, context: Context) -> Left | None:
    """The door of a run: whatever fails inside is recorded as its failure, and the champion stays.

    Args: run: as it is before it is made.
    """
    draft = Draft(run, context)
    try:
        if begun > MOST_DEATHS:
            _set_aside(request, begun, draft, context)
        if isinstance(request, RollBack):
            promotion: Promotion | None = rolled_back(request, draft, context)
        else:
            promotion = _retrained(request, draft, settings, context)
        draft.run = draft.run.evolve(warnings=tuple(dict.fromkeys((*run.warnings, *draft.run.warnings))))
        if promotion is not None:
            promotion.submit(draft.run, context)
    except RetrainError as error:
        return _failed(draft.run, error, request, context)
    except Exception as error:  # noqa: BLE001 - a bug must not open the gate nor lose the run
        context.ledger.keep(request.run_id, TRACEBACK, traceback.format_exc())
        return _failed(draft.run, Bug(error), request, context)
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

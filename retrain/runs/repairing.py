"""Services are looked after: each round of work looks at the champion's, and a run of its own repairs it.

A repair is a request like every other: it is stored, survives its process, and ends with a report and an event.
What fails in it holds up no other run; it is tried again later and later, and in the end left to a person.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrain.errors import (
    AccessDenied,
    Bug,
    Conflict,
    DamagedRecord,
    NotFound,
    RetrainError,
    ServiceError,
    ServiceUnavailable,
)
from retrain.promotion.look import Look, look
from retrain.promotion.repair import start_again
from retrain.records.registry import service_name
from retrain.records.request import Repair
from retrain.records.run import Run
from retrain.records.service_state import MOST_FAILURES, ServiceState, ServiceStates, State
from retrain.runs.asking import ask

if TYPE_CHECKING:
    from retrain.records.context import Context
    from retrain.settings import Settings


def notice(context: Context) -> bool:
    """Ask for a repair if the champion's service does not answer as it should. No failure here ends the round.

    Returns: whether a repair was asked for.
    """
    with suppress(RetrainError):
        champion = context.ledger.pointer().champion
        if champion is None:
            return False
        loaded = context.registry.load(context.registry.of_record(champion.version))
        found = look(champion.version, loaded, context.platform, attempts=1)  # its repair looks again
        if found.state is not State.ANSWERS:
            ask_for_repair(champion.version, context, found)
            return True
    return False


def ask_for_repair(version: str, context: Context, found: Look | None = None) -> str:
    """Ask for the repair of a version's service, at most once at a time.

    Args: found: what a look at it found, if there was one.
    Returns: the run that repairs it.
    Raises: ServiceError if it is not to be repaired: a person stopped it, or it failed too often or just now.
    """
    states, name = ServiceStates(context.state), service_name(context.registry.name, version)
    for _ in range(2):
        state, etag = states.read(name, version)
        if state.asked and _waits(state.asked, context):
            return state.asked
        if not state.may_try(context.now()):
            raise ServiceError(why_left(state))
        if found is not None and found.state is State.UNREACHABLE and state.state is State.UNREACHABLE:
            raise ServiceError(f"service {name} is not reachable from here: {found.reason}")
        request = ask(lambda run_id: Repair(run_id=run_id, version=version), context)
        try:
            states.write(state.evolve(asked=request.run_id), etag)
        except Conflict:  # another process asks at this moment
            context.ledger.done(request.run_id)
            continue
        return request.run_id
    return states.read(name, version)[0].asked


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a forecast that failed comes to: a message, and the run that repairs the service, if there is one."""

    message: str
    run_id: str = ""


def repair_after(error: ServiceError, context: Context) -> Wanted:
    """Ask for the repair of the champion's service, because a forecast could not be had from it."""
    try:
        champion = context.ledger.pointer().champion
        if champion is None or isinstance(error, AccessDenied | DamagedRecord):
            return Wanted(str(error))
        run_id = ask_for_repair(champion.version, context)
    except ServiceUnavailable:  # the store is away, and nothing can be asked for
        return Wanted(str(error))
    except RetrainError as left:
        return Wanted(f"{error}. {str(left)[:1].upper()}{str(left)[1:]}")
    return Wanted(f"{error}. Run {run_id} repairs the service", run_id)


def why_left(state: ServiceState) -> str:
    """Why no trigger starts a service again, and what a person can do."""
    restart = f"`retrain services --restart {state.name}` starts it"
    if state.is_stopped:
        return f"service {state.name} was stopped by a person at {state.since:%Y-%m-%d %H:%M} UTC; {restart}"
    if state.is_given_up:
        return (
            f"service {state.name} could not be started {MOST_FAILURES} times ({state.trouble}); remove the cause, "
            f"then {restart}"
        )
    at = f"{state.tried:%H:%M:%S} UTC"
    return f"service {state.name} could not be started at {at} ({state.trouble}); it is tried again"


def repair(request: Repair, begun_too_often: RetrainError | None, settings: Settings, context: Context) -> Run:
    """Make the run of a repair: look, start again, prove. It ends here, whatever fails.

    Args: begun_too_often: the error if its process ended in the middle of it each time.
    """
    run = Run.of(request, context.ledger.address(request.run_id))
    try:
        if begun_too_often is not None:
            raise begun_too_often
        return context.finish(run.done(reason=_repaired(request, settings, context)))
    except RetrainError as error:
        return context.finish(run.failed(error))
    except Exception as error:  # noqa: BLE001 - a bug in looking after a service must not hold up the runs behind it
        return context.finish(run.failed(Bug(error)))


def _repaired(request: Repair, settings: Settings, context: Context) -> str:
    """What was found and done, in a sentence."""
    name = service_name(context.registry.name, request.version)
    model = context.registry.of_record(request.version)
    loaded = context.registry.load(model)
    found = look(request.version, loaded, context.platform, attempts=1)  # whoever asked has looked
    states = ServiceStates(context.state)
    state, _ = states.read(name, request.version)
    if not request.by_person:
        if found.state is State.ANSWERS:
            _note_answer(state, states, context)
            return f"Service {name} answers; nothing was done."
        if state.is_stopped or state.is_given_up:
            raise ServiceError(why_left(state))
        if found.state is State.UNREACHABLE:
            states.write(state.evolve(state=found.state, since=context.now(), trouble=found.reason))
            raise ServiceError(
                f"service {name} does not answer from here, although its platform, which restarts a service that "
                f"hangs, says that it runs: {found.reason}. Check the network; `retrain services --restart {name}` "
                "replaces it"
            )
    tried = state.trying(found.state, context.now())
    states.write(tried)
    try:
        service = start_again(model, loaded, found, settings, context, anew=state.failures > 0)
        _point_to(name, request.version, context)
    except RetrainError as error:
        states.write(tried.evolve(trouble=str(error)))
        lines = " | ".join(_last_lines(name, context))
        raise ServiceError(
            f"service {name} was {found.state}, and could not be started again: {error}. {lines}"
        ) from error
    states.write(tried.answering(context.now()))
    was = "was asked to be restarted" if found.state is State.ANSWERS else f"was not answering ({found.state})"
    return f"Service {name} {was}; it was started again and answers at {service.url}."


def _note_answer(state: ServiceState, states: ServiceStates, context: Context) -> None:
    """It answers, although something else is on record of it."""
    if state.state is not State.ANSWERS and not state.is_stopped:
        states.write(state.evolve(state=State.ANSWERS, since=context.now(), failures=0, tried=None, trouble=""))


def _point_to(name: str, version: str, context: Context) -> None:
    champion = context.ledger.pointer().champion
    if champion is not None and champion.version == version:
        context.platform.point_to(name)


def _last_lines(name: str, context: Context) -> list[str]:
    with suppress(RetrainError):
        return context.platform.log(name)[-3:]
    return []


def _waits(run_id: str, context: Context) -> bool:
    """Whether a run has not ended."""
    try:
        return not context.ledger.run(run_id).status.has_ended
    except NotFound:
        return False

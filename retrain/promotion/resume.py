"""Goes on with promotions that were begun: by the next trigger, by the halves of a job, by hand, and back again.

A promotion ends as champion, or is taken back and on record as failed. Until one of the two is certain its run is
`promoting` and keeps its request, so that the next trigger sees to it.
"""

from __future__ import annotations

import traceback
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import stamina

from retrain.errors import Bug, Conflict, Killed, LockHeld, PromotionFailed, RetrainError, ServiceError
from retrain.ports import REGISTER
from retrain.promotion.jobs import look_after
from retrain.promotion.record import Promotion, submit_rollback
from retrain.promotion.steps import give_up, promote
from retrain.records.ledger import Ledger
from retrain.records.request import Request, Trigger
from retrain.records.run import RunReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.ports import Ports
    from retrain.settings import Settings

LOCK = "retrain"
JOB_WAITS_SECONDS = 900  # for the lock: longer than a decision takes


def promote_run(run_id: str, settings: Settings, ports: Ports, half: str | None = None) -> dict[str, Any]:
    """Go on with the promotion of a run that was killed or failed, and give its report.

    Args: half: which half a job makes; None for all of it, by hand.
    Raises: LockHeld if a retrain is going on, which a job waits for; Conflict if the run was given up before its
        job came to this; what `promote` raises, which is on record then.
    """
    with _lock(ports, JOB_WAITS_SECONDS if half else 0):
        ledger = Ledger(ports.state)
        report = ledger.run(run_id)
        if half and report["status"] == "done":
            return report
        if half and report["status"] != "promoting":
            raise Conflict(f"run {run_id} waits for no job any more: {report.get('reason', 'it is queued')}")
        request = Request(run_id, Trigger(report["trigger"]))
        if not half:
            Promotion.of(run_id, ports)
            _begin(request, report, ledger)
        return _go_on(request, report, settings, ports, half)


def roll_back(to: str | None, settings: Settings, ports: Ports) -> dict[str, Any]:
    """Make an earlier version champion again, and give the report of that.

    Raises: LockHeld if a retrain is going on; NotFound if there is no such version; what `promote` raises, which is
        on record then.
    """
    with _lock(ports, 0):
        ledger = Ledger(ports.state)
        request = Request(ledger.name_run(ports.now()), Trigger.ROLLBACK, note=f"to {to}" if to else None)
        report = RunReport(request, ledger.address(request.run_id), promoting=True)
        try:
            report.reason = submit_rollback(to, request.run_id, settings, ports)
        except RetrainError as error:
            report.failed(error)
            ledger.record(request.run_id, report.as_json())
            raise
        begun = report.as_json()
        _begin(request, begun, ledger)
        return _go_on(request, begun, settings, ports)


def pursue(
    request: Request, report: dict[str, Any], settings: Settings, ports: Ports, killed: Killed | None = None
) -> bool:
    """The door of a promotion that was begun, while the lock is held.

    Args: killed: why it is not to be gone on with, but taken back.
    Returns: False if the round should end: a job is making it, or a service is in trouble, which is then on record.
    """
    ledger = Ledger(ports.state)
    had_trouble = report.pop("trouble", None) is not None
    try:
        if killed:
            raise killed
        return _pursue(request, report, settings, ports, had_trouble=had_trouble)
    except RetrainError as error:
        told = error
    except Exception as error:  # noqa: BLE001 - a bug must neither lose the run nor hold up those behind it
        ledger.keep_traceback(request.run_id, traceback.format_exc())
        told = Bug(error)
    if (ledger.report(request.run_id) or report)["status"] != "promoting":
        return True
    if in_trouble(told):
        ledger.record(request.run_id, report | {"trouble": str(told)})
        return False
    return _given_up(request, report, told, settings, ports)


def in_trouble(error: RetrainError) -> bool:
    """Whether a service failed in a way that may pass, so that the request should be kept."""
    return isinstance(error, ServiceError | Conflict) and not isinstance(error, PromotionFailed)


def under_way(ports: Ports) -> str | None:
    """The run that a job is promoting, as far as is known; every later request waits for its end."""
    ledger = Ledger(ports.state)
    for request in ledger.requests() if ports.jobs is not None else []:
        report = ledger.report(request.run_id)
        if report is not None and report["status"] == "promoting":
            return None if "trouble" in report else request.run_id
    return None


@contextmanager
def _lock(ports: Ports, seconds: float) -> Iterator[None]:
    """Hold the lock, for which somebody may have to be waited. Raises: LockHeld if that takes too long."""
    with ExitStack() as held:
        for attempt in stamina.retry_context(LockHeld, attempts=None if seconds else 1, timeout=seconds or None):
            with attempt:
                held.enter_context(ports.state.lock(LOCK))
        yield


def _begin(request: Request, report: dict[str, Any], ledger: Ledger) -> None:
    """Write down what a person asks for, so that being killed does not leave it half done."""
    with suppress(Conflict):  # it is asked for already
        ledger.ask(request)
    ledger.record(request.run_id, report | {"status": "promoting"})


def _pursue(
    request: Request, report: dict[str, Any], settings: Settings, ports: Ports, *, had_trouble: bool
) -> bool:
    if ports.jobs is not None and request.trigger is not Trigger.ROLLBACK:
        job = look_after(request.run_id, ports.jobs, settings, ports)
        if not job.ended:
            if had_trouble:  # it has passed
                Ledger(ports.state).record(request.run_id, report)
            return False
        if job.failure:
            return _given_up(request, report, PromotionFailed("", job.failure, []), settings, ports)
    _go_on(request, report, settings, ports)
    return True


def _given_up(
    request: Request, report: dict[str, Any], error: RetrainError, settings: Settings, ports: Ports
) -> bool:
    """A promotion came to nothing and did not say so itself: it is taken back, and its run has failed.

    Returns: False if it could not be taken back yet, which is on record then.
    """
    ledger = Ledger(ports.state)
    why = error.reason if isinstance(error, PromotionFailed) else str(error)
    try:
        failure = give_up(request.run_id, why, settings, ports)
    except RetrainError as stuck:
        if in_trouble(stuck):
            ledger.record(request.run_id, report | {"trouble": str(stuck)})
            return False
        failure = PromotionFailed("taking back", f"{why}; {stuck}", [])
    if failure is not None:
        _fail(request, report, failure, ledger)
    else:
        ledger.record(request.run_id, report | {"status": "done"})
    ledger.done(request)
    return True


def _go_on(
    request: Request, report: dict[str, Any], settings: Settings, ports: Ports, half: str | None = None
) -> dict[str, Any]:
    """Make a promotion again that was begun, and bring its report up to date.

    Raises: what `promote` raises. PromotionFailed is on record then, unless the run had ended well before; after
        anything else the run is promoting still.
    """
    ledger = Ledger(ports.state)
    try:
        model = promote(request.run_id, settings, ports, half)
    except PromotionFailed as error:
        if report["status"] == "done":
            ledger.record(request.run_id, report)
        else:
            _fail(request, report, error, ledger)
        ledger.done(request)
        raise
    promotion = Promotion.of(request.run_id, ports)
    report |= {"model": model.as_json(), "promotion": promotion.steps}
    if half != REGISTER:
        verdict = None if request.trigger is Trigger.ROLLBACK else "promote"
        report |= {"status": "done", "verdict": verdict, "reason": promotion.reason}
        report.pop("error", None)
    ledger.record(request.run_id, report)
    if half != REGISTER:
        ledger.done(request)
    return report


def _fail(request: Request, report: dict[str, Any], error: RetrainError, ledger: Ledger) -> None:
    failure = {"status": "failed", "verdict": None, "reason": str(error), "error": error.as_json()}
    ledger.record(request.run_id, report | failure)

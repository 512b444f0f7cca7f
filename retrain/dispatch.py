"""One retrain at a time, and no event lost: every trigger writes its request down, then tries the lock.

Whoever holds the lock works off all requests and looks again after letting go, so a request that was written
while the lock was held is seen either by its holder or by the next one. A holder that was killed leaves its
request behind, and the next trigger takes it up.
"""

from __future__ import annotations

import traceback
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import stamina

from retrain.errors import (
    Bug,
    ConfigError,
    Conflict,
    LockHeld,
    PromotionFailed,
    RetrainError,
    ServiceError,
    Unsettled,
)
from retrain.ledger import Ledger
from retrain.promotion import REGISTER, give_up, promote, rollback
from retrain.report import RunReport
from retrain.service import retrain
from retrain.submission import Promotion
from retrain.supervision import look_after
from retrain.trigger import Request, Trigger, new_run_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.ports import Ports
    from retrain.settings import Settings

LOCK = "retrain"
JOB_WAITS_SECONDS = 900  # for the lock: longer than a decision takes


def ask(
    trigger: Trigger,
    ports: Ports,
    *,
    run_id: str | None = None,
    file: str | None = None,
    force: bool = False,
    dry_run: bool = False,
    note: str | None = None,
) -> Request:
    """Write a request down. From here on it will be worked off, by whoever holds the lock next."""
    request = Request(run_id or new_run_id(ports.now()), trigger, file, force, dry_run, note)
    Ledger(ports.state).ask(request)
    return request


def work_off(settings: Settings, ports: Ports) -> bool:
    """Make every run that has been asked for; False if another process holds the lock and will do so.

    A run that met a service in trouble keeps its request, and ends the round: what was asked later may speak of the
    same days, and must not be overtaken. So does a run that a job is promoting: who comes next is to be measured
    against whoever is champion then.
    """
    ledger = Ledger(ports.state)
    attempted: set[str] = set()

    def waiting() -> list[Request]:
        return [request for request in ledger.requests() if request.run_id not in attempted]

    while waiting():
        try:
            with ports.state.lock(LOCK):
                for request in waiting():
                    attempted.add(request.run_id)
                    if not _run(request, settings, ports):
                        return True
        except LockHeld:
            return False
    return True


def under_way(ports: Ports) -> str | None:
    """The run that a job is promoting, for whose end every later request waits."""
    ledger = Ledger(ports.state)
    for request in ledger.requests() if ports.jobs is not None else []:
        report = ledger.report(request.run_id)
        if report is not None and report["status"] == "promoting":
            return request.run_id
    return None


def promote_run(run_id: str, settings: Settings, ports: Ports, half: str | None = None) -> dict[str, Any]:
    """Go on with the promotion of a run that was killed or failed, and give its report.

    Args: half: which half a job makes; None for all of it, by hand.
    Raises: LockHeld if a retrain is going on, which a job waits for; Conflict if the run was given up before its
        job came to this; what `promote` raises, which is on record then.
    """
    with _lock(ports, JOB_WAITS_SECONDS if half else 0):
        report = Ledger(ports.state).run(run_id)
        if half and report["status"] == "done":
            return report
        if half and report["status"] != "promoting":
            raise Conflict(f"run {run_id} waits for no job any more: {report.get('reason', 'it is queued')}")
        return _go_on(Request(run_id, Trigger(report["trigger"])), report, settings, ports, half)


@contextmanager
def _lock(ports: Ports, seconds: float) -> Iterator[None]:
    """Hold the lock, for which somebody may have to be waited. Raises: LockHeld if that takes too long."""
    with ExitStack() as held:
        for attempt in stamina.retry_context(LockHeld, attempts=None if seconds else 1, timeout=seconds or None):
            with attempt:
                held.enter_context(ports.state.lock(LOCK))
        yield


def roll_back(to: str | None, settings: Settings, ports: Ports) -> dict[str, Any]:
    """Make an earlier version champion again, and give the report of that.

    Raises: LockHeld if a retrain is going on; what `rollback` raises, which is on record then.
    """
    request = Request(new_run_id(ports.now()), Trigger.ROLLBACK, note=f"to {to}" if to else None)
    ledger = Ledger(ports.state)
    report = RunReport(request, artifacts=ledger.address(request.run_id))
    with ports.state.lock(LOCK):
        try:
            report.model = rollback(to, request.run_id, settings, ports)
        except RetrainError as error:
            report.failed(error)
            ledger.record(request.run_id, report.as_json())
            raise
        report.reason = (ledger.promotion(request.run_id) or {}).get("reason", "")
        ledger.record(request.run_id, report.as_json())
    return report.as_json()


def _run(request: Request, settings: Settings, ports: Ports) -> bool:
    """The door of a run: whatever fails inside becomes a recorded failure, and the champion stays.

    Returns: False if a service was in trouble, so that the round should end.
    """
    ledger = Ledger(ports.state)
    before = ledger.report(request.run_id)
    ended = before["status"] if before else None
    if before and ended == "promoting":  # it was killed on its way to the champion, or a job takes it there
        return _pursued(request, before, settings, ports)
    if ended == "done":  # it was killed with its request in its hand
        ledger.done(request)
        return True
    report = RunReport(request, artifacts=ledger.address(request.run_id))
    keep = in_trouble = False
    try:
        retrain(request, settings, ports, report)
    except Unsettled as error:
        report.reason, keep, in_trouble = str(error), True, True  # still promoting
    except RetrainError as error:
        in_trouble = _in_trouble(error)
        keep = in_trouble or isinstance(error, ConfigError)
        report.failed(error)
    except Exception as error:  # noqa: BLE001 - a bug must not open the gate nor lose the run
        ledger.keep_traceback(request.run_id, traceback.format_exc())
        report.failed(Bug(error))
    ledger.record(request.run_id, report.as_json())
    waits = report.promoting and report.error is None
    if not keep and not waits:
        ledger.done(request)
    return not in_trouble and not waits


def _in_trouble(error: RetrainError) -> bool:
    """Whether a service failed in a way that may pass, so that the request should be kept."""
    return isinstance(error, ServiceError | Conflict) and not isinstance(error, PromotionFailed)


def _pursued(request: Request, report: dict[str, Any], settings: Settings, ports: Ports) -> bool:
    """The door of a promotion that was begun; False if the round should end."""
    ledger = Ledger(ports.state)
    try:
        return _pursue(request, report, settings, ports)
    except RetrainError as error:
        if _in_trouble(error):
            return False
        if (ledger.report(request.run_id) or report)["status"] == "promoting":
            _fail(request, report, error, ports)
            ledger.done(request)
        return True
    except Exception as error:  # noqa: BLE001 - a bug must neither lose the run nor hold up those behind it
        ledger.keep_traceback(request.run_id, traceback.format_exc())
        _give_up(request, report, str(Bug(error)), settings, ports)
        return True


def _pursue(request: Request, report: dict[str, Any], settings: Settings, ports: Ports) -> bool:
    """See to a promotion that was begun; False while a job is making it.

    Raises: what going on with it raises.
    """
    if ports.jobs is not None:
        job = look_after(request.run_id, ports.jobs, settings, ports)
        if not job.ended:
            return False
        if job.failure:
            _give_up(request, report, job.failure, settings, ports)
            return True
    _go_on(request, report, settings, ports)
    return True


def _give_up(request: Request, report: dict[str, Any], failure: str, settings: Settings, ports: Ports) -> None:
    """A promotion came to nothing and did not say so itself: its run has failed, and what it left behind goes."""
    step = give_up(request.run_id, failure, settings, ports)
    _fail(request, report, PromotionFailed(step, failure, []), ports)
    Ledger(ports.state).done(request)


def _fail(request: Request, report: dict[str, Any], error: RetrainError, ports: Ports) -> None:
    failure = {"status": "failed", "verdict": None, "reason": str(error), "error": error.as_json()}
    Ledger(ports.state).record(request.run_id, report | failure)


def _go_on(
    request: Request, report: dict[str, Any], settings: Settings, ports: Ports, half: str | None = None
) -> dict[str, Any]:
    """Make a promotion again that was begun, and bring its report up to date.

    Raises: what `promote` raises, which is on record then, unless the run had ended well before.
    """
    ledger = Ledger(ports.state)
    try:
        model = promote(request.run_id, settings, ports, half)
    except Unsettled as error:
        ledger.record(request.run_id, report | {"reason": str(error)})
        raise
    except RetrainError as error:
        if report["status"] != "done":
            _fail(request, report, error, ports)
        if half or not _in_trouble(error):  # a job is not made twice; the next trigger decides anew
            ledger.done(request)
        raise
    promotion = Promotion.of(request.run_id, ports)
    report |= {"model": model.as_json(), "promotion": promotion.steps}
    if half != REGISTER:
        report |= {"status": "done", "verdict": "promote", "reason": promotion.reason}
        report.pop("error", None)
    ledger.record(request.run_id, report)
    if half != REGISTER:
        ledger.done(request)
    return report

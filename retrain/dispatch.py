"""One retrain at a time, and no event lost: every trigger writes its request down, then tries the lock.

Whoever holds the lock works off all requests and looks again after letting go, so a request that was written
while the lock was held is seen either by its holder or by the next one. A holder that was killed leaves its
request behind, and the next trigger takes it up.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from retrain.errors import Conflict, LockHeld, PromotionFailed, RetrainError, ServiceUnavailable
from retrain.ledger import Ledger
from retrain.promotion import promote, rollback
from retrain.report import RunReport
from retrain.service import retrain
from retrain.trigger import Request, Trigger, new_run_id

if TYPE_CHECKING:
    from retrain.ports import Ports
    from retrain.settings import Settings

LOCK = "retrain"


def ask(
    trigger: Trigger,
    ports: Ports,
    *,
    file: str | None = None,
    force: bool = False,
    dry_run: bool = False,
    note: str | None = None,
) -> Request:
    """Write a request down. From here on it will be worked off, by whoever holds the lock next."""
    request = Request(new_run_id(ports.now()), trigger, file, force, dry_run, note)
    Ledger(ports.state).ask(request)
    return request


def work_off(settings: Settings, ports: Ports) -> bool:
    """Make every run that has been asked for; False if another process holds the lock and will do so.

    A run that met a service which may come back keeps its request, for the next trigger.
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
                    _run(request, settings, ports)
        except LockHeld:
            return False
    return True


def promote_run(run_id: str, settings: Settings, ports: Ports) -> dict[str, Any]:
    """Go on with the promotion of a run that was killed or failed, and give its report.

    Raises: LockHeld if a retrain is going on; what `promote` raises, which is on record then.
    """
    ledger = Ledger(ports.state)
    with ports.state.lock(LOCK):
        report = ledger.run(run_id)
        try:
            model = promote(run_id, settings, ports)
        except PromotionFailed as error:
            ledger.record(run_id, report | {"status": "failed", "reason": str(error), "error": error.as_json()})
            raise
        reason = (ledger.promotion(run_id) or {}).get("reason", "")
        report |= {"status": "done", "verdict": "promote", "reason": reason, "model": model.as_json()}
        report.pop("error", None)
        ledger.record(run_id, report)
        ledger.done(Request(run_id, Trigger(report["trigger"])))
    return report


def roll_back(to: str | None, settings: Settings, ports: Ports) -> dict[str, Any]:
    """Make an earlier version champion again, and give the report of that.

    Raises: LockHeld if a retrain is going on; what `rollback` raises, which is on record then.
    """
    request = Request(new_run_id(ports.now()), Trigger.ROLLBACK, note=f"to {to}" if to else None)
    ledger = Ledger(ports.state)
    report = RunReport(request, artifacts=ledger.address(request.run_id))
    with ports.state.lock(LOCK):
        before = ledger.pointer().champion
        try:
            report.model = rollback(to, request.run_id, settings, ports)
            report.reason = f"Back from version {before.version if before else 'none'} to {report.model.version}."
        except RetrainError as error:
            report.failed(error)
            raise
        finally:
            ledger.record(request.run_id, report.as_json())
    return report.as_json()


def _run(request: Request, settings: Settings, ports: Ports) -> None:
    """The door of a run: whatever fails inside becomes a recorded failure, and the champion stays."""
    ledger = Ledger(ports.state)
    report = RunReport(request, artifacts=ledger.address(request.run_id))
    may_pass = False
    try:
        retrain(request, settings, ports, report)
    except RetrainError as error:
        may_pass = isinstance(error, ServiceUnavailable | Conflict)
        report.failed(error)
    except Exception as error:  # noqa: BLE001 - a bug must not open the gate nor lose the run
        report.failed(RetrainError(f"{type(error).__name__}: {error}; this is a bug, please report it"))
        report.error = {**(report.error or {}), "traceback": traceback.format_exc()}
    ledger.record(request.run_id, report.as_json())
    if not may_pass:
        ledger.done(request)

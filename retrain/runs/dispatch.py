"""One retrain at a time, and no event lost: every trigger writes its request down, then tries the lock.

Whoever holds the lock works off all requests and looks again after letting go, so a request that was written
while the lock was held is seen either by its holder or by the next one. A holder that was killed leaves its
request behind, and the next trigger takes it up; but not for ever, for what killed it may be in the file.
"""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from retrain.data.landings import quarantine, taken_in
from retrain.errors import Bug, ConfigError, Conflict, Killed, LockHeld, PromotionFailed, RetrainError
from retrain.promotion.resume import LOCK, in_trouble, pursue
from retrain.records.ledger import Ledger
from retrain.records.request import Request, Trigger, shown_name
from retrain.records.run import RunReport
from retrain.runs.run import retrain

if TYPE_CHECKING:
    from retrain.ports import Ports
    from retrain.settings import Settings

MOST_DEATHS = 5  # as often as Azure Functions delivers an event


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
    ledger = Ledger(ports.state)
    while True:
        request = Request(run_id or ledger.name_run(ports.now()), trigger, file, force, dry_run, note)
        try:
            ledger.ask(request)
        except Conflict:  # somebody else was given the same name in the same instant
            if run_id is not None:
                raise
        else:
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


def _run(request: Request, settings: Settings, ports: Ports) -> bool:
    """Make a run, or go on with one that was killed.

    Returns: False if the round should end: a service was in trouble, or a promotion is under way.
    """
    ledger = Ledger(ports.state)
    before = ledger.report(request.run_id)
    if before is None and request.trigger is Trigger.ROLLBACK:  # it was killed before its first report
        before = RunReport(request, ledger.address(request.run_id), promoting=True).as_json()
    if before and before["status"] == "done":  # it was killed with its request in its hand
        ledger.done(request)
        return True
    begun = ledger.begin(request)
    if begun is None:  # whoever took the lock over meanwhile has worked it off
        return True
    try:
        if before and before["status"] == "promoting":  # on its way to the champion, or a job takes it there
            return pursue(request, before, settings, ports, _killed(request) if begun > MOST_DEATHS else None)
        return _made(request, begun, settings, ports)
    finally:
        if begun <= MOST_DEATHS:
            with suppress(RetrainError):  # whatever has failed, this process is alive
                ledger.ended(request)


def _made(request: Request, begun: int, settings: Settings, ports: Ports) -> bool:
    """The door of a run: whatever fails inside becomes a recorded failure, and the champion stays."""
    ledger = Ledger(ports.state)
    report = RunReport(request, artifacts=ledger.address(request.run_id))
    trouble: RetrainError | None = None
    try:
        if begun > MOST_DEATHS:
            _set_aside(request, begun, ports, report)
        retrain(request, settings, ports, report)
    except PromotionFailed as error:
        report.failed(error)
    except RetrainError as error:
        trouble = error
    except Exception as error:  # noqa: BLE001 - a bug must not open the gate nor lose the run
        ledger.keep_traceback(request.run_id, traceback.format_exc())
        trouble = Bug(error)
    if trouble is not None and not report.promoting:
        report.failed(trouble)
    # A promotion that neither succeeded nor failed is pursued by the next trigger.
    promoting = report.promoting and report.error is None
    ledger.record(request.run_id, report.as_json() | ({"trouble": str(trouble)} if trouble and promoting else {}))
    passing = trouble is not None and in_trouble(trouble)
    if not (promoting or passing or isinstance(trouble, ConfigError)):
        ledger.done(request)
    return not (promoting or passing)


def _killed(request: Request) -> Killed:
    what = f"the run of {shown_name(request.file)}" if request.file else "the run"
    return Killed(
        f"{what} was begun {MOST_DEATHS} times, and its process ended in the middle each time: look in the log of "
        f"the host for an abort, or a lack of memory or time; then {'land it' if request.file else 'ask'} again"
    )


def _set_aside(request: Request, begun: int, ports: Ports, report: RunReport) -> NoReturn:
    """Lay a copy of the request's file into quarantine, unless its days were accepted. Raises: Killed."""
    killed = _killed(request)
    first = begun == MOST_DEATHS + 1  # the copy may be what killed the next one
    if first and request.file and taken_in(request.file, ports.inbox.state(request.file), ports) is None:
        place = quarantine(request.file, killed, request.run_id, ports)
        report.quarantined(shown_name(request.file), place)
    raise killed

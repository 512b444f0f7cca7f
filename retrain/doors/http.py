"""What the Function App's triggers call: parse, connect, hand over; over HTTP, answer in problem+json."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retrain.doors.champion_forecast import MOST_DAYS, champion_forecast
from retrain.errors import RetrainError, ServiceError, ServiceTimeout, ServiceUnavailable, UsageError
from retrain.records.history import Histories
from retrain.records.request import Accept, Drop, Evaluate, Land, Trigger, named_run
from retrain.records.run import Status
from retrain.runs import asking, dispatch
from retrain.runs.inbox import is_marker, trouble_with_unseen
from retrain.runs.outcome import Behind, Outcome
from retrain.runs.repairing import repair_after
from retrain.runs.settle import held_by
from retrain.settings import parse
from retrain.telemetry.channel import LogLines, measure
from retrain.wiring import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.records.context import Context
    from retrain.records.request import Request
    from retrain.settings import Settings

BODY_BYTES = 64 << 10
NEWEST_AT_MOST = 100
MOST_HELD_DAYS = 10_000
MOST_DIGITS = 3
ANSWERS = ("approve", "reject")
MAY_PASS = {502, 503, 504}
STATUS_OF = {"usage": 400, "not_found": 404, "conflict": 409, "service": 503}
log = logging.getLogger("retrain")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, before it is the platform's own type."""

    status: int
    body: dict[str, Any] | str
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class _Ask(BaseModel):
    """The body of `POST /api/retrain`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    force: bool = False
    dry_run: bool = False
    reason: str | None = Field(None, max_length=500)


class _Decide(BaseModel):
    """The body of `POST /api/runs/{id}/accept` and `/drop`: the days, or none for all that are held."""

    model_config = ConfigDict(extra="forbid", strict=True)

    days: tuple[date, ...] = Field((), max_length=MOST_HELD_DAYS)
    reason: str | None = Field(None, max_length=500)


def on_event(make: Callable[[str], Request]) -> None:
    """Retrain because something happened.

    Args: make: the request of a run's name.
    Raises: ServiceUnavailable if the run met trouble that may pass, so that the platform tries again. Every other
        failure is recorded with its run and final. LockLost if this process had to stop in the middle.
    """
    settings = parse(os.environ)
    _made(make, settings, _heard(settings))


def _heard(settings: Settings) -> Context:
    """Everything that a run touches, and the log, to which the end of every run is told."""
    context = connect(settings)
    return replace(context, listeners=(*context.listeners, LogLines()), hears_all=True)


def _made(make: Callable[[str], Request], settings: Settings, context: Context) -> None:
    request = asking.ask(make, context)
    outcome = _worked_off(settings, context, request.run_id)
    left = outcome.of(request.run_id)
    if left is not None and left.behind is not Behind.TROUBLE:
        log.info("run %s waits for %s", request.run_id, left.behind)
        return
    if left is not None:
        raise ServiceUnavailable(left.reason)


def _worked_off(settings: Settings, context: Context, own: str = "") -> Outcome:
    """Work off what there is, and tell the log what could not be made, besides a trigger's own run.

    Raises: LockLost.
    """
    outcome = dispatch.work_off(settings, context)
    for other in outcome.left_for_others(own):
        log.warning("run %s is left waiting: %s", other.run_id, other.reason)
    outcome.raise_if_lost()
    return outcome


def on_blob(file: str, container: str | None = None) -> None:
    """Land a file. Markers of other programs are ignored, and files of other containers. Raises: as `on_event`.

    The host passes on whatever an event names, and an event subscription may be wider than the trigger's path.

    Args: container: that of the file, if another than `TRANSACTIONS_CONTAINER` is possible.
    """
    mine = parse(os.environ).storage.transactions_container
    if container not in (None, mine):
        log.warning("the file %r is in the container %r and not in %s; it is ignored", file, container, mine)
        return
    if is_marker(file):
        log.info("the object %r is a marker and no file of transactions; it is ignored", file)
        return
    on_event(lambda run_id: Land(run_id=run_id, file=file))


def on_timer(*, is_late: bool) -> None:
    """Retrain by the schedule, with the files that no event has told of, and tell what waits and what answers.

    Once a day it removes what nothing needs. Raises: as `on_event`.
    """
    from retrain.doors.sweep_commands import swept_after_tick

    settings = parse(os.environ)
    context = _heard(settings)
    trouble = trouble_with_unseen(context)
    note = "the schedule fired late" if is_late else None
    try:
        _made(lambda run_id: Evaluate(run_id=run_id, trigger=Trigger.TIMER, note=note), settings, context)
        swept_after_tick(settings, context, log.info, log.warning)
    finally:
        measure(context)
    if trouble is not None:
        raise trouble


def on_queue() -> None:
    """Work off what was asked for over HTTP. Raises: as `on_event`."""
    settings = parse(os.environ)
    outcome = _worked_off(settings, _heard(settings))
    if outcome.trouble is not None:
        raise ServiceUnavailable(outcome.trouble.reason)


def accept(body: bytes, enqueue: Callable[[str], None]) -> Answer:
    """Write a person's request down, wake the worker, answer 202."""
    asked = body_of(_Ask, body, '{"force": false, "dry_run": false, "reason": "..."}')

    def make(run_id: str) -> Request:
        return Evaluate(
            run_id=run_id, trigger=Trigger.HTTP, force=asked.force, dry_run=asked.dry_run, note=asked.reason
        )

    return queued(make, connect(parse(os.environ)), enqueue)


def decide(
    run_id: str, decision: str, body: bytes, enqueue: Callable[[str], None], caller: str | None = None
) -> Answer:
    """Accept or drop what a run holds, approve or reject its winner: write it down, wake the worker, answer 202.

    Args: caller: who that is, if the host says so.

    Raises: UsageError for another decision or no run's name; NotFound if the run holds no such day or no winner.
    """
    if decision in ANSWERS:
        from retrain.doors.approval_routes import answer

        return answer(run_id, decision, body, caller, enqueue)
    kind = {"accept": Accept, "drop": Drop}.get(decision)
    if kind is None:
        ways = ", ".join(f"/{way}" for way in ("accept", "drop", *ANSWERS))
        raise UsageError(f"{decision[:20]!r} is no decision; POST to one of {ways} of /api/runs/{{id}}")
    named_run(run_id)
    asked = body_of(_Decide, body, '{"days": ["2024-12-31"], "reason": "..."}')
    context = connect(parse(os.environ))
    held_by(run_id, asked.days, Histories(context.state))
    return queued(
        lambda new_id: kind(run_id=new_id, of=run_id, days=asked.days, note=asked.reason), context, enqueue
    )


def body_of[Body: BaseModel](kind: type[Body], body: bytes, example: str) -> Body:
    """The body of a request. Raises: UsageError if it is too long or not of this kind."""
    if len(body) > BODY_BYTES:
        raise UsageError(f"the body has {len(body)} bytes; at most {BODY_BYTES} are read")
    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise UsageError(f"{place}: {first['msg']}; send {example} or less") from None


def queued(make: Callable[[str], Request], context: Context, enqueue: Callable[[str], None]) -> Answer:
    """Write a request down, wake the worker, answer 202."""
    request = asking.ask(make, context)
    enqueue(request.run_id)
    return Answer(
        202,
        {"run_id": request.run_id, "status": Status.QUEUED},
        headers={"Location": f"/api/runs/{request.run_id}"},
    )


def list_runs(newest: str) -> Answer:
    """The newest reports, at most a hundred."""
    count = _number("newest", newest, NEWEST_AT_MOST)
    context = connect(parse(os.environ))
    found = context.ledger.runs(count, context.now())
    return Answer(200, {"runs": [run.as_json() for run in found]})


def look_at_deployment() -> Answer:
    """What `retrain doctor` finds here; 503 if anything has a fault."""
    from retrain.doctor.check import Outcome
    from retrain.doctor.report import report

    found = report(os.environ)
    return Answer(503 if found["outcome"] == Outcome.FAULT else 200, found)


def forecast_days(days: str, enqueue: Callable[[str], None]) -> Answer:
    """What the champion's service forecasts; 502 or 504 when it is away, and the worker is woken to repair it."""
    horizon = _number("days", days, MOST_DAYS)
    settings = parse(os.environ)
    context = connect(settings)
    try:
        return Answer(200, champion_forecast(horizon, settings, context))
    except ServiceError as exc:
        wanted = repair_after(exc, context)
        if wanted.run_id:
            enqueue(wanted.run_id)
        return _problem(504 if isinstance(exc, ServiceTimeout) else 502, type(exc).__name__, wanted.message)


def _number(name: str, text: str, most: int) -> int:
    """A parameter of a route as a number. Raises: UsageError unless it lies between 1 and `most`."""
    if not (text.isascii() and text.isdecimal()) or len(text) > MOST_DIGITS or not 1 <= int(text) <= most:
        raise UsageError(f"{name} is {text[:20]!r}; it must be a number from 1 to {most}")
    return int(text)


def show_run(run_id: str) -> Answer:
    """One report. Raises: UsageError for what is no run's name."""
    named_run(run_id)
    return Answer(200, connect(parse(os.environ)).ledger.run(run_id).as_json())


def show_page(run_id: str) -> Answer:
    """The same as a page for a browser."""
    from retrain.doors.page import POLICY, page_of

    named_run(run_id)
    ledger = connect(parse(os.environ)).ledger
    run = ledger.run(run_id)
    guards = {
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return Answer(200, page_of(run, ledger), "text/html", guards)


def answered(action: Callable[[], Answer]) -> Answer:
    """The door of a route: every failure becomes problem+json (RFC 9457), and no caller sees a traceback."""
    try:
        return action()
    except RetrainError as error:
        title, status, detail = type(error).__name__, STATUS_OF.get(error.kind, 500), str(error)
    except Exception:
        log.exception("a route failed")
        title, status, detail = "InternalError", 500, "this is a bug; see the log of the app"
    return _problem(status, title, detail)


def _problem(status: int, title: str, detail: str) -> Answer:
    headers = {"Retry-After": "30"} if status in MAY_PASS else {}
    body = {"title": title, "status": status, "detail": detail}
    return Answer(status, body, "application/problem+json", headers)


def as_text(answer: Answer) -> str:
    """The body as it goes over the wire."""
    return answer.body if isinstance(answer.body, str) else json.dumps(answer.body)

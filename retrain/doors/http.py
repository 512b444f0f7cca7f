"""What the Function App's triggers call: parse, connect, hand over; over HTTP, answer in problem+json."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retrain.doors.champion_forecast import MOST_DAYS, forecast
from retrain.errors import RetrainError, ServiceError, ServiceTimeout, ServiceUnavailable, UsageError
from retrain.promotion.resume import under_way
from retrain.records.ledger import Ledger
from retrain.records.request import Trigger
from retrain.runs import dispatch
from retrain.settings import parse
from retrain.wiring import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.ports import Ports

BODY_BYTES = 64 << 10
NEWEST_AT_MOST = 100
MOST_DIGITS = 3
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


def on_event(trigger: Trigger, file: str | None = None, note: str | None = None) -> None:
    """Retrain because something happened.

    Raises: ServiceUnavailable if the run met a service that may come back, so that the platform tries again; not
        while a job promotes, which works off what waits. Every other failure is recorded with its run and final.
    """
    settings = parse(os.environ)
    ports = connect(settings)
    request = dispatch.ask(trigger, ports, file=file, note=note)
    if not dispatch.work_off(settings, ports):
        log.info("run %s is left to the process that is retraining now", request.run_id)
        return
    ledger = Ledger(ports.state)
    report = ledger.run(request.run_id)
    log.log(
        logging.ERROR if report["status"] == "failed" else logging.INFO,
        "run %s: %s. %s",
        request.run_id,
        report.get("verdict") or report["status"],
        report.get("reason", ""),
    )
    if request in ledger.requests():
        _leave_to_a_job(ports)


def _leave_to_a_job(ports: Ports) -> None:
    """Accept that requests are left, if a promotion is under way whose job will work them off.

    Raises: ServiceUnavailable otherwise, so that the platform tries again.
    """
    ahead = under_way(ports)
    if ahead is not None:
        log.info("what is asked for waits for the job that promotes run %s", ahead)
        return
    ledger = Ledger(ports.state)
    for request in ledger.requests()[:1]:
        first = ledger.run(request.run_id)
        raise ServiceUnavailable(first.get("trouble") or first.get("reason") or "an earlier run met trouble")


def on_queue() -> None:
    """Work off what was asked for over HTTP. Raises: ServiceUnavailable if something is left to be tried again."""
    settings = parse(os.environ)
    ports = connect(settings)
    if dispatch.work_off(settings, ports):
        _leave_to_a_job(ports)


def accept(body: bytes, enqueue: Callable[[str], None]) -> Answer:
    """Write a person's request down, wake the worker, answer 202."""
    if len(body) > BODY_BYTES:
        raise UsageError(f"the body has {len(body)} bytes; at most {BODY_BYTES} are read")
    try:
        asked = _Ask.model_validate_json(body or b"{}")
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise UsageError(
            f'{place}: {first["msg"]}; send {{"force": false, "dry_run": false, "reason": "..."}} or less'
        ) from None
    ports = connect(parse(os.environ))
    request = dispatch.ask(Trigger.HTTP, ports, force=asked.force, dry_run=asked.dry_run, note=asked.reason)
    enqueue(request.run_id)
    return Answer(
        202,
        {"run_id": request.run_id, "status": "queued"},
        headers={"Location": f"/api/runs/{request.run_id}"},
    )


def list_runs(newest: str) -> Answer:
    """The newest reports, at most a hundred."""
    count = _number("newest", newest, NEWEST_AT_MOST)
    ports = connect(parse(os.environ))
    return Answer(200, {"runs": Ledger(ports.state).runs(count)})


def forecast_days(days: str) -> Answer:
    """What the champion's service forecasts; 502 or 504 when it is away."""
    horizon = _number("days", days, MOST_DAYS)
    settings = parse(os.environ)
    try:
        return Answer(200, forecast(horizon, settings, connect(settings)))
    except ServiceTimeout as exc:
        return _problem(504, type(exc).__name__, str(exc))
    except ServiceError as exc:
        return _problem(502, type(exc).__name__, str(exc))


def _number(name: str, text: str, most: int) -> int:
    """A parameter of a route as a number. Raises: UsageError unless it lies between 1 and `most`."""
    if not (text.isascii() and text.isdecimal()) or len(text) > MOST_DIGITS or not 1 <= int(text) <= most:
        raise UsageError(f"{name} is {text[:20]!r}; it must be a number from 1 to {most}")
    return int(text)


def show_run(run_id: str) -> Answer:
    """One report."""
    return Answer(200, Ledger(connect(parse(os.environ)).state).run(run_id))


def show_page(run_id: str) -> Answer:
    """The same as a page for a browser."""
    from retrain.doors.page import POLICY, page

    ledger = Ledger(connect(parse(os.environ)).state)
    report = ledger.run(run_id)
    guards = {
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    return Answer(200, page(report, ledger.unseen_days(run_id)), "text/html", guards)


def answered(action: Callable[[], Answer]) -> Answer:
    """The door of a route: every failure becomes problem+json (RFC 9457), and no caller sees a traceback."""
    try:
        return action()
    except RetrainError as error:
        title, status, detail = type(error).__name__, STATUS_OF.get(error.kind, 500), str(error)
    except Exception:
        log.exception("a route failed")
        title, status, detail = "InternalError", 500, "this is a bug; the log of the app tells more"
    return _problem(status, title, detail)


def _problem(status: int, title: str, detail: str) -> Answer:
    headers = {"Retry-After": "30"} if status in MAY_PASS else {}
    body = {"title": title, "status": status, "detail": detail}
    return Answer(status, body, "application/problem+json", headers)


def as_text(answer: Answer) -> str:
    """The body as it goes over the wire."""
    return answer.body if isinstance(answer.body, str) else json.dumps(answer.body)

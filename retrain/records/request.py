"""What a trigger asks for: written down before anything else, removed when its run has ended."""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, TypeAdapter, ValidationError

from retrain.data.open_enum import OpenEnum
from retrain.data.totals import Joins
from retrain.errors import UsageError
from retrain.records.base import Record, is_of_newer_code, parsed

LONGEST_SHOWN = 40  # characters of a value that is not known
STAMP = "%Y%m%dT%H%M%S"
RUN_ID = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{4,8}", re.ASCII)
RunName = Annotated[str, Field(pattern=r"^[0-9]{8}T[0-9]{9}Z-[0-9a-f]{4,8}$")]


class Trigger(OpenEnum):
    """Who asks; a PERSON decides about landings and winners, a SERVICE is to be repaired.

    DRIFT is an alarm of the watch over the champion. UNKNOWN stands in the list of runs for a record that cannot be
    read.
    """

    BLOB = "blob"
    TIMER = "timer"
    HTTP = "http"
    ROLLBACK = "rollback"
    PERSON = "person"
    SERVICE = "service"
    DRIFT = "drift"
    UNKNOWN = "unknown"


class BaseRequest(Record):
    """One run to be made.

    Attributes:
        run_id: the run's name from the first moment on; ascending in time.
        dry_run: compare and decide, register nothing.
        note: why a person asked.
        begun: how often its run has begun without coming to an end.
        attempts: how often its run has begun at all; while it is 0, there is no record of the run.
        settings: values by the names of the settings that it was asked under, as they are written in the
            environment; its run is made under them, whoever makes it. Empty for those of whoever makes it.
        traceparent: the trace of what asked, see `retrain.trace`.
        left_because: why its run could not be made by who tried last; empty if nobody has tried, or it has begun.
    """

    run_id: str
    trigger: Trigger
    dry_run: bool = False
    note: str | None = None
    begun: NonNegativeInt = 0
    attempts: NonNegativeInt = 0
    settings: dict[str, str] = Field(default_factory=dict)
    traceparent: str = ""
    left_because: str = ""


class Land(BaseRequest):
    """Take a file in, then retrain.

    Attributes:
        file: its name in the inbox.
        again: also if it was looked at before, or retracted.
        joins: how its days join others, where an earlier log says so; None for what RETRAIN_OVERLAP says.
        read_with: the settings of reading that are not at their defaults, where an earlier log says so; None for
            those in force.
    """

    kind: Literal["land"] = "land"
    trigger: Trigger = Trigger.BLOB
    file: str
    again: bool = False
    joins: Joins | None = None
    read_with: tuple[str, ...] | None = None


class _Settle(BaseRequest):
    """Decide on the days that run `of` holds.

    Attributes:
        days: those; empty for all.
        joins: how accepted days join others, where it was decided before; None for what RETRAIN_OVERLAP says.
    """

    trigger: Trigger = Trigger.PERSON
    of: str
    days: tuple[date, ...] = ()
    joins: Joins | None = None


class Accept(_Settle):
    """Let held days count, then retrain."""

    kind: Literal["accept"] = "accept"


class Drop(_Settle):
    """Leave held days out for good."""

    kind: Literal["drop"] = "drop"


class Retract(BaseRequest):
    """Take the landing of run `of` out of the history, then retrain."""

    kind: Literal["retract"] = "retract"
    trigger: Trigger = Trigger.PERSON
    of: str


class _Answer(BaseRequest):
    """What a person says of the winner that run `of` has.

    Attributes:
        decision: what the person has seen, see `records.approval`; a winner of another one is not meant.
        by: who that is.
    """

    trigger: Trigger = Trigger.PERSON
    of: str
    decision: str
    by: str


class Approve(_Answer):
    """Let the winner be promoted."""

    kind: Literal["approve"] = "approve"


class Reject(_Answer):
    """Leave the champion as it is. `note` says why."""

    kind: Literal["reject"] = "reject"


ANSWERS = (Approve, Reject)


class Evaluate(BaseRequest):
    """Retrain on the days there are. `force` evaluates even if nothing has changed; the gate stays as it is."""

    kind: Literal["evaluate"] = "evaluate"
    force: bool = False


class RollBack(BaseRequest):
    """Make an earlier version champion again: version `to`, or the champion before the present one.

    Attributes:
        over: only while this version is champion; None for whoever is.
    """

    kind: Literal["roll back"] = "roll back"
    trigger: Trigger = Trigger.ROLLBACK
    to: str | None = None
    over: str | None = None


class Promote(BaseRequest):
    """Continue the promotion that the run of this name began.

    Attributes:
        ends: how often that run had ended when this was asked for.
    """

    kind: Literal["promote"] = "promote"
    ends: NonNegativeInt


class Repair(BaseRequest):
    """Start the service of a version again, if it does not answer; `by_person`: in every case."""

    kind: Literal["repair"] = "repair"
    trigger: Trigger = Trigger.SERVICE
    version: str
    by_person: bool = False


class OfNewerCode(BaseRequest):
    """A request of a kind, by a trigger or with another value that only newer code knows; it is left to that.

    `left_because` says which value it is.
    """

    kind: str


type Settle = Accept | Drop | Retract
type Answer = Approve | Reject
type KnownRequest = Land | Evaluate | RollBack | Promote | Repair | Settle | Answer
type Request = KnownRequest | OfNewerCode

_REQUEST: TypeAdapter[KnownRequest] = TypeAdapter(
    Annotated[
        Land | Evaluate | RollBack | Promote | Repair | Accept | Drop | Retract | Approve | Reject,
        Field(discriminator="kind"),
    ]
)


def parse_request(data: bytes) -> Request:
    """Read a stored request. Raises: ValueError (pydantic's is one) if it is damaged."""
    record = parsed(data)
    try:
        request = _REQUEST.validate_python(record)
    except ValidationError as error:
        if is_of_newer_code(error) and isinstance(record.get("kind"), str):
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][-1]) if first["loc"] else "kind"
            return _of_newer_code(record, name if name in record else "kind")
        raise
    return request if request.trigger.is_known else _of_newer_code(record, "trigger")


def _of_newer_code(record: dict[str, Any], name: str) -> OfNewerCode:
    value = str(record[name])[:LONGEST_SHOWN]
    why = f"this version of retrain does not know its {name.replace('_', ' ')}, {value!r}; a newer one makes it"
    return OfNewerCode.model_validate({**record, "left_because": why})


def file_of(request: Request) -> str | None:
    """The file that it takes in, by its name in the inbox; None if it takes in none."""
    return request.file if isinstance(request, Land) else None


def shown_name(file: str) -> str:
    """How people call a landed file: without the run under which the command line stored it."""
    first, _, rest = file.partition("/")
    return rest if rest and RUN_ID.fullmatch(first) else file


def named_run(text: str) -> str:
    """The name of a run, as a person gives it. Raises: UsageError if it is none, before anything is read."""
    if not RUN_ID.fullmatch(text):
        raise UsageError(
            f"{text[:LONGEST_SHOWN]!r} is not the name of a run, such as 20241231T235959123Z-0a1b; `retrain runs` "
            "lists the runs"
        )
    return text


def asked_at(run_id: str) -> datetime | None:
    """When a run was asked for, which its name tells; None for what is no name or no time."""
    if not RUN_ID.fullmatch(run_id):
        return None
    try:
        return datetime.strptime(run_id[:18], f"{STAMP}%f").replace(tzinfo=UTC)
    except ValueError:
        return None


def new_run_id(now: datetime, after: str = "") -> str:
    """A name that sorts by time, to the millisecond; 32 random bits tell apart what falls into the same one.

    Args: after: the newest name there is; if the clock has gone back since, the new name continues from it.
    """
    if after and f"{now:{STAMP}}{now.microsecond // 1000:03d}" <= after[:18]:
        then = asked_at(after)
        if then is not None:  # a name that is no time cannot be continued
            with suppress(OverflowError):
                now = then + timedelta(milliseconds=1)
    return f"{now:{STAMP}}{now.microsecond // 1000:03d}Z-{secrets.token_hex(4)}"

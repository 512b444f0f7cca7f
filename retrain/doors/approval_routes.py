"""The routes with which a person approves or rejects a winner that waits."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from retrain.doors.http import Answer, body_of, queued
from retrain.records.request import Approve, Reject, named_run
from retrain.runs.approval import awaiting
from retrain.settings import parse
from retrain.wiring import connect

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "function key"
SIGNED_IN = "WEBSITE_AUTH_ENABLED"
"""The host sets it where App Service authentication is on: then the host itself writes the name of the caller."""
LONGEST_NAME = 256  # characters


class _Approve(BaseModel):
    """The body of `POST /api/runs/{id}/approve`: which decision the person has seen."""

    model_config = ConfigDict(extra="forbid", strict=True)

    decision: str = Field(pattern="^[0-9a-f]{64}$")
    reason: str | None = Field(None, max_length=500)


class _Reject(BaseModel):
    """The body of `POST /api/runs/{id}/reject`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    decision: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    reason: str = Field(min_length=1, max_length=500)


def answer(run_id: str, said: str, body: bytes, name: str | None, enqueue: Callable[[str], None]) -> Answer:
    """Approve or reject the winner of a run: write the request down, wake the worker, answer 202.

    Args:
        said: `approve` or `reject`.
        name: of the caller, as the header `x-ms-client-principal-name` has it.
    Raises: UsageError for no run's name or a wrong body; NotFound if no winner of the run waits; Conflict if
        another decision than that of the run was seen.
    """
    named_run(run_id)
    if said == "approve":
        asked: _Approve | _Reject = body_of(_Approve, body, '{"decision": "sha256 of the run", "reason": "..."}')
    else:
        asked = body_of(_Reject, body, '{"reason": "...", "decision": "sha256 of the run"}')
    context = connect(parse(os.environ))
    decision = awaiting(run_id, asked.decision, context.ledger)[1].decision
    kind, by, note = (Approve if said == "approve" else Reject), caller(name), asked.reason

    def make(new_id: str) -> Approve | Reject:
        return kind(run_id=new_id, of=run_id, decision=decision, by=by, note=note)

    return queued(make, context, enqueue)


def caller(name: str | None) -> str:
    """Who calls: a name if the host has proven it, and otherwise that all that is known is the key."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in (name or "")[:LONGEST_NAME])
    if not shown:
        return KEY
    is_proven = os.environ.get(SIGNED_IN, "").lower() == "true"
    return shown if is_proven else f"{KEY}, of a caller who gives the name {shown}"

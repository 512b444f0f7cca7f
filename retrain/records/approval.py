"""What a person is asked about a winner, and what the person has answered."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Self

from retrain.data.open_enum import OpenEnum
from retrain.records.base import Record, unreadable
from retrain.records.request import RunName

if TYPE_CHECKING:
    from retrain.ports import ObjectStore

NEWEST = "approvals/newest.json"
"""Which run was the last to ask a person. A store in which none has asked lacks it."""


class State(OpenEnum):
    """Where it stands; only what is WAITING can still be answered."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    VOID = "void"


UNPROMOTED = (State.REJECTED, State.EXPIRED, State.VOID)
"""Where it can never be promoted any more."""


class Asking(Record):
    """The run that asked last, and the question that its winner answers."""

    run_id: RunName
    question: str


def last_asking(state: ObjectStore) -> Asking | None:
    """Who asked last; None if nobody has. Raises: DamagedRecord."""
    stored = state.read(NEWEST)
    try:
        return Asking.from_json(stored.data) if stored else None
    except ValueError as error:
        raise unreadable(state, NEWEST, error) from error


class Approval(Record):
    """A winner that waits for a person, or has waited.

    Attributes:
        decision: sha256 of the fields from `artifact_sha256` to `reason`, of the run and of its verdict.
        artifact_sha256, lineage: the winner, which is what was measured.
        over: the champion that it was compared with; None for a first model.
        question: what the verdict answers: sha256 of data, champion, decision settings and code.
        reason: the sentence of the verdict.
        expires: from then on it cannot be approved.
        run_id, by, at: the run that answered, who asked for that, and when.
        why: why it was rejected, or is void.
    """

    state: State = State.WAITING
    decision: str
    artifact_sha256: str
    lineage: dict[str, str]
    over: str | None = None
    question: str
    reason: str
    expires: datetime
    run_id: str = ""
    by: str = ""
    at: datetime | None = None
    why: str = ""

    @classmethod
    def asked(cls, run_id: str, expires: datetime, **decided: object) -> Self:
        """What a person is asked about the winner of a run."""
        made = cls.model_validate({**decided, "expires": expires, "decision": ""})
        return made.evolve(decision=made.digest(run_id))

    def digest(self, run_id: str) -> str:
        """What `decision` has to be, as it follows from the fields."""
        decided = self.model_dump(mode="json", include={"artifact_sha256", "lineage", "over", "question", "reason"})
        what = {**decided, "run_id": run_id, "verdict": "promote"}
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def advice(run_id: str) -> str:
    """What a person can do about a winner that waits."""
    return f'`retrain approve {run_id}` promotes it, `retrain reject {run_id} --why "..."` does not'

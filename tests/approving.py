"""A person approves or rejects winners, as tests have it done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrain.records.request import Approve, Reject
from retrain.runs import asking
from tests.builders import World, made

if TYPE_CHECKING:
    from retrain.records.approval import Approval
    from retrain.records.request import Answer

REQUIRED = {"RETRAIN_APPROVAL": "required"}


def asked_by(world: World, run_id: str) -> Approval:
    """What a run asks a person, or has asked."""
    found = world.ledger.run(run_id).approval
    assert found is not None
    return found


def approve(world: World, run_id: str) -> dict[str, Any]:
    """A person approves the winner of a run; the report of that."""
    return made(ask_to_approve(world, run_id), world.settings, world.context)


def ask_to_approve(world: World, run_id: str) -> Answer:
    """The same, written down and not made yet."""
    decision = asked_by(world, run_id).decision
    return asking.ask(lambda new: Approve(run_id=new, of=run_id, decision=decision, by="ada"), world.context)


def reject(world: World, run_id: str) -> dict[str, Any]:
    """A person rejects the winner of a run; the report of that."""
    return made(ask_to_reject(world, run_id), world.settings, world.context)


def ask_to_reject(world: World, run_id: str) -> Answer:
    """The same, written down and not made yet."""
    told = {"of": run_id, "decision": asked_by(world, run_id).decision, "by": "ada", "note": "not in May"}
    return asking.ask(lambda new: Reject.model_validate({"run_id": new, **told}), world.context)


def champion_of(world: World) -> str | None:
    """The version that answers."""
    found = world.ledger.pointer().champion
    return found.version if found else None

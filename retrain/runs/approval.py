"""A winner that waits for a person: asked for by the run that found it, answered by a run of its own.

It fails closed. What is approved is the artifact that was measured, and only while everything that its verdict
rests on is as it was: the days that count, the champion and the decision settings. Nothing in doubt is promoted.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from retrain.errors import Conflict, NotFound
from retrain.gate.decide import Decision, Verdict
from retrain.promotion.record import Promotion
from retrain.records.approval import NEWEST, Approval, Asking, State, advice, last_asking
from retrain.records.base import skipping
from retrain.records.history import Histories
from retrain.records.request import Approve, Promote, asked_at
from retrain.records.run import Status
from retrain.runs.cap import full
from retrain.runs.inputs import InProduction, question_of, series_of

if TYPE_CHECKING:
    from retrain.records.context import Context
    from retrain.records.ledger import Ledger
    from retrain.records.request import Answer
    from retrain.records.run import Run
    from retrain.runs.draft import Draft
    from retrain.settings import Settings


def wait(run: Run, promotion: Promotion, settings: Settings, context: Context) -> Run:
    """The run of a winner that waits for a person from now on, instead of the promotion that it would submit.

    What another run has asked before is void.
    """
    before = _asking(context)
    if before is not None and before.run_id != run.run_id:
        _void(before, f"run {run.run_id} asks about another winner", context)
    question = str(promotion.question)
    context.state.write(NEWEST, Asking(run_id=run.run_id, question=question).to_json())
    approval = Approval.asked(
        run.run_id,
        context.now() + timedelta(days=settings.promotions.approval_days),
        artifact_sha256=promotion.artifact_sha256,
        lineage=promotion.lineage,
        over=promotion.over,
        question=question,
        reason=run.reason,
    )
    until = f"{approval.expires:%Y-%m-%d %H:%M} UTC"
    return run.evolve(approval=approval, reason=f"{run.reason} It waits for approval until {until}.")


def asked_before(question: str, run_id: str, context: Context) -> Decision | None:
    """The verdict if a person has been asked this very question, and has not said yes. None to decide it.

    What was asked about other days, another champion or under other settings is void from now on.
    """
    asking = _asking(context)
    run = None if asking is None or asking.run_id == run_id else _recorded(asking.run_id, context)
    if asking is None or run is None or run.approval is None:
        return None
    if run.approval.state is State.WAITING and run.status is not Status.AWAITING:
        return None
    if asking.question != question:
        _void(asking, f"run {run_id} found other days, another champion or other settings", context)
        return None
    state = run.approval.state
    if state is State.WAITING and context.now() > run.approval.expires:
        state = _lapsed(run, run.approval, State.EXPIRED, "nobody approved it in time", context)
    again = f"`retrain show {run.run_id}` shows it, and `retrain run --force` asks again"
    said = {
        State.WAITING: f"waits for approval; {advice(run.run_id)}",
        State.REJECTED: f"was rejected; {again}",
        State.EXPIRED: f"was not approved in time; {again}",
    }
    if state not in said:
        return None
    return Decision(Verdict.UNCHANGED, f"Nothing has changed since run {run.run_id}, whose winner {said[state]}.")


def awaiting(run_id: str, decision: str | None, ledger: Ledger) -> tuple[Run, Approval]:
    """A run whose winner waits, and what a person is asked about it.

    Args: decision: that the person has seen; None for the one on record.
    Raises: NotFound if it asks nothing, or nothing any more; Conflict if it asks about another decision.
    """
    run = ledger.run(run_id)
    asked = run.approval
    if asked is None:
        raise NotFound(f"no winner of run {run_id} waits for approval; `retrain show {run_id}` shows the run")
    if run.status is not Status.AWAITING or asked.state is not State.WAITING:
        why = f" ({asked.why})" if asked.why else ""
        raise NotFound(f"the winner of run {run_id} is {asked.state}{why}; `retrain run --force` decides anew")
    if asked.decision != asked.digest(run_id):
        raise Conflict(
            f"run {run_id} has another decision than it asked about, because its record was changed since; "
            "`retrain run --force` asks anew"
        )
    if decision not in (None, asked.decision):
        raise Conflict(
            f"run {run_id} has another decision than the one that was seen; `retrain show {run_id} --json` shows "
            "it, as approval.decision"
        )
    return run, asked


def answer(request: Answer, draft: Draft, settings: Settings, context: Context) -> None:
    """Do what a person has said of a winner.

    Raises: NotFound if it cannot be approved or rejected any more, and why; Conflict if it cannot be approved now,
        and waits on. The champion is as it was.
    """
    run = context.ledger.run(request.of)
    if run.approval is None or run.approval.run_id != request.run_id:  # else its process was killed after this
        run, asked = awaiting(request.of, request.decision, context.ledger)
        if isinstance(request, Approve):
            _check(run, asked, settings, context)
            if why := full(context.ledger.pointer(), request.run_id, context.now(), settings):
                raise Conflict(f"the winner of run {run.run_id} still waits: {why}")
        _note(run, asked, request, context)
    note = f" ({request.note})" if request.note else ""
    how, after = ("approved", "; then it is promoted") if isinstance(request, Approve) else ("rejected", "")
    draft.run = draft.run.evolve(reason=f"The winner of run {run.run_id} is {how} by {request.by}{note}{after}.")


def _check(run: Run, asked: Approval, settings: Settings, context: Context) -> None:
    """Whether the winner may be promoted.

    Raises: NotFound if it must not be any more; its run says so too. Conflict if that cannot be told.
    """
    asking = last_asking(context.state)
    if asking is None:
        raise Conflict(
            f"the winner of run {run.run_id} still waits: it is not on record which run asked last; "
            "`retrain run --force` asks anew"
        )
    if context.now() > asked.expires:
        _lapsed(
            run, asked, State.EXPIRED, f"it could be approved until {asked.expires:%Y-%m-%d %H:%M} UTC", context
        )
    elif why := _what_differs(run, asked, asking, settings, context):
        _lapsed(run, asked, State.VOID, why, context)
    awaiting(run.run_id, asked.decision, context.ledger)


def _what_differs(run: Run, asked: Approval, asking: Asking, settings: Settings, context: Context) -> str:
    """What the verdict rested on and is other now, or who has asked since; empty if nothing is."""
    if asking.run_id != run.run_id:  # it alone is kept by a sweep
        return f"run {asking.run_id} asks about another winner"
    champion = context.ledger.pointer().champion
    version = champion.version if champion else None
    if version != asked.over:
        return f"version {version or 'none'} is champion, and it was compared with version {asked.over or 'none'}"
    history = Histories(context.state).days()
    if not history.totals or run.data is None or run.basis is None:
        return "the days that it was decided on are gone"
    series = series_of(history, settings)
    if series.sha256 != run.data.sha256:
        return "other days count now than those that it was decided on"
    compared = InProduction.of(asked.over, context.registry) if asked.over else None
    if question_of(series, compared, settings, run.basis.code) != asked.question:
        mine = settings.deciding
        other = [f"{name}={value}" for name, value in run.request.settings.items() if mine.get(name) != value]
        return f"it was decided under other settings: {' '.join(other) or 'those of its process'}"
    return ""


def _note(run: Run, asked: Approval, request: Answer, context: Context) -> None:
    """Note the answer in the run that asked. If it is yes, the promotion is submitted.

    The record of the run is written last: until it says `promoting`, nothing goes on, and the answer is made again.
    """
    is_yes = isinstance(request, Approve)
    asked = asked.evolve(
        state=State.APPROVED if is_yes else State.REJECTED,
        run_id=request.run_id,
        by=request.by,
        at=asked_at(request.run_id),
        why=request.note or "",
    )
    run = run.evolve(approval=asked)
    if is_yes:
        run = _submitted(run, asked, context)
    else:
        run = run.done(reason=f"{asked.reason} It is not promoted: {asked.by} rejected it: {asked.why}.")
    context.ledger.record(run)


def _submitted(run: Run, asked: Approval, context: Context) -> Run:
    """The run that asked, on its way to champion; as after a kill, the request to continue it carries it on."""
    promotion = Promotion(
        run_id=run.run_id,
        reason=f"{asked.reason} {asked.by} approved it.",
        artifact_sha256=asked.artifact_sha256,
        lineage=asked.lineage,
        over=asked.over,
        question=asked.question,
        submitted=context.now(),
    )
    promotion.submit(run, context)
    trace = run.request.traceparent
    with suppress(Conflict):  # an earlier attempt has asked for it
        context.ledger.ask(Promote(run_id=run.run_id, trigger=run.trigger, ends=run.ends, traceparent=trace))
    return run.evolve(reason=promotion.reason).promoting()


def _void(asking: Asking, why: str, context: Context) -> None:
    run = _recorded(asking.run_id, context)
    if run is not None and run.approval is not None and run.status is Status.AWAITING:
        _lapsed(run, run.approval, State.VOID, why, context)


def void_of(run: Run, why: str) -> Run:
    """The run without the question to a person that it was about to ask, if it was."""
    asked = run.approval
    if asked is None or asked.state is not State.WAITING:
        return run
    reason = f"{asked.reason} It is not promoted: {why}."
    return run.evolve(approval=asked.evolve(state=State.VOID, why=why), reason=reason)


def _lapsed(run: Run, asked: Approval, state: State, why: str, context: Context) -> State:
    """Put on record that a winner cannot be approved any more. Returns: the state that it has now."""
    ended = run.evolve(approval=asked.evolve(state=state, why=why))
    context.ledger.record(ended.done(reason=f"{asked.reason} It is not promoted: {why}."))
    return state


def _recorded(run_id: str, context: Context) -> Run | None:
    """None also if its record is damaged: then nobody can approve its winner. Raises: ServiceUnavailable."""
    with skipping():
        return context.ledger.recorded(run_id)
    return None


def _asking(context: Context) -> Asking | None:
    """Who asked last, which is remembered only so that nobody is asked twice. Raises: ServiceUnavailable."""
    with skipping():
        return last_asking(context.state)
    return None

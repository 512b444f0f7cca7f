"""One run: land a file, assess the series, and submit the winner if there is one."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from retrain import __version__
from retrain.errors import ConfigError, Conflict, RetrainError, ServiceError, ServiceUnavailable
from retrain.gate.decide import Decision, Verdict
from retrain.gate.unseen import as_csv
from retrain.promotion.record import submit
from retrain.records.basis import Basis
from retrain.records.champion import version_text
from retrain.records.history import Histories
from retrain.records.landing import Landed
from retrain.records.ledger import Conclusion
from retrain.records.registry import Lineage
from retrain.records.request import Accept, Approve, Drop, Evaluate, Land, Reject, Retract
from retrain.runs.approval import answer, asked_before, wait
from retrain.runs.cap import capped, full
from retrain.runs.inputs import InProduction, assessed, question_of, series_of, with_findings
from retrain.runs.issuing import issue, watch
from retrain.runs.landing import ask_for_released, land
from retrain.runs.settle import settle
from retrain.runs.taking_back import probation, take_back
from retrain.runs.telling import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.arima.ensemble import FittedModel
    from retrain.data.series import DailySeries
    from retrain.promotion.record import Promotion
    from retrain.records.champion import Pointer
    from retrain.records.context import Context
    from retrain.records.counted_days import CountedDays
    from retrain.records.request import Request
    from retrain.runs.draft import Draft
    from retrain.settings import Settings

UNSEEN_DAYS = "unseen.csv"


def retrain(request: Request, draft: Draft, settings: Settings, context: Context) -> Promotion | None:
    """Make one run, up to the submission of its winner.

    Args: draft: updated while the run goes on.
    Returns: the promotion that was submitted; None if nothing is to be promoted now.
    Raises: RetrainError if anything fails; the champion is then as it was.
    """
    if isinstance(request, Approve | Reject):
        answer(request, draft, settings, context)
        return None
    try:
        promotion = _judged(request, draft, settings, context)
    except (ServiceUnavailable, Conflict):  # it is made again
        raise
    except RetrainError:  # no later run compares these days: they are not new to it
        draft.run = take_back(draft.run, context)
        raise
    if promotion is None:  # a promotion is the answer to an alarm; if it fails, the next run tells the alarm
        draft.run = take_back(tell(draft.run, settings, context), context)
    return promotion


def _judged(request: Request, draft: Draft, settings: Settings, context: Context) -> Promotion | None:
    with _stages(draft):
        pointer = context.ledger.pointer()  # a store that cannot be read is refused before anything lands in it
        lineage = _lineage(pointer, context)
        history = _history_after(request, lineage, draft, settings, context)
        if history is None:
            return None
        draft.tell("load", "")
        history.check_aggregate(settings.data.aggregate)
        ask_for_released(history, lineage, settings, context)
        if not history.totals:
            draft.run = draft.run.decided(
                Decision(Verdict.WAITING, "There are no days yet; land a file of transactions.")
            )
            return None
        series = series_of(history, settings)
        draft.run = draft.run.on_data(series, history.files)
        champion = _champion(pointer, draft, context)
        question = question_of(series, champion, settings)
        draft.run = draft.run.evolve(basis=_basis(history, question, pointer))
        if champion is not None and not request.dry_run:
            issued = issue(champion, history, request.run_id, settings, context)
            beside = probation(champion, pointer, series, settings, context)
            state = watch(champion, history, settings, context).evolve(probation=beside)
            draft.run = draft.run.evolve(issued=issued, watch=state)
        needs_approval = settings.promotions.needs_approval and not request.dry_run
        before = asked_before(question, request.run_id, context) if needs_approval else None  # it voids as well
        if not (isinstance(request, Evaluate) and request.force):
            unchanged = before or _unchanged(question, series, champion, pointer, draft, settings, context)
            if unchanged is not None:
                draft.run = draft.run.decided(unchanged)
                return None
        found = assessed(series, champion, history, settings.decision, draft.tell)
        assessment = capped(found, lambda: pointer, request.run_id, context.now(), settings)
    draft.run = with_findings(draft.run, assessment)
    if assessment.measured is not None:
        context.ledger.keep(draft.run.run_id, UNSEEN_DAYS, as_csv(assessment.measured.days))
    if request.dry_run:
        dry = f"Dry run, nothing is registered. {assessment.decision.reason}"
        draft.run = draft.run.decided(replace(assessment.decision, reason=dry))
        return None
    if assessment.winner is None:
        decision = assessment.decision
        conclusion = Conclusion(
            run_id=request.run_id,
            verdict=decision.verdict,
            reason=decision.reason,
            is_capped=found.winner is not None,
        )
        context.ledger.conclude(question, conclusion)
        return None
    # A winner's question is decided when it is champion, which the pointer says, and not before.
    promotion = _submitted(assessment.winner, series, history, pointer, question, draft, settings, context)
    if not needs_approval:
        return promotion
    draft.run = wait(draft.run, promotion, settings, context)
    return None


@contextmanager
def _stages(draft: Draft) -> Iterator[None]:
    try:
        yield
    finally:
        draft.end_stage()


def _history_after(
    request: Request, lineage: Lineage | None, draft: Draft, settings: Settings, context: Context
) -> CountedDays | None:
    """The history, changed as the request asks; None if the run ends with that."""
    if isinstance(request, Land):
        draft.tell("land", "")
        history = land(request, draft, lineage, settings, context)
        if draft.run.is_held_whole:
            draft.run = draft.run.evolve(reason="Nothing of the file counts until a person has accepted it.")
            return None
        return history
    if isinstance(request, Accept | Drop | Retract):
        draft.tell("settle", "")
        history = settle(request, draft, settings, context)
        return None if isinstance(request, Drop) else history
    draft.tell("load", "")
    return Histories(context.state).days()


def _lineage(pointer: Pointer, context: Context) -> Lineage | None:
    """What the champion was trained on; None without one, or if its record cannot be read: the file lands first."""
    if pointer.champion is None:
        return None
    try:
        return context.registry.of_record(pointer.champion.version).lineage
    except ServiceUnavailable:
        raise
    except (ServiceError, ConfigError):
        return None


def _basis(history: CountedDays, question: str, pointer: Pointer) -> Basis:
    entries, champions = history.head.entries, len(pointer.champions)
    return Basis(entries=entries, question=question, code=__version__, champions=champions)


def _champion(pointer: Pointer, draft: Draft, context: Context) -> InProduction | None:
    """None only if the ledger says that there is none."""
    if pointer.champion is None:
        return None
    champion = InProduction.of(pointer.champion.version, context.registry)
    draft.run = draft.run.evolve(champion=champion.card)
    return champion


def _unchanged(
    question: str,
    series: DailySeries,
    champion: InProduction | None,
    pointer: Pointer,
    draft: Draft,
    settings: Settings,
    context: Context,
) -> Decision | None:
    if champion is not None and champion.registered.lineage.data_sha256 == series.sha256:
        return Decision(
            Verdict.UNCHANGED,
            f"Nothing has changed: version {champion.registered.version} was trained on exactly these "
            f"{len(series)} days.",
        )
    answer = pointer.answered(question)
    if answer is not None:
        now = pointer.champion.version if pointer.champion else None
        since = "" if now == answer.version else f" It was taken back; the champion is {version_text(now)}."
        return Decision(
            Verdict.UNCHANGED,
            f"Nothing has changed since run {answer.run_id}, whose verdict was {Verdict.PROMOTE}: version "
            f"{answer.version} became champion.{since}",
        )
    landing = draft.run.landing
    if isinstance(landing, Landed) and (landing.new_days or landing.changed_days):
        return None  # a new question, or one whose answer costs no more than a look at it is worth
    before = context.ledger.concluded(question)
    if before is None or (before.is_capped and full(pointer, draft.run.run_id, context.now(), settings) is None):
        return None
    return Decision(
        Verdict.UNCHANGED,
        f"Nothing has changed since run {before.run_id}, whose verdict was {before.verdict}: {before.reason}",
    )


def _submitted(
    winner: FittedModel,
    series: DailySeries,
    history: CountedDays,
    pointer: Pointer,
    question: str,
    draft: Draft,
    settings: Settings,
    context: Context,
) -> Promotion:
    """The order that was compared, fitted to every day, is what is submitted."""
    order, name = winner.name, settings.platform.model_name
    days_sha256 = history.sha256(series.first_day, series.last_day)
    lineage = Lineage(series.sha256, days_sha256, series.first_day, series.last_day, order, __version__)
    facts = {**winner.model.facts, "name": name, "lineage": lineage.as_json()}
    artifact = replace(winner.model, facts=facts).to_json()
    promotion = submit(artifact, lineage, pointer, draft.run.reason, question, draft.run.run_id, context)
    compared = draft.run.challenger
    if compared is not None:
        draft.run = draft.run.evolve(challenger=compared.evolve(order=order, trained_through=series.last_day))
    return promotion

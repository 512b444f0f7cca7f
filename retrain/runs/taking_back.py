"""A champion on probation that the one before it beats is taken back: by an ordinary rollback, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.errors import RetrainError, ServiceUnavailable
from retrain.gate.evidence import amount
from retrain.monitoring.probation import days_needed, end_of, on_probation
from retrain.promotion.record import submit_rollback
from retrain.records.champion import NOBODY
from retrain.records.landing import Landed, Settled
from retrain.records.request import RollBack
from retrain.records.watched import Probation, Tellings, ToldProbation
from retrain.runs.approval import void_of
from retrain.runs.asking import ask_once

if TYPE_CHECKING:
    from retrain.data.series import DailySeries
    from retrain.promotion.record import Promotion
    from retrain.records.champion import Pointer
    from retrain.records.context import Context
    from retrain.records.run import Run
    from retrain.runs.draft import Draft
    from retrain.runs.inputs import InProduction
    from retrain.settings import Settings


def probation(
    champion: InProduction, pointer: Pointer, series: DailySeries, run: Run, settings: Settings, context: Context
) -> Probation | None:
    """How the champion compares with the one that it replaced; None if it is not on probation.

    Probation is of a promotion, not of a rollback. It is over once a run has seen all its days.
    """
    over = _replaced(pointer)
    if not settings.watch.probation_days or over is None:
        return None
    trained_through = champion.registered.lineage.trained_through
    ends = end_of(trained_through, settings.watch.probation_days)
    new_days = run.landing.new_days if isinstance(run.landing, Landed | Settled) else 0
    known = (series.last_day - trained_through).days
    if known - new_days >= settings.watch.probation_days:
        return None
    if known < days_needed(settings.decision.horizon_days):
        return Probation(over=over, ends=ends)
    try:
        before = context.registry.load(context.registry.of_record(over))
        terms = settings.decision.terms
        return on_probation(champion.model, before, over, trained_through, ends, series, terms)
    except ServiceUnavailable:
        raise
    except RetrainError as error:
        return Probation(over=over, ends=ends, note=f"not compared: {error}")


def _replaced(pointer: Pointer) -> str | None:
    """The version that the champion's promotion has replaced; None for a first champion, or after a rollback."""
    if pointer.champion is None or pointer.champion.question is None or len(pointer.champions) < 2:
        return None
    before = pointer.champions[-2].version
    return None if before in (NOBODY, pointer.champion.version) else before


def take_back(run: Run, context: Context) -> Run:
    """Ask for the rollback if the probation is lost. Its name is noted first, so it is asked for once.

    Raises: ServiceUnavailable if the store is away; Conflict if another process has told something meanwhile.
    """
    watch = run.watch
    found = watch.probation if watch else None
    if watch is None or found is None or not found.is_lost:
        return run
    tellings = Tellings(context.state)
    told = tellings.read()
    noted = told.probation
    if noted is None or noted.version != watch.version:
        noted = ToldProbation(version=watch.version, rollback=context.ledger.name_run(context.now()))
        tellings.write(told.evolve(probation=noted))
    why = _why(watch.version, found)
    ask_once(RollBack(run_id=noted.rollback, to=found.over, over=watch.version, note=why), context)
    run = run.evolve(watch=watch.evolve(probation=found.evolve(rollback=noted.rollback)))
    return void_of(run, f"run {noted.rollback} makes version {found.over} champion again")


def _why(version: str, found: Probation) -> str:
    """The sentence of the rollback. It has no amounts, so that it can be told to everybody."""
    more = f"{found.loss / found.over_loss - 1:.1%} more" if found.loss and found.over_loss else "more"
    return (
        f"Version {version} was on probation until {found.ends}: in {found.days} days after its training "
        f"its loss was {more} than that of version {found.over}; the evidence for that is "
        f"{amount(found.evidence or 0.0)}, and {found.needed:g} is needed."
    )


def rolled_back(request: RollBack, draft: Draft, context: Context) -> Promotion | None:
    """The promotion of the version that is asked for; None if the champion that it is to replace is not champion.

    Raises: NotFound if there is no such version.
    """
    champion = context.ledger.pointer().champion
    version = champion.version if champion else None
    if request.over is not None and version != request.over:
        now = f"version {version or 'none'} is champion by now, not version {request.over}"
        draft.run = draft.run.evolve(reason=f"Nothing is taken back: {now}.")
        return None
    return submit_rollback(request.to, request.run_id, context, request.note or "")

"""A champion on probation that the one before it beats is taken back: by an ordinary rollback, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.errors import Conflict, RetrainError, ServiceError, ServiceUnavailable
from retrain.gate.evidence import amount
from retrain.monitoring.probation import days_needed, end_of, on_probation
from retrain.promotion.record import submit_rollback
from retrain.records.base import skipping
from retrain.records.request import RollBack
from retrain.records.watched import Probation, Tellings, ToldProbation
from retrain.runs.approval import void_of
from retrain.runs.asking import ask_once

LOOKED_FOR_DAYS = 366  # after a probation has ended: a run that compares all its days may fail

if TYPE_CHECKING:
    from retrain.data.series import DailySeries
    from retrain.promotion.record import Promotion
    from retrain.records.champion import Pointer
    from retrain.records.context import Context
    from retrain.records.run import Run
    from retrain.records.watched import Watched
    from retrain.runs.draft import Draft
    from retrain.runs.inputs import InProduction
    from retrain.settings import Settings


def probation(
    champion: InProduction, pointer: Pointer, series: DailySeries, settings: Settings, context: Context
) -> Probation | None:
    """How the champion compares with the one that it replaced; None if it is not on probation.

    Probation is of a promotion, not of a rollback. It is over once a run has compared all its days, which is on
    record; a year after them in any case.
    """
    over, days = pointer.replaced, settings.watch.probation_days
    if not days or over is None:
        return None
    trained_through, version = champion.registered.lineage.trained_through, champion.registered.version
    state = Probation(over=over, ends=end_of(trained_through, days))
    late = (series.last_day - state.ends).days
    if late > LOOKED_FOR_DAYS or (late >= 0 and _is_judged(version, context)):
        return None
    needed = days_needed(settings.decision.horizon_days)
    if days < needed:
        return state.evolve(note=f"RETRAIN_PROBATION_DAYS is {days}, and this horizon needs {needed} days")
    if (series.last_day - trained_through).days < needed:
        return state
    try:
        before = context.registry.load(context.registry.of_record(over))
        return on_probation(champion.model, before, state, trained_through, series, settings.decision.terms)
    except ServiceUnavailable:
        raise
    except RetrainError as error:
        return state.evolve(note=f"not compared: {error}")


def _is_judged(version: str, context: Context) -> bool:
    with skipping():  # a record that cannot be read is the business of who writes it
        return Tellings(context.state).look().judged == version
    return False


def take_back(run: Run, context: Context) -> Run:
    """Ask for the rollback if the probation is lost; note it if it is over and was not.

    The name of the rollback is noted before it is asked for, so it is asked for once.

    Raises: ServiceUnavailable if the store is away; Conflict if another process has told something meanwhile.
    """
    watch = run.watch
    found = watch.probation if watch else None
    if watch is None or found is None or found.evidence is None:
        return run
    try:
        return _taken_back(run, watch, found, context)
    except (ServiceUnavailable, Conflict):
        raise
    except ServiceError as error:
        return run.evolve(watch=watch.evolve(probation=found.evolve(note=f"not taken back: {error}")))


def _taken_back(run: Run, watch: Watched, found: Probation, context: Context) -> Run:
    is_over = run.data is not None and run.data.last_day >= found.ends
    if not found.is_lost and not is_over:
        return run
    tellings = Tellings(context.state)
    told = tellings.read()
    if not found.is_lost:
        tellings.write(told.evolve(judged=watch.version))
        return run
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

"""What a person decides about landings: held days are accepted or dropped, a landing is retracted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.errors import NotFound
from retrain.records.change import changes
from retrain.records.history import Histories, joins_by
from retrain.records.landing import Settled
from retrain.records.landing_log import Decided, Retracted, Standing
from retrain.records.request import Accept, Drop, Retract
from retrain.runs.judging import overlap_error
from retrain.runs.landing import tell_its_run, tell_replaced

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from retrain.data.totals import Joins
    from retrain.records.context import Context
    from retrain.records.history import History
    from retrain.records.request import Settle
    from retrain.runs.draft import Draft
    from retrain.settings import Settings


DONE = {"accept": "accepted", "drop": "dropped", "retract": "retracted"}


def settle(request: Settle, draft: Draft, settings: Settings, context: Context) -> History:
    """Note the decision in the log, in the run, and in the run that landed the file.

    Returns: the history after it.
    Raises: NotFound if there is nothing to decide on; ConfigError if accepting needs RETRAIN_OVERLAP.
    """
    histories = Histories(context.state)
    history = after = histories.read()
    done = history.log.entry_of(request.run_id)
    standing = _standing(request, history) if done is None else _of(request.of, history)
    days, how = _days(request, standing, done), DONE[request.kind]
    if done is None:
        entry = _entry(request, standing, days, history, settings, context)
        after = histories.add(entry, history, settings.data.aggregate)
    change = changes(history, after, ())
    file = standing.landing.file
    draft.run = draft.run.evolve(
        landing=Settled(
            file=file,
            of=request.of,
            done=how,
            days=standing.landing.facts.days if isinstance(request, Retract) else len(days),
            new_days=len(change.new_days),
            changed_days=change.changed_days,
        ),
        reason=f"{file}: {how}.",
    )
    tell_its_run(request.of, days, how, request.run_id, context)
    if isinstance(request, Accept):
        tell_replaced(after, request.of, context)
    return after


def _entry(
    request: Settle,
    standing: Standing,
    days: tuple[date, ...],
    history: History,
    settings: Settings,
    context: Context,
) -> Retracted | Decided:
    if isinstance(request, Retract):
        return Retracted(run_id=request.run_id, at=context.now(), of=request.of, file=standing.landing.file)
    return Decided(
        run_id=request.run_id,
        at=context.now(),
        kind="accepted" if isinstance(request, Accept) else "dropped",
        of=request.of,
        days=days,
        joins=_joins(request, standing, days, history, settings),
    )


def held_by(run_id: str, days: Sequence[date], histories: Histories) -> Standing:
    """The landing of a run that holds these days, or any if none are named. Raises: NotFound if it holds none."""
    standing = _of(run_id, histories.read())
    missing = [day for day in days if day not in standing.held]
    if missing:
        raise NotFound(f"run {run_id} does not hold day {missing[0]}; `retrain landings` shows what is held")
    if not standing.held:
        raise _holds_nothing(run_id)
    return standing


def in_force(name: str, histories: Histories) -> Standing:
    """The landing in force of a file, or of a run. Raises: NotFound if there is none."""
    found = [
        each
        for each in histories.read().standings
        if each.may_count and name in (each.landing.file, each.landing.run_id)
    ]
    if not found:
        raise NotFound(f"no landing of {name!r} is in force; `retrain landings` lists them")
    return found[-1]


def _standing(request: Settle, history: History) -> Standing:
    """What the request is about, while there is still something to decide."""
    standing = _of(request.of, history)
    if isinstance(request, Retract):
        if not standing.may_count:
            raise NotFound(f"the landing of run {request.of} is not in force; `retrain landings` lists them")
    elif not standing.held:
        raise _holds_nothing(request.of)
    return standing


def _holds_nothing(run_id: str) -> NotFound:
    return NotFound(f"run {run_id} holds no days any more; `retrain landings` shows what is held")


def _joins(
    request: Accept | Drop, standing: Standing, days: Sequence[date], history: History, settings: Settings
) -> Joins | None:
    """How accepted days join those that others have landed since or before. Raises: ConfigError if nobody says."""
    landing = standing.landing
    if request.joins is not None or not isinstance(request, Accept) or landing.has_ids:
        return request.joins
    joins = joins_by(history, has_ids=False, asked=settings.data.overlap)
    if joins is None and any(day in history.totals for day in days):
        raise overlap_error(landing)
    return joins


def _of(run_id: str, history: History) -> Standing:
    standing = history.standing(run_id)
    if standing is None:
        raise NotFound(f"run {run_id[:40]!r} has landed no file; `retrain landings` lists the landings")
    return standing


def _days(request: Settle, standing: Standing, done: object) -> tuple[date, ...]:
    if isinstance(done, Decided):
        return done.days
    if isinstance(request, Retract):
        return standing.landing.held  # also where an interrupted run has retracted it: its run may not know yet
    return tuple(sorted(standing.held & frozenset(request.days) if request.days else standing.held))

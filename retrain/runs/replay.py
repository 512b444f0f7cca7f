"""A run made again from what it recorded: the landings as of then, its settings and its champion.

Nothing is written. A verdict that was reached is reached again, or the first field that differs says why.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING, Any

from retrain import __version__
from retrain.data.open_enum import OpenEnum
from retrain.errors import RetrainError, ServiceUnavailable
from retrain.gate.decide import Verdict
from retrain.records.run import Run
from retrain.runs.cap import capped
from retrain.runs.inputs import InProduction, assessed, question_of, series_of, with_findings
from retrain.runs.run import UNSEEN_DAYS
from retrain.settings import under

if TYPE_CHECKING:
    from retrain.data.series import DailySeries
    from retrain.gate.assess import Assessment
    from retrain.records.basis import Basis
    from retrain.records.champion import Pointer
    from retrain.records.context import Context
    from retrain.records.history import Histories
    from retrain.settings import Settings

ROUNDING = 1e-6  # relative, between two processors
NOTHING = 1e-9  # of a number that ought to be 0
FORECAST_DAYS = 7
RESULTS = ("verdict", "warnings", "champion", "challenger", "seasonal_naive", "evidence")


class Outcome(OpenEnum):
    """What a replay found."""

    SAME = "same"
    DIFFERENT = "different"
    IMPOSSIBLE = "impossible"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first field that differs: its path, the value on record and the one of the replay."""

    field: str
    recorded: object
    replayed: object


@dataclass(frozen=True, slots=True)
class Replayed:
    """One run and its replay. `why` names the cause of a difference, or why nothing was replayed."""

    run_id: str
    verdict: Verdict | None
    outcome: Outcome
    why: str = ""
    difference: Difference | None = None

    def as_json(self) -> dict[str, Any]:
        """One object a run."""
        differs = self.difference
        return {
            "run_id": self.run_id,
            "verdict": self.verdict,
            "outcome": self.outcome,
            "why": self.why,
            "field": differs and differs.field,
            "recorded": differs and differs.recorded,
            "replayed": differs and differs.replayed,
        }


def replay(run: Run, histories: Histories, settings: Settings, context: Context) -> Replayed:
    """Reach the verdict of a run again, and compare everything that it rests on.

    Numbers are equal within a relative 1e-6: the same on every processor.

    Raises: ServiceUnavailable if the store is away.
    """
    if run.is_unreadable:
        return Replayed(run.run_id, None, Outcome.IMPOSSIBLE, run.reason)
    if run.basis is None or run.data is None or run.verdict is None:
        return Replayed(run.run_id, run.verdict, Outcome.NOTHING, "it reached no verdict on any days")
    try:
        found = _replayed(run, run.basis, histories, settings, context)
    except ServiceUnavailable:
        raise
    except RetrainError as error:
        return Replayed(run.run_id, run.verdict, Outcome.IMPOSSIBLE, str(error))
    if found is None:
        return Replayed(run.run_id, run.verdict, Outcome.SAME)
    difference, why = found
    return Replayed(run.run_id, run.verdict, Outcome.DIFFERENT, why, difference)


def _replayed(
    run: Run, basis: Basis, histories: Histories, settings: Settings, context: Context
) -> tuple[Difference, str] | None:
    """The first difference and its cause; None if there is none."""
    settings = under(settings, run.request.settings)
    history = histories.after(basis.entries)
    series = series_of(history, settings)
    again = Run(run_id=run.run_id, trigger=run.trigger).on_data(series, history.files)
    difference = _first(run.data, again.data, "data")
    if difference:
        return difference, "data: the landings are not what they were"
    champion = _champion(run, context)
    question = question_of(series, champion, settings, basis.code)
    if question != basis.question:
        return (
            Difference("basis.question", basis.question, question),
            "settings: those on record, or the name of the model, are not those of the run",
        )
    if run.verdict is Verdict.UNCHANGED:
        return None
    found = assessed(series, champion, history, settings.decision, context.progress)
    assessment = capped(found, lambda: _pointer(basis, context), run.run_id, context.now(), settings)
    difference = _result_differs(run, again, champion, assessment, series, context)
    return (difference, _cause(basis)) if difference else None


def _pointer(basis: Basis, context: Context) -> Pointer:
    """The champion pointer as the run found it."""
    pointer = context.ledger.pointer()
    return replace(pointer, champions=pointer.champions[: basis.champions])


def _cause(basis: Basis) -> str:
    if basis.code != __version__:
        return f"code: the run was made by version {basis.code}, this is {__version__}"
    return "record: what the run recorded was changed after it, or its model was"


def _champion(run: Run, context: Context) -> InProduction | None:
    """The champion that the run was compared with."""
    if run.champion is None or run.champion.version is None:
        return None
    return InProduction.of(run.champion.version, context.registry)


def _result_differs(
    run: Run,
    again: Run,
    champion: InProduction | None,
    assessment: Assessment,
    series: DailySeries,
    context: Context,
) -> Difference | None:
    """What of the verdict, the scores, the compared days and the winner is another."""
    again = with_findings(again.evolve(champion=champion and champion.card), assessment)
    has_winner = run.model is not None or run.approval is not None
    if has_winner and again.challenger is not None and assessment.winner is not None:
        version = run.model.version if run.model else None
        named = {"order": assessment.winner.name, "trained_through": series.last_day, "version": version}
        again = again.evolve(challenger=again.challenger.evolve(**named))
    for name in RESULTS:
        difference = _first(getattr(run, name), getattr(again, name), name)
        if difference:
            return difference
    return _days_differ(run, assessment, context) or _winner_differs(run, assessment, context)


def _days_differ(run: Run, assessment: Assessment, context: Context) -> Difference | None:
    """The first number of the compared days that is another."""
    measured = assessment.measured.days if assessment.measured else ()
    recorded = [astuple(day) for day in context.ledger.unseen_days(run.run_id)]
    return _first(recorded, [astuple(day) for day in measured], UNSEEN_DAYS)


def _winner_differs(run: Run, assessment: Assessment, context: Context) -> Difference | None:
    """Whether the registered version forecasts otherwise than the winner of the replay."""
    if run.model is None or assessment.winner is None:
        return None
    registered = InProduction.of(run.model.version, context.registry).model
    recorded, replayed = (model.forecast(FORECAST_DAYS).mean for model in (registered, assessment.winner.model))
    return _first(recorded.tolist(), replayed.tolist(), f"forecast of version {run.model.version}")


def _first(recorded: object, replayed: object, path: str) -> Difference | None:
    """The first place where two values differ; what newer code has recorded besides is not compared."""
    if hasattr(recorded, "as_json"):
        recorded = recorded.as_json()
    if hasattr(replayed, "as_json"):
        replayed = replayed.as_json()
    match recorded, replayed:
        case float(), float() if math.isnan(recorded) and math.isnan(replayed):
            return None
        case dict(), dict():
            pairs = [(recorded.get(name), value, f"{path}.{name}") for name, value in replayed.items()]
        case (list() | tuple(), list() | tuple()) if len(recorded) == len(replayed):
            pairs = [(*pair, f"{path}[{at}]") for at, pair in enumerate(zip(recorded, replayed, strict=True))]
        case (int() | float(), int() | float()):
            is_close = math.isclose(recorded, replayed, rel_tol=ROUNDING, abs_tol=NOTHING)
            return None if is_close else Difference(path, recorded, replayed)
        case _:
            return None if recorded == replayed else Difference(path, recorded, replayed)
    return next(filter(None, (_first(*pair) for pair in pairs)), None)

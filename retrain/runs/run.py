"""One run: land a file, assess the series, and submit the winner if there is one."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from retrain import __version__
from retrain.data.checks import check
from retrain.data.landings import accept, note_taken_in, quarantine, read_history, taken_in
from retrain.data.series import daily_series
from retrain.data.transactions import read_landed
from retrain.errors import ConfigError, Conflict, DataError, NotFound
from retrain.gate.assess import Assessment, assess
from retrain.gate.decide import Decision, Verdict
from retrain.gate.unseen import as_csv
from retrain.promotion.record import submit
from retrain.records.ledger import Conclusion
from retrain.records.measured import Model
from retrain.records.registry import Lineage, RegisteredModel
from retrain.records.request import Evaluate, file_of, shown_name
from retrain.records.run import LandedBefore, Quarantined, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.arima.ensemble import FittedModel
    from retrain.data.series import DailySeries
    from retrain.promotion.record import Promotion
    from retrain.records.champion import Pointer
    from retrain.records.context import Context
    from retrain.records.request import Request
    from retrain.settings import Settings
    from scoring.model import ForecastModel

UNSEEN_DAYS = "unseen.csv"


@dataclass(slots=True)
class Draft:
    """A run while it is made: `run` is always as complete as it is so far."""

    run: Run
    context: Context
    stage: str = ""
    began: float = 0.0

    def tell(self, stage: str, detail: str) -> None:
        """Show progress; the time since the last stage began belongs to that one."""
        if stage != self.stage:
            self.end_stage()
            self.stage, self.began = stage, time.perf_counter()
        self.context.progress(stage, detail)

    def end_stage(self) -> None:
        """Note how long the present stage took, in seconds."""
        if self.stage:
            spent = round(time.perf_counter() - self.began, 3)
            self.run = self.run.evolve(seconds={**self.run.seconds, self.stage: spent})
        self.stage = ""


@dataclass(frozen=True, slots=True)
class InProduction:
    """The champion's version and the model that it is."""

    registered: RegisteredModel
    model: ForecastModel


def retrain(request: Request, draft: Draft, settings: Settings, context: Context) -> Promotion | None:
    """Make one run, up to the submission of its winner.

    Args: draft: updated while the run goes on.
    Returns: the promotion that was submitted; None if nothing is to be promoted.
    Raises: RetrainError if anything fails; the champion is then as it was.
    """
    with _stages(draft):
        pointer = context.ledger.pointer()  # a store that cannot be read is refused before anything lands in it
        file = file_of(request)
        if file is not None:
            draft.tell("land", "")
            _land(file, draft, settings, context)
        draft.tell("load", "")
        history = read_history(context.state)
        if not history.days:
            draft.run = draft.run.decided(
                Decision(Verdict.WAITING, "There are no days yet; land a file of transactions.")
            )
            return None
        series = daily_series(history.days, settings.data.gaps)
        draft.run = draft.run.on_data(series, history.files)
        champion = _champion(pointer, draft, settings, context)
        question = _question(series, champion, settings)
        is_forced = isinstance(request, Evaluate) and request.force
        unchanged = None if is_forced else _unchanged(question, series, champion, context)
        if unchanged is not None:
            draft.run = draft.run.decided(unchanged)
            return None
        assessment = assess(series, champion.model if champion else None, settings.decision, draft.tell)
    _record(assessment, draft, context)
    if request.dry_run:
        dry = f"Dry run, nothing is registered. {assessment.decision.reason}"
        draft.run = draft.run.decided(replace(assessment.decision, reason=dry))
        return None
    if assessment.winner is None:
        decision = assessment.decision
        conclusion = Conclusion(run_id=request.run_id, verdict=decision.verdict, reason=decision.reason)
        context.ledger.conclude(question, conclusion)
        return None
    # A winner's question is decided when it is champion, and not before.
    return _submitted(assessment.winner, series, pointer, question, draft, settings, context)


@contextmanager
def _stages(draft: Draft) -> Iterator[None]:
    try:
        yield
    finally:
        draft.end_stage()


def _land(file: str, draft: Draft, settings: Settings, context: Context) -> None:
    """Take a file into the history, or quarantine it with the reason and raise that.

    The same version of a file is taken in once: an event that is delivered again, after a later file has corrected
    this one's days, must not bring them back.
    """
    run_id, version = draft.run.run_id, context.inbox.state(file)
    before = taken_in(file, version, context.state)
    if before is not None:
        draft.run = draft.run.evolve(landing=LandedBefore(file=shown_name(file), taken_in_by=before))
        return
    history = read_history(context.state)
    reading, aggregate = settings.data.reading, settings.data.aggregate
    try:
        with context.inbox.open(file) as stream:
            landed = read_landed(stream, shown_name(file), reading, context.now().date())
        if context.inbox.state(file) != version:
            raise Conflict(f"{shown_name(file)} changed while it was read; it will be read again")
        check(landed.file, landed.amounts(aggregate), history.days, settings.data.gaps)
    except DataError as reason:
        place = quarantine(file, reason, run_id, context.inbox, context.state)
        draft.run = draft.run.evolve(landing=Quarantined(file=shown_name(file), quarantine=place))
        raise
    draft.run = draft.run.landed(landed, accept(landed, history, aggregate, run_id, context.state), aggregate)
    note_taken_in(file, version, run_id, context.state)


def _champion(pointer: Pointer, draft: Draft, settings: Settings, context: Context) -> InProduction | None:
    """None only if the ledger says that there is none."""
    if pointer.champion is None:
        return None
    version, name = pointer.champion.version, settings.platform.model_name
    try:
        registered = context.registry.get(version)
    except NotFound as exc:
        raise ConfigError(
            f"version {version} is champion, and the model {name} has no such version; set RETRAIN_MODEL_NAME "
            "back, or start a new store"
        ) from exc
    lineage = registered.lineage
    card = Model(version=version, order=lineage.order, trained_through=lineage.trained_through)
    draft.run = draft.run.evolve(champion=card)
    return InProduction(registered, context.registry.load(registered))


def _question(series: DailySeries, champion: InProduction | None, settings: Settings) -> str:
    """What a verdict answers; asked twice, it has the same answer."""
    asked = {
        "data": series.sha256,
        "champion": champion and champion.registered.version,
        "model": settings.platform.model_name,
        "settings": asdict(settings.decision),
        "code": __version__,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _unchanged(
    question: str, series: DailySeries, champion: InProduction | None, context: Context
) -> Decision | None:
    if champion is not None and champion.registered.lineage.data_sha256 == series.sha256:
        return Decision(
            Verdict.UNCHANGED,
            f"Nothing has changed: version {champion.registered.version} was trained on exactly these "
            f"{len(series)} days.",
        )
    before = context.ledger.concluded(question)
    if before is None:
        return None
    return Decision(
        Verdict.UNCHANGED,
        f"Nothing has changed since run {before.run_id}, whose verdict was {before.verdict}: {before.reason}",
    )


def _record(assessment: Assessment, draft: Draft, context: Context) -> None:
    """Note the verdict and what it rests on."""
    draft.run = draft.run.decided(assessment.decision)
    challenger, measured = assessment.challenger, assessment.measured
    if challenger is None:
        return
    order, trained_through = challenger.name, challenger.model.origin
    if measured is None:
        draft.run = draft.run.evolve(challenger=Model(order=order, trained_through=trained_through))
        return
    context.ledger.keep(draft.run.run_id, UNSEEN_DAYS, as_csv(measured.days))
    card = Model(order=order, trained_through=measured.challenger_trained_through)
    draft.run = draft.run.compared(card, measured)


def _submitted(
    winner: FittedModel,
    series: DailySeries,
    pointer: Pointer,
    question: str,
    draft: Draft,
    settings: Settings,
    context: Context,
) -> Promotion:
    """The order that was compared, fitted to every day, is what is submitted."""
    order, name = winner.name, settings.platform.model_name
    lineage = Lineage(series.sha256, series.first_day, series.last_day, order, __version__)
    facts = {**winner.model.facts, "name": name, "lineage": lineage.as_json()}
    artifact = replace(winner.model, facts=facts).to_json()
    promotion = submit(artifact, lineage, pointer, draft.run.reason, question, draft.run.run_id, context)
    compared = draft.run.challenger
    if compared is not None:
        draft.run = draft.run.evolve(challenger=compared.evolve(order=order, trained_through=series.last_day))
    return promotion

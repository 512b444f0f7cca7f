"""The story of one run: land -> history -> compare -> decide -> promote."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain import __version__
from retrain.arima.fit import FittedModel, fit, refit
from retrain.arima.search import search
from retrain.data.checks import check
from retrain.data.landings import History, accept, note_taken_in, quarantine, read_history, taken_in
from retrain.data.series import MAX_GAP_DAYS, DailySeries, GapPolicy, daily_series, longest_gap
from retrain.data.transactions import read_days
from retrain.errors import ConfigError, Conflict, DataError, NotConverged, NotFound
from retrain.gate.decide import Decision, Verdict, decide, decide_unmeasured
from retrain.gate.evaluate import Comparison, compare
from retrain.gate.unseen import as_csv
from retrain.promotion.record import hand_over, submit
from retrain.promotion.steps import promote
from retrain.records.ledger import Ledger, Pointer
from retrain.records.registry import Lineage, RegisteredModel, Registry
from retrain.records.request import shown_name
from retrain.records.run import RunReport, model_card

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrain.ports import Ports
    from retrain.records.request import Request
    from retrain.settings import Settings
    from scoring.model import ForecastModel

FIRST_MODEL_HOLDOUT = 0.2  # of its own history, at most `min_unseen_days`: there is nobody else to measure


@dataclass(frozen=True, slots=True)
class Champion:
    """The version in production and the model that it is."""

    registered: RegisteredModel
    model: ForecastModel


def retrain(request: Request, settings: Settings, ports: Ports, report: RunReport) -> None:
    """Make one run and write what comes of it into the report.

    Raises: RetrainError if anything fails; the champion is then as it was.
    """
    if request.file is not None:
        with _stage("land", report, ports):
            _land(request.file, settings, ports, report)
    history = read_history(ports.state)
    if not history.days:
        report.decided(Decision(Verdict.WAITING, "There are no days yet; land a file of transactions."))
        return
    with _stage("load", report, ports):
        series = daily_series(history.days, settings.data.gaps)
        report.saw(series, history.files)
        pointer = Ledger(ports.state).pointer()
        champion = _champion(pointer, settings, ports, report)
    question = _question(series, champion, settings)
    decision = None if request.force else _unchanged(question, series, champion, ports)
    decision = decision or _not_yet(history, series, champion, settings)
    if decision is None:
        challenger, measured = _measure(series, champion, settings, ports, report)
        decision = decide(measured, settings.decision.policy) if measured else decide_unmeasured(len(series))
        decision = _remarked(decision, challenger)
        if request.dry_run:
            decision = replace(decision, reason=f"Dry run, nothing is registered. {decision.reason}")
        elif decision.verdict is Verdict.PROMOTE:
            with _stage("fit", report, ports):
                winner = _fitted_to_every_day(challenger, series)
            decision = _remarked(decision, winner)
            _promote(winner, series, pointer, question, decision, settings, ports, report)
    report.decided(decision)
    # A winner's question is answered when it is champion, and not before.
    if not request.dry_run and decision.verdict not in (Verdict.UNCHANGED, Verdict.PROMOTE):
        Ledger(ports.state).conclude(question, request.run_id, decision.verdict, decision.reason)


def _land(file: str, settings: Settings, ports: Ports, report: RunReport) -> None:
    """Take a file into the history, or set it aside with the reason and raise that.

    The same state of a file is taken in once: an event that is delivered again, after a later file has corrected
    this one's days, must not bring them back.
    """
    run_id, state = report.request.run_id, ports.inbox.state(file)
    before = taken_in(file, state, ports)
    if before is not None:
        report.landed_before(shown_name(file), before)
        return
    history = read_history(ports.state)
    try:
        with ports.inbox.open(file) as stream:
            landed = read_days(
                stream, shown_name(file), settings.data.columns, settings.data.aggregate, ports.now().date()
            )
        if ports.inbox.state(file) != state:
            raise Conflict(f"{shown_name(file)} changed while it was read; it will be read again")
        check(landed, history.days, settings.data.gaps)
    except DataError as reason:
        report.quarantined(shown_name(file), quarantine(file, reason, run_id, ports))
        raise
    report.landed(landed, accept(landed, history, settings.data.aggregate, run_id, ports))
    note_taken_in(file, state, run_id, ports)


def _champion(pointer: Pointer, settings: Settings, ports: Ports, report: RunReport) -> Champion | None:
    """None only where the ledger says that there is none."""
    if pointer.champion is None:
        return None
    registry = Registry(ports.state, settings.platform.model_name)
    try:
        registered = registry.get(pointer.champion.version)
    except NotFound as exc:
        raise ConfigError(
            f"version {pointer.champion.version} is champion, and the model {settings.platform.model_name} "
            "has none such; set RETRAIN_MODEL_NAME back, or start a new store"
        ) from exc
    lineage = registered.lineage
    report.champion = model_card(registered.version, lineage.order, lineage.trained_through)
    return Champion(registered, registry.load(registered))


def _question(series: DailySeries, champion: Champion | None, settings: Settings) -> str:
    """What a verdict answers; asked twice, it has the same answer."""
    asked = {
        "data": series.sha256,
        "champion": champion and champion.registered.version,
        "model": settings.platform.model_name,
        "settings": asdict(settings.decision),
        "code": __version__,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _unchanged(question: str, series: DailySeries, champion: Champion | None, ports: Ports) -> Decision | None:
    if champion is not None and champion.registered.lineage.data_sha256 == series.sha256:
        return Decision(
            Verdict.UNCHANGED,
            f"Nothing has changed: version {champion.registered.version} was trained on exactly these "
            f"{len(series)} days.",
        )
    before = Ledger(ports.state).concluded(question)
    if before is not None:
        return Decision(
            Verdict.UNCHANGED,
            f"Nothing has changed since run {before['run_id']}, whose verdict was {before['verdict']}: "
            f"{before['reason']}",
        )
    return None


def _not_yet(
    history: History, series: DailySeries, champion: Champion | None, settings: Settings
) -> Decision | None:
    """Why there is too little to decide on, if there is."""
    longest = longest_gap(history.days)
    if settings.data.gaps is GapPolicy.INTERPOLATE and longest > MAX_GAP_DAYS:
        reason = (
            f"{longest} days in a row are missing and at most {MAX_GAP_DAYS} are interpolated; "
            "land the missing days."
        )
    elif champion is not None:
        unseen = int(np.isfinite(series.after(champion.model.origin)).sum())
        if unseen >= settings.forecasting.min_unseen_days:
            return None
        reason = (
            f"The champion has not seen {unseen} of the {len(series)} days; a comparison needs "
            f"{settings.forecasting.min_unseen_days}."
        )
    elif len(series) < settings.decision.min_training_days:
        reason = f"There are {len(series)} days; a first model needs {settings.decision.min_training_days}."
    elif series.is_flat:
        reason = f"All {len(series)} days are {series.values[0]:g}; there is nothing to learn from them yet."
    else:
        return None
    return Decision(Verdict.WAITING, reason)


def _measure(
    series: DailySeries, champion: Champion | None, settings: Settings, ports: Ports, report: RunReport
) -> tuple[FittedModel, Comparison | None]:
    """The challenger, trained through the day before the first unseen one, and how it compares."""
    unseen = len(series.after(champion.model.origin)) if champion else _holdout(series, settings)
    known = series.observed_through(series.last_day - timedelta(days=unseen))
    with _stage("search", report, ports) as tell:
        pinned = settings.forecasting.pinned_order
        challenger = fit(pinned, known) if pinned else _searched(known, settings, tell)
    report.challenger = model_card(None, str(challenger.order), challenger.model.origin)
    if not unseen:
        return challenger, None
    with _stage("compare", report, ports) as tell:
        measured = compare(
            champion.model if champion else None,
            challenger,
            series,
            horizon_days=settings.forecasting.horizon_days,
            season_days=settings.forecasting.season_days,
            refit_days=settings.forecasting.refit_days,
            loss=settings.policy.loss,
            progress=tell,
        )
    Ledger(ports.state).keep_unseen_days(report.request.run_id, as_csv(measured.days))
    report.measured = measured
    report.challenger = model_card(None, str(challenger.order), measured.challenger_trained_through)
    return challenger, measured


def _searched(known: DailySeries, settings: Settings, tell: Callable[[str], None]) -> FittedModel:
    return search(
        known,
        settings.forecasting.season_days,
        settings.forecasting.horizon_days,
        settings.forecasting.country,
        tell,
    )


def _holdout(series: DailySeries, settings: Settings) -> int:
    """Days that a first model is tested on; 0 where too few or too flat days would be left to train it."""
    days = min(settings.forecasting.min_unseen_days, int(len(series) * FIRST_MODEL_HOLDOUT))
    known = series.through(series.last_day - timedelta(days=days))
    testable = (
        days > settings.forecasting.horizon_days
        and len(known) >= settings.decision.min_training_days
        and not known.is_flat
    )
    return days if testable else 0


def _promote(
    winner: FittedModel,
    series: DailySeries,
    pointer: Pointer,
    question: str,
    decision: Decision,
    settings: Settings,
    ports: Ports,
    report: RunReport,
) -> None:
    """The order that was measured, refitted to every day, is what gets promoted: by a job if there are jobs."""
    run_id, order = report.request.run_id, str(winner.order)
    lineage = Lineage(series.sha256, series.first_day, series.last_day, order, __version__)
    artifact = _artifact(winner, lineage, settings.platform.model_name)
    submit(artifact, lineage, pointer, decision.reason, question, run_id, settings, ports)
    report.submitted(decision, model_card(None, order, series.last_day))
    Ledger(ports.state).record(run_id, report.as_json())
    if ports.jobs is not None:
        with _stage("submit", report, ports):
            report.steps = hand_over(run_id, ports.jobs, ports)
        return
    with _stage("promote", report, ports):
        model = promote(run_id, settings, ports)
        report.promoted(model, (Ledger(ports.state).promotion(run_id) or {}).get("steps", {}))


def _artifact(winner: FittedModel, lineage: Lineage, name: str) -> bytes:
    facts = {**winner.model.facts, "name": name, "parameters": winner.parameters, "lineage": lineage.as_json()}
    return replace(winner.model, facts=facts).to_json()


def _remarked(decision: Decision, model: FittedModel) -> Decision:
    return replace(decision, warnings=(*decision.warnings, model.remark)) if model.remark else decision


def _fitted_to_every_day(challenger: FittedModel, series: DailySeries) -> FittedModel:
    """The winner's parameters from all days; where they have no optimum, those of before the unseen days."""
    if challenger.model.origin == series.last_day:
        return replace(challenger, remark="")
    try:
        return refit(challenger, series)
    except NotConverged as exc:
        model = challenger.model.observe(series.after(challenger.model.origin))
        remark = f"The winner keeps the parameters of {challenger.model.origin}: {exc}."
        return replace(challenger, model=model, remark=remark)


@contextmanager
def _stage(name: str, report: RunReport, ports: Ports) -> Iterator[Callable[[str], None]]:
    """Time a stage and say that it has begun."""
    ports.progress(name, "")
    began = time.perf_counter()
    try:
        yield lambda detail: ports.progress(name, detail)
    finally:
        report.seconds[name] = time.perf_counter() - began

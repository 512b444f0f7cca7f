"""One question, one answer: should a model that is fitted now replace the champion?"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.procedure import Procedure
from retrain.arima.proof import proven
from retrain.data.series import MAX_GAP_DAYS
from retrain.errors import NotConverged, NotProven
from retrain.gate.decide import Decision, PromotionPolicy, Verdict, decide, decide_unmeasured, loses_to_naive
from retrain.gate.evaluate import Comparison, compare
from retrain.gate.rolling import RollingForecasts, Terms, rolling_forecasts
from retrain.gate.scores import usual_size

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from retrain.arima.ensemble import FittedModel
    from retrain.arima.order import Order
    from retrain.data.series import DailySeries
    from scoring.model import ForecastModel

    type Progress = Callable[[str, str], None]

FIRST_MODEL_HOLDOUT = 0.2  # share of its own history, at most `min_unseen_days`: there is no champion yet
MIN_TRAINING_DAYS = 21
COMPARED_DAYS = 365  # of the unseen days, and less than a step more: older ones say less and cost as much
COMPARED_HORIZONS = 8  # at least; evidence needs almost seven
CORRECTED = "Days that the champion was trained on have been corrected since"
ROUNDING = 1e-6  # relative to the usual amount, between two fits of one model
STEP_DAYS = 91  # by which the first compared day moves, so that it does not move at every run


@dataclass(frozen=True, slots=True)
class DecisionSettings:
    """Every setting that can change the verdict on the same data and the same champion.

    Attributes:
        season_days: days per cycle; 1 for none.
        order: the order to fit without a search; None to search.
        country: whose public holidays may become a regressor; empty for none.
        horizon_days: days that each forecast is scored over.
        min_unseen_days: fewer new days than this end as `waiting`.
        refit_days: days between the challenger's fits along the unseen days.
    """

    season_days: int = 7
    order: Order | None = None
    country: str = ""
    horizon_days: int = 7
    min_unseen_days: int = 28
    refit_days: int = 14
    policy: PromotionPolicy = field(default_factory=PromotionPolicy)

    @property
    def min_training_days(self) -> int:
        """Three weeks, or three cycles where those are longer."""
        return max(MIN_TRAINING_DAYS, 3 * self.season_days)

    @property
    def procedure(self) -> Procedure:
        """How a challenger is made."""
        return Procedure(self.season_days, self.horizon_days, self.country, self.order)

    @property
    def terms(self) -> Terms:
        """How forecasts are compared."""
        policy = self.policy
        return Terms(self.horizon_days, self.season_days, self.refit_days, policy.loss, policy.alpha)


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """The verdict and what it rests on.

    Attributes:
        challenger: trained through the day before the first unseen one; None where nothing was fitted.
        measured: the comparison on the unseen days; None where there are too few to compare.
        winner: the challenger fitted to every day; None unless the verdict is `promote`.
    """

    decision: Decision
    challenger: FittedModel | None = None
    measured: Comparison | None = None
    winner: FittedModel | None = None


def _silent(_stage: str, _detail: str) -> None:
    """Nobody waits."""


def assess(
    series: DailySeries,
    champion: ForecastModel | None,
    settings: DecisionSettings,
    progress: Progress = _silent,
    *,
    is_corrected: bool = False,
) -> Assessment:
    """Fit a challenger, compare it with the champion on the days that the champion has not seen, and decide.

    Reads no file, clock or environment; arguments and result can be sent to another process.

    Args:
        series: every accepted day.
        champion: as it is deployed; None for the first model.
        progress: told each stage (`search`, `compare`, `fit`) and where in it.
        is_corrected: days that the champion was trained on are other than they were. Then it is compared at once;
            where it has not seen enough days, on the last ones that it has, to its advantage. It keeps its
            parameters and observes the corrected days from the first one on, as its service does.
    Raises: RetrainError if a model cannot be fitted or scored; there is no verdict then.
    """
    reason = _too_little(series, champion, settings, is_corrected=is_corrected)
    if reason:
        return Assessment(Decision(Verdict.WAITING, reason))
    if champion is not None and is_corrected:
        return _reassessed(series, champion, settings, progress)
    unseen = _compared_days(series, champion, settings) if champion else _holdout(series, settings)
    if not unseen:
        return _unmeasured(series, settings, progress)
    return _assessed(unseen, series, champion, settings, progress)


def _reassessed(
    series: DailySeries, champion: ForecastModel, settings: DecisionSettings, progress: Progress
) -> Assessment:
    """The verdict on a champion that was trained on days which have been corrected since."""
    unseen, least = _compared_days(series, champion, settings), _holdout(series, settings)
    if unseen > len(series) - settings.min_training_days:  # the days before are gone
        unseen = 0
    unseen = max(unseen, least)
    if not unseen:
        return Assessment(
            Decision(Verdict.WAITING, f"{CORRECTED}; {len(series)} days are too few to compare it on.")
        )
    amounts = np.where(series.observed, series.values, np.nan)
    restarted = champion.restarted(series.first_day, amounts[: len(series) - unseen])
    assessed = _assessed(unseen, series, restarted, settings, progress)
    reason = f"{CORRECTED}, so it is compared at once. {assessed.decision.reason}"
    return replace(assessed, decision=replace(assessed.decision, reason=reason))


def _assessed(
    unseen: int,
    series: DailySeries,
    champion: ForecastModel | None,
    settings: DecisionSettings,
    progress: Progress,
) -> Assessment:
    """The verdict on the last `unseen` days."""
    cutoff = series.last_day - timedelta(days=unseen)
    searched = _judged(settings.procedure, cutoff, series, champion, settings, progress)
    if searched.is_settled:
        return searched.assessment
    # What is not better than last week, or cannot be finished, is no candidate; last week itself always is.
    naive = Procedure.seasonal_naive(settings.season_days)
    judged = _judged(naive, cutoff, series, champion, settings, progress).assessment
    reason = f"{judged.decision.reason} The challenger is the seasonal naive, because {searched.why_not}."
    return replace(judged, decision=replace(judged.decision, reason=reason))


@dataclass(frozen=True, slots=True)
class _Judged:
    """One procedure on the unseen days; `why_not` says why it cannot be the challenger, and is empty if it can."""

    assessment: Assessment
    why_not: str = ""

    @property
    def is_settled(self) -> bool:
        return not self.why_not


def _judged(
    procedure: Procedure,
    cutoff: date,
    series: DailySeries,
    champion: ForecastModel | None,
    settings: DecisionSettings,
    progress: Progress,
) -> _Judged:
    """Fit the procedure to what was known, roll it along the unseen days, compare, decide, finish the winner."""
    progress("search", "")
    known = series.observed_through(cutoff)
    challenger = procedure.first(known, lambda detail: progress("search", detail))
    unknown = [math.nan] * (cutoff - known.last_day).days
    challenger = replace(challenger, model=challenger.model.observe(unknown))
    progress("compare", "")
    rolled = rolling_forecasts(
        procedure, challenger, series, settings.terms, lambda detail: progress("compare", detail)
    )
    measured = compare(champion, rolled, series, settings.terms)
    decision = _with_remark(decide(measured, settings.policy), challenger)
    assessed = Assessment(decision, challenger, measured)
    lost = "" if procedure.is_naive else loses_to_naive(measured, settings.policy)
    if lost or decision.verdict is not Verdict.PROMOTE:
        return _Judged(assessed, lost)
    progress("fit", "")
    try:
        winner = rolled.finished(series)
    except (NotConverged, NotProven) as exc:
        return _unfinished(assessed, procedure, str(exc))
    distance = 0.0 if procedure.is_naive else _distance(rolled, winner, series, settings.horizon_days)
    if distance > measured.challenger.rmse + ROUNDING * usual_size(series.values):
        return _unfinished(
            assessed,
            procedure,
            f"fitted to every day, {winner.order} forecasts {distance:.4g} a day away from the model that was "
            f"compared, which is more than its RMSE, {measured.challenger.rmse:.4g}",
        )
    return _Judged(replace(assessed, winner=winner))


def _unfinished(assessed: Assessment, procedure: Procedure, why: str) -> _Judged:
    """The winner that was measured cannot be had, so nothing is promoted in its place unmeasured."""
    kept = Decision(Verdict.KEEP, f"The winner is not promoted: {why}.", assessed.decision.warnings)
    return _Judged(replace(assessed, decision=kept), "" if procedure.is_naive else why)


def _distance(rolled: RollingForecasts, winner: FittedModel, series: DailySeries, horizon_days: int) -> float:
    """Root mean square between the next forecasts of the winner and of the model that was compared last."""
    compared = rolled.last.model.observe(series.after(rolled.last.model.origin))
    apart = winner.model.forecast(horizon_days).mean - compared.forecast(horizon_days).mean
    return float(np.sqrt(np.mean(apart**2)))


def _unmeasured(series: DailySeries, settings: DecisionSettings, progress: Progress) -> Assessment:
    """A first model of too few days to hold out some: the pinned order, or else the seasonal naive."""
    progress("fit", "")
    pinned = settings.procedure if settings.order else Procedure.seasonal_naive(settings.season_days)
    winner = proven(pinned.first(series))
    return Assessment(decide_unmeasured(len(series), winner.name), winner, None, winner)


def _compared_days(series: DailySeries, champion: ForecastModel, settings: DecisionSettings) -> int:
    """How many of the last days are compared: those that the champion has not seen, at most about a year.

    More for a long horizon, or where fewer of a year's days were observed than a comparison needs.
    """
    observed = np.isfinite(series.after(champion.origin))
    most = max(COMPARED_DAYS, COMPARED_HORIZONS * settings.horizon_days)
    left_out = max(len(observed) - most, 0) // STEP_DAYS * STEP_DAYS
    while left_out and observed[left_out:].sum() < settings.min_unseen_days:
        left_out -= STEP_DAYS
    return len(observed) - left_out


def _too_little(
    series: DailySeries, champion: ForecastModel | None, settings: DecisionSettings, *, is_corrected: bool
) -> str:
    """Why there is too little to decide on; empty if there is enough."""
    longest = series.longest_gap
    if longest > MAX_GAP_DAYS:
        return (
            f"{longest} days in a row are missing and at most {MAX_GAP_DAYS} are interpolated; "
            "land the missing days."
        )
    if champion is not None and not is_corrected:
        unseen = int(np.isfinite(series.after(champion.origin)).sum())
        if unseen < settings.min_unseen_days:
            return (
                f"The champion has not seen {unseen} of the {len(series)} days; a comparison needs "
                f"{settings.min_unseen_days}."
            )
    elif champion is None and len(series) < settings.min_training_days:
        return f"There are {len(series)} days; a first model needs {settings.min_training_days}."
    elif champion is None and series.is_flat:
        return f"All {len(series)} days are {series.values[0]:g}; there is nothing to learn from them yet."
    return ""


def _holdout(series: DailySeries, settings: DecisionSettings) -> int:
    """Days that a first model is tested on; 0 where too few or too flat days would be left to train it.

    They are counted so that as many observed days are among them as there would be without days that are not.
    """
    observed = np.flatnonzero(series.observed)
    count = min(settings.min_unseen_days, int(len(observed) * FIRST_MODEL_HOLDOUT))
    if not count:
        return 0
    days = len(series) - int(observed[-count])
    known = series.through(series.last_day - timedelta(days=days))
    testable = days > settings.horizon_days and len(known) >= settings.min_training_days and not known.is_flat
    return days if testable else 0


def _with_remark(decision: Decision, model: FittedModel) -> Decision:
    return replace(decision, warnings=(*decision.warnings, model.remark)) if model.remark else decision

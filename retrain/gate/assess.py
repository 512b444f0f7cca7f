"""One question, one answer: should a model that is fitted now replace the champion?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.fit import FittedModel, fit, refit
from retrain.arima.search import search
from retrain.data.series import MAX_GAP_DAYS
from retrain.errors import NotConverged
from retrain.gate.decide import Decision, PromotionPolicy, Verdict, decide, decide_unmeasured
from retrain.gate.evaluate import Comparison, compare

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.arima.order import Order
    from retrain.data.series import DailySeries
    from scoring.model import ForecastModel

    type Progress = Callable[[str, str], None]

FIRST_MODEL_HOLDOUT = (
    0.2  # share of its own history, at most `min_unseen_days`: there is no champion to compare with
)
MIN_TRAINING_DAYS = 21


@dataclass(frozen=True, slots=True)
class DecisionSettings:
    """Every setting that can change the verdict on the same data and the same champion.

    Attributes:
        season_days: days per cycle; 1 for none.
        order: the order to fit without a search; None to search.
        country: whose public holidays may become a regressor; empty for none.
        horizon_days: days that each forecast is scored over.
        min_unseen_days: fewer new days than this end as `waiting`.
        refit_days: days between the challenger's refits along the unseen days.
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
    series: DailySeries, champion: ForecastModel | None, settings: DecisionSettings, progress: Progress = _silent
) -> Assessment:
    """Fit a challenger, compare it with the champion on the days that the champion has not seen, and decide.

    Reads no file, clock or environment; arguments and result can be sent to another process.

    Args:
        series: every accepted day.
        champion: as it is deployed; None for the first model.
        progress: told each stage (`search`, `compare`, `fit`) and where in it.
    Raises: RetrainError if a model cannot be fitted or scored; there is no verdict then.
    """
    reason = _too_little(series, champion, settings)
    if reason:
        return Assessment(Decision(Verdict.WAITING, reason))
    challenger, measured = _measured(series, champion, settings, progress)
    decision = decide(measured, settings.policy) if measured else decide_unmeasured(len(series))
    decision = _with_remark(decision, challenger)
    if decision.verdict is not Verdict.PROMOTE:
        return Assessment(decision, challenger, measured)
    progress("fit", "")
    winner = _fitted_to_every_day(challenger, series)
    return Assessment(_with_remark(decision, winner), challenger, measured, winner)


def _too_little(series: DailySeries, champion: ForecastModel | None, settings: DecisionSettings) -> str:
    """Why there is too little to decide on; empty if there is enough."""
    longest = _longest_gap(series)
    if longest > MAX_GAP_DAYS:
        return (
            f"{longest} days in a row are missing and at most {MAX_GAP_DAYS} are interpolated; "
            "land the missing days."
        )
    if champion is not None:
        unseen = int(np.isfinite(series.after(champion.origin)).sum())
        if unseen < settings.min_unseen_days:
            return (
                f"The champion has not seen {unseen} of the {len(series)} days; a comparison needs "
                f"{settings.min_unseen_days}."
            )
    elif len(series) < settings.min_training_days:
        return f"There are {len(series)} days; a first model needs {settings.min_training_days}."
    elif series.is_flat:
        return f"All {len(series)} days are {series.values[0]:g}; there is nothing to learn from them yet."
    return ""


def _longest_gap(series: DailySeries) -> int:
    """The most interpolated days in a row; 0 for none."""
    longest = length = 0
    before = None
    for day in series.interpolated:
        length = length + 1 if before is not None and day - before == timedelta(days=1) else 1
        longest, before = max(longest, length), day
    return longest


def _measured(
    series: DailySeries, champion: ForecastModel | None, settings: DecisionSettings, progress: Progress
) -> tuple[FittedModel, Comparison | None]:
    """The challenger, trained through the day before the first unseen one, and how it compares."""
    unseen = len(series.after(champion.origin)) if champion else _holdout(series, settings)
    known = series.observed_through(series.last_day - timedelta(days=unseen))
    progress("search", "")
    if settings.order:
        challenger = fit(settings.order, known)
    else:
        challenger = search(
            known,
            settings.season_days,
            settings.horizon_days,
            settings.country,
            lambda detail: progress("search", detail),
        )
    if not unseen:
        return challenger, None
    progress("compare", "")
    measured = compare(
        champion,
        challenger,
        series,
        horizon_days=settings.horizon_days,
        season_days=settings.season_days,
        refit_days=settings.refit_days,
        loss=settings.policy.loss,
        progress=lambda detail: progress("compare", detail),
    )
    return challenger, measured


def _holdout(series: DailySeries, settings: DecisionSettings) -> int:
    """Days that a first model is tested on; 0 where too few or too flat days would be left to train it."""
    days = min(settings.min_unseen_days, int(len(series) * FIRST_MODEL_HOLDOUT))
    known = series.through(series.last_day - timedelta(days=days))
    testable = days > settings.horizon_days and len(known) >= settings.min_training_days and not known.is_flat
    return days if testable else 0


def _with_remark(decision: Decision, model: FittedModel) -> Decision:
    return replace(decision, warnings=(*decision.warnings, model.remark)) if model.remark else decision


def _fitted_to_every_day(challenger: FittedModel, series: DailySeries) -> FittedModel:
    """The winner's parameters from all days; if that fit does not converge, those from before the unseen days."""
    if challenger.model.origin == series.last_day:
        return replace(challenger, remark="")
    try:
        return refit(challenger, series)
    except NotConverged as exc:
        model = challenger.model.observe(series.after(challenger.model.origin))
        remark = f"The winner keeps the parameters of {challenger.model.origin}: {exc}."
        return replace(challenger, model=model, remark=remark)

"""Scores champion and challenger on the same unseen days, from the same origins, with the same horizon."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.data.holidays import holidays_between
from retrain.errors import ModelError
from retrain.gate.evidence import Evidence, evidence
from retrain.gate.scores import Loss, Scorecard, score
from retrain.gate.significance import DieboldMariano, diebold_mariano
from retrain.gate.slices import Slice, slices
from retrain.gate.unseen import UnseenDay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from retrain.data.series import DailySeries
    from retrain.gate.rolling import RollingForecasts, Terms
    from scoring.model import ForecastModel, Prediction

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The scores of all models, and the evidence that the decision uses.

    Attributes:
        order: the challenger's.
        is_naive: True if the challenger is the seasonal naive.
        first_unseen_day: the day after the cutoff from which the models are compared.
        unseen_days: number of observed days that the scores cover.
        origins: number of forecasts by each model.
        champion: None if there is no champion yet; then `test` and `evidence` are None too.
        test: None also if the losses cannot be tested.
        challenger_trained_through: the cutoff of the challenger's last fit.
        refits_kept: number of fits that did not converge, so that the parameters were kept.
        days: one for each origin, by the first day that is forecast from it.
        loss: the metric that decides.
        slices: the scores by weekday, calendar and days ahead.
    """

    order: str
    is_naive: bool
    first_unseen_day: date
    unseen_days: int
    origins: int
    horizon_days: int
    champion: Scorecard | None
    challenger: Scorecard
    seasonal_naive: Scorecard
    test: DieboldMariano | None
    evidence: Evidence | None
    challenger_trained_through: date
    refits_kept: int
    days: tuple[UnseenDay, ...]
    loss: Loss = Loss.RMSE
    slices: tuple[Slice, ...] = ()

    @property
    def gain(self) -> float | None:
        """The relative decrease of the loss; None without a champion, or if the champion's loss is zero.

        Raises: ModelError if the loss is not defined for one of them.
        """
        champion = self.champion and self.champion.of(self.loss)
        return 1 - self.challenger.of(self.loss) / champion if champion else None


def compare(
    champion: ForecastModel | None, challenger: RollingForecasts, history: DailySeries, terms: Terms
) -> Comparison:
    """Score both models and the seasonal naive from every day after the challenger's cutoff.

    Args:
        champion: as deployed; its state is filtered up to each origin, its parameters do not change.
        history: all accepted days.
    Raises: ModelError if a score is not finite, or if the champion cannot be brought to the cutoff.
    """
    cutoff, loss, season = challenger.first.model.origin, terms.loss, max(terms.season_days, 1)
    unseen, known = history.after(cutoff), history.through(cutoff)
    holidays = holidays_between(history.country, history.first_day, history.last_day)
    seen = np.where(known.observed, known.values, np.nan)
    made_by_champion = None
    if champion is not None:
        made_by_champion = brought_to(cutoff, champion, history).rolling(unseen, terms.horizon_days)
    both = [made for made in (made_by_champion, challenger.forecasts) if made is not None]
    actual = actual_of(history, cutoff, terms.horizon_days, both)
    scored = ~np.isnan(actual).all(axis=1)
    actual = actual[scored]

    def measure(made: Matrix | Prediction) -> _Measured:
        card = score(actual, made, seen, season, loss)
        point = loss.point(made)
        return _Measured(card, loss.at_origins(actual, point, seen), point[:, 0])

    first_days = [cutoff + timedelta(days=1 + int(origin)) for origin in np.flatnonzero(scored)]
    usual = _seasonal_naive(history, cutoff, terms.horizon_days, season)
    made: dict[str, Matrix | Prediction] = {
        "challenger": challenger.forecasts.where(scored),
        "seasonal_naive": np.where(challenger.forecasts.closed, 0.0, usual)[scored],
    }
    if made_by_champion is not None:
        made["champion"] = made_by_champion.where(scored)
    measured = {name: measure(each) for name, each in made.items()}
    theirs, ours, naive = measured.get("champion"), measured["challenger"], measured["seasonal_naive"]
    return Comparison(
        order=str(challenger.first.order),
        is_naive=challenger.procedure.is_naive,
        first_unseen_day=cutoff + timedelta(days=1),
        unseen_days=int((~np.isnan(unseen)).sum()),
        origins=len(actual),
        horizon_days=terms.horizon_days,
        champion=theirs.card if theirs else None,
        challenger=ours.card,
        seasonal_naive=naive.card,
        test=diebold_mariano(theirs.losses, ours.losses, terms.horizon_days) if theirs else None,
        evidence=evidence(theirs.losses - ours.losses, terms.alpha, terms.horizon_days) if theirs else None,
        challenger_trained_through=challenger.last.model.origin,
        refits_kept=challenger.fits_kept,
        loss=loss,
        days=_days(first_days, actual, theirs, ours, naive),
        slices=slices(first_days, actual, made, seen, loss, holidays),
    )


def actual_of(history: DailySeries, cutoff: date, horizon_days: int, made: Sequence[Prediction]) -> Matrix:
    """The amounts that each forecast is scored against, shape (origins, horizon); NaN for a day that is not scored.

    A closed day is scored, with an amount of zero, only where a model does not know that it is closed. Where all
    know it, it would make every score look better, and tell nothing.
    """
    windows = np.lib.stride_tricks.sliding_window_view
    actual = windows(history.after(cutoff), horizon_days)
    return with_closed_days(actual, windows(history.closed_after(cutoff), horizon_days), made)


def with_closed_days(actual: Matrix, closed: NDArray[np.bool_], made: Sequence[Prediction]) -> Matrix:
    """The amounts, and zero for a closed day that a model does not know to be closed; of the same shape."""
    all_know = np.logical_and.reduce([np.broadcast_to(each.closed, actual.shape) for each in made])
    return np.where(closed & ~all_know, 0.0, actual)


def brought_to(cutoff: date, champion: ForecastModel, history: DailySeries) -> ForecastModel:
    """The champion after it has observed every day up to the cutoff.

    Raises: ModelError if the history does not reach from its origin to the cutoff; each of its forecasts would be
        compared with the amount of another day.
    """
    if not history.first_day <= champion.origin + timedelta(days=1) <= cutoff + timedelta(days=1):
        raise ModelError(
            f"the champion is trained through {champion.origin}, and the history that it is compared on has days "
            f"from {history.first_day} to {cutoff} before the comparison; land the days that are missing"
        )
    return champion.observe(history.through(cutoff).after(champion.origin))


@dataclass(frozen=True, slots=True)
class _Measured:
    """One model on the unseen days: its scorecard, and by origin its loss and its forecast one day ahead."""

    card: Scorecard
    losses: Vector
    day_ahead: Vector


def _days(
    first_days: Sequence[date], actual: Matrix, champion: _Measured | None, challenger: _Measured, naive: _Measured
) -> tuple[UnseenDay, ...]:
    """One for each row of `actual`: the first day that is forecast from its origin."""
    absent = np.full(len(actual), math.nan)
    columns = (
        actual[:, 0],
        champion.day_ahead if champion else absent,
        challenger.day_ahead,
        naive.day_ahead,
        champion.losses if champion else absent,
        challenger.losses,
    )
    return tuple(UnseenDay(*row) for row in zip(first_days, *(column.tolist() for column in columns), strict=True))


def _seasonal_naive(history: DailySeries, cutoff: date, horizon_days: int, season: int) -> Matrix:
    """The latest observed amount of the same day in the cycle, shape (origins, horizon).

    Where a forecast is made before the first cycle is complete, the amount of the day before it.
    """
    values = history.values.copy()
    for at in np.flatnonzero(~history.observed):
        values[at] = values[at - season] if at >= season else values[at]
    first = history.position(cutoff)
    origins = np.arange(first, len(history) - horizon_days)[:, None]
    ahead = np.arange(1, horizon_days + 1)[None, :]
    back = -(-ahead // season) * season
    sources = origins + ahead - back
    return np.asarray(values[np.where(sources < 0, origins, sources)])

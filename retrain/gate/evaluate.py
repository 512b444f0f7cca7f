"""Scores champion and challenger on the same unseen days, from the same origins, with the same horizon."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.fit import FittedModel, refit
from retrain.errors import NotConverged, SeriesTooShort
from retrain.gate.scores import Loss, Scorecard, score
from retrain.gate.significance import DieboldMariano, diebold_mariano
from retrain.gate.unseen import UnseenDay
from scoring.model import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from retrain.data.series import DailySeries
    from scoring.model import ForecastModel

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The scores of all models, and the evidence that the decision uses.

    Attributes:
        first_unseen_day: the day after the cutoff of the champion, or of the first model.
        unseen_days: number of observed days that the scores cover.
        origins: number of forecasts by each model.
        champion: None if there is no champion yet; then `test` is None too.
        test: None also if the losses cannot be tested.
        challenger_trained_through: the cutoff of the challenger's last refit.
        refits_kept: number of refits that did not converge, so that the parameters were kept.
        days: one for each origin, by the first day that is forecast from it.
    """

    first_unseen_day: date
    unseen_days: int
    origins: int
    horizon_days: int
    champion: Scorecard | None
    challenger: Scorecard
    seasonal_naive: Scorecard
    test: DieboldMariano | None
    challenger_trained_through: date
    refits_kept: int
    days: tuple[UnseenDay, ...]


def compare(
    champion: ForecastModel | None,
    challenger: FittedModel,
    history: DailySeries,
    *,
    horizon_days: int,
    season_days: int,
    refit_days: int,
    loss: Loss = Loss.RMSE,
    progress: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Make rolling forecasts of both models and the seasonal naive on the days after the challenger's cutoff.

    Args:
        champion: as deployed; its state is filtered up to each origin, its parameters do not change.
        challenger: fitted through the champion's cutoff; refitted every `refit_days`.
        history: all accepted days.
        loss: also says what is scored of a model of logarithms: its means for RMSE, its medians for MAE and MASE.
    Raises: SeriesTooShort if no whole horizon is unseen; ModelError if a score is not finite.
    """
    cutoff = challenger.model.origin
    unseen, seen = history.after(cutoff), history.through(cutoff).values
    if len(unseen) < horizon_days:
        raise SeriesTooShort(f"{len(unseen)} unseen days are fewer than one horizon of {horizon_days} days")
    actual = np.lib.stride_tricks.sliding_window_view(unseen, horizon_days)
    scored = ~np.isnan(actual).all(axis=1)
    actual, season = actual[scored], max(season_days, 1)

    def measure(made: Matrix | Prediction) -> _Measured:
        card = score(actual, made, seen, season, loss)
        point = loss.point(made)
        return _Measured(card, loss.at_origins(actual, point, seen), point[:, 0])

    first_days = [cutoff + timedelta(days=1 + int(origin)) for origin in np.flatnonzero(scored)]
    rolled = _challenger_forecasts(challenger, history, horizon_days, refit_days, progress)
    theirs = measure(champion.rolling(unseen, horizon_days).where(scored)) if champion else None
    ours = measure(rolled.forecasts.where(scored))
    naive = measure(_seasonal_naive(history, cutoff, horizon_days, season)[scored])
    return Comparison(
        first_unseen_day=cutoff + timedelta(days=1),
        unseen_days=int((~np.isnan(unseen)).sum()),
        origins=len(actual),
        horizon_days=horizon_days,
        champion=theirs.card if theirs else None,
        challenger=ours.card,
        seasonal_naive=naive.card,
        test=diebold_mariano(theirs.losses, ours.losses, horizon_days) if theirs else None,
        challenger_trained_through=rolled.trained_through,
        refits_kept=rolled.refits_kept,
        days=_days(first_days, actual, theirs, ours, naive),
    )


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


@dataclass(frozen=True, slots=True)
class _RollingForecasts:
    forecasts: Prediction
    trained_through: date
    refits_kept: int


def _challenger_forecasts(
    challenger: FittedModel,
    history: DailySeries,
    horizon_days: int,
    refit_days: int,
    progress: Callable[[str], None],
) -> _RollingForecasts:
    """Forecast as retraining would have: the parameters at each cutoff come only from the days before it."""
    unseen = history.after(challenger.model.origin)
    origins = len(unseen) - horizon_days + 1
    fitted, model, kept, blocks = challenger, challenger.model, 0, []
    for start in range(0, origins, refit_days):
        if start:
            progress(f"origin {start} of {origins}")
            known = history.observed_through(model.origin)
            try:
                fitted = refit(fitted, known)
                model = fitted.model.observe([math.nan] * (model.origin - known.last_day).days)
            except NotConverged:
                kept += 1
        ahead = min(refit_days, origins - start)
        blocks.append(model.rolling(unseen[start : start + ahead + horizon_days - 1], horizon_days))
        model = model.observe(unseen[start : start + ahead])
    return _RollingForecasts(Prediction.joined(blocks), fitted.model.origin, kept)


def _seasonal_naive(history: DailySeries, cutoff: date, horizon_days: int, season: int) -> Matrix:
    """The latest observed amount of the same day in the cycle, shape (origins, horizon).

    Where a forecast is made before the first cycle is complete, the amount of the day before it.
    """
    values = history.values.copy()
    for day in history.interpolated:
        at = history.position(day)
        values[at] = values[at - season] if at >= season else values[at]
    first = history.position(cutoff)
    origins = np.arange(first, len(history) - horizon_days)[:, None]
    ahead = np.arange(1, horizon_days + 1)[None, :]
    back = -(-ahead // season) * season
    sources = origins + ahead - back
    return np.asarray(values[np.where(sources < 0, origins, sources)])

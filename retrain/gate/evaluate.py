"""Champion and challenger forecast the same unseen days, from the same origins, with the same horizon."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.fit import FittedModel, refit
from retrain.arima.traits import long_run_variance
from retrain.errors import ModelError, NotConverged, SeriesTooShort
from retrain.gate.scores import Loss, Scorecard, score
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
class DieboldMariano:
    """Evidence that the challenger's loss is lower. A small p-value: chance alone would hardly show it.

    Raises: ModelError if it is not made of finite numbers.
    """

    statistic: float
    p_value: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.statistic) and math.isfinite(self.p_value)):
            raise ModelError(f"the Diebold-Mariano statistic is {self.statistic}; the losses cannot be compared")


def diebold_mariano(champion_loss: Vector, challenger_loss: Vector, horizon: int) -> DieboldMariano:
    """One-sided test of equal accuracy against "the challenger is better".

    Args:
        champion_loss, challenger_loss: shape (n,), the loss at each origin, same origins.
        horizon: days per forecast; losses of overlapping forecasts correlate over horizon - 1 lags.
    Returns: a positive statistic favours the challenger; (0, 0.5) where the losses never differ.
    Source: Diebold & Mariano (1995), J. Business & Economic Statistics 13, 253-263; small-sample correction
        and Student's t: Harvey, Leybourne & Newbold (1997), Int. J. Forecasting 13, 281-291, eq. 9. Where the
        rectangular window gives no positive variance, Bartlett's weights are used, which always do.
    """
    from scipy.special import stdtr  # Student's distribution; scipy.stats would cost 40 MB

    gain = champion_loss - challenger_loss
    n = len(gain)
    if n <= horizon:
        raise SeriesTooShort(f"{n} origins are too few to test forecasts of {horizon} days")
    if np.ptp(gain) == 0 and gain[0] == 0:
        return DieboldMariano(0.0, 0.5)
    gain = gain / np.abs(gain).max()  # the statistic has no unit, and squares of tiny amounts would vanish
    centred = gain - gain.mean()
    covariances = np.array([centred[lag:] @ centred[: n - lag] / n for lag in range(horizon)])
    variance = covariances[0] + 2 * covariances[1:].sum()
    if variance <= 0:
        variance = long_run_variance(centred, horizon)
    if variance <= 0:
        raise ModelError("the loss differs by the same amount at every origin; it cannot be tested")
    correction = math.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    statistic = correction * float(gain.mean()) / math.sqrt(variance / n)
    return DieboldMariano(statistic, float(stdtr(n - 1, -statistic)))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the decision rests on.

    Attributes:
        first_unseen_day: the day after the champion's (or the first model's own) training ended.
        unseen_days: how many observed days the scores cover.
        origins: forecasts made by each model.
        champion: None where there is none yet; then `test` is None too.
        challenger_trained_through: the last cutoff at which the challenger's parameters were refitted.
        refits_kept: cutoffs at which no optimum was found and the parameters stayed as they were.
        days: one an origin, by the first day that was forecast from it.
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
    """Roll both models and the seasonal naive over the days that follow the challenger's training.

    Args:
        champion: as it is deployed; its state is filtered up to each origin, its parameters stay.
        challenger: fitted through the champion's cutoff; refitted every `refit_days` along the way.
        history: every accepted day.
    Raises: SeriesTooShort if no whole horizon is unseen; ModelError if a score is not a finite number.
    """
    cutoff = challenger.model.origin
    unseen, seen = history.after(cutoff), history.through(cutoff).values
    if len(unseen) < horizon_days:
        raise SeriesTooShort(f"{len(unseen)} unseen days hold no whole horizon of {horizon_days}")
    actual = np.lib.stride_tricks.sliding_window_view(unseen, horizon_days)
    judged = ~np.isnan(actual).all(axis=1)
    season = max(season_days, 1)
    rolled = _roll_challenger(challenger, history, horizon_days, refit_days, progress)
    naive = _seasonal_naive(history, cutoff, horizon_days, season)
    actual, challenged, naive = actual[judged], rolled.forecasts.where(judged), naive[judged]
    champion_card, test, defended = None, None, None
    if champion is not None:
        defended = champion.rolling(unseen, horizon_days).where(judged)
        champion_card = score(actual, defended, seen, season)
        theirs, ours = (loss.at_origins(actual, made.mean) for made in (defended, challenged))
        test = diebold_mariano(theirs, ours, horizon_days)
    first_days = [cutoff + timedelta(days=1 + int(origin)) for origin in np.flatnonzero(judged)]
    return Comparison(
        first_unseen_day=cutoff + timedelta(days=1),
        unseen_days=int((~np.isnan(unseen)).sum()),
        origins=len(actual),
        horizon_days=horizon_days,
        champion=champion_card,
        challenger=score(actual, challenged, seen, season),
        seasonal_naive=score(actual, naive, seen, season),
        test=test,
        challenger_trained_through=rolled.trained_through,
        refits_kept=rolled.refits_kept,
        days=_days(first_days, actual, defended, challenged, naive, loss),
    )


def _days(
    first_days: Sequence[date],
    actual: Matrix,
    champion: Prediction | None,
    challenger: Prediction,
    naive: Matrix,
    loss: Loss,
) -> tuple[UnseenDay, ...]:
    """One a row of the matrices, by the first day that was forecast from its origin."""
    forecast = theirs = np.full(len(actual), math.nan)
    if champion is not None:
        forecast, theirs = champion.mean[:, 0], loss.at_origins(actual, champion.mean)
    ours = loss.at_origins(actual, challenger.mean)
    columns = (actual[:, 0], forecast, challenger.mean[:, 0], naive[:, 0], theirs, ours)
    return tuple(UnseenDay(*row) for row in zip(first_days, *(column.tolist() for column in columns), strict=True))


@dataclass(frozen=True, slots=True)
class _Rolled:
    forecasts: Prediction
    trained_through: date
    refits_kept: int


def _roll_challenger(
    challenger: FittedModel,
    history: DailySeries,
    horizon_days: int,
    refit_days: int,
    progress: Callable[[str], None],
) -> _Rolled:
    """Forecast as retraining would have: at each cutoff, parameters from the days before it and no others."""
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
    return _Rolled(Prediction.joined(blocks), fitted.model.origin, kept)


def _seasonal_naive(history: DailySeries, cutoff: date, horizon_days: int, season: int) -> Matrix:
    """Each day forecast by the latest observed day of the same place in the cycle, shape (origins, horizon)."""
    values = history.values.copy()
    for filled in history.interpolated:
        at = history.position(filled)
        values[at] = values[at - season] if at >= season else values[at]
    first = history.position(cutoff)
    origins = np.arange(first, len(history) - horizon_days)[:, None]
    ahead = np.arange(1, horizon_days + 1)[None, :]
    back = -(-ahead // season) * season
    return np.asarray(values[origins + ahead - back])

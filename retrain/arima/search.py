"""Which ARIMA order: screened by conditional sums of squares, judged by forecasts, settled by exact likelihood.

For a way to difference, a stepwise walk ranks the orders. Another way, another season, logarithms and regressors
each have to show that they are worth it. Orders that the criterion cannot tell apart are settled by rolling
forecasts inside the training days, and the best one is fitted by exact likelihood.

Sources: the walk, Hyndman & Khandakar (2008), J. Statistical Software 27(3), section 3.2; what differences of a
criterion mean, Burnham & Anderson (2002), Model Selection and Multimodel Inference, 2nd ed., section 2.6.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.fit import FittedModel, fit
from retrain.arima.order import Order
from retrain.arima.regressors import HOLIDAYS_OF, MONTH_END, WEEKDAY
from retrain.arima.screening import Training
from retrain.arima.traits import has_logarithms, is_level, prevailing_season
from retrain.errors import NotConverged

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.arima.css import Estimate
    from retrain.data.series import DailySeries

SEASONS_NEEDED = 3
LONGEST_SEASON = 31
STANDARD_ERRORS = 3.0  # by which another way to difference must forecast better
ALIKE = 2.0  # differences of the criterion below it decide nothing
DECISIVE = 10.0  # differences above it leave the other side no support
NEAR_TIES = 3
TRIED = 2  # orders without an optimum, before simple ones are


def search(
    series: DailySeries,
    season_days: int,
    horizon_days: int,
    country: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> FittedModel:
    """The order that promises the best forecasts, fitted to the whole series.

    Args:
        season_days: days per cycle; 1 for none. Fewer than three cycles of data count as none.
        horizon_days: how far the forecasts reach that candidates are judged by.
        country: whose public holidays may be regressors; empty for none.
        progress: told of each stage.
    Raises: NotConverged if not even the level could be fitted; FlatSeries if the series never changes.
    """
    training = Training(series, horizon_days)
    season = season_days if season_days > 1 and len(series) >= SEASONS_NEEDED * season_days else 0
    another = prevailing_season(training.values(Order(0, 0, 0)), LONGEST_SEASON) if season else None
    seasons = [days for days in (season, another) if days]
    ranked = training.walk(Order(0, 1, 0, season_days=season))
    for rival in _rivals(training, seasons):
        progress(f"differences {rival.d} and {rival.seasonal_d}, season {rival.season_days or 'none'}")
        ranked = _clear_winner(training, ranked, rival)
    progress(f"{ranked[0].order}, or its logarithms")
    ranked = _of_logarithms(training, ranked)
    for group in (WEEKDAY, MONTH_END, *([HOLIDAYS_OF + country] if country else [])):
        progress(f"{ranked[0].order}, or with {group}")
        ranked = _with_regressors(training, ranked, group)
    ranked = _near_ties_by_forecast(training, ranked)
    return _settle(training, ranked, seasons, progress)


def _rivals(training: Training, seasons: list[int]) -> list[Order]:
    """What may stand against one plain difference, which follows any level."""
    values, season = training.values(Order(0, 0, 0)), seasons[0] if seasons else 0
    rivals = [Order(0, 0, 0, 0, 1, 0, season), Order(0, 1, 0, 0, 1, 0, season)] if season else []
    if np.diff(values, 2).var() < np.diff(values).var():
        rivals.append(Order(0, 2, 0, season_days=season))
    if is_level(values):
        rivals.append(Order(0, 0, 0, season_days=season, mean=True))
    rivals.extend(Order(0, 1, 0, season_days=another) for another in seasons[1:] if another % season)
    return rivals


def _clear_winner(training: Training, ranked: list[Estimate], rival: Order) -> list[Estimate]:
    """The rival's walk if it forecasts clearly better; it is taken only where one order of its kind is no worse."""
    ours = training.losses(ranked[0])
    first = training.losses(training.typical(rival))
    if ours is None or first is None or first.mean() > ours.mean():
        return ranked
    walked = training.walk(rival)
    theirs = training.losses(walked[0])
    if theirs is None:
        return ranked
    gain = ours - theirs
    return walked if gain.mean() > STANDARD_ERRORS * training.standard_error(gain) else ranked


def _of_logarithms(training: Training, ranked: list[Estimate]) -> list[Estimate]:
    if not has_logarithms(training.series.values):
        return ranked
    same = training.estimate(replace(ranked[0].order, log=True), ranked[0])
    if training.criterion(same) > training.criterion(ranked[0]):
        return ranked
    return _decisive_winner(training, ranked, training.walk(_bare(same.order)))


def _with_regressors(training: Training, ranked: list[Estimate], group: str) -> list[Estimate]:
    base = ranked[0].order
    if group == WEEKDAY:
        if base.seasonal_d or base.season_days not in {0, 7}:
            return ranked
        base = replace(base, seasonal_p=0, seasonal_q=0)
    rival = training.estimate(replace(base, regressors=(*base.regressors, group)))
    return _decisive_winner(training, ranked, [rival, *ranked])


def _decisive_winner(training: Training, ranked: list[Estimate], rival: list[Estimate]) -> list[Estimate]:
    """Likelihoods of one differencing compare; forecasts must not speak against what they say."""
    if training.criterion(rival[0]) > training.criterion(ranked[0]) - DECISIVE:
        return ranked
    ours, theirs = training.losses(ranked[0]), training.losses(rival[0])
    if ours is None or theirs is None or theirs.mean() >= ours.mean():
        return ranked
    return rival


def _near_ties_by_forecast(training: Training, ranked: list[Estimate]) -> list[Estimate]:
    near = [other for other in ranked[:NEAR_TIES] if other.hqc <= ranked[0].hqc + ALIKE]
    losses = [training.losses(candidate) for candidate in near]
    means = [math.inf if loss is None else float(loss.mean()) for loss in losses]
    order = sorted(range(len(near)), key=means.__getitem__)
    return [*(near[at] for at in order), *ranked[len(near) :]]


def _settle(
    training: Training,
    ranked: list[Estimate],
    seasons: list[int],
    progress: Callable[[str], None],
) -> FittedModel:
    """The first that has an optimum; what was passed over is said."""
    wanted, failure = ranked[0].order, NotConverged("there is nothing to fit")
    noisy = [candidate.order for candidate in ranked[:TRIED] if not candidate.is_noiseless]
    if noisy:
        noisy.append(Order(0, 1, 1, 0, 1, 1, seasons[0]) if seasons else Order(0, 1, 1))
    for order in (*noisy, *_plain(training, seasons)):
        progress(f"exact likelihood of {order}")
        try:
            fitted = fit(order, training.series)
        except NotConverged as exc:
            failure = exc
            continue
        if str(order) == str(wanted):
            return fitted
        return replace(fitted, remark=f"{wanted} has no optimum on these days; {order} was fitted instead.")
    raise failure


def _plain(training: Training, seasons: list[int]) -> list[Order]:
    """Orders without a coefficient, which need no optimum: the least surprised by each next day first."""
    orders = [Order(0, 1, 0), Order(0, 2, 0)]
    orders.extend(Order(0, d, 0, 0, 1, 0, season) for season in seasons for d in (0, 1))
    return sorted(orders, key=lambda order: training.estimate(order).variance)


def _bare(order: Order) -> Order:
    """Its differences, season and mean without any ARMA term."""
    return replace(order, p=0, q=0, seasonal_p=0, seasonal_q=0)

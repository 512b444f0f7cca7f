"""Finds an ARIMA order for one daily series and fits it by exact likelihood.

For each kind of differencing, a stepwise search ranks the orders by a criterion. Other differencing, another
season, logarithms and regressors are used only if they are clearly better. Orders with almost equal criteria are
compared by rolling forecasts inside the training days. The best order is fitted by exact likelihood.

Sources: stepwise search, Hyndman & Khandakar (2008), J. Statistical Software 27(3), section 3.2; differences of a
criterion, Burnham & Anderson (2002), Model Selection and Multimodel Inference, 2nd ed., section 2.6.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.css import NOISELESS
from retrain.arima.ensemble import FittedModel, fit_alone, fit_with_companions, fitted_days
from retrain.arima.order import Order
from retrain.arima.regressors import HOLIDAYS_OF, MONTH_END, WEEKDAY
from retrain.arima.screening import EQUAL_CRITERIA, Screening
from retrain.arima.traits import ROUNDING, has_logarithms, is_level, prevailing_season
from retrain.errors import NotConverged

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.arima.css import Estimate
    from retrain.data.series import DailySeries

MIN_CYCLES = 3
MAX_SEASON_DAYS = 31
STANDARD_ERRORS = 3.0  # least gain of other differencing, in standard errors of the mean loss
NEAR_TIE = 2.0  # orders whose criteria differ by no more are compared by rolling forecasts
DECISIVE = 10.0  # least difference of the criterion for logarithms and regressors
MAX_NEAR_TIES = 3
MAX_RANKED = 2  # ranked orders that are fitted before a simple order is


def search(
    series: DailySeries,
    season_days: int,
    horizon_days: int,
    country: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> FittedModel:
    """The order with the best expected forecasts, fitted to the whole series.

    Args:
        season_days: days per cycle; 1 for none. A series of fewer than three cycles has no season.
        horizon_days: days that each rolling forecast of a candidate is scored over.
        country: its public holidays may be regressors; empty for none.
        progress: called with a sentence at each stage.
    Raises: NotConverged if no order could be fitted; FlatSeries if the series never changes.
    """
    known = fitted_days(series, season_days)
    screening, season = Screening(known, horizon_days), known.season_days
    if season <= 1 or len(known) < MIN_CYCLES * season:
        season = 0
    other_season = prevailing_season(screening.values(Order(0, 0, 0)), MAX_SEASON_DAYS) if season else None
    seasons = [days for days in (season, other_season) if days]
    ranked = screening.stepwise_search(Order(0, 1, 0, season_days=season))
    for rival in _rivals(screening, seasons):
        progress(f"differencing d={rival.d}, D={rival.seasonal_d}, season {rival.season_days or 'none'}")
        ranked = _clear_winner(screening, ranked, rival)
    progress(f"{ranked[0].order} against its logarithms")
    ranked = _with_logarithms(screening, ranked)
    for group in (WEEKDAY, MONTH_END, *([HOLIDAYS_OF + country] if country else [])):
        progress(f"{ranked[0].order} against {group} as regressors")
        ranked = _with_regressors(screening, ranked, group)
    ranked = _near_ties_by_forecast(screening, _without_redundant_pairs(screening, ranked))
    return _fit_first(screening, ranked, series, season_days, seasons, progress)


def _rivals(screening: Screening, seasons: list[int]) -> list[Order]:
    """Other differencing, seasons and means to compare with one non-seasonal difference, the default."""
    values, season = screening.values(Order(0, 0, 0)), seasons[0] if seasons else 0
    rivals = [Order(0, 0, 0, 0, 1, 0, season), Order(0, 1, 0, 0, 1, 0, season)] if season else []
    if np.diff(values, 2).var() < (1 - ROUNDING) * np.diff(values).var():
        rivals.append(Order(0, 2, 0, season_days=season))
    if is_level(values):
        rivals.append(Order(0, 0, 0, season_days=season, mean=True))
    rivals.extend(Order(0, 1, 0, season_days=other) for other in seasons[1:] if other % season)
    return rivals


def _clear_winner(screening: Screening, ranked: list[Estimate], rival: Order) -> list[Estimate]:
    """The orders of the rival's search if the best of them forecasts significantly better than the best so far.

    The search is made only if its first candidate forecasts no worse.
    """
    ours = screening.losses(ranked[0])
    first = screening.losses(screening.first_candidate(rival))
    if ours is None or first is None or first.mean() > ours.mean() + screening.equal_loss:
        return ranked
    searched = screening.stepwise_search(rival)
    theirs = screening.losses(searched[0])
    if theirs is None:
        return ranked
    gain = ours - theirs
    required = max(STANDARD_ERRORS * screening.standard_error(gain), screening.equal_loss)
    return searched if gain.mean() > required else ranked


def _with_logarithms(screening: Screening, ranked: list[Estimate]) -> list[Estimate]:
    if not has_logarithms(screening.series.values):
        return ranked
    same = screening.estimate(replace(ranked[0].order, log=True), ranked[0])
    if screening.criterion(same) > screening.criterion(ranked[0]):
        return ranked
    return _decisive_winner(screening, ranked, screening.stepwise_search(_without_arma_terms(same.order)))


def _with_regressors(screening: Screening, ranked: list[Estimate], group: str) -> list[Estimate]:
    base = ranked[0].order
    if group == WEEKDAY:
        if base.seasonal_d or base.season_days not in {0, screening.series.week}:
            return ranked
        base = replace(base, seasonal_p=0, seasonal_q=0)
    rival = screening.estimate(replace(base, regressors=(*base.regressors, group)))
    return _decisive_winner(screening, ranked, [rival, *ranked])


def _decisive_winner(screening: Screening, ranked: list[Estimate], rival: list[Estimate]) -> list[Estimate]:
    """The rival if its criterion is decisively better and its rolling forecasts are no worse.

    The criteria are comparable, because both have the same differencing.
    """
    if screening.criterion(rival[0]) > screening.criterion(ranked[0]) - DECISIVE:
        return ranked
    ours, theirs = screening.losses(ranked[0]), screening.losses(rival[0])
    if ours is None or theirs is None or theirs.mean() > ours.mean() - screening.equal_loss:
        return ranked
    return rival


def _without_redundant_pairs(screening: Screening, ranked: list[Estimate]) -> list[Estimate]:
    """The best order after pairs of an AR and an MA term that the criterion does not want are removed.

    A pair whose roots cancel describes nothing. The stepwise search may have left one where its start values led to
    another local minimum, and so may regressors that replace the season.
    Source: parameter redundancy, Box, Jenkins, Reinsel & Ljung (2015), Time Series Analysis, 5th ed., section
    7.3.5.
    """
    best = ranked[0]
    while not best.is_noiseless:
        smaller = [screening.estimate(order) for order in _with_a_pair_less(best.order)]
        better = [each for each in smaller if each.hqc < best.hqc - EQUAL_CRITERIA]
        if not better:
            break
        best = min(better, key=lambda each: each.hqc)
    return ranked if best is ranked[0] else [best, *ranked]


def _with_a_pair_less(order: Order) -> list[Order]:
    smaller = [replace(order, p=order.p - 1, q=order.q - 1)] if order.p and order.q else []
    if order.seasonal_p and order.seasonal_q:
        smaller.append(replace(order, seasonal_p=order.seasonal_p - 1, seasonal_q=order.seasonal_q - 1))
    return smaller


def _near_ties_by_forecast(screening: Screening, ranked: list[Estimate]) -> list[Estimate]:
    left = [other for other in ranked[:MAX_NEAR_TIES] if other.hqc <= ranked[0].hqc + NEAR_TIE]
    rest = ranked[len(left) :]
    losses = {each: screening.losses(each) for each in left}
    means = {each: math.inf if loss is None else float(loss.mean()) for each, loss in losses.items()}
    found = []
    while left:
        least = min(means[each] for each in left)
        equal = [each for each in left if means[each] <= least + screening.equal_loss]
        first = min(equal, key=lambda each: each.order.coefficients)
        found.append(first)
        left.remove(first)
    return [*found, *rest]


def _fit_first(
    screening: Screening,
    ranked: list[Estimate],
    series: DailySeries,
    season_days: int,
    seasons: list[int],
    progress: Callable[[str], None],
) -> FittedModel:
    """The first order that converges; the remark names the order that it replaces."""
    best, failure, season = ranked[0].order, NotConverged("there is no order to fit"), seasons[0] if seasons else 0
    ways: list[tuple[Order, Callable[[Order, DailySeries, int], FittedModel]]] = []
    if not ranked[0].is_noiseless:
        noisy = [candidate.order for candidate in ranked[:MAX_RANKED] if not candidate.is_noiseless]
        noisy.append(Order(0, 1, 1, 0, 1, 1, season) if season else Order(0, 1, 1))
        ways.extend((order, fit_with_companions) for order in noisy)
    ways.extend((order, fit_alone) for order in _without_coefficients(screening, seasons))
    for order, made in ways:
        progress(f"exact likelihood of {order}")
        try:
            fitted = made(order, series, season_days if seasons else 1)
        except NotConverged as exc:
            failure = exc
            continue
        if str(order) == str(best):
            return fitted
        return replace(fitted, remark=f"{best} has no optimum on these days; {order} was fitted instead.")
    raise failure


def _without_coefficients(screening: Screening, seasons: list[int]) -> list[Order]:
    """Orders without coefficients, which need no optimisation, by the variance of their one-day-ahead errors."""
    orders = [Order(0, 1, 0), Order(0, 2, 0)]
    orders.extend(Order(0, d, 0, 0, 1, 0, season) for season in seasons for d in (0, 1))
    return sorted(orders, key=lambda order: max(screening.estimate(order).variance, NOISELESS))


def _without_arma_terms(order: Order) -> Order:
    """The same differencing, season and mean without AR and MA terms."""
    return replace(order, p=0, q=0, seasonal_p=0, seasonal_q=0)

"""Which ARIMA order: stepwise from four starts, by AICc, differencing settled first.

Source: Hyndman & Khandakar (2008), Automatic time series forecasting, J. Statistical Software 27(3), section
3.2; seasonal differencing by the strength of the season, Wang, Smith & Hyndman (2006), Data Mining and
Knowledge Discovery 13, 335-364, with the threshold of the R package forecast.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrain.errors import NotConverged
from retrain.fit import FittedModel, Order, fit, is_stationary, seasonal_strength

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrain.series import DailySeries

MAX_P = MAX_Q = 5
MAX_SEASONAL = 2
STRONG_SEASON = 0.64
SEASONS_NEEDED = 3
DAYS_PER_PARAMETER = 4


def search(series: DailySeries, season_days: int, progress: Callable[[str], None] = lambda _: None) -> FittedModel:
    """The order with the lowest AICc that the stepwise walk meets, fitted to the whole series.

    Args:
        season_days: days per cycle; 1 for none. Fewer than three cycles of data count as none.
        progress: told of each candidate.
    Raises: NotConverged if not even the level could be fitted; FlatSeries if the series never changes.
    """
    seasonal = season_days > 1 and len(series) >= SEASONS_NEEDED * season_days
    tried: dict[Order, FittedModel | None] = {}

    def consider(order: Order) -> FittedModel | None:
        if order not in tried:
            progress(f"{len(tried) + 1} orders, now {order}")
            tried[order] = _fit_or_none(order, series)
        return tried[order]

    base = _differenced(series, season_days if seasonal else 0)
    best: FittedModel | None = None
    for order in _starts(base, seasonal=seasonal):
        best = _better(best, consider(order) if _affordable(order, series) else None)
    while best is not None:
        step = best
        for order in _neighbours(best.order, seasonal=seasonal):
            if _affordable(order, series):
                step = _better(best, consider(order)) or best
                if step is not best:
                    break
        if step is best:
            return best
        best = step
    # A series without any noise left after differencing has no likelihood; its plain level still has one.
    return fit(Order(0, 0, 0, mean=True), series)


def _fit_or_none(order: Order, series: DailySeries) -> FittedModel | None:
    try:
        return fit(order, series)
    except NotConverged:
        return None


def _better(best: FittedModel | None, other: FittedModel | None) -> FittedModel | None:
    if best is None or other is None:
        return best or other
    return other if other.aicc < best.aicc else best


def _differenced(series: DailySeries, season_days: int) -> Order:
    """White noise with the differencing that the series asks for."""
    values = np.asarray(series.values)
    seasonal_d = int(season_days > 0 and seasonal_strength(values, season_days) > STRONG_SEASON)
    if seasonal_d:
        values = values[season_days:] - values[:-season_days]
    d = 0
    while d < 2 - seasonal_d and not is_stationary(values):
        values, d = np.diff(values), d + 1
    return Order(0, d, 0, 0, seasonal_d, 0, season_days, mean=d + seasonal_d == 0)


def _starts(base: Order, *, seasonal: bool) -> list[Order]:
    if not seasonal:
        return [replace(base, p=p, q=q) for p, q in ((2, 2), (0, 0), (1, 0), (0, 1))]
    return [
        replace(base, p=p, q=q, seasonal_p=seasonal_p, seasonal_q=seasonal_q)
        for p, q, seasonal_p, seasonal_q in ((2, 2, 1, 1), (0, 0, 0, 0), (1, 0, 1, 0), (0, 1, 0, 1))
    ]


def _neighbours(order: Order, *, seasonal: bool) -> Iterator[Order]:
    """One step away: each count alone, both of a kind together, the mean in or out."""
    steps = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)]
    if seasonal:
        for ar, ma in steps:
            p, q = order.seasonal_p + ar, order.seasonal_q + ma
            if 0 <= p <= MAX_SEASONAL and 0 <= q <= MAX_SEASONAL:
                yield replace(order, seasonal_p=p, seasonal_q=q)
    for ar, ma in steps:
        p, q = order.p + ar, order.q + ma
        if 0 <= p <= MAX_P and 0 <= q <= MAX_Q:
            yield replace(order, p=p, q=q)
    if order.d + order.seasonal_d == 0:
        yield replace(order, mean=not order.mean)


def _affordable(order: Order, series: DailySeries) -> bool:
    """Enough days for each parameter, and for AICc to be defined."""
    return len(series) - order.lost_days >= DAYS_PER_PARAMETER * (order.parameters + 1)

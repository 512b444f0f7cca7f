"""Limits the pull of absurd days: in the amounts before a fit, and in the surprises of its filter after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.css_filters import Filters
from retrain.arima.recursion import recursive
from retrain.arima.traits import ROUNDING
from scoring.state_space import bounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.arima.open_days import OpenDays
    from retrain.arima.order import Order

    type Vector = NDArray[np.float64]

CYCLES = 2  # before and after a day that its usual amount is the median of
ABSURD = 20.0  # robust deviations from the usual amount; about 12 standard deviations of normal noise
NORMAL = 1.4826  # standard deviations of a normal variable in one median absolute deviation


def without_absurd_days(series: OpenDays) -> OpenDays:
    """The series with every amount that is absurdly far from its neighbours moved to the limit of what is not.

    A day is compared with the median of the same day in the cycles around it, so that a season, a trend and a new
    level are no outliers. The scale is the median distance of all days. Unknown days are as usual.
    """
    season, values = series.season_days, series.values
    shifts = np.arange(-CYCLES, CYCLES + 1) * season
    around = np.arange(len(values))[:, None] + shifts[None, :]
    inside = (around >= 0) & (around < len(values))
    neighbours = np.where(inside, values[np.clip(around, 0, len(values) - 1)], np.nan)
    usual = np.nanmedian(neighbours, axis=1)
    distance = np.abs(values - usual)
    # Where most days are as usual but for rounding, the others tell what a usual distance is.
    apart = distance[distance > ROUNDING * np.maximum(np.abs(values), np.abs(usual))]
    scale = float(np.median(distance if 2 * len(apart) > len(distance) else apart)) if len(apart) else 0.0
    limit = ABSURD * NORMAL * scale
    if not len(apart) or not (distance > limit).any():
        return series
    return replace(series, values=np.clip(values, usual - limit, usual + limit))


def with_bounded_surprises(order: Order, coefficients: Vector, deviation: float, values: Vector) -> Vector:
    """The series as a filter with bounded surprises takes it in, shape (n,).

    The surprises are those of the innovations form in its steady state. Those of the first cycles depend on the
    unknown days before and are not bounded.

    Args:
        deviation: the standard deviation of the errors.
        values: shape (n,), without mean and regression, not differenced.
    Source: bounded innovation propagation, Muler, Pena & Yohai (2009), Annals of Statistics 37, 816-840, section 2.
    """
    filters = Filters.of(order, coefficients)
    ar, ma = np.convolve(filters.ar_product, order.differencing), filters.ma_product
    first = len(ar) - 1 + order.season_days
    surprises = np.zeros(len(values))
    surprises[order.lost_days :] = recursive(filters.ar_product, ma, order.difference(values))
    impulse = recursive(ar, ma, np.eye(1, len(values))[0])
    taken, run = values.copy(), 0
    for day in range(first, len(values)):
        kept, run = bounded(float(surprises[day]), deviation, run)
        excess = float(surprises[day]) - kept
        if excess:
            taken[day] -= excess
            surprises[day:] -= excess * impulse[: len(values) - day]
    return taken

"""Estimates and ranks candidate orders on one series by conditional sums of squares, without exact likelihoods."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima import css, css_filters, regressors
from retrain.arima.order import DAYS_PER_PARAMETER
from retrain.arima.scaling import scaled
from retrain.arima.stationary import is_admissible
from retrain.arima.traits import long_run_variance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from retrain.arima.css import Estimate
    from retrain.arima.open_days import OpenDays
    from retrain.arima.order import Order

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

MAX_P = MAX_Q = 5
MAX_SEASONAL = 2
TRAINING_SHARE = 0.6  # of the days; the forecasts of the other days are scored
EQUAL_CRITERIA = 1e-6  # differences that may be rounding; the simpler order comes first then
EQUAL_LOSSES = 1e-9  # the same for losses, as a share of the standard deviation of the series
MIN_HORIZONS = 5  # horizons in the scored days; with fewer, no candidate is scored


class Screening:
    """The candidates of one series, with every estimate made once.

    Args: horizon_days: days that each rolling forecast is scored over.
    """

    def __init__(self, series: OpenDays, horizon_days: int) -> None:
        self.series = series
        self._horizon = horizon_days
        self._values: dict[bool, tuple[Vector, float]] = {}
        self._regression: dict[tuple[bool, tuple[str, ...]], Matrix] = {}
        self._losses: dict[Estimate, Vector | None] = {}

    def values(self, order: Order) -> Vector:
        """The scaled values that the order describes, shape (n,)."""
        return self._scaled(order)[0]

    def stepwise_search(self, base: Order) -> list[Estimate]:
        """Orders with the differencing, season and mean of `base`, ranked by `hqc`.

        From the best of a few first candidates to the first neighbour that is better, until none is.
        """
        tried: dict[Order, Estimate] = {base: self.estimate(base)}
        for candidate in _first_candidates(base):
            self._try(candidate, tried)
        best = _ranked(tried.values())[0]
        while not best.is_noiseless:
            better = next(
                (
                    estimate
                    for order in _neighbours(best.order)
                    if order not in tried
                    and (estimate := self._try(order, tried, best))
                    and estimate.hqc < best.hqc - EQUAL_CRITERIA
                ),
                None,
            )
            if better is None:
                break
            best = better
        return _ranked(tried.values())

    def _try(self, order: Order, tried: dict[Order, Estimate], near: Estimate | None = None) -> Estimate | None:
        if not order.is_estimable(len(self.series)):
            return None
        tried[order] = self.estimate(order, near)
        return tried[order]

    def first_candidate(self, base: Order) -> Estimate:
        """The first order of a stepwise search from `base`; `base` itself if there are too few days for it."""
        tried = {base: self.estimate(base)}
        return self._try(_first_candidates(base)[0], tried) or tried[base]

    def estimate(self, order: Order, near: Estimate | None = None, days: int | None = None) -> Estimate:
        """Estimate one order on the first `days`, by default all, with start values from a similar order."""
        values, columns = self.values(order)[:days], self._columns(order)[:days]
        start = None if near is None else _start_values(near, order)
        return css.estimate(order, order.difference(values), order.difference(columns), start)

    def losses(self, estimate: Estimate) -> Vector | None:
        """RMSE of the median forecast at each origin of the last days, with the order fitted to the first days.

        Currency per day, shape (origins,); None if there are too few days. No origin and no horizon touches a gap.
        """
        if estimate not in self._losses:
            self._losses[estimate] = self._rolling_losses(estimate)
        return self._losses[estimate]

    def _rolling_losses(self, estimate: Estimate) -> Vector | None:
        order, days = estimate.order, len(self.series)
        training_days = int(TRAINING_SHARE * days)
        origins = self._origins(training_days)
        if len(origins) < MIN_HORIZONS * self._horizon or training_days < order.lost_days + 2 * DAYS_PER_PARAMETER:
            return None
        trained = self.estimate(order, days=training_days)
        regression = self._columns(order) @ trained.effects
        z = self.values(order) - regression
        forecasts = css_filters.rolling(order, trained.coefficients, z, origins, self._horizon)
        windows = np.lib.stride_tricks.sliding_window_view
        forecasts += windows(regression, self._horizon)[origins]
        errors = self._amounts(order, forecasts) - windows(self.series.values, self._horizon)[origins]
        with np.errstate(over="ignore", invalid="ignore"):
            losses = np.sqrt(np.mean(errors**2, axis=1))
        return losses if np.isfinite(losses).all() else None

    def criterion(self, estimate: Estimate) -> float:
        """The `hqc` for amounts: comparable between orders with and without logarithms."""
        values, scale = self._scaled(estimate.order)
        jacobian = 2 * estimate.days * math.log(scale)
        if estimate.order.log:
            jacobian += 2 * scale * float(values[-estimate.days :].sum())
        return estimate.hqc + jacobian

    @property
    def equal_loss(self) -> float:
        """Mean losses that differ by less are equal, currency per day: rounding must not decide."""
        return EQUAL_LOSSES * float(self.series.values.std())

    def standard_error(self, losses: Vector) -> float:
        """Standard error of the mean loss of forecasts that overlap by up to a horizon."""
        return math.sqrt(long_run_variance(losses - losses.mean(), self._horizon) / len(losses))

    def _origins(self, training_days: int) -> NDArray[np.int64]:
        """Number of days before each forecast; the last of them and the whole horizon were observed."""
        gaps = np.lib.stride_tricks.sliding_window_view(self.series.unknown, self._horizon + 1).any(axis=1)
        return np.flatnonzero(~gaps[training_days - 1 :]) + training_days

    def _scaled(self, order: Order) -> tuple[Vector, float]:
        if order.log not in self._values:
            self._values[order.log] = scaled(order, self.series)
        return self._values[order.log]

    def _columns(self, order: Order) -> Matrix:
        key = (order.mean, order.regressors)
        if key not in self._regression:
            closed = self.series.closures.weekdays
            self._regression[key] = regressors.with_mean(order, self.series.days, closed)
        return self._regression[key]

    def _amounts(self, order: Order, values: Matrix) -> Matrix:
        amounts = values * self._scaled(order)[1]
        with np.errstate(over="ignore"):
            return np.exp(amounts) if order.log else amounts


def _ranked(estimates: Iterable[Estimate]) -> list[Estimate]:
    """By `hqc`; of equal ones the simpler comes first."""
    left, ranked = sorted(estimates, key=lambda one: one.hqc), []
    while left:
        equal = [one for one in left if one.hqc <= left[0].hqc + EQUAL_CRITERIA]
        ranked += sorted(equal, key=lambda one: (one.order.coefficients, str(one.order)))
        left = left[len(equal) :]
    return ranked


def _first_candidates(base: Order) -> list[Order]:
    if not base.season_days:
        return [replace(base, p=p, q=q) for p, q in ((1, 1), (0, 1), (2, 2), (1, 0))]
    ar = 1 - base.seasonal_d
    return [
        replace(base, p=p, q=q, seasonal_p=seasonal_p, seasonal_q=seasonal_q)
        for p, q, seasonal_p, seasonal_q in ((1, 1, ar, 1), (0, 1, 0, 1), (2, 2, ar, 1), (1, 1, 0, 0))
    ]


def _neighbours(order: Order) -> Iterator[Order]:
    """Orders with p or q, or P or Q, changed by one: one of the two, both in one direction, or in opposite ones."""
    changes = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)]
    if order.season_days:
        for ar, ma in changes:
            p, q = order.seasonal_p + ar, order.seasonal_q + ma
            if 0 <= p <= MAX_SEASONAL and 0 <= q <= MAX_SEASONAL:
                yield replace(order, seasonal_p=p, seasonal_q=q)
    for ar, ma in changes:
        p, q = order.p + ar, order.q + ma
        if 0 <= p <= MAX_P and 0 <= q <= MAX_Q:
            yield replace(order, p=p, q=q)


def _start_values(near: Estimate, order: Order) -> Vector:
    """The coefficients that both orders have, zeros for the others; only zeros if those are not admissible."""
    sizes = (order.p, order.q, order.seasonal_p, order.seasonal_q)
    kept = [
        np.pad(part[:size], (0, max(0, size - len(part))))
        for part, size in zip(near.order.split(near.coefficients), sizes, strict=True)
    ]
    coefficients = np.concatenate(kept)
    return coefficients if is_admissible(order, coefficients) else np.zeros(order.coefficients)

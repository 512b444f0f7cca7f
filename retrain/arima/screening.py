"""The training days as the search sees them: walks, estimates and rolling forecasts, all by sums of squares."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima import css, regressors
from retrain.arima.fit import scaled
from retrain.arima.stationary import is_admissible
from retrain.arima.traits import long_run_variance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from retrain.arima.css import Estimate
    from retrain.arima.order import Order
    from retrain.data.series import DailySeries

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

MAX_P = MAX_Q = 5
MAX_SEASONAL = 2
DAYS_PER_PARAMETER = 10
TRAINED = 0.6  # of the days; forecasts are judged on the others
HORIZONS_JUDGED = 5  # fewer judge nothing


class Training:
    """A series, and how far ahead its forecasts are judged."""

    def __init__(self, series: DailySeries, horizon_days: int) -> None:
        self.series = series
        self._horizon = horizon_days
        self._seen: dict[bool, tuple[Vector, float]] = {}
        self._beside: dict[tuple[bool, tuple[str, ...]], Matrix] = {}
        self._judged: dict[Estimate, Vector | None] = {}

    def values(self, order: Order) -> Vector:
        """What the order describes, scaled, shape (n,)."""
        return self._scaled(order)[0]

    def walk(self, base: Order) -> list[Estimate]:
        """Orders of the differences, season and mean of `base`, best first: step by step from a few starts."""
        tried: dict[Order, Estimate] = {base: self.estimate(base)}
        for start in _starts(base):
            self._consider(start, tried)
        best = min(tried.values(), key=_hqc)
        while not best.is_noiseless:
            step = next(
                (
                    found
                    for order in _neighbours(best.order)
                    if order not in tried and (found := self._consider(order, tried, best)) and found.hqc < best.hqc
                ),
                None,
            )
            if step is None:
                break
            best = step
        return sorted(tried.values(), key=_hqc)

    def _consider(
        self, order: Order, tried: dict[Order, Estimate], near: Estimate | None = None
    ) -> Estimate | None:
        counted = len(self.series) - order.lost_days - order.given_days
        affordable = (order.coefficients + order.mean + 1) * DAYS_PER_PARAMETER
        if counted < affordable or order.has_common_lags:
            return None
        tried[order] = self.estimate(order, near)
        return tried[order]

    def typical(self, base: Order) -> Estimate:
        """The first order of a walk from `base`, or `base` itself where the days are too few for it."""
        tried = {base: self.estimate(base)}
        return self._consider(_starts(base)[0], tried) or tried[base]

    def estimate(self, order: Order, near: Estimate | None = None, days: int | None = None) -> Estimate:
        """One order on the first `days`, all by default, from where a similar one ended."""
        values, columns = self.values(order)[:days], self._columns(order)[:days]
        start = None if near is None else _carried(near, order)
        return css.estimate(order, order.difference(values), order.difference(columns), start)

    def losses(self, estimate: Estimate) -> Vector | None:
        """Root mean square error of the median forecast at each origin of the last days, fitted to the first.

        In amounts; None where the days are too few to judge by. No origin lies in a gap and none looks into one.
        """
        if estimate not in self._judged:
            self._judged[estimate] = self._judge(estimate)
        return self._judged[estimate]

    def _judge(self, estimate: Estimate) -> Vector | None:
        order, days = estimate.order, len(self.series)
        trained = int(TRAINED * days)
        origins = self._origins(trained)
        if len(origins) < HORIZONS_JUDGED * self._horizon or trained < order.lost_days + 2 * DAYS_PER_PARAMETER:
            return None
        inside = self.estimate(order, days=trained)
        regression = self._columns(order) @ inside.effects
        made = css.rolling(order, inside.coefficients, self.values(order) - regression, origins, self._horizon)
        windows = np.lib.stride_tricks.sliding_window_view
        made += windows(regression, self._horizon)[origins]
        errors = self._amounts(order, made) - windows(self.series.values, self._horizon)[origins]
        with np.errstate(over="ignore", invalid="ignore"):
            losses = np.sqrt(np.mean(errors**2, axis=1))
        return losses if np.isfinite(losses).all() else None

    def criterion(self, estimate: Estimate) -> float:
        """Its `hqc` in amounts, so that it compares with and without logarithms."""
        values, scale = self._scaled(estimate.order)
        change = 2 * estimate.days * math.log(scale)
        if estimate.order.log:
            change += 2 * scale * float(values[-estimate.days :].sum())
        return estimate.hqc + change

    def standard_error(self, losses: Vector) -> float:
        """Of their mean, for forecasts that overlap by a horizon."""
        return math.sqrt(long_run_variance(losses - losses.mean(), self._horizon) / len(losses))

    def _origins(self, trained: int) -> NDArray[np.int64]:
        """How many days are known at each: the last of them and the whole horizon were observed."""
        invented = np.zeros(len(self.series), dtype=bool)
        invented[[self.series.position(day) for day in self.series.interpolated]] = True
        touched = np.lib.stride_tricks.sliding_window_view(invented, self._horizon + 1).any(axis=1)
        return np.flatnonzero(~touched[trained - 1 :]) + trained

    def _scaled(self, order: Order) -> tuple[Vector, float]:
        if order.log not in self._seen:
            self._seen[order.log] = scaled(order, self.series)
        return self._seen[order.log]

    def _columns(self, order: Order) -> Matrix:
        key = (order.mean, order.regressors)
        if key not in self._beside:
            self._beside[key] = regressors.beside(order, self.series.first_day, len(self.series))
        return self._beside[key]

    def _amounts(self, order: Order, values: Matrix) -> Matrix:
        amounts = values * self._scaled(order)[1]
        with np.errstate(over="ignore"):
            return np.exp(amounts) if order.log else amounts


def _hqc(estimate: Estimate) -> float:
    return estimate.hqc


def _starts(base: Order) -> list[Order]:
    if not base.season_days:
        return [replace(base, p=p, q=q) for p, q in ((1, 1), (0, 1), (2, 2), (1, 0))]
    ar = 1 - base.seasonal_d
    return [
        replace(base, p=p, q=q, seasonal_p=seasonal_p, seasonal_q=seasonal_q)
        for p, q, seasonal_p, seasonal_q in ((1, 1, ar, 1), (0, 1, 0, 1), (2, 2, ar, 1), (1, 1, 0, 0))
    ]


def _neighbours(order: Order) -> Iterator[Order]:
    """One step away: each count alone, both of a kind together, one for the other."""
    steps = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)]
    if order.season_days:
        for ar, ma in steps:
            p, q = order.seasonal_p + ar, order.seasonal_q + ma
            if 0 <= p <= MAX_SEASONAL and 0 <= q <= MAX_SEASONAL:
                yield replace(order, seasonal_p=p, seasonal_q=q)
    for ar, ma in steps:
        p, q = order.p + ar, order.q + ma
        if 0 <= p <= MAX_P and 0 <= q <= MAX_Q:
            yield replace(order, p=p, q=q)


def _carried(near: Estimate, order: Order) -> Vector:
    """The coefficients that both orders have, zeros for the others; all zeros where that is no ARMA."""
    sizes = (order.p, order.q, order.seasonal_p, order.seasonal_q)
    kept = [
        np.pad(part[:size], (0, max(0, size - len(part))))
        for part, size in zip(near.order.split(near.coefficients), sizes, strict=True)
    ]
    coefficients = np.concatenate(kept)
    return coefficients if is_admissible(order, coefficients) else np.zeros(order.coefficients)

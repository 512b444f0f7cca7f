"""Linear filters of one ARIMA order: its errors, their derivatives, and forecasts from many origins at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.recursion import ONE, recursive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.arima.order import Order

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Filters:
    """The lag polynomials of one set of coefficients, lowest power first."""

    ar: Vector
    ma: Vector
    seasonal_ar: Vector
    seasonal_ma: Vector
    ar_product: Vector
    ma_product: Vector

    @classmethod
    def of(cls, order: Order, coefficients: Vector) -> Filters:
        """From the packed coefficients, shape (k,)."""
        ar, ma, seasonal_ar, seasonal_ma = order.polynomials(coefficients)
        return cls(ar, ma, seasonal_ar, seasonal_ma, np.convolve(ar, seasonal_ar), np.convolve(ma, seasonal_ma))

    @property
    def conditioning_days(self) -> int:
        """The first days, which serve as lags only and have no error of their own."""
        return len(self.ar_product) - 1

    def errors(self, w: Vector) -> Vector:
        """One-day-ahead errors of the differenced series, shape (n,), as `w`."""
        filtered = np.convolve(self.ar_product, w)[: len(w)]
        filtered[: self.conditioning_days] = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            return recursive(ONE, self.ma_product, filtered)


def jacobian(order: Order, filters: Filters, w: Vector, errors: Vector) -> Matrix:
    """Derivatives of the errors, shape (k, n), the coefficients in their packed order."""
    days, season = len(w), order.season_days
    derivatives = np.zeros((order.coefficients, days))
    ar, ma, seasonal_ar, seasonal_ma = order.split(derivatives)
    _fill_lags(ar, np.convolve(filters.seasonal_ar, w)[:days], 1, filters.conditioning_days)
    _fill_lags(seasonal_ar, np.convolve(filters.ar, w)[:days], season, filters.conditioning_days)
    for rows in (ar, seasonal_ar):
        if len(rows):
            rows[:] = recursive(ONE, filters.ma_product, rows.T).T
    if order.q:
        _fill_lags(ma, recursive(ONE, filters.ma, errors), 1, 0)
    if order.seasonal_q:
        _fill_lags(seasonal_ma, recursive(ONE, filters.seasonal_ma, errors), season, 0)
    return derivatives


def _fill_lags(rows: Matrix, series: Vector, step: int, conditioning_days: int) -> None:
    """Fill row i with minus the series at lag (i + 1) * step, from the first day after the conditioning days."""
    for number, row in enumerate(rows, 1):
        lag = number * step
        first = max(lag, conditioning_days)
        row[first:] = -series[first - lag : max(len(series) - lag, 0)]


def rolling(order: Order, coefficients: Vector, z: Vector, origins: NDArray[np.int64], horizon: int) -> Matrix:
    """Forecasts from many origins at once, shape (origins, horizon), with the same coefficients for all.

    Args:
        z: shape (n,), the series that the order describes, without its mean and its regression.
        origins: number of days before the forecast, for each origin.
    """
    filters = Filters.of(order, coefficients)
    ar = np.convolve(filters.ar_product, order.differencing)
    errors = np.concatenate([np.zeros(order.lost_days), filters.errors(order.difference(z))])
    lags = max(len(ar), len(filters.ma_product))
    window = origins[:, None] + np.arange(lags)[None, :]
    pad, ahead = np.zeros(lags), np.zeros((len(origins), horizon))
    values = np.hstack([np.concatenate([pad, z])[window], ahead])
    shocks = np.hstack([np.concatenate([pad, errors])[window], ahead])
    ar_lags, ma_lags = -ar[:0:-1], filters.ma_product[:0:-1]
    for day in range(lags, lags + horizon):
        values[:, day] = values[:, day - len(ar_lags) : day] @ ar_lags
        values[:, day] += shocks[:, day - len(ma_lags) : day] @ ma_lags
    return values[:, lags:]

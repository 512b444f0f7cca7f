"""Estimate an order by its conditional sum of squares: microseconds, where the exact likelihood takes milliseconds.

The one-day-ahead errors of a differenced series w are two linear filters,

    theta(B) Theta(B^m) e[t] = phi(B) Phi(B^m) w[t],

given the first days that the right side reaches back to, and no errors on them; and so are their derivatives by
each coefficient. Levenberg-Marquardt steps on them find the minimum.
Source: Box, Jenkins, Reinsel & Ljung (2015), Time Series Analysis, 5th ed., sections 7.1.2 and 7.2;
damping: Marquardt (1963), J. SIAM 11, 431-441.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.stationary import is_admissible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.arima.order import Order

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

STEPS = 12
DAMPINGS = 6
GAIN = 2e-3  # share of the sum of squares below which another step is not worth its time
STEADY_LEVEL = -0.7  # first MA coefficient of differences
STEADY_SEASON = 0.97, -0.8  # first seasonal AR and MA coefficients
ONE = np.ones(1)
TINY = np.finfo(np.float64).tiny
NOISELESS = 1e-10  # of the variance of the series, which is scaled to 1


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """The minimum that was found.

    Attributes:
        effects: shape (r,), of the regression beside the ARMA errors.
        coefficients: shape (k,), AR, MA, seasonal AR, seasonal MA.
        variance: mean square of the errors.
        days: how many errors were counted.
        information: shape (r + k, r + k), the expected Hessian of the mean log-likelihood.
    """

    order: Order
    effects: Vector
    coefficients: Vector
    variance: float
    days: int
    information: Matrix

    @property
    def is_noiseless(self) -> bool:
        """True where the errors are rounding: there is no likelihood to climb."""
        return self.variance <= NOISELESS

    @property
    def hqc(self) -> float:
        """Hannan and Quinn's criterion, corrected for few days; infinite where there are too few.

        Comparable between orders of one differencing and one season. AICc finds its way into orders that forecast
        worse than the simple ones on a few hundred days, Schwarz's criterion misses seasons that are there.
        Source: McQuarrie & Tsai (1998), Regression and Time Series Model Selection, section 3.3.
        """
        parameters = len(self.effects) + len(self.coefficients) + 1
        if self.days <= parameters + 1:
            return math.inf
        weight = 2 * math.log(math.log(self.days)) * self.days / (self.days - parameters - 1)
        return self.days * math.log(max(self.variance, NOISELESS)) + weight * parameters


def estimate(order: Order, w: Vector, columns: Matrix, start: Vector | None = None) -> Estimate:
    """The coefficients with the least sum of squared errors that are stationary and invertible.

    Beside a regression: least squares, then generalised least squares with the ARMA that the first one left.
    The errors of the first days are not counted: they stand on zeros that nobody observed.

    Args:
        w: shape (n,), differenced.
        columns: shape (n, r), differenced too: ones for a mean, regressors.
        start: shape (k,), where to begin; zeros else.
    Source: Cochrane & Orcutt (1949), J. American Statistical Association 44, 32-61, for any ARMA.
    """
    burn = min(2 * order.season_days + 1, len(w) // 5)
    effects, left = np.empty(0), w
    information = np.zeros((columns.shape[1] + order.coefficients,) * 2)
    if columns.shape[1]:
        left = w - columns @ np.linalg.lstsq(columns, w)[0]
        start = _minimum(order, left, burn, start).coefficients
        filters = _Filters.of(order, start)
        white = np.column_stack([filters.errors(column) for column in columns.T])[burn:]
        effects = np.linalg.lstsq(white, filters.errors(w)[burn:])[0]
        left = w - columns @ effects
        information[: len(effects), : len(effects)] = white.T @ white
    found = _minimum(order, left, burn, start)
    information[len(effects) :, len(effects) :] = found.curvature
    return Estimate(
        order=order,
        effects=effects,
        coefficients=found.coefficients,
        variance=found.squares / (len(w) - burn),
        days=len(w) - burn,
        information=information / max(found.squares, NOISELESS),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """Coefficients, their errors and the sum of squares of those that count."""

    coefficients: Vector
    filters: _Filters
    errors: Vector
    squares: float
    curvature: Matrix

    @classmethod
    def at(cls, order: Order, coefficients: Vector, w: Vector, burn: int) -> _Point:
        filters = _Filters.of(order, coefficients)
        errors = filters.errors(w)
        counted = errors[max(burn, filters.given) :]
        squares = float(counted @ counted) * (len(w) - burn) / len(counted) if len(counted) else math.inf
        curvature = np.zeros((order.coefficients, order.coefficients))
        return cls(coefficients, filters, errors, squares if math.isfinite(squares) else math.inf, curvature)


def _minimum(order: Order, w: Vector, burn: int, start: Vector | None) -> _Point:
    starts = _starts(order) if start is None else [start]
    return _descended(order, w, burn, min((_Point.at(order, one, w, burn) for one in starts), key=_squares))


def _starts(order: Order) -> list[Vector]:
    """Zeros; a level, or a season, that hardly changes; both. A valley may lie at each."""
    first_ma, first_seasonal_ar = order.p, order.p + order.q
    starts = [np.zeros(order.coefficients)]
    if order.q and order.d:
        starts.append(starts[0].copy())
        starts[-1][first_ma] = STEADY_LEVEL
    if order.seasonal_p and order.seasonal_q:
        for start in tuple(starts):
            starts.append(start.copy())
            starts[-1][[first_seasonal_ar, first_seasonal_ar + order.seasonal_p]] = STEADY_SEASON
    return starts


def _squares(point: _Point) -> float:
    return point.squares


def _descended(order: Order, w: Vector, burn: int, point: _Point) -> _Point:
    damping = 1e-3
    for _ in range(STEPS if order.coefficients and point.squares > NOISELESS else 0):
        jacobian = _jacobian(order, point.filters, w, point.errors)[:, burn:]
        curvature, slope = jacobian @ jacobian.T, jacobian @ point.errors[burn:]
        size = curvature.diagonal()
        for _ in range(DAMPINGS):
            damped = curvature + np.diag(damping * size + 1e-12 * size.max() + TINY)
            there = point.coefficients - np.linalg.solve(damped, slope)
            if is_admissible(order, there):
                lower = _Point.at(order, there, w, burn)
                if lower.squares < point.squares:
                    break
            damping = max(damping, 1e-3) * 8
        else:
            return replace(point, curvature=curvature)
        gain = 1 - lower.squares / point.squares
        point, damping = replace(lower, curvature=curvature), damping / 5
        if gain < GAIN:
            break
    return point


@dataclass(frozen=True, slots=True, eq=False)
class _Filters:
    ar: Vector
    ma: Vector
    seasonal_ar: Vector
    seasonal_ma: Vector
    both_ar: Vector
    both_ma: Vector

    @classmethod
    def of(cls, order: Order, coefficients: Vector) -> _Filters:
        ar, ma, seasonal_ar, seasonal_ma = order.polynomials(coefficients)
        return cls(ar, ma, seasonal_ar, seasonal_ma, np.convolve(ar, seasonal_ar), np.convolve(ma, seasonal_ma))

    @property
    def given(self) -> int:
        """The first days, which the autoregression only reaches back to."""
        return len(self.both_ar) - 1

    def errors(self, w: Vector) -> Vector:
        """Shape (n,), as `w`."""
        from scipy.signal import lfilter

        left = np.convolve(self.both_ar, w)[: len(w)]
        left[: self.given] = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(lfilter(ONE, self.both_ma, left))


def _jacobian(order: Order, filters: _Filters, w: Vector, errors: Vector) -> Matrix:
    """Derivatives of the errors, shape (k, n), the coefficients in their packed order."""
    from scipy.signal import lfilter

    days, season = len(w), order.season_days
    jacobian = np.zeros((order.coefficients, days))
    ar, ma, seasonal_ar, seasonal_ma = order.split(jacobian)
    _delay(ar, np.convolve(filters.seasonal_ar, w)[:days], 1, filters.given)
    _delay(seasonal_ar, np.convolve(filters.ar, w)[:days], season, filters.given)
    for rows in (ar, seasonal_ar):
        if len(rows):
            rows[:] = lfilter(ONE, filters.both_ma, rows)
    if order.q:
        _delay(ma, lfilter(ONE, filters.ma, errors), 1, 0)
    if order.seasonal_q:
        _delay(seasonal_ma, lfilter(ONE, filters.seasonal_ma, errors), season, 0)
    return jacobian


def _delay(rows: Matrix, series: Vector, step: int, given: int) -> None:
    """Fill the rows with minus the series `step`, 2 `step`, ... days later, from the first day not given."""
    for number, row in enumerate(rows, 1):
        lag = number * step
        first = max(lag, given)
        row[first:] = -series[first - lag : max(len(series) - lag, 0)]


def rolling(order: Order, coefficients: Vector, z: Vector, origins: NDArray[np.int64], horizon: int) -> Matrix:
    """Forecasts from many origins at once, shape (origins, horizon), coefficients unchanged.

    Args:
        z: shape (n,), the series that the order describes, its mean and its regressors taken out.
        origins: how many days are known at each.
    """
    filters = _Filters.of(order, coefficients)
    own = np.convolve(filters.both_ar, order.differencing)
    errors = np.concatenate([np.zeros(order.lost_days), filters.errors(order.difference(z))])
    memory = max(len(own), len(filters.both_ma))
    window = origins[:, None] + np.arange(memory)[None, :]
    pad, ahead = np.zeros(memory), np.zeros((len(origins), horizon))
    known = np.hstack([np.concatenate([pad, z])[window], ahead])
    surprise = np.hstack([np.concatenate([pad, errors])[window], ahead])
    own_lags, error_lags = -own[:0:-1], filters.both_ma[:0:-1]
    for day in range(memory, memory + horizon):
        known[:, day] = known[:, day - len(own_lags) : day] @ own_lags
        known[:, day] += surprise[:, day - len(error_lags) : day] @ error_lags
    return known[:, memory:]

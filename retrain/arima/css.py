"""Estimates the coefficients of one order by the conditional sum of squares (CSS).

One estimate takes microseconds; one exact likelihood takes milliseconds. The one-day-ahead errors of a differenced
series w are the output of two linear filters,

    theta(B) Theta(B^m) e[t] = phi(B) Phi(B^m) w[t],

conditional on the first observations, with errors of zero on those days. The derivatives of the errors by each
coefficient are linear filters too. Levenberg-Marquardt iterations find the minimum.
Source: Box, Jenkins, Reinsel & Ljung (2015), Time Series Analysis, 5th ed., sections 7.1.2 and 7.2;
damping: Marquardt (1963), J. SIAM 11, 431-441.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.css_filters import Filters, jacobian
from retrain.arima.stationary import is_admissible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.arima.order import Order

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

MAX_ITERATIONS = 12
MAX_DAMPINGS = 6
MIN_GAIN = 2e-3  # relative decrease of the sum of squares; the iterations stop below it
START_MA = -0.7  # start value of the first MA coefficient of differences
START_SEASONAL = 0.97, -0.8  # start values of the first seasonal AR and MA coefficients
TINY = np.finfo(np.float64).tiny
NOISELESS = 1e-10  # error variance, as a share of the variance of the series, which is scaled to 1


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """The coefficients at the minimum of the sum of squares.

    Attributes:
        effects: shape (r,), regression coefficients.
        coefficients: shape (k,), AR, MA, seasonal AR, seasonal MA.
        variance: mean square of the errors.
        days: number of errors in the sum.
    """

    order: Order
    effects: Vector
    coefficients: Vector
    variance: float
    days: int

    @property
    def is_noiseless(self) -> bool:
        """True if the errors are rounding errors only: then there is no likelihood to maximise."""
        return self.variance <= NOISELESS

    @property
    def hqc(self) -> float:
        """Hannan-Quinn criterion with a small-sample correction; infinite if there are too few days.

        Comparable between orders with the same differencing and the same season. AICc selects orders that forecast
        worse than the simple ones on a few hundred days; Schwarz's criterion misses seasons that exist.
        Source: McQuarrie & Tsai (1998), Regression and Time Series Model Selection, section 3.3.
        """
        parameters = len(self.effects) + len(self.coefficients) + 1
        if self.days <= parameters + 1:
            return math.inf
        weight = 2 * math.log(math.log(self.days)) * self.days / (self.days - parameters - 1)
        return self.days * math.log(max(self.variance, NOISELESS)) + weight * parameters


def estimate(order: Order, w: Vector, columns: Matrix, start: Vector | None = None) -> Estimate:
    """The stationary and invertible coefficients with the least sum of squared errors.

    With regressors: ordinary least squares first, then generalised least squares with the ARMA coefficients of the
    residuals. The errors of the first days are not counted: they depend on presample errors that are set to zero.

    Args:
        w: shape (n,), differenced.
        columns: shape (n, r), differenced too: ones for a mean, regressors.
        start: shape (k,), start values; None to choose them here.
    Source: Cochrane & Orcutt (1949), J. American Statistical Association 44, 32-61, for any ARMA.
    """
    burn_in = min(2 * order.season_days + 1, len(w) // 5)
    effects, residuals = np.empty(0), w
    if columns.shape[1]:
        residuals = w - columns @ np.linalg.lstsq(columns, w)[0]
        start = _minimum(order, residuals, burn_in, start).coefficients
        filters = Filters.of(order, start)
        white = np.column_stack([filters.errors(column) for column in columns.T])[burn_in:]
        effects = np.linalg.lstsq(white, filters.errors(w)[burn_in:])[0]
        residuals = w - columns @ effects
    minimum = _minimum(order, residuals, burn_in, start)
    return Estimate(
        order=order,
        effects=effects,
        coefficients=minimum.coefficients,
        variance=minimum.squares / (len(w) - burn_in),
        days=len(w) - burn_in,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """Coefficients, their errors, and the sum of squares of the errors after the burn-in."""

    coefficients: Vector
    filters: Filters
    errors: Vector
    squares: float

    @classmethod
    def at(cls, order: Order, coefficients: Vector, w: Vector, burn_in: int) -> _Point:
        filters = Filters.of(order, coefficients)
        errors = filters.errors(w)
        counted = errors[max(burn_in, filters.conditioning_days) :]
        squares = float(counted @ counted) * (len(w) - burn_in) / len(counted) if len(counted) else math.inf
        return cls(coefficients, filters, errors, squares if math.isfinite(squares) else math.inf)


def _minimum(order: Order, w: Vector, burn_in: int, start: Vector | None) -> _Point:
    starts = _start_values(order) if start is None else [start]
    points = (_Point.at(order, values, w, burn_in) for values in starts)
    return _levenberg_marquardt(order, w, burn_in, min(points, key=_squares))


def _start_values(order: Order) -> list[Vector]:
    """Zeros; a slowly changing level, or season, or both: the sum may have a local minimum near each."""
    first_ma, first_seasonal_ar = order.p, order.p + order.q
    starts = [np.zeros(order.coefficients)]
    if order.q and order.d:
        starts.append(starts[0].copy())
        starts[-1][first_ma] = START_MA
    if order.seasonal_p and order.seasonal_q:
        for start in tuple(starts):
            starts.append(start.copy())
            starts[-1][[first_seasonal_ar, first_seasonal_ar + order.seasonal_p]] = START_SEASONAL
    return starts


def _squares(point: _Point) -> float:
    return point.squares


def _levenberg_marquardt(order: Order, w: Vector, burn_in: int, point: _Point) -> _Point:
    damping = 1e-3
    for _ in range(MAX_ITERATIONS if order.coefficients and point.squares > NOISELESS else 0):
        derivatives = jacobian(order, point.filters, w, point.errors)[:, burn_in:]
        curvature, gradient = derivatives @ derivatives.T, derivatives @ point.errors[burn_in:]
        diagonal = curvature.diagonal()
        for _ in range(MAX_DAMPINGS):
            damped = curvature + np.diag(damping * diagonal + 1e-12 * diagonal.max() + TINY)
            candidate = point.coefficients - np.linalg.solve(damped, gradient)
            if is_admissible(order, candidate):
                lower = _Point.at(order, candidate, w, burn_in)
                if lower.squares < point.squares:
                    break
            damping = max(damping, 1e-3) * 8
        else:
            return point
        gain = 1 - lower.squares / point.squares
        point, damping = lower, damping / 5
        if gain < MIN_GAIN:
            break
    return point

"""Maximises the penalised exact log-likelihood of one ARIMA order.

The differenced series is w = X b + u with an ARMA process u. For given ARMA coefficients, the regression
coefficients b are generalised least squares and the variance is the mean square of the errors. So only the ARMA
coefficients are searched, as Fisher's z of their partial autocorrelations.

The penalty is half the sum of the squared z: a standard normal prior of each. It bends the ridges of the likelihood
(an AR root beside an MA root, a root close to the unit circle), so that there is one optimum that rounding does not
move. The gradient is exact. The Hessian is that of Gauss and Newton and, for what first derivatives do not tell, a
secant correction.
Sources: structured secant methods, Dennis, Gay & Welsch (1981), ACM Trans. Mathematical Software 7, 348-368;
projection of the regression, Kaufman (1975), BIT 15, 49-57; complex steps, Squire & Trapp (1998), SIAM Review 40,
110-112.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.arma import Arma
from retrain.arima.css_filters import Filters
from retrain.arima.stationary import constrained, unconstrained
from retrain.errors import NotConverged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.arima.order import Order

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

MAX_ITERATIONS = 60
MAX_HALVINGS = 20
CONVERGED = 1e-10  # expected decrease of the objective by the next step; rounding of the objective is about 1e-12
SECANTS = 20  # iterations; from then on, the Hessian is differences of gradients, at 2 k times the cost
DIFFERENCE = 1e-4  # of Fisher's z, for the Hessian
ROUNDING = 1e-7  # an increase of the objective that may be rounding
COMPLEX_STEP = 1e-30  # of polynomials, which no subtraction rounds
MAX_START = 2.0  # Fisher's z of start values; a start next to the unit circle is far from every optimum
MAX_STEP = 2.0  # of Fisher's z; a longer step is shortened
MIN_CURVATURE = 0.1  # of the objective along any axis; the penalty alone has 1
MIN_SECANT = 1e-2  # cosine; below it, a correction would be division by almost zero
MIN_VARIANCE = 1e-12  # of a series that is scaled to 1; below it, the errors are rounding


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """The penalised maximum likelihood estimate.

    Attributes:
        effects: shape (r,), regression coefficients.
        coefficients: shape (k,), AR, MA, seasonal AR, seasonal MA.
        variance: of the errors.
        log_likelihood: without the penalty.
    """

    effects: Vector
    coefficients: Vector
    variance: float
    log_likelihood: float


def maximise(order: Order, w: Vector, columns: Matrix, start: Vector) -> Optimum:
    """The optimum for a differenced series.

    Args:
        w: shape (n,), scaled to a standard deviation near 1 before it was differenced.
        columns: shape (n, r), differenced too.
        start: shape (k,), ARMA coefficients to begin with.
    Raises: NotConverged if the iterations end before the optimum.
    """
    base = np.linalg.lstsq(columns, w)[0] if columns.shape[1] else np.empty(0)
    # Around zero: the filters take the days before the first as zero, so a level would cost digits.
    objective = _Objective(order, w - columns @ base, columns)
    point = objective.at(np.clip(unconstrained(order, start), -MAX_START, MAX_START))
    rest, before = np.zeros((order.coefficients, order.coefficients)), None
    for iteration in range(MAX_ITERATIONS):
        if not order.coefficients or point.variance <= MIN_VARIANCE:
            break
        slope = objective.slope(point)
        if iteration >= SECANTS:
            rest = objective.hessian(point.z) - slope.curvature
        elif before is not None:
            rest = _secant(rest, point.z - before[0], slope, before[1])
        step, decrease = slope.step(rest)
        before = point.z, slope
        if decrease < CONVERGED:
            point = objective.at(point.z + step)
            break
        point = _lower(objective, point, step)
    else:
        raise NotConverged(f"{order} did not converge in {MAX_ITERATIONS} iterations")
    variance = max(point.variance, MIN_VARIANCE)
    return Optimum(base + point.effects, constrained(order, point.z), variance, point.log_likelihood)


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """The objective at one z, and what it is made of.

    Attributes:
        residuals: shape (n,), the differenced series without its regression.
        columns, errors: what the process' filter makes of the regressors, shape (n, r), and of the residuals.
    """

    z: Vector
    process: Arma
    effects: Vector
    residuals: Vector
    columns: Matrix
    errors: Vector
    variance: float
    log_likelihood: float

    @property
    def value(self) -> float:
        """Minus the log-likelihood, plus the penalty."""
        return 0.5 * float(self.z @ self.z) - self.log_likelihood


@dataclass(frozen=True, slots=True, eq=False)
class _Slope:
    """Gradient, shape (k,), and the part of the Hessian that first derivatives of the errors give, shape (k, k)."""

    gradient: Vector
    curvature: Matrix

    def step(self, rest: Matrix) -> tuple[Vector, float]:
        """Newton's step, and twice the decrease of the objective that it promises.

        The curvature's absolute value is taken along every axis, so that the step descends.
        """
        sizes, axes = np.linalg.eigh(self.curvature + rest)
        step = -axes @ ((axes.T @ self.gradient) / np.maximum(np.abs(sizes), MIN_CURVATURE))
        return step, -float(self.gradient @ step)


@dataclass(frozen=True, slots=True, eq=False)
class _Objective:
    """What is minimised, as a function of z, shape (k,)."""

    order: Order
    w: Vector
    columns: Matrix

    def at(self, z: Vector) -> _Point:
        """The value, and what its derivatives need."""
        days = len(self.w)
        process = Arma(*self._polynomials(z), days)
        errors = process.errors(np.column_stack([self.w, self.columns]))
        products, effects = process.products(errors, errors), np.empty(0)
        if len(products) > 1:
            effects = np.linalg.lstsq(products[1:, 1:], products[1:, 0])[0]
        residual = np.append(1.0, -effects)
        variance = float(residual @ products @ residual) / days
        spread = days * (math.log(2 * math.pi * max(variance, MIN_VARIANCE)) + 1)
        return _Point(
            z=z,
            process=process,
            effects=effects,
            residuals=self.w - self.columns @ effects,
            columns=errors[:, 1:],
            errors=errors @ residual,
            variance=variance,
            log_likelihood=-0.5 * (spread + process.log_determinant),
        )

    def slope(self, point: _Point) -> _Slope:
        """The derivatives at one point."""
        process, k = point.process, len(point.z)
        gradient, moved = point.z.copy(), np.empty((len(self.w), k))
        for at in range(k):
            stepped = point.z + COMPLEX_STEP * 1j * np.eye(k)[at]
            derivative = process.derivative(*(each.imag / COMPLEX_STEP for each in self._polynomials(stepped)))
            moved[:, at] = derivative.errors(point.residuals, point.errors)
            square = derivative.square(point.errors, moved[:, at])
            gradient[at] += 0.5 * (square / point.variance + derivative.log_determinant)
        curvature = process.products(moved, moved)
        if point.columns.shape[1]:  # the regression follows every step
            crossed, inner = process.products(point.columns, moved), process.products(point.columns, point.columns)
            curvature = curvature - crossed.T @ np.linalg.lstsq(inner, crossed)[0]
        return _Slope(gradient, curvature / point.variance + np.eye(k))

    def hessian(self, z: Vector) -> Matrix:
        """Shape (k, k), by central differences of the gradient."""
        ahead, back = (
            np.array([self.slope(self.at(z + step)).gradient for step in sign * DIFFERENCE * np.eye(len(z))])
            for sign in (1, -1)
        )
        found = (ahead - back) / (2 * DIFFERENCE)
        return np.asarray((found + found.T) / 2)

    def _polynomials(self, z: Vector) -> tuple[Vector, Vector]:
        """Of AR and MA, lowest power first; complex where z is."""
        filters = Filters.of(self.order, constrained(self.order, z))
        return filters.ar_product, filters.ma_product


def _lower(objective: _Objective, point: _Point, step: Vector) -> _Point:
    """The point after a step that is halved until the objective decreases. Raises: NotConverged if none does."""
    step = step * min(1.0, MAX_STEP / np.abs(step).max())
    for _ in range(MAX_HALVINGS):
        candidate = objective.at(point.z + step)
        if candidate.value < point.value + ROUNDING:
            return candidate
        step = step / 2
    raise NotConverged(f"{objective.order} did not converge: no step increases its likelihood")


def _secant(rest: Matrix, step: Vector, slope: _Slope, previous: _Slope) -> Matrix:
    """The other part of the Hessian, corrected so that the Hessian explains the last change of the gradient."""
    missing = slope.gradient - previous.gradient - (slope.curvature + rest) @ step
    along = float(missing @ step)
    if abs(along) < MIN_SECANT * float(np.linalg.norm(missing) * np.linalg.norm(step)):
        return rest
    return rest + np.outer(missing, missing) / along

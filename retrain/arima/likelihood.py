"""Maximises the exact log-likelihood of one ARIMA order with BFGS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrain.arima.stationary import constrained, unconstrained
from retrain.errors import NotConverged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.arima.order import Order

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]

MAX_EVALUATIONS = 300  # of the likelihood
MIN_GAIN = 1e-2  # of the log-likelihood; the iterations stop below it
GRADIENT_TOLERANCE = 2e-2  # of the mean log-likelihood, per unit of an unconstrained parameter
GRADIENT_STEP = 1e-6  # of the finite differences
RIDGE = 0.02  # least curvature in the first iterations: a parameter near its bound has almost none
NOT_FINITE = 1e10  # objective at a point where the likelihood is not finite
MAX_Z = 6.0  # bound of Fisher's z: a partial autocorrelation at it is almost 1
MAX_START = 0.999  # largest start value, as a share of that bound


@dataclass(slots=True, eq=False)
class NegativeLogLikelihood:
    """The objective: minus the mean log-likelihood, as a function of unconstrained parameters.

    Attributes:
        model: statsmodels' SARIMAX of the differenced series, its variance concentrated out.
        regression: number of regression coefficients, which come first.
    """

    order: Order
    model: Any
    regression: int
    evaluations: int = 0
    previous: float = math.inf

    def unconstrained(self, parameters: Vector) -> Vector:
        """The inverse of `parameters`, shape (k,)."""
        effects, coefficients = parameters[: self.regression], parameters[self.regression :]
        share = np.clip(unconstrained(self.order, coefficients) / MAX_Z, -MAX_START, MAX_START)
        return np.concatenate([effects, MAX_Z * np.arctanh(share)])

    def parameters(self, free: Vector) -> Vector:
        """Regression and ARMA coefficients, shape (k,), from unconstrained parameters."""
        effects, coefficients = free[: self.regression], free[self.regression :]
        return np.concatenate([effects, constrained(self.order, MAX_Z * np.tanh(coefficients / MAX_Z))])

    def value(self, free: Vector) -> float:
        """The objective. Raises: NotConverged after MAX_EVALUATIONS calls."""
        self.evaluations += 1
        if self.evaluations > MAX_EVALUATIONS:
            raise NotConverged(f"{self.order} did not converge in {MAX_EVALUATIONS} evaluations of the likelihood")
        mean = self.model.loglike(self.parameters(free)) / self.model.nobs
        return -mean if math.isfinite(mean) else NOT_FINITE

    def stop_if_converged(self, intermediate_result: Any) -> None:
        """Callback after each iteration: ends the optimisation if the log-likelihood gained less than MIN_GAIN."""
        gain, self.previous = self.previous - intermediate_result.fun, intermediate_result.fun
        if gain * self.model.nobs < MIN_GAIN:
            raise StopIteration


def maximise(objective: NegativeLogLikelihood, start: Vector, information: Matrix) -> Vector:
    """The maximum likelihood parameters, shape (k,), by quasi-Newton iterations.

    Args:
        start: shape (k,), start values.
        information: shape (k, k), the first approximation of the Hessian, by `start`'s parameters.
    Raises: NotConverged if the iterations end without an optimum.
    """
    from scipy.optimize import minimize

    free = objective.unconstrained(start)
    shifted = [objective.parameters(free + GRADIENT_STEP * axis) for axis in np.eye(len(free))]
    derivatives = np.array([parameters - start for parameters in shifted]) / GRADIENT_STEP
    inverse = np.linalg.inv(derivatives @ information @ derivatives.T + RIDGE * np.eye(len(free)))
    options = {"eps": GRADIENT_STEP, "hess_inv0": (inverse + inverse.T) / 2}
    result = minimize(objective.value, free, method="BFGS", callback=objective.stop_if_converged, options=options)
    if not (result.success or np.abs(result.jac).max() < GRADIENT_TOLERANCE) or result.fun >= NOT_FINITE:
        raise NotConverged(f"{objective.order} did not converge in {result.nit} iterations")
    return objective.parameters(result.x)

"""Converts ARMA coefficients to unconstrained parameters and back, through their partial autocorrelations.

A lag polynomial 1 - c1 B - ... - ck B^k has all its roots outside the unit circle if and only if its k partial
autocorrelations lie between -1 and 1. The map between coefficients and partial autocorrelations is one-to-one.
Source: Barndorff-Nielsen & Schou (1973), J. Multivariate Analysis 3, 408-419; the recursion: Monahan (1984),
Biometrika 71, 403-404.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrain.arima.order import Order

    type Vector = NDArray[np.float64]

SIGNS = (1.0, -1.0, 1.0, -1.0)  # MA polynomials are written 1 + theta B
MAX_PARTIAL = 0.995  # largest partial autocorrelation that is accepted; 1 lies on the unit circle
CLIP = 1 - 1e-9  # keeps atanh finite


def is_admissible(order: Order, coefficients: Vector) -> bool:
    """True if the coefficients are stationary and invertible, with a small distance from the unit circle.

    Args: coefficients: shape (k,), AR, MA, seasonal AR, seasonal MA.
    """
    return all(
        abs(partial) < MAX_PARTIAL
        for sign, part in zip(SIGNS, order.split(coefficients), strict=True)
        for partial in _partials((sign * part).tolist())
    )


def unconstrained(order: Order, coefficients: Vector) -> Vector:
    """Fisher's z of the partial autocorrelations, shape (k,): any real numbers give an admissible model."""
    return np.array(
        [
            math.atanh(min(max(partial, -CLIP), CLIP))
            for sign, part in zip(SIGNS, order.split(coefficients), strict=True)
            for partial in _partials((sign * part).tolist())
        ]
    )


def constrained(order: Order, free: Vector) -> Vector:
    """The coefficients for these values of Fisher's z, shape (k,): the inverse of `unconstrained`.

    Complex values are for derivatives by complex steps.
    """
    packed: list[complex] = []
    for sign, part in zip(SIGNS, order.split(np.tanh(free)), strict=True):
        coefficients: list[complex] = []
        for partial in part.tolist():
            lower = [one - partial * other for one, other in zip(coefficients, coefficients[::-1], strict=True)]
            coefficients = [*lower, partial]
        packed.extend(sign * coefficient for coefficient in coefficients)
    return np.array(packed, dtype=free.dtype)


def _partials(coefficients: list[float]) -> list[float]:
    """From lag 1 on. If one is 1 or more in size, those of the lower lags are not defined and left out."""
    partials, remaining = [], coefficients
    while remaining:
        last = remaining[-1]
        partials.append(last)
        denominator = 1 - last * last
        if denominator <= 0:
            break
        pairs = zip(remaining[:-1], remaining[-2::-1], strict=True)
        remaining = [(one + last * other) / denominator for one, other in pairs]
    return partials[::-1]

"""The region of stationary and invertible coefficients, seen through their partial autocorrelations.

A lag polynomial 1 - c1 B - ... - ck B^k has its roots outside the unit circle exactly where its k partial
autocorrelations lie between -1 and 1, and either determines the other.
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
INSIDE = 0.995  # partial autocorrelations below it leave a little room to the unit circle
EDGE = 1 - 1e-9


def is_admissible(order: Order, coefficients: Vector) -> bool:
    """Stationary and invertible, with a little room to the unit circle.

    Args: coefficients: shape (k,), AR, MA, seasonal AR, seasonal MA.
    """
    return all(
        abs(partial) < INSIDE
        for sign, part in zip(SIGNS, order.split(coefficients), strict=True)
        for partial in _partials((sign * part).tolist())
    )


def unconstrained(order: Order, coefficients: Vector) -> Vector:
    """Fisher's z of the partial autocorrelations, shape (k,): any real numbers stand for an admissible model."""
    return np.array(
        [
            math.atanh(min(max(partial, -EDGE), EDGE))
            for sign, part in zip(SIGNS, order.split(coefficients), strict=True)
            for partial in _partials((sign * part).tolist())
        ]
    )


def constrained(order: Order, free: Vector) -> Vector:
    """The coefficients that `unconstrained` came from, shape (k,)."""
    found: list[float] = []
    for sign, part in zip(SIGNS, order.split(free), strict=True):
        coefficients: list[float] = []
        for value in part.tolist():
            partial = math.tanh(value)
            flipped = [one - partial * other for one, other in zip(coefficients, coefficients[::-1], strict=True)]
            coefficients = [*flipped, partial]
        found.extend(sign * coefficient for coefficient in coefficients)
    return np.array(found)


def _partials(coefficients: list[float]) -> list[float]:
    """From lag 1 on; those below a lag whose own is 1 or more in size are not determined, and left out."""
    partials, left = [], coefficients
    while left:
        last = left[-1]
        partials.append(last)
        room = 1 - last * last
        if room <= 0:
            break
        left = [(one + last * other) / room for one, other in zip(left[:-1], left[-2::-1], strict=True)]
    return partials[::-1]

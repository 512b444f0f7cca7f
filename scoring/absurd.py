"""Absurd amounts among the days that a model restarts on, which it cannot know yet for what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]

ABSURD = 20.0  # robust standard deviations from the median
DEVIATION = 1.4826  # standard deviations in a median distance, of a normal distribution


def without_absurd(amounts: Vector) -> Vector:
    """The amounts, NaN for each that is absurdly far from the median of all; shape (n,).

    The spread is the median distance from it, scaled to the standard deviation of a normal distribution; where more
    than half of the amounts are the same, that of the others.
    """
    finite = amounts[np.isfinite(amounts)]
    if not len(finite):
        return amounts
    center = float(np.median(finite))
    distances = np.abs(finite - center)
    others = distances[distances > 0]
    if not len(others):
        return amounts
    limit = ABSURD * DEVIATION * float(np.median(distances) or np.median(others))
    return np.where(np.abs(amounts - center) > limit, np.nan, amounts)

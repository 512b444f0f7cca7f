"""Robust statistics of daily amounts: what is usual for a day, and how far an honest day may be from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]
    type Ordinals = NDArray[np.int64]

WEEKS = 8  # before and after a day, whose same weekdays tell what is usual for it
NEAR_DAYS = 28  # the same for all weekdays, where there are too few of its own
ENOUGH = 5  # amounts that a median needs
NORMAL = 1.4826  # standard deviations of a normal variable in one median absolute deviation
CHANCE = 5e-4  # that chance alone holds a file for one kind of doubt; there are about ten
TAIL_SHARE, SMALLEST_TAIL, ERRORS = 0.1, 5, 1.5
FEWEST = 8  # sizes from which a tail can be estimated at all


def sizes(amounts: Vector) -> Vector:
    """Logarithms of the absolute amounts; NaN for zeros, which say nothing about size."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.abs(amounts))
    return np.where(np.isfinite(logs), logs, np.nan)


def usual(days: Ordinals, logs: Vector) -> Vector:
    """What is usual for each day: the median of the same weekday in the weeks around it, the day itself left out.

    Where fewer than 5 of those have a size, it is the median of all days within four weeks, and else of all.

    Args:
        days: ascending ordinals, shape (n,).
        logs: shape (n,), NaN for days without a size.
    Returns: shape (n,), NaN only if no day has a size.
    """
    if not len(days) or np.isnan(logs).all():
        return np.full(len(days), np.nan)
    weekly = np.array([7 * week for week in range(-WEEKS, WEEKS + 1) if week])
    found = _median_around(days, logs, np.arange(len(days)), weekly)
    poor = np.flatnonzero(np.isnan(found))
    if len(poor):
        near = np.array([shift for shift in range(-NEAR_DAYS, NEAR_DAYS + 1) if shift])
        found[poor] = _median_around(days, logs, poor, near)
    return np.where(np.isnan(found), np.nanmedian(logs), found)


def _median_around(days: Ordinals, logs: Vector, at: NDArray[np.intp], shifts: Ordinals) -> Vector:
    wanted = days[at][:, None] + shifts[None, :]
    place = np.minimum(np.searchsorted(days, wanted), len(days) - 1)
    around = np.sort(np.where(days[place] == wanted, logs[place], np.nan), axis=1)
    count = (~np.isnan(around)).sum(axis=1)
    middle = np.maximum(count, 1)
    rows = np.arange(len(at))
    median = (around[rows, (middle - 1) // 2] + around[rows, middle // 2]) / 2
    return np.where(count >= ENOUGH, median, np.nan)


@dataclass(frozen=True, slots=True)
class Tail:
    """How far honest days go beyond what is usual: an exponential tail of logarithms, which is Pareto's of amounts.

    The mean excess is estimated by the median excess, which a few absurd days among many do not move, and is made
    larger by two of its standard errors. Source: Hill (1975), Annals of Statistics 3, 1163-1174, for the tail;
    Weissman (1978), J. American Statistical Association 73, 812-815, for its extrapolation.
    """

    begins: float
    excess: float
    share: float
    is_known: bool = True

    @classmethod
    def of(cls, distances: Vector) -> Self:
        """Args: distances: from what is usual, logarithms, upwards; shape (n,)."""
        if len(distances) < FEWEST:
            return cls(0.0, 0.0, 1.0, is_known=False)
        ordered = np.sort(distances)[::-1]
        count = max(int(TAIL_SHARE * len(ordered)), SMALLEST_TAIL)
        begins = float(ordered[count])
        excess = float(np.median(ordered[:count] - begins)) / math.log(2) * (1 + ERRORS / math.sqrt(count))
        return cls(begins, excess, count / len(ordered))

    def limit(self, looked_at: int) -> float:
        """What `looked_at` honest days exceed with a chance of 0.0005."""
        return self.begins + self.excess * max(math.log(self.share * looked_at / CHANCE), 0.0)


def spread_of(logs: Vector) -> float:
    """Robust standard deviation of the sizes; 0 for none."""
    known = logs[~np.isnan(logs)]
    return float(NORMAL * np.median(np.abs(known - np.median(known)))) if len(known) else 0.0


def middle(values: Vector) -> float:
    """The median of what is not NaN; NaN for none."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else math.nan


def shown(amount: float) -> str:
    """An amount for a person: thousands apart, four significant digits at least."""
    size = abs(amount)
    if size >= 1000:
        return f"{amount:,.0f}" if size < 1e15 else f"{amount:.3g}"
    return f"{amount:.4g}"


def factor(log_ratio: float) -> str:
    """A ratio for a person, from its logarithm."""
    return shown(math.exp(min(log_ratio, 700.0)))


def times(log_ratio: float) -> str:
    """A ratio for a person: `118 times`, or `1/118 of`."""
    ratio = math.exp(min(abs(log_ratio), 700.0))
    text = shown(ratio) if ratio >= 1000 else f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2g}"
    return f"{text} times" if log_ratio >= 0 else f"1/{text} of"

"""How sure it is that the challenger's loss is lower, however often that is asked.

An e-process is a bet against "the challenger is no better". Its value, the evidence, is expected to be at most 1 at
any time if that holds, so the chance that it ever reaches 1/alpha is at most alpha (Ville's inequality): a verdict
every day needs no correction. Here it is the mean of

- one bet on all unseen days, half of the stake: a small lasting gain;
- bets that begin anew every four weeks, the other half in equal parts for a year: a change in the middle of the
  unseen days, which the days before it would dilute.

The losses of long horizons overlap for longer and say less per origin. So every length in origins below is that for
horizons of up to a week, and grows in proportion with longer ones.

Sources: one-sided normal mixture, Howard, Ramdas, McAuliffe & Sekhon (2021), Annals of Statistics 49, 1055-1080,
proposition 6; with an estimated variance, Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Annals of
Statistics 52, 2613-2640; bets that begin anew, Shin, Ramdas & Rinaldo (2024), New England J. Statistics in Data
Science 2, 229-260; bets on losses of forecasts, Choe & Ramdas (2024), Operations Research 72, 1368-1387.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrain.arima.traits import long_run_variance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]

WEEK = 7  # days of a horizon up to which the lengths hold as they are
MIN_ORIGINS = 42  # of the bet on all; fewer do not show how the gains vary
MIN_RESTART_ORIGINS = 28  # of the others; how the gains varied before is known too
RESTART_ORIGINS = 28
RESTARTS = 13  # that share a stake: those of a year
WHOLE_TUNED, RESTART_TUNED = 60, 35  # origins at which a bet is most sensitive
CAUTION = 1.5  # times the estimated variance: estimates from a few overlapping weeks are too low
BANDWIDTH = 1.3  # times the square root of the number of origins, for horizons of a week
LONGEST_DAYS = 730  # that are looked ahead for when the evidence will do
SHOWN = 1000
MAX_LOG = 300.0  # of the evidence, so that it stays a finite number


@dataclass(frozen=True, slots=True)
class Evidence:
    """The strength of the case for the challenger.

    Attributes:
        value: expected to be at most 1 if the challenger is no better.
        needed: 1 / alpha; the value from which on a promotion is allowed.
        more_days: roughly, days until the value is reached at the same mean gain; 0 if it is, None if that takes
            more than two years.
    """

    value: float
    needed: float
    more_days: int | None

    @property
    def is_enough(self) -> bool:
        """True if the evidence reaches what is needed."""
        return self.value >= self.needed


def evidence(gains: Vector, alpha: float, horizon_days: int = WEEK) -> Evidence:
    """The evidence that the mean gain is above zero.

    Args:
        gains: shape (n,), the champion's loss less the challenger's by origin, in their order.
        alpha: the chance of a promotion at any time while the challenger is no better.
        horizon_days: days that each loss is a mean over; that many losses in a row overlap.
    """
    bets, needed = _bets_on(gains, horizon_days), 1 / alpha
    return Evidence(_value(bets), needed, _more_days(bets, least_origins(horizon_days) - len(gains), needed))


def is_enough(gains: Vector, alpha: float, horizon_days: int = WEEK) -> bool:
    """Whether `evidence` is enough, for who looks often: looking ahead for when it will be is half of the work."""
    return _value(_bets_on(gains, horizon_days)) >= 1 / alpha


def least_origins(horizon_days: int) -> int:
    """From how many origins on there can be any evidence."""
    return math.ceil(MIN_ORIGINS * stretch_of(horizon_days))


def stretch_of(horizon_days: int) -> float:
    """What every length in origins is multiplied by."""
    return max(horizon_days / WEEK, 1.0)


def amount(value: float) -> str:
    """Evidence as a person reads it; of so much, more digits say nothing."""
    return f"{value:.3g}" if value < SHOWN else f"more than {SHOWN:,}"


@dataclass(frozen=True, slots=True)
class _Bet:
    """On the sum of some gains in a row.

    Attributes:
        variance: of one gain in the long run.
        tuned: the number of origins at which it is most sensitive.
    """

    stake: float
    sum: float
    origins: int
    variance: float
    tuned: float

    def log_values(self, more: Vector) -> Vector:
        """The logarithm of its value so many origins later, shape (m,), if their mean gain stays the same."""
        from scipy.special import log_ndtr  # the logarithm of the normal distribution function

        grown = 1 + more / self.origins
        information = self.origins * grown * self.variance
        # So that the mixture is most sensitive there: Howard & others (2021), section 3.5, at alpha = 0.05.
        prior = self.tuned * self.variance / 5.5
        spread, total = information + prior, self.sum * grown
        fit = total**2 / (2 * spread) + log_ndtr(total / np.sqrt(spread))
        return np.asarray(math.log(2 * self.stake) + 0.5 * np.log(prior / spread) + fit)


def _bets_on(gains: Vector, horizon_days: int) -> list[_Bet]:
    """Of gains in any currency."""
    scale = float(np.abs(gains).max(initial=0.0))
    return list(_bets(gains / scale, stretch_of(horizon_days))) if scale > 0 else []


def _bets(gains: Vector, stretch: float) -> Iterator[_Bet]:
    """One on all gains, and one from every fourth week on; none that is too short or knows no variance.

    Args: stretch: what every length in origins is multiplied by.
    """
    origins = len(gains)
    if origins < MIN_ORIGINS * stretch:
        return
    variance = CAUTION * _variance(gains - gains.mean(), stretch)
    if variance > 0:
        yield _Bet(0.5, float(gains.sum()), origins, variance, WHOLE_TUNED * stretch)
    every, least = (math.ceil(length * stretch) for length in (RESTART_ORIGINS, MIN_RESTART_ORIGINS))
    for start in range(every, origins - least + 1, every):
        before, since = gains[:start], gains[start:]
        centred = since - since.mean()
        # The gains of a few weeks vary less than they do in the long run; those before tell how much less.
        pooled = np.concatenate([before - before.mean(), centred])
        variance = CAUTION * max(_variance(pooled, stretch), _variance(centred, stretch))
        if variance > 0:
            yield _Bet(0.5 / RESTARTS, float(since.sum()), len(since), variance, RESTART_TUNED * stretch)


def _variance(centred: Vector, stretch: float) -> float:
    return long_run_variance(centred, int(BANDWIDTH * math.sqrt(len(centred) * stretch)) + 1)


def _value(bets: list[_Bet]) -> float:
    return float(_values(bets, np.zeros(1))[0])


def _values(bets: list[_Bet], more: Vector) -> Vector:
    """The evidence so many origins later, shape (m,)."""
    if not bets:
        return np.zeros(len(more))
    logs = np.logaddexp.reduce([bet.log_values(more) for bet in bets], axis=0)
    return np.asarray(np.exp(np.minimum(logs, MAX_LOG)))


def _more_days(bets: list[_Bet], until_first: int, needed: float) -> int | None:
    """As in `Evidence`; `until_first` is the number of origins that are missing for the first bet."""
    if not bets:  # too few, or gains that never vary, on which nothing can be bet
        return until_first if until_first > 0 else None
    if not any(bet.sum > 0 for bet in bets):
        return None
    enough = np.flatnonzero(_values(bets, np.arange(LONGEST_DAYS + 1.0)) >= needed)
    return int(enough[0]) if len(enough) else None

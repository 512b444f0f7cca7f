"""A member observes many days at once: the same Kalman updates as day by day, in matrices of whole blocks.

From the state before a block, the amounts of its observed days are jointly normal. The factor L D L' of their
covariance has the surprises' variances in D, and in the columns of L what a surprise adds to the later days; so the
surprises follow from one triangular system, and one pass over them where one is beyond the bound. Days without an
observation are powers of the transition, by doubling: ten years of them are twelve products.
Sources: Durbin & Koopman (2012), Time Series Analysis by State Space Methods, 2nd ed., sections 4.2 and 4.13;
doubling: Anderson & Moore (1979), Optimal Filtering, section 6.7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Self

import numpy as np

from scoring.state_space import BOUND, bounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scoring.state_space import StateSpace

    type Vector = NDArray[np.float64]
    type Matrix = NDArray[np.float64]
    type Days = NDArray[np.int64]

LONGEST_BLOCK = 64
MOST_GROWTH = 1e5  # of the variance within a block: its digits are lost when the observations are subtracted
FEW_DAYS = 32  # for which the matrices of blocks are not worth their making


def observe_all(member: StateSpace, values: Vector, days: Days, unknown: int = 0) -> StateSpace:
    """The member after the values, one a day; NaN for a missing day.

    Equal to `member.observe` of each of them to a relative 1e-9, unless a state that was unknown is told so little
    that its forecasts have no nine digits.

    Args:
        values: shape (n,).
        days: their ordinals, shape (n,).
        unknown: so many first observations are taken in one by one, because a state that may be anything has
            variances beside which those of a block would be lost.
    """
    if len(values) <= FEW_DAYS:
        return one_by_one(member, values, days)
    blocks, seen, start = Blocks.of(member), np.flatnonzero(np.isfinite(values)), 0
    for at in seen[:unknown].tolist():
        member = blocks.pass_over(member, at - start)
        member, start = one_by_one(member, values[at : at + 1], days[at : at + 1]), at + 1
    seen = seen[unknown:]
    amounts, first = values[seen] - member.effects(days[seen]), 0
    while first < len(seen):
        if (gap := int(seen[first]) - start) >= blocks.length:
            member, start = blocks.pass_over(member, gap), start + gap
        end = min(start + blocks.length, len(values))
        last = int(np.searchsorted(seen, end))
        try:
            member = blocks.observe(member, seen[first:last] - start, amounts[first:last], end - start)
        except np.linalg.LinAlgError:  # a day without any variance, which tells nothing
            member = one_by_one(member, values[start:end], days[start:end])
        first, start = last, end
    return blocks.pass_over(member, len(values) - start)


def one_by_one(member: StateSpace, values: Vector, days: Days) -> StateSpace:
    """The same, day by day."""
    for value, day in zip(values.tolist(), days.tolist(), strict=True):
        member = member.observe(value, date.fromordinal(day))
    return member


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The matrices of blocks of `length` days; the same for every state of a member.

    Attributes:
        powers: T^step, shape (length + 1, k, k).
        steps: Z T^step, shape (length, k).
        noise: of the state after n days with its amount of that day, shape (length, k); row n is Q[n] Z'.
        shared: covariance of the amounts by the noise of the days between, shape (length, length).
        crossed: of the state after a whole block with the amounts, by the same, shape (k, length).
        doubled: T^n and Q[n], the noise accumulated in n days, for n = 1, 2, 4, 8 and so on; grows as needed.
    """

    powers: Matrix
    steps: Matrix
    noise: Matrix
    shared: Matrix
    crossed: Matrix
    doubled: list[tuple[Matrix, Matrix]]

    @property
    def length(self) -> int:
        """Days in a block."""
        return len(self.steps)

    @classmethod
    def of(cls, member: StateSpace) -> Self:
        """The matrices of one member."""
        count = len(member.state)
        doubled = [(member.transition, member.noise)]
        length, powers = 1, np.stack([np.eye(count), member.transition])
        while length < LONGEST_BLOCK and _growth(doubled, 2 * length) < MOST_GROWTH:
            powers = np.concatenate([powers[:-1], powers @ doubled[length.bit_length() - 1][0]])
            length *= 2
        steps = member.design @ powers[:-1]
        added = (powers[:-1] @ (steps @ member.noise)[:, :, None])[:, :, 0]
        noise = np.concatenate([np.zeros((1, count)), np.cumsum(added, axis=0)[:-1]])
        shared = _by_lag(steps @ noise.T)
        crossed = (powers[:0:-1] @ noise[:, :, None])[:, :, 0].T
        return cls(powers, steps, noise, shared, crossed, doubled)

    def pass_over(self, member: StateSpace, days: int) -> StateSpace:
        """The member after so many days without an observation."""
        if not days:
            return member
        state, covariance = member.state, member.covariance
        for at in range(days.bit_length()):
            transition, noise = _doubled(self.doubled, at)
            if days >> at & 1:
                state, covariance = transition @ state, transition @ covariance @ transition.T + noise
        return replace(member, state=state, covariance=(covariance + covariance.T) / 2)

    def observe(self, member: StateSpace, at: NDArray[np.intp], amounts: Vector, days: int) -> StateSpace:
        """The member after `days` days, at most `length`, with observations on some of them.

        Args: at: which days of the block, ascending, from 0. amounts: without the effects, of the same shape.
        Raises: LinAlgError if the amount of a day has no variance.
        """
        power, steps, shared, crossed = self._parts(at, days)
        known = steps @ member.covariance
        factor = np.linalg.cholesky(known @ steps.T + shared)
        crossed = power @ known.T + crossed
        unexpected = amounts - steps @ member.state
        solved = np.linalg.solve(factor, np.column_stack([unexpected, crossed.T]))
        gains = solved[:, 1:]
        taken, surprises = _taken_in(unexpected, solved[:, 0], factor, member)
        covariance = power @ member.covariance @ power.T + self._accumulated(days) - gains.T @ gains
        state = power @ member.state + (taken / np.diagonal(factor)) @ gains
        return replace(member, state=state, covariance=(covariance + covariance.T) / 2, surprises=surprises)

    def _parts(self, at: NDArray[np.intp], days: int) -> tuple[Matrix, Matrix, Matrix, Matrix]:
        """T^days, and `steps`, `shared` and `crossed` for some days of a block of `days`."""
        power = self.powers[days]
        if len(at) == self.length:
            return power, self.steps, self.shared, self.crossed
        steps, shared = self.steps[at], self.shared[at].take(at, axis=1)
        if days == self.length:
            return power, steps, shared, self.crossed.take(at, axis=1)
        return power, steps, shared, (self.powers[days - at] @ self.noise[at][:, :, None])[:, :, 0].T

    def _accumulated(self, days: int) -> Matrix:
        """Q[days]."""
        if days == self.length:
            return _doubled(self.doubled, days.bit_length() - 1)[1]
        noise = self.doubled[0][1]
        powers = self.powers[:days]
        return np.tensordot(powers @ noise, powers, axes=([0, 2], [0, 2]))


def _by_lag(found: Matrix) -> Matrix:
    """The symmetric matrix whose element (i, j), i >= j, is found[i - j, j]."""
    length = len(found)
    lags = np.arange(length)[:, None] - np.arange(length)
    lower = np.where(lags >= 0, found[lags, np.arange(length)], 0.0)
    return np.asarray(np.where(lags >= 0, lower, lower.T))


def _doubled(doubled: list[tuple[Matrix, Matrix]], at: int) -> tuple[Matrix, Matrix]:
    """T^n and Q[n] of n = 2^at."""
    while len(doubled) <= at:
        transition, noise = doubled[-1]
        doubled.append((transition @ transition, transition @ noise @ transition.T + noise))
    return doubled[at]


def _growth(doubled: list[tuple[Matrix, Matrix]], days: int) -> float:
    """How many times the noise of one day the noise of so many days is."""
    return float(np.trace(_doubled(doubled, days.bit_length() - 1)[1]) / (np.trace(doubled[0][1]) or 1.0))


def _taken_in(unexpected: Vector, standard: Vector, factor: Matrix, member: StateSpace) -> tuple[Vector, int]:
    """What is taken in of each surprise, shape (m,), and `surprises` after the last.

    Args:
        unexpected: amounts without what the state before the block expects of them.
        standard: the surprises divided by their standard deviations, if each is taken in whole.
        factor: lower triangular, shape (m, m).
    """
    own = np.diagonal(factor)
    limits = np.maximum(own, member.least_deviation)
    whole = standard * own
    if not member.surprises and (np.abs(whole) <= BOUND * limits).all():
        return whole, 0
    taken, surprises = np.zeros(len(unexpected)), member.surprises
    days = zip(factor / own, unexpected.tolist(), limits.tolist(), strict=True)
    for at, (pulls, amount, deviation) in enumerate(days):  # of later days, nothing is taken in yet
        taken[at], surprises = bounded(amount - float(pulls.dot(taken)), deviation, surprises)
    return taken, surprises

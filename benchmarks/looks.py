"""What runs would decide day after day about one champion, without fitting anything twice.

The forecasts from a day do not depend on how many days follow. So they are made once for the whole year, and the
look after any day compares those whose horizon has passed, by the same functions as a run does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from benchmarks.runs import SETTINGS
from benchmarks.worlds import HORIZON_DAYS, Year
from retrain.arima.procedure import Procedure
from retrain.gate.decide import Decision, PromotionPolicy, Rule, decide, loses_to_naive
from retrain.gate.evaluate import Comparison, compare
from retrain.gate.evidence import is_enough
from retrain.gate.rolling import RollingForecasts, rolling_forecasts
from scoring.model import ForecastModel, Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    type Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Replayed(ForecastModel):
    """A champion whose forecasts along the unseen days are known already."""

    forecasts: Prediction | None = None

    def observe(self, amounts: Sequence[float] | Vector) -> Self:
        if len(amounts):
            raise ValueError("its forecasts begin on the first unseen day")
        return self

    def rolling(self, amounts: Vector, horizon_days: int) -> Prediction:
        if self.forecasts is None:
            return super().rolling(amounts, horizon_days)
        return _first(self.forecasts, len(amounts) - horizon_days + 1)


def _first(made: Prediction, origins: int) -> Prediction:
    return made.where(np.arange(len(made.center)) < origins)


@dataclass(frozen=True, eq=False)
class Looks:
    """The looks at one champion, from the day that it was made on.

    Attributes:
        since: days of the year that the champion was fitted to.
        days: of the year that are forecast.
    """

    year: Year
    champion: ForecastModel
    since: int
    days: int
    _of_searched: dict[int, Comparison] = field(default_factory=dict)
    _of_naive: dict[int, Comparison] = field(default_factory=dict)

    @cached_property
    def searched(self) -> RollingForecasts:
        """The challenger along all unseen days."""
        return self._rolled(SETTINGS.procedure)

    @cached_property
    def naive(self) -> RollingForecasts:
        """The seasonal naive along all unseen days."""
        return self._rolled(Procedure.seasonal_naive(SETTINGS.season_days))

    @cached_property
    def replayed(self) -> _Replayed:
        """The champion along all unseen days."""
        made = self.champion.rolling(self.year.after(self.days).after(self.champion.origin), HORIZON_DAYS)
        return _Replayed(self.champion.origin, self.champion.members, self.champion.log, forecasts=made)

    @cached_property
    def expected_gains(self) -> Vector:
        """The champion's loss less the challenger's that is expected at each origin, given the days before it."""
        theirs = self.replayed.rolling(np.zeros(self.days - self.since), HORIZON_DAYS)
        ours = self.searched.forecasts
        first = self.year.champion_days + self.since
        best = self.year.expected[first : first + len(ours.center)]
        return np.asarray(np.mean((theirs.mean - best) ** 2 - (ours.mean - best) ** 2, axis=1))

    @property
    def on(self) -> range:
        """The days of the year after which a run has enough unseen days."""
        return range(self.since + SETTINGS.min_unseen_days, self.days + 1)

    def measured(self, day: int) -> Comparison:
        """What a run after this day of the year compares: the searched challenger, or the naive if it is better."""
        searched = self._searched(day)
        if not loses_to_naive(searched, SETTINGS.policy):
            return searched
        if day not in self._of_naive:
            self._of_naive[day] = self._compare(self.naive, day)
        return self._of_naive[day]

    def decision(self, day: int, policy: PromotionPolicy) -> Decision:
        """What a run decides after this day of the year, before it finishes the winner."""
        return decide(self.measured(day), policy)

    def promotes_centred(self, day: int, policy: PromotionPolicy) -> bool:
        """Whether the searched challenger would be promoted if neither model could be expected to be better."""
        measured = self._searched(day)
        gains = np.array([each.champion_loss - each.challenger_loss for each in measured.days])
        gains -= self.expected_gains[: len(gains)]
        if gains.mean() <= 0:
            return False
        return policy.rule is Rule.BETTER or is_enough(gains, policy.alpha)

    def _searched(self, day: int) -> Comparison:
        if day not in self._of_searched:
            self._of_searched[day] = self._compare(self.searched, day)
        return self._of_searched[day]

    def _rolled(self, procedure: Procedure) -> RollingForecasts:
        first = procedure.first(self.year.after(self.since))
        return rolling_forecasts(procedure, first, self.year.after(self.days), SETTINGS.terms)

    def _compare(self, rolled: RollingForecasts, day: int) -> Comparison:
        history = self.year.after(day)
        origins = day - self.since - HORIZON_DAYS + 1
        known = replace(rolled, forecasts=_first(rolled.forecasts, origins))
        return compare(self.replayed, known, history, SETTINGS.terms)

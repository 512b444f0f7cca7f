"""Fits that are remembered from one look to the next: with the same champion, most of them are asked for again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrain.arima.procedure import Procedure
from retrain.gate.assess import DecisionSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrain.arima.ensemble import FittedModel
    from retrain.data.series import DailySeries

    type Fits = dict[tuple[object, ...], FittedModel]


@dataclass(frozen=True, slots=True)
class RememberingProcedure(Procedure):
    """The same procedure; a fit that it has made before is not made again.

    Attributes:
        fits: by everything that they follow from besides the procedure.
    """

    fits: Fits = field(default_factory=dict, compare=False, repr=False)

    def first(self, series: DailySeries, progress: Callable[[str], None] = lambda _: None) -> FittedModel:
        """See `Procedure.first`."""
        key = (series.sha256, series.country)
        if key not in self.fits:
            self.fits[key] = Procedure.first(self, series, progress)
        return self.fits[key]

    def next(self, fitted: FittedModel, series: DailySeries, number: int) -> FittedModel:
        """See `Procedure.next`."""
        key = (fitted.fits, series.sha256, series.country, number)
        if key not in self.fits:
            self.fits[key] = Procedure.next(self, fitted, series, number)
        return self.fits[key]


@dataclass(frozen=True, slots=True)
class RememberingSettings(DecisionSettings):
    """The same settings, with a memory for the fits of one champion's challengers."""

    fits: Fits = field(default_factory=dict, compare=False, repr=False)

    @property
    def procedure(self) -> RememberingProcedure:
        """See `DecisionSettings.procedure`."""
        return RememberingProcedure(self.season_days, self.horizon_days, self.country, self.order, self.fits)
